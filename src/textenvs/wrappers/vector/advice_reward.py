"""Reward advised actions in many games, in one batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from textenvs.advice import Advisor, Scene, action_number, check_captions
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.llm import LanguageModel
from textenvs.rewards import add_parts
from textenvs.wrappers.advice_reward import AdviceRule, threshold_of
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import Scenes, action_names

__all__ = ["AdviceReward"]


class AdviceReward(VectorWrapper):
    """Add what agrees with advice: :class:`textenvs.wrappers.AdviceReward`, batched.

    Nothing is paid across the border of two episodes, in any autoreset mode.
    ``info["rewards"]`` has arrays (num_envs,): ``game`` and ``advice``.

    Args:
        env: a vector environment of games as there.
        llm: a model, or its name.
        beta: as there.
        threshold: as there.
        match: as there.
        captions: as there.
        prompt: as there.
        embeddings: as there.
        pays: as there.
        missing: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        llm: str | LanguageModel,
        beta: float = 0.005,
        threshold: float | None = None,
        match: str = "similarity",
        captions: str = "names",
        prompt: str = "advice",
        embeddings: str = DEFAULT_EMBEDDINGS,
        pays: str = "once",
        missing: str = "raise",
    ) -> None:
        super().__init__(env)
        check_captions(captions, env.single_observation_space)
        self._names = action_names(env)
        self._borders = Borders(env)
        above = threshold_of(match, threshold)
        self._rules = [AdviceRule(beta, above, pays) for _ in range(env.num_envs)]
        self._scenes = Scenes(env, self._names, captions)
        self._seen: list[Scene] = []
        self.advisor = Advisor(
            llm,
            self._names,
            match=match,
            prompt=prompt,
            embeddings=embeddings,
            missing=missing,
        )

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes, in which every caption may pay again."""
        self._begin(self._borders.reset(options))
        observations, infos = self.env.reset(seed=seed, options=options)
        self._seen = self._scenes.read(observations, infos)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game; what it pays follows from the advice before it."""
        played = np.flatnonzero(self._borders.played())
        scenes = [self._seen[i] for i in played]
        paid = np.zeros(self.num_envs)
        for i, scene, advice in zip(played, scenes, self.advisor.advise(scenes), strict=True):
            paid[i] = self._rules[i].reward(scene, advice, action_number(actions[i]))
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        self._begin(self._borders.step(np.asarray(terminated | truncated)))
        self._seen = self._scenes.read(observations, infos)
        infos = add_parts(infos, rewards, "advice", paid)
        return observations, rewards + paid, terminated, truncated, infos

    def _begin(self, begun: Any) -> None:
        for i in np.flatnonzero(begun):
            self._rules[i].begin()
