"""Reward actions that a language model advised."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice import (
    Advice,
    Advisor,
    Scene,
    action_number,
    check_captions,
    names_of,
    read_scene,
)
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.errors import choose
from textenvs.llm import LanguageModel
from textenvs.rewards import add_part, check_weights

__all__ = ["PAYS", "THRESHOLDS", "AdviceReward", "AdviceRule", "threshold_of"]


PAYS = ("once", "first", "always")
"""How often a caption pays in an episode: once; only when it is played for the first time, which
is in5490's rule, advised then or not; whenever it is advised, as in in5490's `empty_both` runs."""


THRESHOLDS = {"similarity": 0.84, "names": 0.0, "probabilities": 0.0}
"""Agreement up to which nothing is paid, where none is given: in5490's for similarities; shares of
lines and probabilities are of several actions together, and seldom high."""


def threshold_of(match: str, threshold: float | None) -> float:
    """The threshold that was given, or else that of the way to match."""
    choose("match", match, THRESHOLDS)
    return THRESHOLDS[match] if threshold is None else threshold


class AdviceRule:
    """When an advised action is worth a reward.

    Args:
        beta: what an action pays that agrees wholly with the advice.
        threshold: agreement up to which nothing is paid.
        pays: one of :data:`PAYS`.

    Raises:
        UnknownName: if ``pays`` is none of them.
        ValueError: if a number is none.
    """

    def __init__(self, beta: float, threshold: float, pays: str = "once") -> None:
        check_weights(beta=beta, threshold=threshold)
        self._beta, self._threshold = beta, threshold
        choose("pays", pays, PAYS)
        self._pays = pays
        self._used: set[str] = set()

    def begin(self) -> None:
        """Forget the last episode."""
        self._used.clear()

    def reward(self, scene: Scene, advice: Advice, action: int) -> float:
        """What an action pays that was played in a scene."""
        caption, value = scene.captions[action], float(advice.values[action])
        if caption in self._used:
            return 0.0
        advised = value > self._threshold
        if self._pays == "first" or (advised and self._pays == "once"):
            self._used.add(caption)
        return self._beta * value if advised else 0.0


class AdviceReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Add beta times the agreement of the action with a language model's advice.

    ``info["rewards"]`` has the parts: ``game`` and ``advice``.

    Args:
        env: an environment with a text in its observations and names of its actions.
        llm: a model, or its name.
        beta: what full agreement pays (in5490: 0.005).
        threshold: agreement up to which nothing is paid; None for that of ``match`` in
            :data:`THRESHOLDS` (in5490: 0.84).
        match: how words become numbers, one of :data:`textenvs.advice.MATCHES`.
        captions: how actions are put in words, one of :data:`textenvs.advice.CAPTIONS`.
        prompt: a key of :data:`textenvs.advice.PROMPTS`.
        embeddings: the sentence-transformers model of ``match="similarity"``.
        pays: how often a caption pays in an episode, one of :data:`PAYS`.
        missing: what becomes of scenes without a recorded answer: ``"raise"`` or ``"none"``.

    Raises:
        UnknownName: if an argument is none of its choices.
        ValueError: if ``captions`` need what the observations do not have, or a number is none.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
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
        RecordConstructorArgs.__init__(
            self,
            llm=llm,
            beta=beta,
            threshold=threshold,
            match=match,
            captions=captions,
            prompt=prompt,
            embeddings=embeddings,
            pays=pays,
            missing=missing,
        )
        gymnasium.Wrapper.__init__(self, env)
        check_captions(captions, env.observation_space)
        self._names = names_of(env)
        self._captions = captions
        self._rule = AdviceRule(beta, threshold_of(match, threshold), pays)
        self.advisor = Advisor(
            llm,
            self._names,
            match=match,
            prompt=prompt,
            embeddings=embeddings,
            missing=missing,
        )
        self._scene: Scene | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in which every caption may pay again."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._rule.begin()
        self._scene = self._see(observation, info)
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action; what it pays follows from the advice before it."""
        assert self._scene is not None, "reset() comes first"
        scene, advice = self._scene, self.advisor.advise([self._scene])[0]
        paid = self._rule.reward(scene, advice, action_number(action))
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._scene = self._see(observation, info)
        rewards = add_part(info, float(reward), "advice", paid)
        return (
            observation,
            float(reward) + paid,
            terminated,
            truncated,
            {**info, "rewards": rewards},
        )

    def _see(self, observation: Any, info: dict[str, Any]) -> Scene:
        return read_scene(observation, info.get("mission", ""), self._names, self._captions)
