"""Numbers that can be trusted: means with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Interval", "bootstrap_mean", "wilson"]

_Z_95 = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution


class Interval(NamedTuple):
    """A mean with the ends of its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def bootstrap_mean(values: Sequence[float], resamples: int = 10_000) -> Interval:
    """The mean of some values, with the percentile bootstrap's 95 % interval.

    Deterministic: the resampling has a fixed seed. With a single value the interval is that value:
    one episode says nothing about the spread.

    Raises:
        ValueError: if there are no values.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    if not len(values):
        raise ValueError("expected at least one value to take a mean of, got none")
    data = np.asarray(values, float)
    # Blocks keep the memory small when there are many values.
    random = np.random.default_rng(0)
    block = max(1, 2_000_000 // len(data))
    means = np.concatenate(
        [
            data[random.integers(len(data), size=(min(block, resamples - done), len(data)))].mean(1)
            for done in range(0, resamples, block)
        ]
    )
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(data.mean()), float(low), float(high))


def wilson(successes: int, trials: int) -> Interval:
    """A success rate, with Wilson's 95 % score interval.

    Raises:
        ValueError: if there are no trials, or more successes than trials.

    Source: Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"expected 0 <= successes <= trials > 0, got {successes} of {trials}")
    rate, z2 = successes / trials, _Z_95**2
    center = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2)) * _Z_95
    half = spread / (1 + z2 / trials)
    # Rounding must not put the ends beyond a rate of 0 or 1.
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == trials else center + half
    return Interval(rate, low, high)
