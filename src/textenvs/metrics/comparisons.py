"""Two agents on the same episodes: by how much they differ, and whether that is chance.

Agents that are compared should play the same episodes (:func:`textenvs.loop.episode_seed` sees to
that): the difference of each pair is free of how hard the episode is. For episodes that others
played, each its own, there is :func:`independent_permutation_test`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from textenvs.metrics.intervals import Interval, bootstrap_mean
from textenvs.metrics.samples import BLOCK, checked, pair_differences

__all__ = [
    "episodes_needed",
    "holm",
    "independent_permutation_test",
    "paired_bootstrap",
    "permutation_test",
]

_MOST_ENUMERATED = 20  # differences: half a million sums
_MOST_DIVISIONS = 200_000  # of two samples; 10 and 10 episodes have 184,756


def paired_bootstrap(a: Sequence[float], b: Sequence[float], resamples: int = 10_000) -> Interval:
    """By how much b is better than a: the mean of b - a, with the percentile bootstrap's interval.

    Pairs are resampled, deterministically, as in :func:`bootstrap_mean`. With few pairs the
    interval is too narrow (``benchmarks/interval_coverage.py``), and that of equal differences is
    a point; :func:`permutation_test` is right for any number.

    Args:
        a: one agent's values, an episode each.
        b: the other's, of the same episodes in the same order.
        resamples: how many.

    Raises:
        ValueError: if they are not as many, none, or not all finite.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    return bootstrap_mean(pair_differences(a, b).tolist(), resamples)


