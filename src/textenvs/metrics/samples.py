"""What the metrics share: checked values, and resamples of them in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "checked", "pair_differences", "resampled"]

BLOCK = 2_000_000
"""How many numbers are drawn at once, about; it keeps the memory small when there are many."""


def checked(values: Sequence[float], purpose: str) -> NDArray[np.float64]:
    """Some values as an array.

    Args:
        values: at least one, all finite.
        purpose: what they are for, as the error message has it.

    Raises:
        ValueError: if there are none, or one of them is no finite number.
    """
    data = np.asarray(values, float)
    if data.ndim != 1:
        raise ValueError(f"expected a sequence of numbers {purpose}, got the shape {data.shape}")
    if not data.size:
        raise ValueError(f"expected at least one value {purpose}, got none")
    if not np.isfinite(data).all():
        where = int(np.argmin(np.isfinite(data)))
        raise ValueError(f"expected finite numbers {purpose}, got {data[where]} at index {where}")
    return data


def pair_differences(a: Sequence[float], b: Sequence[float]) -> NDArray[np.float64]:
    """What b is greater by than a, pair by pair.

    Raises:
        ValueError: if they are not as many, none, or not all finite.
    """
    first, second = checked(a, "to compare"), checked(b, "to compare")
    if len(first) != len(second):
        raise ValueError(
            "expected pairs, one value of each agent for every episode, "
            f"got {len(first)} and {len(second)} values"
        )
    return second - first


def resampled(n: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Draw resamples of n values with replacement: blocks whose rows are the indices of one.

    Raises:
        ValueError: if no resample is asked for.
    """
    if resamples < 1:
        raise ValueError(f"expected at least one resample, got {resamples}")
    random = np.random.default_rng(0)
    block = max(1, BLOCK // n)
    for done in range(0, resamples, block):
        yield random.integers(n, size=(min(block, resamples - done), n))
