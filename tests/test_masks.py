"""Masks: what they forbid would do nothing, what they allow may do something."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import textenvs  # noqa: F401  # registers the ids


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_crafter_achieves_nothing_by_what_is_masked(engine: str) -> None:
    env = gymnasium.make("Crafter-Text-v0", engine=engine)
    base = env.unwrapped
    _, info = env.reset(seed=3)
    random = np.random.default_rng(3)
    made = 0
    for _ in range(400):
        mask = base.action_masks()  # type: ignore[attr-defined]
        action = int(random.integers(17))
        before = dict(info["achievements"])
        _, _, terminated, truncated, info = env.step(action)
        name = base.action_names[action]  # type: ignore[attr-defined]
        if name.startswith(("Place", "Make")):
            done = [k for k, n in info["achievements"].items() if n > before[k]]
            assert mask[action] or not any(k.startswith(("place", "make")) for k in done)
            made += bool(mask[action])
        if terminated or truncated:
            _, info = env.reset()
    assert made  # something was allowed, too


def test_what_crafter_allows_to_place_is_placed() -> None:
    env = gymnasium.make("Crafter-Text-v0")
    base = env.unwrapped
    names = base.action_names  # type: ignore[attr-defined]
    _, info = env.reset(seed=0)
    random = np.random.default_rng(0)
    plant = names.index("Place Plant")
    for _ in range(600):
        if base.action_masks()[plant] and not info["sleeping"]:  # type: ignore[attr-defined]
            before = info["achievements"]["place_plant"]
            *_, info = env.step(plant)
            assert info["achievements"]["place_plant"] == before + 1
            return
        _, _, terminated, truncated, info = env.step(int(random.choice([1, 2, 3, 4, 5])))
        if terminated or truncated:
            _, info = env.reset()
    pytest.fail("no sapling was found")


def test_minigrid_forbids_walking_into_walls() -> None:
    env = gymnasium.make("MiniGrid-Text-Empty-5x5-v0")
    env.reset(seed=0)
    base = env.unwrapped
    assert base.action_masks().tolist()[:3] == [True, True, True]  # type: ignore[attr-defined]
    env.step(0)
    assert base.action_masks().tolist()[:3] == [True, True, False]  # type: ignore[attr-defined]


@pytest.mark.parametrize("level", ["GoToDoor-5x5", "GoToObject-6x6-N2"])
def test_done_is_allowed_where_it_is_what_wins(level: str) -> None:
    env = gymnasium.make(f"MiniGrid-Text-{level}-v0", obs="dict")
    base = env.unwrapped
    won = 0
    for seed in range(300):
        env.reset(seed=seed)
        assert base.action_masks()[6]  # type: ignore[attr-defined]
        *_, info = env.step(6)
        won += info["success"]
    assert won  # it began beside what it was to go to


def test_running_into_what_moves_is_something() -> None:
    env = gymnasium.make("MiniGrid-Text-Dynamic-Obstacles-5x5-v0")
    for seed in range(50):
        env.reset(seed=seed)
        assert env.unwrapped.action_masks().all()  # type: ignore[attr-defined]
