"""Labels of pairs, chunk by chunk: each different pair asked once, resumable at any kill.

Pairs that repeat, in either order, belong to the chunk in which they come first; their label is
written to all rows that have none. Answers go to a file of their own, a line each, before the
labels do: what was killed in between is made good from there. A pair of equal captions is a tie,
and nobody is asked.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textenvs.llm import LanguageModel, Sampling
from textenvs.motif.kept_labels import check_about
from textenvs.motif.pairs import FIRST, SECOND, TIE, UNKNOWN, Pairs, caption_of
from textenvs.motif.prompts import ask, ask_again, parse_verdict

__all__ = [
    "Annotator",
    "KeywordAnnotator",
    "ModelAnnotator",
    "Verdict",
    "annotate",
    "annotate_by_info",
    "answers_of",
    "chunk_of",
    "position_bias",
    "read_answers",
]

_BLOCK = 8192  # pairs that are looked through at once
_SWAPPED = {FIRST: SECOND, SECOND: FIRST}


@dataclass(frozen=True)
class Verdict:
    """What an annotator says of a pair.

    Attributes:
        label: of :mod:`textenvs.motif.pairs`.
        answers: what it said, if it is a model.
        orders: the labels of both orders, of the captions and not of their places; empty where only
            one was asked about.
    """

    label: int
    answers: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()


class Annotator(Protocol):
    """Says which of two captions is better."""

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> list[Verdict]:
        """The verdicts on n pairs of different captions."""


class KeywordAnnotator:
    """A rule, not a model: the caption with more of some words is better.

    Args:
        words: looked for in lower case.

    Raises:
        ValueError: if one is empty, which every caption has.
    """

    def __init__(self, words: Sequence[str]) -> None:
        if not all(word.strip() for word in words):
            raise ValueError(f"expected words to count, got {list(words)}")
        self._words = [word.lower() for word in words]

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> list[Verdict]:
        """The verdicts on n pairs."""
        return [Verdict(self._label(*pair)) for pair in pairs]

    def _label(self, first: str, second: str) -> int:
        a, b = (sum(text.lower().count(word) for word in self._words) for text in (first, second))
        return TIE if a == b else FIRST if a > b else SECOND


class ModelAnnotator:
    """A language model, asked once and, if its answer has no verdict, once more.

    Args:
        model: who is asked.
        sampling: how answers are drawn.
        version: of the question, one of :data:`textenvs.motif.prompts.VERSIONS`.
        goal: what :func:`textenvs.motif.prompts.goal_text` says.
        game: a key of :data:`textenvs.motif.prompts.GAMES`.
        swap: whether every pair is asked about in both orders; where they contradict each other
            it is a tie.
    """

    def __init__(
        self,
        model: LanguageModel,
        sampling: Sampling,
        *,
        version: str = "default",
        goal: str = "",
        game: str = "nethack",
        swap: bool = False,
    ) -> None:
        self.model, self._sampling = model, sampling
        self._version, self._goal, self._game, self._swap = version, goal, game, swap

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> list[Verdict]:
        """The verdicts on n pairs, asked in one batch and one of second questions."""
        shown = [*pairs, *((b, a) for a, b in pairs)] if self._swap else list(pairs)
        labels, answers = self._ask(shown)
        if not self._swap:
            return [Verdict(label, said) for label, said in zip(labels, answers, strict=True)]
        count, found = len(pairs), []
        for i in range(count):
            orders = labels[i], _swapped(labels[count + i])
            known = [label for label in orders if label != UNKNOWN]
            agreed = known[0] if known and len(set(known)) == 1 else TIE if known else UNKNOWN
            found.append(Verdict(agreed, (*answers[i], *answers[count + i]), orders))
        return found

    def _ask(self, shown: Sequence[tuple[str, str]]) -> tuple[list[int], list[tuple[str, ...]]]:
        questions = [
            ask(a, b, version=self._version, goal=self._goal, game=self._game) for a, b in shown
        ]
        answers: list[tuple[str, ...]] = [
            (each.text,) for each in self.model.generate(questions, self._sampling)
        ]
        found = [parse_verdict(said[0]) for said in answers]
        open_ones = [i for i, label in enumerate(found) if label is None]
        if open_ones:
            again = [ask_again(questions[i], answers[i][0], self._version) for i in open_ones]
            for i, each in zip(open_ones, self.model.generate(again, self._sampling), strict=True):
                answers[i] = (*answers[i], each.text)
                found[i] = parse_verdict(each.text)
        return [UNKNOWN if label is None else label for label in found], answers


def annotate(
    pairs: Pairs,
    name: str,
    annotator: Annotator,
    *,
    chunk: int = 0,
    chunks: int = 1,
    batch: int = 1024,
    about: Mapping[str, Any] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Label the pairs of a chunk that are not labelled yet.

    The labels go to ``preference/NAME.npy``, the answers to ``preference/NAME.answers/``. Several
    processes may do different chunks at once.

    Args:
        pairs: what is labelled.
        name: of the annotator.
        annotator: who labels.
        chunk: which, from 0.
        chunks: how many there are.
        batch: pairs that are asked about at once.
        about: what the labels depend on, as JSON types; kept with them.
        on_progress: called with the different pairs of the chunk that are done, and all of them.

    Returns:
        How many pairs of the chunk have which label, and how many different ones were asked about.

    Raises:
        ValueError: if there is no such chunk, or if the labels of that name are about something
            else.
    """
    low, high = chunk_of(len(pairs), chunk, chunks)
    file = pairs.labels(name, "r+")
    labels = file.view(np.ndarray)  # the same memory, faster row by row
    folder = answers_of(pairs, name)
    check_about(folder, about or {})
    _mend(folder / _log_name(chunk, chunks))
    groups = _Groups(_sides(pairs))
    known = {bytes.fromhex(each["digest"]): each["label"] for each in read_answers(pairs, name)}
    total, unlabelled = groups.first_in(low, high, labels == UNKNOWN)
    asked, done = 0, total - len(unlabelled)
    on_progress(done, total)
    with (folder / _log_name(chunk, chunks)).open("a", encoding="utf-8") as log:
        for start in range(0, len(unlabelled), batch):
            chosen = unlabelled[start : start + batch].tolist()
            questions: list[tuple[int, str, str]] = []
            for row in chosen:
                label = _known_label(row, groups, labels, known)
                if label is None:
                    questions.append((row, *pairs.captions(row)))
                else:
                    _fill(labels, row, groups, label)
            if questions:
                verdicts = annotator([(first, second) for _, first, second in questions])
                log.writelines(
                    _line(groups.digest(row), verdict)
                    for (row, _, _), verdict in zip(questions, verdicts, strict=True)
                )
                log.flush()
                for (row, _, _), verdict in zip(questions, verdicts, strict=True):
                    _fill(labels, row, groups, verdict.label)
                asked += len(questions)
            done += len(chosen)
            on_progress(done, total)
    file.flush()  # type: ignore[attr-defined]
    told = Counter(np.asarray(labels[low:high]).tolist())
    names = {FIRST: "first", SECOND: "second", TIE: "tie", UNKNOWN: "unknown"}
    return {**{names[each]: told[each] for each in names}, "asked": asked}


