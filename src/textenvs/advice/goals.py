"""Goals that a language model suggests for a moment of a game (ELLM)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textenvs.advice.advisor import not_recorded
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS, Embedder, get_embedder
from textenvs.advice.scene import Scene
from textenvs.asked_once import ask_once
from textenvs.captioners.babyai_actions import NOTHING
from textenvs.errors import NotCached, choose
from textenvs.llm import LanguageModel, Sampling, get_model

__all__ = ["GoalRule", "GoalSuggester", "parse_goals"]

_SYSTEM = """\
You are shown what the player of a computer game sees. Suggest goals that make sense right now and \
can be reached with a few actions, each as a verb and a thing, one on a line that begins with a \
dash, as in "- pick up red key". What the player can do: {actions}. Only use things that are in \
sight or carried. Write the list and nothing else."""
_ANSWER_TOKENS = 200
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*(?P<goal>.+?)[\s.]*$")
_KEPT = 100_000  # scenes whose goals are remembered
_SAME = 1 - 1e-6  # the same words are more alike than this


def parse_goals(answer: str) -> tuple[str, ...]:
    r"""The goals in a list, in lower case, each once: its lines with dashes or numbers, or all.

    Example:
        >>> parse_goals("Sure:\n- Pick up red key.\n- open the door")
        ('pick up red key', 'open the door')
        >>> parse_goals("pick up red key\n\nopen the door")
        ('pick up red key', 'open the door')
    """
    lines = [line.strip().rstrip(".").rstrip() for line in answer.splitlines()]
    listed = [match["goal"] for line in lines if (match := _BULLET.match(line))]
    return tuple(dict.fromkeys(goal.lower() for goal in listed or lines if goal))


class GoalSuggester:
    """Asks a language model for goals, once for every scene.

    Args:
        llm: a model, or its name.
        sampling: how answers are drawn; None for the most probable one, 200 tokens at most.
        missing: what becomes of a scene for which recorded answers have none: ``"raise"``, or
            ``"none"`` for no goals.
    """

    def __init__(
        self,
        llm: str | LanguageModel,
        sampling: Sampling | None = None,
        missing: str = "raise",
    ) -> None:
        choose("missing", missing, ("raise", "none"))
        self._model = get_model(llm) if isinstance(llm, str) else llm
        self._sampling = sampling or Sampling(max_tokens=_ANSWER_TOKENS)
        self._missing = missing
        self._known: dict[Scene, tuple[str, ...]] = {}

    def suggest(self, scenes: Sequence[Scene]) -> list[tuple[str, ...]]:
        """The goals in each scene; new ones are asked about in one batch."""
        return ask_once(self._known, scenes, self._ask, _KEPT)

    def _ask(self, scenes: Sequence[Scene]) -> list[tuple[str, ...]]:
        prompts = [_prompt(scene) for scene in scenes]
        try:
            answers = [each.text for each in self._model.generate(prompts, self._sampling)]
        except NotCached as error:
            if self._missing == "raise":
                raise not_recorded(error) from error
            answers = [self._recorded(prompt) for prompt in prompts]
        return [parse_goals(answer) for answer in answers]

    def _recorded(self, prompt: list[dict[str, str]]) -> str:
        try:
            return self._model.generate([prompt], self._sampling)[0].text
        except NotCached:
            return ""


def _prompt(scene: Scene) -> list[dict[str, str]]:
    actions = ", ".join(dict.fromkeys(caption.rstrip(".") for caption in scene.captions))
    seen = f"Goal: {scene.mission}.\n{scene.text}" if scene.mission else scene.text
    return [
        {"role": "system", "content": _SYSTEM.format(actions=actions)},
        {"role": "user", "content": seen},
    ]


class GoalRule:
    """When what happened reaches a goal: once a goal an episode (Du et al., arXiv:2302.06692).

    All goals that it is so like count as reached, and so do goals that are so like them; that
    nothing happened reaches none.

    Args:
        threshold: the cosine of goal and caption above which a goal counts as reached; 1 or more
            for the same words.
        embeddings: the sentence-transformers model, or what embeds.
    """

    def __init__(
        self, threshold: float = 0.99, embeddings: str | Embedder = DEFAULT_EMBEDDINGS
    ) -> None:
        self._threshold = threshold
        self._bound = min(threshold, _SAME)
        self._embeddings = embeddings
        self._reached: set[str] = set()

    @property
    def reached(self) -> frozenset[str]:
        """The goals that were reached in this episode."""
        return frozenset(self._reached)

    def begin(self) -> None:
        """Forget the last episode."""
        self._reached.clear()

    def reward(self, goals: Sequence[str], caption: str) -> float:
        """The likeness of what happened to the goal that is most like it, 0 if none is reached.

        Args:
            goals: suggested before the action.
            caption: what the action did.
        """
        if caption in ("", NOTHING):
            return 0.0
        caption = caption.strip().rstrip(".").lower()
        likeness = self._likeness(goals, [caption, *self._reached])
        open_ones = likeness[:, 1:].max(1, initial=0.0) <= self._bound
        reached = open_ones & (likeness[:, 0] > self._bound)
        self._reached |= {goals[i] for i in np.flatnonzero(reached).tolist()}
        return float(likeness[reached, 0].max(initial=0.0))

    def _likeness(self, goals: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """How alike goals and others are: (goals, others), 1 for the same words, else cosines."""
        same = np.array([[goal == other for other in others] for goal in goals], float)
        if self._threshold >= 1 or not goals:
            return same.reshape(len(goals), len(others))
        embedder = self._embeddings
        if isinstance(embedder, str):
            embedder = get_embedder(embedder)
        vectors = embedder([*goals, *others]).astype(float)
        cosines = vectors[: len(goals)] @ vectors[len(goals) :].T
        return np.where(same, 1.0, np.minimum(cosines, 1.0))
