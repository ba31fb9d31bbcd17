"""The games run in Gymnasium's vector environments with their default arguments."""

from collections.abc import Callable

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

import textenvs  # noqa: F401  # registers the ids

IDS = [
    "Crafter-Text-v0",
    "BabyAI-Text-GoToLocal-v0",
    "MiniGrid-Text-DoorKey-8x8-v0",
    pytest.param("NetHack-Text-Score-v0", marks=pytest.mark.nethack),
]
N = 2
STEPS = 8


def _play(
    make: Callable[[list[Callable[[], gymnasium.Env]]], VectorEnv], env_id: str, obs: str
) -> list[object]:
    envs = make([lambda: gymnasium.make(env_id, obs=obs) for _ in range(N)])
    observations, _ = envs.reset(seed=[7, 8])
    seen: list[object] = [observations]
    actions = np.random.default_rng(0).integers(envs.single_action_space.n, size=(STEPS, N))
    for action in actions:
        observations, rewards, terminated, truncated, _ = envs.step(action)
        assert observations in envs.observation_space
        seen.append((observations, rewards.tolist(), terminated.tolist(), truncated.tolist()))
    envs.close()
    return seen


@pytest.mark.parametrize("env_id", IDS)
def test_sync_and_async_vector_envs_show_the_same_texts(env_id: str) -> None:
    assert _play(SyncVectorEnv, env_id, "text") == _play(AsyncVectorEnv, env_id, "text")


@pytest.mark.parametrize("env_id", IDS)
def test_dict_observations_pass_through_shared_memory(env_id: str) -> None:
    env = gymnasium.make(env_id, obs="dict")
    alone, _ = env.reset(seed=8)
    env.close()
    envs = AsyncVectorEnv([lambda: gymnasium.make(env_id, obs="dict") for _ in range(N)])
    together, _ = envs.reset(seed=[7, 8])
    envs.close()
    assert together["text"][1] == alone["text"]
    for key, value in alone.items():
        assert np.array_equal(together[key][1], value), key


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_make_vec_takes_an_id(mode: str) -> None:
    envs = gymnasium.make_vec("BabyAI-Text-GoToLocal-v0", num_envs=N, vectorization_mode=mode)
    observations, infos = envs.reset(seed=3)
    assert len(observations) == N
    assert [text.startswith("Goal: ") for text in observations] == [True, True]
    assert infos["mission"][0] in observations[0]
    envs.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("env_id", IDS)
def test_make_vec_works_for_every_game_in_both_modes(env_id: str, mode: str) -> None:
    envs = gymnasium.make_vec(env_id, num_envs=N, vectorization_mode=mode)
    texts, _ = envs.reset(seed=1)
    assert texts in envs.observation_space
    texts, rewards, *_ = envs.step([0] * N)
    assert texts in envs.observation_space
    assert rewards.shape == (N,)
    envs.close()
