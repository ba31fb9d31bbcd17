"""Reward what a language model suggested as a goal."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice import action_number, check_captions, names_of, read_scene
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.advice.goals import GoalRule, GoalSuggester
from textenvs.captioners.transitions import transition
from textenvs.llm import LanguageModel
from textenvs.rewards import add_part, check_weights

__all__ = ["GoalReward"]


class GoalReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Reward reaching a goal that a language model suggested for the state, once an episode.

    What an action did, in words (:mod:`textenvs.captioners.transitions`), is compared with the
    goals that were suggested before it (ELLM: Du et al., ICML 2023, arXiv:2302.06692, 3.2).
    ``info`` has ``goals``, ``transition`` and, in ``rewards``, the parts ``game`` and ``goal``.

    Args:
        env: a game of Crafter or NetHack, or of MiniGrid with ``obs="dict"``.
        llm: a model, or its name.
        scale: what a goal pays that is reached to the letter.
        threshold: the cosine above which a goal counts as reached; 1 for the same words.
        captions: how the actions are put in words, one of :data:`textenvs.advice.CAPTIONS`.
        embeddings: the sentence-transformers model.
        missing: what becomes of scenes without a recorded answer: ``"raise"`` or ``"none"``.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        llm: str | LanguageModel,
        scale: float = 1.0,
        threshold: float = 0.99,
        captions: str = "names",
        embeddings: str = DEFAULT_EMBEDDINGS,
        missing: str = "raise",
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            llm=llm,
            scale=scale,
            threshold=threshold,
            captions=captions,
            embeddings=embeddings,
            missing=missing,
        )
        gymnasium.Wrapper.__init__(self, env)
        check_captions(captions, env.observation_space)
        check_weights(scale=scale, threshold=threshold)
        self._names = names_of(env)
        self._captions = captions
        self._scale = scale
        self._suggester = GoalSuggester(llm, missing=missing)
        self._rule = GoalRule(threshold, embeddings)
        self._before: tuple[Any, dict[str, Any]] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in which every goal may pay once."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._rule.begin()
        info = {**info, "goals": self._goals(observation, info), "transition": ""}
        self._before = observation, info
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action; it pays if it reaches a goal suggested before it."""
        assert self._before is not None, "reset() comes first"
        seen, before = self._before
        number = action_number(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        did = transition(seen, before, number, info)
        paid = self._scale * self._rule.reward(before["goals"], did)
        rewards = add_part(info, float(reward), "goal", paid)
        goals = self._goals(observation, info)
        info = {**info, "goals": goals, "transition": did, "rewards": rewards}
        self._before = observation, info
        return observation, float(reward) + paid, terminated, truncated, info

    def _goals(self, observation: Any, info: dict[str, Any]) -> tuple[str, ...]:
        scene = read_scene(observation, info.get("mission", ""), self._names, self._captions)
        return self._suggester.suggest([scene])[0]
