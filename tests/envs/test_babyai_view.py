"""The fast view is Minigrid's view, in every level."""

from __future__ import annotations

import numpy as np
import pytest
from minigrid.minigrid_env import MiniGridEnv

import textenvs
from textenvs.envs.babyai.env import MiniGridTextEnv
from textenvs.envs.babyai.view import look

_LEVELS = sorted(
    spec.id for spec in textenvs.env_specs() if spec.id.startswith(("BabyAI", "MiniGrid"))
)


def _level(env_id: str, **kwargs: int) -> MiniGridTextEnv:
    import gymnasium

    env = gymnasium.make(env_id, **kwargs).unwrapped
    assert isinstance(env, MiniGridTextEnv)
    return env


@pytest.mark.parametrize("env_id", _LEVELS)
def test_what_is_seen_is_what_minigrid_shows(env_id: str) -> None:
    env = _level(env_id)
    if type(env.game).gen_obs is not MiniGridEnv.gen_obs:
        return
    rng = np.random.default_rng(0)
    env.reset(seed=3)
    for _ in range(60):
        expected = MiniGridEnv.gen_obs(env.game)
        found = env.game.gen_obs()
        assert found["image"].dtype == expected["image"].dtype
        assert np.array_equal(found["image"], expected["image"])
        assert {k: found[k] for k in ("direction", "mission")} == {
            k: expected[k] for k in ("direction", "mission")
        }
        *_, terminated, truncated, _ = env.step(int(rng.integers(env.action_space.n)))  # type: ignore[attr-defined]
        if terminated or truncated:
            env.reset()


@pytest.mark.parametrize("size", [3, 5, 9, 15])
def test_views_of_other_sizes(size: int) -> None:
    env = _level("BabyAI-Text-GoToObjMaze-v0", agent_view_size=size)
    env.reset(seed=0)
    for action in np.random.default_rng(1).integers(0, 7, 200).tolist():
        assert np.array_equal(look(env.game), MiniGridEnv.gen_obs(env.game)["image"])
        env.step(action)


def test_a_view_is_the_observers_own() -> None:
    env = _level("BabyAI-Text-GoToLocal-v0")
    env.reset(seed=0)
    first = look(env.game)
    first[:] = 0
    assert look(env.game).any()
