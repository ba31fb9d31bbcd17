"""A language model that is asked what to do, in words, for many games at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS, Embedder, get_embedder
from textenvs.advice.matching import by_names, by_probabilities, by_similarity
from textenvs.advice.scene import Scene
from textenvs.asked_once import ask_once
from textenvs.errors import NotCached, choose
from textenvs.llm import LanguageModel, Sampling, get_model
from textenvs.llm.model import Message
from textenvs.published_parsers import get_parser

__all__ = ["MATCHES", "PROMPTS", "Advice", "Advisor"]

MATCHES = ("similarity", "names", "probabilities")
"""How advice becomes numbers: by sentence embeddings, by the names in it, by the model's own
probabilities of the actions (which asks for no words)."""

_SYSTEM = """\
Somebody plays a computer game, one action at a time, and asks you for advice. You are told the \
goal and what the player sees. Say which actions help right now, the best one first, one on a \
line, in words such as these: {actions}. Name only things that the player sees or has. If nothing \
in sight helps, advise to turn and look around. Write the lines and nothing else."""
_ANSWER_TOKENS = 100  # as in5490's
_KEPT = 100_000  # scenes whose advice is remembered


class Advice(NamedTuple):
    """What a model advised.

    Attributes:
        answer: its words, "" if none were asked for.
        values: (actions,) float32: how much each action is advised.
    """

    answer: str
    values: NDArray[np.float32]


def goal_and_sight(scene: Scene) -> str:
    """The question as in5490 puts it: the goal, and what is in sight."""
    return f"My goal is: {scene.mission}. {scene.text}" if scene.mission else scene.text


def _with_instructions(scene: Scene) -> list[Message]:
    actions = ", ".join(dict.fromkeys(caption.rstrip(".") for caption in scene.captions))
    return [
        {"role": "system", "content": _SYSTEM.format(actions=actions)},
        {"role": "user", "content": goal_and_sight(scene)},
    ]


def _bare(scene: Scene) -> list[Message]:
    return [{"role": "user", "content": goal_and_sight(scene)}]


PROMPTS: Mapping[str, Callable[[Scene], list[Message]]] = {
    "advice": _with_instructions,
    "bare": _bare,
}
"""Name -> what is asked: with our instructions, or the goal and the sight alone (for recorded
answers and models that were trained on them)."""


def not_recorded(error: NotCached) -> NotCached:
    """The error of recorded answers, with what may be done about it."""
    return NotCached(
        f"{error}: go on without advice there (missing='none', --missing none), or ask as was "
        "recorded (style and prompt)"
    )


class Advisor:
    """Asks a language model for advice, once for every scene.

    Args:
        llm: a model, or its name (see :func:`textenvs.llm.get_model`).
        names: the actions' texts.
        aliases: further texts of actions -> action.
        match: one of :data:`MATCHES`.
        prompt: a key of :data:`PROMPTS`.
        embeddings: the sentence-transformers model of ``match="similarity"``, or what embeds.
        sampling: how answers are drawn; None for the most probable one, 100 tokens at most.
        missing: what becomes of a scene for which recorded answers have none: ``"raise"``, or
            ``"none"`` for no advice.

    Raises:
        UnknownName: if ``match``, ``prompt`` or ``missing`` is none of its choices.

    Attributes:
        asked: scenes that the model was asked about.
        unanswered: those of them for which there was no recorded answer.
    """

    def __init__(
        self,
        llm: str | LanguageModel,
        names: Sequence[str],
        aliases: Mapping[str, int] | None = None,
        *,
        match: str = "similarity",
        prompt: str = "advice",
        embeddings: str | Embedder = DEFAULT_EMBEDDINGS,
        sampling: Sampling | None = None,
        missing: str = "raise",
    ) -> None:
        choose("match", match, MATCHES)
        choose("prompt", prompt, PROMPTS)
        choose("missing", missing, ("raise", "none"))
        self.asked = self.unanswered = 0
        self._missing = missing
        self._model = get_model(llm) if isinstance(llm, str) else llm
        self._names = tuple(names)
        self._match = match
        self._prompt = PROMPTS[prompt]
        self._embeddings = embeddings
        self._parser = get_parser("default", names, aliases, mention="first", synonyms=True)
        self._sampling = sampling or Sampling(max_tokens=_ANSWER_TOKENS)
        self._known: dict[Scene, Advice] = {}

    def advise(self, scenes: Sequence[Scene]) -> list[Advice]:
        """What the model advises in each scene; new ones are asked about in one batch."""
        return ask_once(self._known, scenes, self._ask, _KEPT)

    def _ask(self, scenes: Sequence[Scene]) -> list[Advice]:
        self.asked += len(scenes)
        prompts = [self._prompt(scene) for scene in scenes]
        if self._match == "probabilities":
            scores = self._model.score(prompts, [scene.captions for scene in scenes])
            return [Advice("", by_probabilities(each)) for each in scores]
        try:
            answers = [each.text for each in self._model.generate(prompts, self._sampling)]
        except NotCached as error:
            if self._missing == "raise":
                raise not_recorded(error) from error
            answers = [self._recorded(prompt) for prompt in prompts]
        return [Advice(a, self._values(a, s)) for a, s in zip(answers, scenes, strict=True)]

    def _recorded(self, prompt: list[Message]) -> str:
        try:
            return self._model.generate([prompt], self._sampling)[0].text
        except NotCached:
            self.unanswered += 1
            return ""

    def _values(self, answer: str, scene: Scene) -> NDArray[np.float32]:
        if self._match == "names":
            return by_names(answer, self._parser, len(self._names))
        embedder = self._embeddings
        if isinstance(embedder, str):
            embedder = get_embedder(embedder)
        return by_similarity(answer, scene.captions, embedder)
