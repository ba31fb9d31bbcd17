"""Reward captions by any reward of theirs, in many games."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.motif.counting import count_keys
from textenvs.motif.rule import MotifRule, caption_now
from textenvs.rewards import add_parts, check_weights
from textenvs.wrappers.caption_reward import find_reward
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import info_of, single_observations

__all__ = ["CaptionReward"]


class CaptionReward(VectorWrapper):
    """Pay for captions: :class:`textenvs.wrappers.CaptionReward`, batched.

    The captions of a step are one batch; counts end with their episodes, in every autoreset mode.
    ``info["rewards"]`` has arrays (num_envs,): ``game``, without its weight, and ``part``.

    Args:
        env: a vector environment of games as there.
        reward: as there.
        part: as there.
        caption: as there.
        extrinsic_coef: as there.
        intrinsic_coef: as there.
        beta: as there.
        threshold: as there.
        counts: as there.
        pays_for: as there.
        embeddings: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward: str | Callable[[Sequence[str]], Any],
        part: str = "caption",
        caption: str = "observation",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        threshold: float = 0.0,
        counts: str = "exact",
        pays_for: str = "caused",
        embeddings: str = DEFAULT_EMBEDDINGS,
    ) -> None:
        super().__init__(env)
        check_weights(extrinsic_coef=extrinsic_coef, intrinsic_coef=intrinsic_coef)
        self._reward_of = find_reward(reward)
        self._part, self._caption = part, caption
        self._rules = [MotifRule(threshold, beta, pays_for) for _ in range(env.num_envs)]
        self._keys = count_keys(counts, embeddings)
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
            captions.append(caption_now(observation, info, self._caption))
        paid = np.zeros(self.num_envs)
        for i, key, worth in self._judged(played, captions):
            paid[i] = self._intrinsic * self._rules[i].step(key, worth)
        self._begin(observations, infos, self._borders.step(ended))
        infos = add_parts(infos, rewards, self._part, paid)
        total = self._extrinsic * np.asarray(rewards, np.float64) + paid
        return observations, total, terminated, truncated, infos

    def _begin(self, observations: Any, infos: dict[str, Any], begun: Any) -> None:
        games = np.flatnonzero(begun).tolist()
        if not games:
            return
        seen = single_observations(self.env, observations)
        captions = [caption_now(seen[i], info_of(infos, i), self._caption) for i in games]
        for i, key, worth in self._judged(games, captions):
            self._rules[i].begin(key, worth)

    def _judged(self, games: list[int], captions: list[str]) -> Any:
        """Of each game its number, what its caption is counted as, and the caption's reward."""
        if not games:
            return ()
        return zip(games, self._keys(captions), self._reward_of(captions), strict=True)