def chunk_of(count: int, chunk: int, chunks: int) -> tuple[int, int]:
    """The first row of a chunk of so many pairs, and the one behind its last.

    Raises:
        ValueError: if there is no such chunk.
    """
    if not 0 <= chunk < chunks:
        raise ValueError(f"expected a chunk from 0 to {chunks - 1}, got {chunk}")
    return chunk * count // chunks, (chunk + 1) * count // chunks


def answers_of(pairs: Pairs, name: str) -> Path:
    """The folder of an annotator's answers."""
    return pairs.path_of(name).with_name(f"{name}.answers")


def annotate_by_info(pairs: Pairs, info: str) -> NDArray[np.int8]:
    """Label pairs by what is known of them: the greater number is better, equal ones tie.

    The labels go to ``preference/INFO.npy``.

    Args:
        pairs: what is labelled.
        info: ``"score"``, ``"return"``, or another of ``info/*.npy``.
    """
    values = np.asarray(pairs.info(info))
    found = np.where(
        values[:, 0] == values[:, 1], TIE, np.where(values[:, 0] > values[:, 1], FIRST, SECOND)
    )
    labels = pairs.labels(info, "r+")
    labels[:] = found
    labels.flush()  # type: ignore[attr-defined]
    return found.astype(np.int8)


def read_answers(pairs: Pairs, name: str) -> Iterator[Mapping[str, Any]]:
    """The answers of an annotator: ``digest``, ``label``, ``answers``, ``orders``."""
    for path in sorted(answers_of(pairs, name).glob("*.jsonl")):
        with path.open("rb") as log:
            for line in log:
                if line.endswith(b"\n"):  # not the half line of a process that writes, or did
                    yield json.loads(line)


def position_bias(pairs: Pairs, name: str) -> dict[str, float]:
    """How much the order decides, over pairs that were asked about in both orders.

    Returns:
        ``pairs`` that count; ``same``, the share judged alike; ``first`` and ``second``, the shares
        where twice the caption in the first place was preferred, or twice the one in the second.
    """
    both = [tuple(each["orders"]) for each in read_answers(pairs, name) if each["orders"]]
    both = [each for each in both if UNKNOWN not in each]
    count = max(len(both), 1)
    return {
        "pairs": len(both),
        "same": round(sum(a == b for a, b in both) / count, 4),
        "first": round(sum(each == (FIRST, SECOND) for each in both) / count, 4),
        "second": round(sum(each == (SECOND, FIRST) for each in both) / count, 4),
    }