def permutation_test(a: Sequence[float], b: Sequence[float], flips: int = 20_000) -> float:
    """How probable so great a mean difference is if a and b were interchangeable: two-sided p.

    Every difference's sign is as likely + as -. With up to 20 differences other than 0 all signs
    are gone through, and the value is exact (for successes: McNemar's exact test); with n of them
    it is at least 2 / 2^n, so five cannot come below 0.05. With more, so many random flips are
    drawn, deterministically, and the observed signs are counted as one of them.

    Args:
        a: one agent's values, an episode each.
        b: the other's, of the same episodes in the same order.
        flips: how many are drawn where there are too many to go through.

    Returns:
        p, above 0; 1 if all differences are 0.

    Raises:
        ValueError: if they are not as many, none, or not all finite, or no flip is asked for.

    Source: Fisher, The Design of Experiments (1935), section 21; that the observed signs count:
    Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9 (2010), 39.
    """
    if flips < 1:
        raise ValueError(f"expected at least one flip, got {flips}")
    differences = pair_differences(a, b)
    # A difference of 0 changes no sum, whatever its sign.
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    # Sums that are equal but for rounding are as great.
    slack = 1e-12 * float(np.abs(differences).sum())
    least = abs(float(differences.sum())) - slack
    if len(differences) <= _MOST_ENUMERATED:
        return float(np.mean(np.abs(_all_sums(differences)) >= least))
    random = np.random.default_rng(0)
    block = max(1, BLOCK // len(differences))
    as_great = 0
    for done in range(0, flips, block):
        size = (min(block, flips - done), len(differences))
        signs = 2.0 * random.integers(2, size=size, dtype=np.int8) - 1.0
        as_great += int(np.count_nonzero(np.abs(signs @ differences) >= least))
    return (as_great + 1) / (flips + 1)


def _all_sums(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums for all signs, but the first's, which is +: the others are the same, negated."""
    sums = differences[:1]
    for difference in differences[1:]:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def independent_permutation_test(
    a: Sequence[float], b: Sequence[float], shuffles: int = 20_000
) -> float:
    """How probable so great a difference of two means is if all episodes were one agent's.

    For agents that did not play the same episodes: whose an episode was is shuffled. Two-sided. If
    there are at most 200,000 ways to divide the episodes (10 and 10 have 184,756) all are gone
    through, and the value is exact (for successes: near to Fisher's exact test); of 3 and 3 it is
    at least 2 / 20, so they cannot come below 0.05. With more, so many random divisions are drawn,
    deterministically, and the observed one is counted as one of them.

    Args:
        a: one agent's values, an episode each.
        b: the other's, of other episodes; as many or not.
        shuffles: how many are drawn where there are too many to go through.

    Returns:
        p, above 0; 1 if the means are equal.

    Raises:
        ValueError: if one of them has no values, or they are not all finite, or no shuffle is
            asked for.

    Source: Pitman, Supplement to the Journal of the Royal Statistical Society 4 (1937), 119-130;
    that the observed division counts: as :func:`permutation_test`.
    """
    if shuffles < 1:
        raise ValueError(f"expected at least one shuffle, got {shuffles}")
    first, second = checked(a, "to compare"), checked(b, "to compare")
    everything = np.concatenate([first, second])
    n, total = len(first), float(everything.sum())
    # The difference of the means, times n m / (n + m), is what a's sum is beyond its share.
    share = total * n / len(everything)
    # Sums that are equal but for rounding are as great.
    slack = 1e-12 * float(np.abs(everything).sum())
    least = abs(float(first.sum()) - share) - slack
    divisions = math.comb(len(everything), n)
    exact = divisions <= _MOST_DIVISIONS
    sums = _all_divisions(everything, n) if exact else _divisions(everything, n, shuffles)
    as_great = sum(int(np.count_nonzero(np.abs(block - share) >= least)) for block in sums)
    return as_great / divisions if exact else (as_great + 1) / (shuffles + 1)


def _all_divisions(values: NDArray[np.float64], n: int) -> Iterator[NDArray[np.float64]]:
    """The sums of every n of the values."""
    count = math.comb(len(values), n)
    flat = chain.from_iterable(combinations(range(len(values)), n))
    yield values[np.fromiter(flat, np.int64, count * n).reshape(count, n)].sum(1)


def _divisions(values: NDArray[np.float64], n: int, shuffles: int) -> Iterator[NDArray[np.float64]]:
    """The sums of n of the values, drawn at random, in blocks."""
    random = np.random.default_rng(0)
    block = max(1, BLOCK // len(values))
    for done in range(0, shuffles, block):
        rows = np.tile(values, (min(block, shuffles - done), 1))
        yield random.permuted(rows, axis=1)[:, :n].sum(1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of several comparisons, so that one in 20 families errs at 0.05.

    Reject those whose adjusted value is at most 0.05: the probability of any false rejection among
    them is at most 5 %, however the comparisons depend on one another.

    Returns:
        The adjusted values, in the order of those given.

    Raises:
        ValueError: if one is not from 0 to 1.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"expected p-values from 0 to 1, got {p}")
    adjusted = [0.0] * len(p_values)
    greatest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        greatest = max(greatest, min(1.0, (len(p_values) - rank) * float(p_values[index])))
        adjusted[index] = greatest
    return adjusted


def episodes_needed(
    differences: Sequence[float], *, power: float = 0.8, level: float = 0.05
) -> int | None:
    """How many paired episodes it takes to tell such a mean difference from 0.

    By the normal approximation, ((z[1 - level / 2] + z[power]) * deviation / mean)^2 with the
    sample's deviation (ddof 1), rounded up, and as many at least as :func:`permutation_test` needs
    to come down to the level (6 for 0.05). It takes the mean that was observed for the true one,
    which is uncertain itself: a number to plan with and to warn by, no test.

    Args:
        differences: of the pairs, b - a.
        power: with what probability the difference is to be found.
        level: the test's, two-sided.

    Returns:
        The number; None if the differences have the mean 0: no number tells that from 0.

    Raises:
        ValueError: for fewer than two differences, which have no spread, one that is no finite
            number, or a power or level that is not between 0 and 1.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), section 2.4.
    """
    if not (0 < power < 1 and 0 < level < 1):
        raise ValueError(f"expected power and level between 0 and 1, got {power} and {level}")
    data = checked(differences, "to take the spread of")
    if len(data) < 2:
        raise ValueError("expected at least two differences to take the spread of, got one")
    mean, deviation = abs(float(data.mean())), float(data.std(ddof=1))
    # What rounding leaves of differences that cancel out is no difference.
    if mean <= 1e-12 * float(np.abs(data).max()):
        return None
    z = NormalDist().inv_cdf(1 - level / 2) + NormalDist().inv_cdf(power)
    fewest = math.ceil(1 - math.log2(level))
    return max(math.ceil((z * deviation / mean) ** 2), fewest)
