"""Which of two pieces of games is better: asked for many pairs, in one order or in both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textenvs.knowledge.answers import parse_preference
from textenvs.knowledge.asking import Notebook, describe
from textenvs.knowledge.dataset import Dataset, Episode, Segment, write_shard
from textenvs.knowledge.folder import keep_knowledge
from textenvs.knowledge.games import GAMES
from textenvs.knowledge.prompts import preference_request
from textenvs.traces import replace_file

__all__ = ["LABELS", "PAIRS", "combined_label", "label_preference"]

LABELS = "preferences.jsonl"
"""A line a pair: ``label`` (0 the first, 1 the second, 0.5 neither, null unknown), ``answers``."""

PAIRS = "shard-pairs.npz"
"""The pieces: those of pair i are the episodes 2 i and 2 i + 1."""


def label_preference(
    data: Dataset,
    notebook: Notebook,
    out: Path,
    *,
    pairs: int = 5000,
    length: int = 5,
    swap: bool = False,
    batch: int = 64,
    seed: int = 42,
    on_progress: Callable[[int, str], None] = lambda done, said: None,
) -> dict[str, Any]:
    """Ask which of two pieces is better, for pairs drawn at random.

    ``out`` gets :data:`LABELS`, :data:`PAIRS` and ``knowledge.json``.

    Args:
        data: what learners did.
        notebook: who is asked.
        out: where the labels go.
        pairs: how many.
        length: actions of a piece.
        swap: whether every pair is asked about in both orders; a pair that is judged differently
            then counts as a tie.
        batch: pairs that are asked about at once.
        seed: of the pairs.
        on_progress: called with the pairs that are done.

    Returns:
        What ``knowledge.json`` says, with the shares of labels and, if swapped, the position bias.
    """
    game, names = GAMES[data.meta["game"]], data.meta["action_names"]
    segments = data.sample(length, 2 * pairs, np.random.default_rng(seed))
    pieces = [describe(data.history(each), names) for each in segments]
    found: list[list[float | None]] = []
    for start in range(0, pairs, batch):
        numbers = range(start, min(start + batch, pairs))
        orders = [(pieces[2 * i], pieces[2 * i + 1]) for i in numbers]
        prompts = [preference_request(game, names, a, b) for a, b in orders]
        if swap:
            prompts += [preference_request(game, names, b, a) for a, b in orders]
        said = [parse_preference(answer) for answer in notebook.ask(prompts)]
        straight, swapped = said[: len(numbers)], said[len(numbers) :]
        found += [
            [each, *([None if other is None else 1 - other] if swap else [])]
            for each, other in zip(straight, swapped or [None] * len(straight), strict=True)
        ]
        on_progress(len(found), "")
    write_shard(out / PAIRS, [_episode(data, each) for each in segments], data.meta)
    lines = [
        json.dumps({"pair": i, "label": combined_label(each), "answers": each})
        for i, each in enumerate(found)
    ]
    replace_file(out / LABELS, "\n".join(lines) + "\n")
    told = {
        "game": game.name,
        "env": data.meta["env"],
        "style": data.meta["style"],
        "action_names": names,
        "pairs": pairs,
        "length": length,
        "seed": seed,
        "labels": _counts(combined_label(each) for each in found),
        **({"position": position_bias(found)} if swap else {}),
        **notebook.about(),
    }
    keep_knowledge(out, "preference-labels", told)
    return told


def combined_label(answers: Sequence[float | None]) -> float | None:
    """The label of a pair from one answer, or from those to both orders.

    Args:
        answers: each 0 for the first piece, 1 for the second, 0.5 for neither, None for unknown, of
            the pieces and not of their places.
    """
    known = [each for each in answers if each is not None]
    if not known:
        return None
    return known[0] if len(set(known)) == 1 else 0.5


def position_bias(found: Sequence[Sequence[float | None]]) -> dict[str, float]:
    """How much the order decides, over pairs that were answered in both orders.

    Args:
        found: of each pair the answers to both orders, of the pieces.

    Returns:
        ``pairs`` that count; ``same``, the share judged alike; ``first`` and ``second``, the shares
        where twice the piece in the first place was preferred, or twice the one in the second.
    """
    both = [pair for pair in found if None not in pair]
    count = max(len(both), 1)
    return {
        "pairs": len(both),
        "same": round(sum(a == b for a, b in both) / count, 4),
        "first": round(sum((a, b) == (0.0, 1.0) for a, b in both) / count, 4),
        "second": round(sum((a, b) == (1.0, 0.0) for a, b in both) / count, 4),
    }


def _counts(labels: Any) -> dict[str, int]:
    names = {0.0: "first", 1.0: "second", 0.5: "neither", None: "unknown"}
    return dict(Counter(names[label] for label in labels))


def _episode(data: Dataset, segment: Segment) -> Episode:
    """A piece as an episode of its own."""
    whole = data[segment.episode]
    seen = slice(segment.start, segment.start + segment.length + 1)
    done = slice(segment.start, segment.start + segment.length)
    return Episode(
        observations={key: each[seen] for key, each in whole.observations.items()},
        texts=list(whole.texts[seen]),
        actions=whole.actions[done],
        rewards=whole.rewards[done],
        terminated=False,
        truncated=False,
    )