class _Groups:
    """The rows whose pairs are equal, in either order.

    Args:
        sides: (N, 2) of 16 bytes, what tells captions apart.
    """

    def __init__(self, sides: NDArray[np.void]) -> None:
        self._bytes = sides.tobytes()
        numbers = np.frombuffer(self._bytes, ">u8").reshape(-1, 2, 2)
        (high, low), (other_high, other_low) = numbers[:, 0].T, numbers[:, 1].T
        self._turned = (high > other_high) | ((high == other_high) & (low > other_low))
        ordered = np.where(self._turned[:, None], sides[:, ::-1], sides)
        keys = np.ascontiguousarray(ordered).view("V32").reshape(-1)
        _, self._first, self._of_row = np.unique(keys, return_index=True, return_inverse=True)
        self._of_row = self._of_row.reshape(-1)
        self._order = np.argsort(self._of_row, kind="stable")
        self._starts = np.searchsorted(self._of_row[self._order], np.arange(len(self._first) + 1))

    def first_in(
        self, low: int, high: int, wanted: NDArray[np.bool_]
    ) -> tuple[int, NDArray[np.int64]]:
        """The pairs that come first in the rows from ``low`` to before ``high``.

        Returns:
            How many they are, and the first rows of those of which some row is wanted.
        """
        found = np.unique(self._of_row[wanted])
        inside = (self._first >= low) & (self._first < high)
        return int(inside.sum()), np.sort(self._first[found[inside[found]]])

    def rows(self, row: int) -> NDArray[np.int64]:
        """All rows with the pair of a row."""
        group = self._of_row[row]
        return self._order[self._starts[group] : self._starts[group + 1]]

    def turned(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some rows have the pair of a row in the other order."""
        return self._turned[rows] != self._turned[row]

    def digest(self, row: int) -> bytes:
        """What tells the pair of a row apart, in its order: 32 bytes."""
        return self._bytes[32 * row : 32 * row + 32]


def _known_label(
    row: int, groups: _Groups, labels: NDArray[np.int8], known: Mapping[bytes, int]
) -> int | None:
    """The label of a row's pair: a tie, by an answer, or by a row that has one (of old files)."""
    first, second = groups.digest(row)[:16], groups.digest(row)[16:]
    if first == second:
        return TIE
    if first + second in known:
        return known[first + second]
    if second + first in known:
        return _swapped(known[second + first])
    rows = groups.rows(row)
    labelled = rows[labels[rows] != UNKNOWN]
    if not len(labelled):
        return None
    label = int(labels[labelled[0]])
    return _swapped(label) if groups.turned(row, labelled[:1])[0] else label


def _fill(labels: NDArray[np.int8], row: int, groups: _Groups, label: int) -> None:
    """Write the label of a row's pair to the rows that have none."""
    rows = groups.rows(row)
    rows = rows[labels[rows] == UNKNOWN]
    turned = groups.turned(row, rows)
    labels[rows[~turned]] = label
    labels[rows[turned]] = _swapped(label)


def _swapped(label: int) -> int:
    """A label after the captions have changed places."""
    return _SWAPPED.get(label, label)


def _sides(pairs: Pairs) -> NDArray[np.void]:
    """What tells captions apart: (N, 2) of 16 bytes."""
    count, _, length, width = pairs.messages.shape
    found = bytearray()
    for start in range(0, count, _BLOCK):
        block = pairs.messages[start : start + _BLOCK]
        if length > 1:  # steps without a caption make no other one
            sides = [caption_of(side).encode() for pair in block for side in pair]
        else:
            data = np.ascontiguousarray(block).tobytes()
            sides = [data[at : at + width] for at in range(0, len(data), width)]
        found += b"".join(blake2b(side, digest_size=16).digest() for side in sides)
    return np.frombuffer(bytes(found), "V16").reshape(-1, 2)


def _log_name(chunk: int, chunks: int) -> str:
    return f"chunk-{chunk}-of-{chunks}.jsonl"


def _mend(path: Path) -> None:
    """Cut off the half line of a process that was killed."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _line(digest: bytes, verdict: Verdict) -> str:
    told = {
        "digest": digest.hex(),
        "label": verdict.label,
        "answers": verdict.answers,
        "orders": verdict.orders,
    }
    return json.dumps(told, ensure_ascii=False) + "\n"
