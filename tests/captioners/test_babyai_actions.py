"""Actions in words, by what they would do."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

import textenvs  # noqa: F401  # registers the ids
from textenvs.captioners.babyai import COLORS, DOOR_STATES, OBJECTS
from textenvs.captioners.babyai_actions import NOTHING, action_captions


def _view(front: str = "", carried: str = "") -> NDArray[np.uint8]:
    """An empty room with something in front and carried: "yellow key", "locked red door"."""
    view = np.zeros((7, 7, 3), np.uint8)
    view[..., 0] = OBJECTS.index("empty")
    for words, cell in ((front, (3, 5)), (carried, (3, 6))):
        if words:
            *state, color, name = words.split()
            number = DOOR_STATES.index(state[0]) if state else 0
            view[cell] = (OBJECTS.index(name), COLORS.index(color), number)
    return view


# front, carried -> forward, pickup, drop, toggle; in5490's table and the game's rules
TABLE = [
    ("", "", ("move forward.", NOTHING, NOTHING, NOTHING), None),
    ("", "red ball", ("move forward.", NOTHING, "drop red ball.", NOTHING), None),
    ("yellow key", "", (NOTHING, "pick up yellow key.", NOTHING, "use yellow key."), NOTHING),
    (
        "yellow key",
        "red ball",
        (NOTHING, NOTHING, NOTHING, "use yellow key with red ball."),
        NOTHING,
    ),
    ("red box", "", (NOTHING, "pick up red box.", NOTHING, "destroy red box."), None),
]


@pytest.mark.parametrize(("front", "carried", "published", "toggle"), TABLE)
def test_the_table(front: str, carried: str, published: tuple[str, ...], toggle: Any) -> None:
    view = _view(front, carried)
    assert action_captions(view, published=True)[2:6] == published
    ours = published if toggle is None else (*published[:3], toggle)
    assert action_captions(view)[2:6] == ours


def test_doors() -> None:
    closed = action_captions(_view("closed red door"))
    assert closed[2:6] == (NOTHING, NOTHING, NOTHING, "use closed red door.")
    assert action_captions(_view("open red door"))[2] == "move forward."
    assert action_captions(_view("locked red door"))[5] == NOTHING
    assert action_captions(_view("locked red door", "blue key"))[5] == NOTHING
    found = action_captions(_view("locked red door", "red key"))[5]
    assert found == "use locked red door with red key."
    published = action_captions(_view("locked red door"), published=True)
    assert published[3] == "pick up locked red door."
    assert published[5] == "use locked red door."


def test_a_step_into_the_goal_is_nothing_as_published_and_a_step_in_truth() -> None:
    view = _view("green goal")
    assert action_captions(view, published=True)[2] == NOTHING
    assert action_captions(view)[2] == "move forward."


def test_turns_and_the_end() -> None:
    assert action_captions(_view())[:2] == ("turn left.", "turn right.")
    assert action_captions(_view())[6] == NOTHING
    assert action_captions(_view(), published=True)[6] == "mark the game as completed."


@pytest.mark.parametrize(
    "env_id", ["MiniGrid-Text-DoorKey-6x6-v0", "MiniGrid-Text-UnlockPickup-v0"]
)
def test_what_is_said_to_do_nothing_changes_nothing(env_id: str) -> None:
    env = gymnasium.make(env_id, obs="dict", max_episode_steps=10_000)
    observation, _ = env.reset(seed=1)
    random = np.random.default_rng(1)
    changed = 0
    for _ in range(600):
        action = int(random.integers(6))
        said = action_captions(observation["image"])[action]
        before = observation["image"].copy(), observation["direction"]
        observation, _, terminated, truncated, _ = env.step(action)
        same = np.array_equal(before[0], observation["image"])
        if said == NOTHING:
            assert same
            assert before[1] == observation["direction"]
        changed += said != NOTHING
        if terminated or truncated:
            observation, _ = env.reset()
    assert changed > 100
