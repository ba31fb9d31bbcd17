"""A state is a copy of the whole game: what follows is what followed it."""

import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest

import textenvs  # noqa: F401  # registers the ids

IDS = [
    "Crafter-Text-v0",
    "Crafter-Text-EatCow-v0",
    "BabyAI-Text-BossLevel-v0",
    "BabyAI-Text-MixedTrainLocal-v0",
    "MiniGrid-Text-Dynamic-Obstacles-8x8-v0",
    "MiniGrid-Text-MemoryS7-v0",
    pytest.param("NetHack-Text-Score-v0", marks=pytest.mark.nethack),
    pytest.param("NetHack-Text-Challenge-v0", marks=pytest.mark.nethack),
]
STEPS = 200


def _play(env: Any, seed: int) -> list[Any]:
    played = []
    for action in np.random.default_rng(seed).integers(env.action_space.n, size=STEPS):
        observation, reward, terminated, truncated, info = env.step(int(action))
        info = {key: value for key, value in info.items() if key != "semantic"}
        played.append((observation, reward, terminated, truncated, info))
        if terminated or truncated:
            played.append(env.reset()[0])
    return played


@pytest.mark.parametrize("env_id", IDS)
def test_a_game_forks(env_id: str) -> None:
    env = gymnasium.make(env_id).unwrapped
    env.reset(seed=5)
    _play(env, 0)
    state = pickle.loads(pickle.dumps(env.get_state()))
    first = _play(env, 1)
    observation, info = env.set_state(state)
    assert observation in env.observation_space
    assert _play(env, 1) == first
    # In another environment as well, and as often as wanted.
    other = gymnasium.make(env_id).unwrapped
    again, again_info = other.set_state(state)
    assert again == observation
    assert again_info.keys() == info.keys()
    assert _play(other, 1) == first
    other.close()
    env.close()


@pytest.mark.parametrize("env_id", IDS)
def test_the_state_is_a_copy(env_id: str) -> None:
    env = gymnasium.make(env_id).unwrapped
    env.reset(seed=5)
    state = env.get_state()
    before = pickle.dumps(state)
    _play(env, 2)
    env.set_state(state)
    _play(env, 3)
    assert pickle.dumps(state) == before
    env.close()


def test_the_reference_engine_forks() -> None:
    env = gymnasium.make("Crafter-Text-v0", engine="reference").unwrapped
    env.reset(seed=5)
    state = pickle.loads(pickle.dumps(env.get_state()))
    first = [env.step(int(a))[:4] for a in np.random.default_rng(0).integers(17, size=60)]
    env.set_state(state)
    assert [env.step(int(a))[:4] for a in np.random.default_rng(0).integers(17, size=60)] == first


def test_a_state_of_another_game_is_refused() -> None:
    crafter = gymnasium.make("Crafter-Text-v0").unwrapped
    crafter.reset(seed=0)
    room = gymnasium.make("BabyAI-Text-GoToObj-v0").unwrapped
    room.reset(seed=0)
    with pytest.raises(ValueError, match="expected a state with state_of 'MiniGridTextEnv'"):
        room.set_state(crafter.get_state())
    with pytest.raises(ValueError, match="expected a state with settings"):
        gymnasium.make("BabyAI-Text-GoToLocal-v0").unwrapped.set_state(room.get_state())
    with pytest.raises(ValueError, match="expected a state with state_version 1, got 0"):
        room.set_state({**room.get_state(), "state_version": 0})
    with pytest.raises(ValueError, match="expected a state with state_of"):
        room.set_state("junk")


def test_there_is_no_state_before_the_first_reset() -> None:
    for env_id in ("Crafter-Text-v0", "BabyAI-Text-GoToObj-v0"):
        with pytest.raises(ValueError, match="expected reset"):
            gymnasium.make(env_id).unwrapped.get_state()
