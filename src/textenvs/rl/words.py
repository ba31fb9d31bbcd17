"""Words as numbers, without a vocabulary."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["WORDS", "word_ids"]

WORDS = 2048
"""How many numbers :func:`word_ids` gives unless told; 0 is none of them."""

_KEPT_TEXTS = 16_384


@lru_cache(maxsize=_KEPT_TEXTS)
def word_ids(text: str, count: int, numbers: int = WORDS) -> NDArray[np.int32]:
    """The first words of a text as numbers from 1 to ``numbers`` - 1, then zeros; read-only.

    A word's number is a checksum, so that there is no vocabulary to learn or to keep; now and then
    two words share one.

    Args:
        text: lower and upper case are alike; signs are left out.
        count: how many numbers.
        numbers: how many different ones there are.

    Returns:
        (count,) int32.
    """
    words: Sequence[str] = "".join(c if c.isalnum() else " " for c in text.lower()).split()[:count]
    found = np.zeros(count, np.int32)
    found[: len(words)] = [zlib.crc32(word.encode()) % (numbers - 1) + 1 for word in words]
    found.setflags(write=False)
    return found
