"""Labels of pairs, chunk by chunk: each different pair asked once, resumable at any kill.

Pairs that repeat belong to the chunk in which they come first; their label is written to all rows.
Answers go to a file of their own, a line each, before the labels do: what was killed in between is
made good from there. A pair of equal captions is a tie, and nobody is asked.
"""

from __future__ import annotations

import json
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
from textenvs.motif.pairs import FIRST, SECOND, TIE, UNKNOWN, Pairs
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
            orders = labels[i], _SWAPPED.get(labels[count + i], labels[count + i])
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
    labels = pairs.labels(name, "r+")
    folder = answers_of(pairs, name)
    check_about(folder, about or {})
    digests = _digests(pairs)
    _, first, of_pair = np.unique(digests, return_index=True, return_inverse=True)
    _mend(folder / _log_name(chunk, chunks))
    rows_of = _Rows(of_pair.reshape(-1))
    known = {each["digest"]: each["label"] for each in read_answers(pairs, name)}
    owned = np.flatnonzero((first >= low) & (first < high))
    owned = owned[np.argsort(first[owned])]
    asked = done = 0
    with (folder / _log_name(chunk, chunks)).open("a", encoding="utf-8") as log:
        for start in range(0, len(owned), batch):
            open_ones: list[tuple[int, str, str, str]] = []
            for group in owned[start : start + batch].tolist():
                row = int(first[group])
                digest = digests[row].tobytes().hex()
                if digest in known:
                    labels[rows_of(group)] = known[digest]
                elif labels[row] == UNKNOWN:
                    a, b = pairs.captions(row)
                    if a == b:
                        labels[rows_of(group)] = TIE
                    else:
                        open_ones.append((group, digest, a, b))
                else:  # labelled before there were answers: a published file
                    labels[rows_of(group)] = labels[row]
            if open_ones:
                verdicts = annotator([(a, b) for _, _, a, b in open_ones])
                log.writelines(
                    _line(digest, verdict)
                    for (_, digest, _, _), verdict in zip(open_ones, verdicts, strict=True)
                )
                log.flush()
                for (group, _, _, _), verdict in zip(open_ones, verdicts, strict=True):
                    labels[rows_of(group)] = verdict.label
                asked += len(open_ones)
            done = min(start + batch, len(owned))
            on_progress(done, len(owned))
    labels.flush()  # type: ignore[attr-defined]
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
        # Not splitlines, which also splits at characters that an answer may have within a line.
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.endswith("}"):  # not the half line of a process that is writing
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


class _Rows:
    """The rows of every group of equal pairs."""

    def __init__(self, of_pair: NDArray[np.int64]) -> None:
        self._order = np.argsort(of_pair, kind="stable")
        self._starts = np.searchsorted(of_pair[self._order], np.arange(of_pair.max() + 2))

    def __call__(self, group: int) -> NDArray[np.int64]:
        return self._order[self._starts[group] : self._starts[group + 1]]


def _digests(pairs: Pairs) -> NDArray[np.void]:
    """What tells pairs apart: (N,) of 16 bytes."""
    found = bytearray()
    size = pairs.messages[0].size if len(pairs) else 0
    for start in range(0, len(pairs), _BLOCK):
        block = np.ascontiguousarray(pairs.messages[start : start + _BLOCK]).tobytes()
        for at in range(0, len(block), size):
            found += blake2b(block[at : at + size], digest_size=16).digest()
    return np.frombuffer(bytes(found), "V16")


def _log_name(chunk: int, chunks: int) -> str:
    return f"chunk-{chunk}-of-{chunks}.jsonl"


def _mend(path: Path) -> None:
    """Cut off the half line of a process that was killed."""
    if path.exists():
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            path.write_bytes(whole)


def _line(digest: str, verdict: Verdict) -> str:
    told = {
        "digest": digest,
        "label": verdict.label,
        "answers": verdict.answers,
        "orders": verdict.orders,
    }
    return json.dumps(told, ensure_ascii=False) + "\n"
