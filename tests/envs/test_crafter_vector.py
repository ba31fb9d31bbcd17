"""The vector environment of Crafter: what Gymnasium's own makes of the same games, faster."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import textenvs  # noqa: F401  # registers the ids
from textenvs.envs.crafter.vector import CrafterTextVectorEnv

N = 3
LENGTH = 12  # so that games end, at different times: the first is given a head start


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return set(a) == set(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        if not (a.dtype == b.dtype and a.shape == b.shape):
            return False
        pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
        return all(_same(x, y) for x, y in pairs)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("obs", ["text", "dict"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_it_is_what_a_sync_vector_env_is(mode: AutoresetMode, obs: str) -> None:
    ours = CrafterTextVectorEnv(N, autoreset_mode=mode, length=LENGTH, obs=obs)
    theirs = SyncVectorEnv(
        [lambda: gymnasium.make("Crafter-Text-v0", length=LENGTH, obs=obs) for _ in range(N)],
        autoreset_mode=mode,
    )
    (a, info_a), (b, info_b) = ours.reset(seed=4), theirs.reset(seed=4)
    assert _same(a, b)
    assert _same(info_a, info_b)
    for action in np.random.default_rng(0).integers(17, size=(3 * LENGTH, N)):
        *got, info_a = ours.step(action)
        *want, info_b = theirs.step(action)
        for x, y in zip(got, want, strict=True):
            assert _same(x, y)
        assert _same(info_a, info_b)
    assert ours.observation_space == theirs.observation_space


def test_without_autoreset_games_are_reset_by_mask() -> None:
    envs = CrafterTextVectorEnv(N, autoreset_mode="Disabled", length=4)
    before, _ = envs.reset(seed=1)
    for _ in range(4):
        _, _, _, truncated, _ = envs.step([0] * N)
    assert truncated.tolist() == [True] * N
    with pytest.raises(ValueError, match=r"the games \[0, 1, 2\], which are over"):
        envs.step([0] * N)
    after, infos = envs.reset(options={"reset_mask": np.array([True, False, True])})
    assert infos["_text_action"].tolist() == [True, False, True]
    assert after[0] != before[0]
    with pytest.raises(ValueError, match=r"the games \[1\]"):
        envs.step([0] * N)
    with pytest.raises(ValueError, match="expected a reset_mask of 3 bools"):
        envs.reset(options={"reset_mask": np.array([0, 1, 1])})


def test_make_vec_makes_it_and_the_others_when_asked() -> None:
    envs = gymnasium.make_vec("Crafter-Text-v0", num_envs=N)
    assert isinstance(envs, CrafterTextVectorEnv)
    first, _ = envs.reset(seed=[5, 6, 7])
    for mode in ("sync", "async"):
        others = gymnasium.make_vec("Crafter-Text-v0", num_envs=N, vectorization_mode=mode)
        assert others.reset(seed=[5, 6, 7])[0] == first
        others.close()
    with pytest.raises(ValueError, match="expected 3 seeds, got 2"):
        envs.reset(seed=[1, 2])
    envs.close()


def test_a_limit_of_steps_truncates() -> None:
    envs = gymnasium.make_vec("Crafter-Text-BALROG-v0", num_envs=2, max_episode_steps=3)
    envs.reset(seed=0)
    ends = [envs.step([0, 0])[3].tolist() for _ in range(4)]
    assert ends == [[False] * 2, [False] * 2, [True] * 2, [False] * 2]
    assert gymnasium.make_vec("Crafter-Text-BALROG-v0", num_envs=1)._limit == 2000
