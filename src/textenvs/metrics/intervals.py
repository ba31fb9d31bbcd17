"""Means and rates, with their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.metrics.samples import checked, resampled

__all__ = ["Interval", "bootstrap_mean", "bootstrap_ratio", "interquartile_mean", "wilson"]

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
        ValueError: if there are no values, or one of them is no finite number.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    data = checked(values, "to take a mean of")
    means = [data[chosen].mean(1) for chosen in resampled(len(data), resamples)]
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(data.mean()), float(low), float(high))


def bootstrap_ratio(
    parts: Sequence[float], wholes: Sequence[float], resamples: int = 10_000
) -> Interval:
    """The ratio of two sums over episodes, with the percentile bootstrap's 95 % interval.

    Of invalid actions to steps, say: every step counts the same, and episodes are resampled as
    wholes, since steps of one episode depend on one another. The ``mean`` is the ratio.

    Raises:
        ValueError: if there are not as many of both, none, or a whole is not above 0.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 10.3 and 13.3.
    """
    above, below = checked(parts, "to divide"), checked(wholes, "to divide by")
    if len(above) != len(below) or not (below > 0).all():
        raise ValueError(
            f"expected as many wholes above 0 as parts, got {len(above)} and {len(below)}"
        )
    blocks = resampled(len(above), resamples)
    ratios = [above[chosen].sum(1) / below[chosen].sum(1) for chosen in blocks]
    low, high = np.quantile(np.concatenate(ratios), (0.025, 0.975))
    return Interval(float(above.sum() / below.sum()), float(low), float(high))


def interquartile_mean(values: Sequence[float], resamples: int = 10_000) -> Interval:
    """The mean of the middle half of some values, with the percentile bootstrap's 95 % interval.

    Of n values the floor(n / 4) least and as many of the greatest are left out, whole values, as
    ``scipy.stats.trim_mean(values, 0.25)`` does, on which the authors' rliable builds: where 4 does
    not divide n, a little more than half of the values remains; of three, all. Deterministic, as
    :func:`bootstrap_mean`; the values are one task's, so there is nothing to stratify by.

    Raises:
        ValueError: if there are no values, or one of them is no finite number.

    Source: Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice,
    NeurIPS 2021 (arXiv 2108.13264), section 4.
    """
    data = checked(values, "to take a mean of")
    means = [_middle_mean(data[chosen]) for chosen in resampled(len(data), resamples)]
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(_middle_mean(data[None])[0]), float(low), float(high))


def _middle_mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The interquartile mean of each row."""
    n = rows.shape[1]
    cut = n // 4
    parted = np.partition(rows, (cut, n - cut - 1), axis=1)
    middle: NDArray[np.float64] = parted[:, cut : n - cut].mean(1)
    return middle


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
