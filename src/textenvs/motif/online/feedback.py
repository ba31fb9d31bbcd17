"""The three ways from labels that come in meanwhile to a reward of captions."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from textenvs.errors import ModelError, choose, require
from textenvs.llm import Cache, Gateway, LanguageModel, Sampling, get_model
from textenvs.motif.annotating import ModelAnnotator
from textenvs.motif.kept_labels import check_about
from textenvs.motif.online.labels import BackgroundLabels, Item
from textenvs.motif.online.prompts import ask_helpful, parse_helpful
from textenvs.motif.pairs import UNKNOWN
from textenvs.motif.prompts import GAMES, goal_text
from textenvs.motif.rule import CaptionRewards

if TYPE_CHECKING:
    from textenvs.motif.online.networks import Learner

__all__ = ["WAYS", "Feedback", "make_feedback"]

WAYS = ("retrieval", "classification", "ranking")
"""What pays: captions that were called helpful; those that a network takes for helpful; captions
by a reward that is learned from preferences between them."""

_ENOUGH = 25_000  # labels after which the classifier is not trained any more, as in ONI
_EVERY = 10  # captions of which one is kept to be compared, as in ONI
_KEPT = 10_000  # captions that are kept for that
_PAIRS = 10  # that are drawn in a step
_CACHE = "answers.sqlite"
_SAMPLING = Sampling(temperature=0.1, max_tokens=1024)


class Feedback(Protocol):
    """A reward of captions that gets better while it is used.

    Attributes:
        labels: those that it has, and the questions that wait.
        threshold: reward above which a caption is to be paid.
    """

    labels: BackgroundLabels
    threshold: float

    def __call__(self, captions: Sequence[str], /) -> list[float]:
        """The rewards of captions that are seen now; never waits for a label."""

    def close(self) -> None:
        """Ask nothing more."""


def make_feedback(
    way: str,
    llm: str | LanguageModel,
    folder: Path | str | None = None,
    *,
    goal: str = "defaultgoal",
    game: str = "nethack",
    batch: int = 100,
    seed: int = 0,
) -> Feedback:
    """One of the three ways.

    Args:
        way: one of :data:`WAYS`.
        llm: who is asked.
        folder: where labels and the network are kept, and gone on with; None for nowhere.
        goal: what :func:`textenvs.motif.prompts.goal_text` takes.
        game: a key of :data:`textenvs.motif.prompts.GAMES`.
        batch: questions that are asked at once.
        seed: of the network, its batches, and of what is compared.

    Raises:
        UnknownName: if there is no such way, goal or game.
        ValueError: if the folder has labels by another model, or of another goal or game.
        TraceError: if what is in the folder is damaged.
        MissingExtra: if a network is needed and torch is not installed.
    """
    choose("feedback", way, WAYS)
    choose("game", game, GAMES)
    told = goal_text(goal, game)
    where = None if folder is None else Path(folder)
    model = _asked(llm, where)
    if where is not None:
        check_about(where, {"model": model.name, "game": game, "goal": told})

    def stop() -> None:
        model.stop(ModelError("labels are not wanted any more"))

    if way == "ranking":
        annotator = ModelAnnotator(model, _SAMPLING, goal=told, game=game)
        return _Ranking(annotator, where, batch, seed, stop)

    examples = game == "nethack" and goal in ("defaultgoal", "zeroknowledge")

    def judge(items: Sequence[Item]) -> list[int | None]:
        questions = [
            ask_helpful(item[0], goal=told, game=game, examples=examples) for item in items
        ]
        return [parse_helpful(each.text) for each in model.generate(questions, _SAMPLING)]

    if way == "retrieval":
        return _Retrieval(judge, where, batch, stop)
    return _Classification(judge, where, batch, seed, stop)


def _asked(llm: str | LanguageModel, folder: Path | None) -> LanguageModel:
    """The model behind a gateway of its own: what fails here ends nothing elsewhere."""
    if isinstance(llm, Gateway):
        return llm.apart()
    model = get_model(llm) if isinstance(llm, str) else llm
    if folder is None or not model.cacheable:
        return Gateway(model)
    return Gateway(model, cache=Cache(folder / _CACHE))


class _Retrieval:
    """1 for a caption that was called helpful, 0 for others and for those without a label yet."""

    threshold = 0.0

    def __init__(
        self,
        judge: Callable[[Sequence[Item]], list[int | None]],
        folder: Path | None,
        batch: int,
        stop: Callable[[], None],
    ) -> None:
        path = _file(folder, "labels.jsonl")
        self.labels = BackgroundLabels(judge, path, batch=batch, stop=stop)

    def __call__(self, captions: Sequence[str], /) -> list[float]:
        items = [(caption,) for caption in captions]
        found = [float(self.labels.known.get(item, 0)) for item in items]
        self.labels.want(items)
        return found

    def close(self) -> None:
        self.labels.close()


class _Learned:
    """The rewards of a network that is trained when labels come; each caption is read once."""

    labels: BackgroundLabels

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._says = learner.says
        self._rewards = CaptionRewards(self._of)

    def _begin(
        self,
        judge: Callable[[Sequence[Item]], list[int | None]],
        path: Path | None,
        batch: int,
        stop: Callable[[], None],
    ) -> None:
        self.labels = BackgroundLabels(
            judge,
            path,
            batch=batch,
            on_labels=self._learn,
            stop=stop,
        )
        if not self._learner.updates:
            self.labels.catch_up()

    def _learn(self, count: int) -> None:
        self._learner.update(self.labels.known, lambda: self.labels.closed)

    def _of(self, captions: Sequence[str]) -> Sequence[float]:
        raise NotImplementedError

    def _answers(self, captions: Sequence[str]) -> list[float]:
        if self._says is not self._learner.says:  # trained since: what is remembered is old
            self._says = self._learner.says
            self._rewards = CaptionRewards(self._of)
        return self._rewards(captions)

    def close(self) -> None:
        self.labels.close()


class _Classification(_Learned):
    """1 for a caption that the network takes for helpful with more than a half, else 0."""

    threshold = 0.0

    def __init__(
        self,
        judge: Callable[[Sequence[Item]], list[int | None]],
        folder: Path | None,
        batch: int,
        seed: int,
        stop: Callable[[], None],
    ) -> None:
        super().__init__(_learner("classifier", folder, seed))
        self._begin(judge, _file(folder, "labels.jsonl"), batch, stop)

    def _learn(self, count: int) -> None:
        if count < _ENOUGH or not self._learner.updates:
            super()._learn(count)

    def _of(self, captions: Sequence[str]) -> list[float]:
        if self._says is None:
            return [0.0] * len(captions)
        return [float(logit > 0) for logit in self._says(captions)]

    def __call__(self, captions: Sequence[str], /) -> list[float]:
        found = self._answers(captions)
        self.labels.want([(caption,) for caption in captions])
        return found


class _Ranking(_Learned):
    """The normalised reward of a network that learns from preferences between captions seen."""

    threshold = -0.5  # ONI's, of the normalised reward

    def __init__(
        self,
        annotator: ModelAnnotator,
        folder: Path | None,
        batch: int,
        seed: int,
        stop: Callable[[], None],
    ) -> None:
        super().__init__(_learner("ranker", folder, seed))
        self._annotator, self._batch = annotator, batch
        self._rng = np.random.default_rng(seed)
        self._seen: deque[str] = deque(maxlen=_KEPT)
        self._count = 0
        self._begin(self._judge, _file(folder, "preferences.jsonl"), batch, stop)

    def _judge(self, items: Sequence[Item]) -> list[int | None]:
        verdicts = self._annotator([(first, second) for first, second in items])
        return [None if each.label == UNKNOWN else each.label for each in verdicts]

    def _of(self, captions: Sequence[str]) -> Sequence[float]:
        if self._says is None:
            return [-math.inf] * len(captions)  # whatever the threshold, nothing pays
        found: list[float] = self._says(captions).tolist()
        return found

    def __call__(self, captions: Sequence[str], /) -> list[float]:
        for caption in captions:
            if self._count % _EVERY == 0:
                self._seen.append(caption)
            self._count += 1
        if len(self._seen) > 1 and len(self.labels) < 2 * self._batch:
            drawn = self._rng.integers(len(self._seen), size=(_PAIRS, 2)).tolist()
            pairs = [(self._seen[a], self._seen[b]) for a, b in drawn]
            self.labels.want([pair for pair in pairs if pair[0] != pair[1]])
        return self._answers(captions)


def _learner(kind: str, folder: Path | None, seed: int) -> Learner:
    require("torch", extra="rl", needed_by="a reward that is learned from labels")
    from textenvs.motif.online import networks

    make: Callable[[Path | None, int], Learner] = getattr(networks, kind)
    return make(_file(folder, f"{kind}.pt"), seed)


def _file(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / name
