"""Show a language model's advice to the learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice import Advice, Advisor, check_captions, names_of, read_scene
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.llm import LanguageModel

__all__ = ["AddAdviceObservation", "advised_space", "with_advice"]


class AddAdviceObservation(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Show a language model's advice: a number for each action.

    Observations become dicts with ``advice``, (actions,) float32 (and ``text``, where they were a
    text). ``info`` has ``advice`` and ``advice_answer``, what the model said.

    Args:
        env: an environment with a text in its observations and names of its actions.
        llm: a model, or its name.
        match: how words become numbers, one of :data:`textenvs.advice.MATCHES`.
        captions: how actions are put in words, one of :data:`textenvs.advice.CAPTIONS`.
        prompt: a key of :data:`textenvs.advice.PROMPTS`.
        embeddings: the sentence-transformers model of ``match="similarity"``.
        missing: what becomes of scenes without a recorded answer: ``"raise"`` or ``"none"``.

    Raises:
        UnknownName: if an argument is none of its choices.
        ValueError: if ``captions`` need what the observations do not have.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import AddAdviceObservation
        >>> env = gymnasium.make("MiniGrid-Text-DoorKey-8x8-v0", obs="dict")
        >>> env = AddAdviceObservation(env, "scripted:math:prod", match="names")
        >>> env.observation_space["advice"].shape
        (7,)
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        llm: str | LanguageModel,
        match: str = "similarity",
        captions: str = "names",
        prompt: str = "advice",
        embeddings: str = DEFAULT_EMBEDDINGS,
        missing: str = "raise",
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            llm=llm,
            match=match,
            captions=captions,
            prompt=prompt,
            embeddings=embeddings,
            missing=missing,
        )
        gymnasium.Wrapper.__init__(self, env)
        check_captions(captions, env.observation_space)
        self._names = names_of(env)
        self._captions = captions
        self._mission = ""
        self.advisor = Advisor(
            llm,
            self._names,
            match=match,
            prompt=prompt,
            embeddings=embeddings,
            missing=missing,
        )
        self.observation_space = advised_space(env.observation_space, len(self._names))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._advised(observation, info)

    def step(self, action: Any) -> tuple[dict[str, Any], Any, bool, bool, dict[str, Any]]:
        """Play an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, info = self._advised(observation, info)
        return observation, reward, terminated, truncated, info

    def _advised(
        self, observation: Any, info: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        scene = read_scene(observation, info.get("mission", ""), self._names, self._captions)
        advice = self.advisor.advise([scene])[0]
        told = {**info, "advice": advice.values.copy(), "advice_answer": advice.answer}
        return with_advice(observation, advice), told


def advised_space(space: spaces.Space[Any], actions: int) -> spaces.Dict:
    """The space of observations with advice."""
    kept = dict(space.spaces) if isinstance(space, spaces.Dict) else {"text": space}
    return spaces.Dict({**kept, "advice": spaces.Box(-1, 1, (actions,), np.float32)})


def with_advice(observation: Any, advice: Advice) -> dict[str, Any]:
    """An observation with the advice beside it."""
    kept = observation if isinstance(observation, Mapping) else {"text": observation}
    return {**kept, "advice": advice.values.copy()}
