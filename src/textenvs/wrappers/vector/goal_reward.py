"""Reward what a language model suggested as goals, in many games."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from textenvs.advice import check_captions
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.advice.goals import GoalRule, GoalSuggester
from textenvs.llm import LanguageModel
from textenvs.rewards import add_parts, check_weights
from textenvs.wrappers.vector.caption_transition import Transitions
from textenvs.wrappers.vector.scenes import Scenes, action_names

__all__ = ["GoalReward"]


class GoalReward(VectorWrapper):
    """Reward suggested goals: :class:`textenvs.wrappers.GoalReward`, batched.

    Nothing is paid across the border of two episodes, in any autoreset mode.
    ``info["rewards"]`` has arrays (num_envs,): ``game`` and ``goal``.

    Args:
        env: a vector environment of games as there.
        llm: a model, or its name.
        scale: as there.
        threshold: as there.
        captions: as there.
        embeddings: as there.
        missing: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        llm: str | LanguageModel,
        scale: float = 1.0,
        threshold: float = 0.99,
        captions: str = "names",
        embeddings: str = DEFAULT_EMBEDDINGS,
        missing: str = "raise",
    ) -> None:
        super().__init__(env)
        check_captions(captions, env.single_observation_space)
        self._scenes = Scenes(env, action_names(env), captions)
        check_weights(scale=scale, threshold=threshold)
        self._scale = scale
        self._suggester = GoalSuggester(llm, missing=missing)
        self._rules = [GoalRule(threshold, embeddings) for _ in range(env.num_envs)]
        self._transitions = Transitions(env)
        self._goals: list[tuple[str, ...]] = []

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes, in which every goal may pay once."""
        begun = self._transitions.begin(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._transitions.keep(observations, infos, begun)
        self._begin(begun)
        return observations, self._told(observations, infos, [""] * self.num_envs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game; it pays if it reaches a goal suggested before it."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = np.asarray(terminated | truncated)
        did, begun = self._transitions.step(actions, observations, ended, infos)
        paid = np.array(
            [
                self._scale * rule.reward(goals, caption) if caption else 0.0
                for rule, goals, caption in zip(self._rules, self._goals, did, strict=True)
            ]
        )
        self._begin(begun)
        infos = add_parts(self._told(observations, infos, did), rewards, "goal", paid)
        return observations, rewards + paid, terminated, truncated, infos

    def _begin(self, begun: Any) -> None:
        for i in np.flatnonzero(begun):
            self._rules[i].begin()

    def _told(self, observations: Any, infos: dict[str, Any], did: list[str]) -> dict[str, Any]:
        self._goals = self._suggester.suggest(self._scenes.read(observations, infos))
        goals = np.empty(self.num_envs, object)
        goals[:] = self._goals
        present = np.ones(self.num_envs, np.bool_)
        told = {"goals": goals, "transition": np.asarray(did, object)}
        return {**infos, **told, **{f"_{key}": present.copy() for key in told}}
