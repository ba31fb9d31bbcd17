"""Reward captions that a language model would rather see, in many games."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from textenvs.motif.rule import CaptionRewards, MotifRule, caption_now
from textenvs.rewards import add_parts
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import info_of, single_observations

__all__ = ["MotifReward"]


class MotifReward(VectorWrapper):
    """Pay for captions: :class:`textenvs.wrappers.MotifReward`, batched.

    Unknown captions of a step are one batch; counts end with their episodes, in every autoreset
    mode. ``info["rewards"]`` has arrays (num_envs,): ``game``, without its weight, and ``motif``.

    Args:
        env: a vector environment of games as there.
        reward_dir: as there.
        extrinsic_coef: as there.
        intrinsic_coef: as there.
        beta: as there.
        quantile: as there.
        counts: as there.
        pays_for: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward_dir: str = "ready",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        quantile: float = 0.5,
        counts: str = "exact",
        pays_for: str = "caused",
    ) -> None:
        super().__init__(env)
        from textenvs.motif.reward import get_reward

        stored = get_reward(reward_dir)
        self._kind = stored.model.settings.caption
        self._rewards = CaptionRewards(stored.normalized)
        threshold = stored.threshold(quantile)
        self._rules = [MotifRule(threshold, beta, counts, pays_for) for _ in range(env.num_envs)]
        self._extrinsic, self._intrinsic = extrinsic_coef, intrinsic_coef
        self._borders = Borders(env)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes."""
        begun = self._borders.reset(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._begin(observations, infos, begun)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game, and pay for the captions."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = np.asarray(terminated | truncated)
        played = np.flatnonzero(self._borders.played()).tolist()
        seen = single_observations(self.env, observations)
        same_step = self._borders.mode == AutoresetMode.SAME_STEP
        captions = []
        for i in played:
            last = same_step and bool(ended[i])
            info = info_of(infos["final_info"] if last else infos, i)
            observation = infos["final_obs"][i] if last else seen[i]
            captions.append(caption_now(observation, info, self._kind))
        paid = np.zeros(self.num_envs)
        for i, caption, worth in zip(played, captions, self._rewards(captions), strict=True):
            paid[i] = self._intrinsic * self._rules[i].step(caption, worth)
        self._begin(observations, infos, self._borders.step(ended))
        infos = add_parts(infos, rewards, "motif", paid)
        total = self._extrinsic * np.asarray(rewards, np.float64) + paid
        return observations, total, terminated, truncated, infos

    def _begin(self, observations: Any, infos: dict[str, Any], begun: Any) -> None:
        games = np.flatnonzero(begun).tolist()
        if not games:
            return
        seen = single_observations(self.env, observations)
        captions = [caption_now(seen[i], info_of(infos, i), self._kind) for i in games]
        for i, caption, worth in zip(games, captions, self._rewards(captions), strict=True):
            self._rules[i].begin(caption, worth)
