"""BabyAI's expert: what it reads, what it remembers, what it does."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from textenvs.agents.experts.babyai import BabyAIExpert
from textenvs.agents.experts.babyai_reading import Clause, Noun, Place, Thing, clauses, read
from textenvs.agents.experts.babyai_recollection import BabyAIRecollection

MIXED = "BabyAI-Text-MixedTrainLocal-v0"
KINDS = ("goto", "pickup", "open", "putnext", "pick_up_seq_go_to")
LEVELS = (
    *((MIXED, {"kind": kind}) for kind in KINDS),
    *((f"BabyAI-Text-{level}-v0", {}) for level in ("GoToLocal", "PickupLoc", "PutNextLocal")),
    *((f"BabyAI-Text-{level}-v0", {}) for level in ("GoToObj", "GoToRedBall", "GoToLocalS5N2")),
)


def test_a_caption_is_read_back() -> None:
    seen = read(
        "Goal: open the red door.\n"
        "You look west. In front of you: a grey box. Walls: 3 ahead, 1 right.\n"
        "You see: grey box 1 ahead, locked red door 2 ahead 1 left, red key 3 right.\n"
        "You carry a red key."
    )
    assert seen.goal == "open the red door"
    assert (seen.front, seen.carried) == ("grey box", "red key")
    assert seen.walls == (("ahead", 3), ("right", 1))
    assert seen.things == (
        Thing("grey box", Place(0, 1)),
        Thing("locked red door", Place(-1, 2)),
        Thing("red key", Place(3, 0)),
    )


@pytest.mark.parametrize(
    ("goal", "parts"),
    [
        ("go to a red ball", [Clause("go", Noun("red", "ball"))]),
        ("pick up the ball behind you", [Clause("pick", Noun("", "ball", "behind"))]),
        ("open the door", [Clause("open", Noun("", "door"))]),
        (
            "put the red key next to a blue box",
            [Clause("put", Noun("red", "key"), Noun("blue", "box"))],
        ),
        (
            "go to a grey key after you pick up the green box",
            [Clause("pick", Noun("green", "box")), Clause("go", Noun("grey", "key"))],
        ),
        (
            "pick up the blue box, then go to the key",
            [Clause("pick", Noun("blue", "box")), Clause("go", Noun("", "key"))],
        ),
    ],
)
def test_a_mission_is_read_in_the_order_in_which_it_is_done(goal: str, parts: list[Clause]) -> None:
    assert list(clauses(goal)) == parts


def test_where_things_were_seen_stays_true_whatever_is_done() -> None:
    env = gymnasium.make("BabyAI-Text-GoToLocal-v0")
    random = np.random.default_rng(0)
    compared = 0
    for seed in range(20):
        text, _ = env.reset(seed=seed)
        recollection = BabyAIRecollection()
        recollection.see(text, "")
        for _ in range(40):
            action = int(random.integers(3))  # turns and steps: nothing is moved
            text, _, terminated, truncated, info = env.step(action)
            if terminated or truncated:
                break
            recollection.see(text, info["text_action"])
            for thing in recollection.find(Noun("", "")):
                assert _truth(env, thing.place) == thing.name
                compared += 1
    assert compared > 3000


def _truth(env: Any, place: Place) -> str:
    game = env.unwrapped.game
    x, y = game.agent_pos + place.ahead * game.dir_vec + place.right * game.right_vec
    thing = game.grid.get(int(x), int(y))
    return "" if thing is None else f"{thing.color} {thing.type}"


def _play(env: Any, seed: int) -> tuple[bool, int]:
    text, info = env.reset(seed=seed)
    expert = BabyAIExpert()
    expert.begin(0, env, seed)
    for step in range(1, 200):
        text, _, terminated, truncated, info = env.step(expert.act([text], [info])[0])
        if terminated or truncated:
            return bool(info["success"]), step
    raise AssertionError("the episode has no end")


@pytest.mark.parametrize(("env_id", "arguments"), LEVELS)
def test_it_solves_the_levels_of_one_room(env_id: str, arguments: dict[str, str]) -> None:
    env = gymnasium.make(env_id, **arguments)
    assert all(_play(env, seed)[0] for seed in range(12))


def test_it_goes_on_from_wherever_somebody_else_leaves_it() -> None:
    env = gymnasium.make(MIXED, kind="pickup", max_episode_steps=300)
    solved = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        text, info = env.reset(seed=seed)
        expert = BabyAIExpert()
        expert.begin(0, env, seed)
        over = False
        while not over:
            action = expert.act([text], [info])[0]
            if random.random() < 0.3:
                action = int(random.integers(6))
            text, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        solved += bool(info["success"])
    assert solved == 10


def test_a_thought_that_makes_no_sense_changes_nothing() -> None:
    env = gymnasium.make(MIXED)
    expert = BabyAIExpert()
    for seed in range(20):
        recollection = expert.recollection()
        text, _ = env.reset(seed=seed)
        recollection.see(text, "")
        decisions = {expert.decide(text, recollection, said) for said in ("", "go red", "\n{}")}
        assert len(decisions) == 1


def test_what_it_says_is_its_thought_and_its_action() -> None:
    env = gymnasium.make("BabyAI-Text-GoToLocal-v0")
    text, info = env.reset(seed=0)
    expert = BabyAIExpert()
    expert.begin(0, env, 0)
    action = env.unwrapped.action_names[expert.act([text], [info])[0]]  # type: ignore[attr-defined]
    thought, _, said = expert.notes(0)["answer"].partition("\nACTION: ")
    assert said == action
    assert thought
