"""What counts as the same caption."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS, Embedder, get_embedder
from textenvs.errors import choose

__all__ = ["COUNTS", "AlikeKeys", "CountKeys", "count_keys"]

COUNTS = ("exact", "digits", "embedding")
"""What counts as the same caption: the same text; the same but for its numbers; and one whose
embedding, without its numbers, is near that of an earlier one."""

CountKeys: TypeAlias = Callable[[Sequence[str]], Sequence[str]]
"""Captions in, what each is counted as out."""

_NEAR = 0.9  # cosine from which two captions are one
_NUMBER = re.compile(r"\d+")


def count_keys(counts: str, embeddings: str = DEFAULT_EMBEDDINGS) -> CountKeys:
    """How captions are told apart.

    Args:
        counts: one of :data:`COUNTS`.
        embeddings: the sentence-transformers model, for ``"embedding"``.

    Raises:
        UnknownName: if there is no such way.

    Example:
        >>> count_keys("digits")(["You see here 12 gold pieces."])
        ['You see here # gold pieces.']
    """
    choose("counts", counts, COUNTS)
    if counts == "embedding":
        alike = AlikeKeys(get_embedder(embeddings))
        return lambda captions: alike(_without_numbers(captions))
    return _without_numbers if counts == "digits" else _as_they_are


def _as_they_are(captions: Sequence[str]) -> Sequence[str]:
    return captions


def _without_numbers(captions: Sequence[str]) -> list[str]:
    return [_NUMBER.sub("#", caption) for caption in captions]


class AlikeKeys:
    """Counts a caption as the nearest earlier one, if that is near enough, else as itself.

    What is near to what depends on the order in which captions come, and is kept for good.

    Args:
        embedder: sentences -> vectors of length 1.
        near: cosine from which two captions are one.
    """

    def __init__(self, embedder: Embedder, near: float = _NEAR) -> None:
        self._embedder, self._near = embedder, near
        self._known: dict[str, str] = {}
        self._first: list[str] = []  # of each group
        self._vectors: NDArray[np.float32] = np.empty((0, 0), np.float32)  # with room for more

    def __call__(self, captions: Sequence[str]) -> list[str]:
        """What each is counted as."""
        new = [each for each in dict.fromkeys(captions) if each not in self._known]
        if new:
            for caption, vector in zip(new, self._embedder(new), strict=True):
                self._known[caption] = self._group(caption, vector)
        return [self._known[each] for each in captions]

    def _group(self, caption: str, vector: NDArray[np.float32]) -> str:
        count = len(self._first)
        if count:
            alike = self._vectors[:count] @ vector
            nearest = int(alike.argmax())
            if alike[nearest] >= self._near:
                return self._first[nearest]
        if count == len(self._vectors):
            room = np.empty((max(2 * count, 64), len(vector)), np.float32)
            room[:count] = self._vectors[:count] if count else 0
            self._vectors = room
        self._vectors[count] = vector
        self._first.append(caption)
        return caption
