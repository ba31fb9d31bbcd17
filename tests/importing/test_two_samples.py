"""The permutation test of agents that did not play the same episodes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textenvs.metrics.comparisons import independent_permutation_test

fixed = settings(derandomize=True, deadline=None, max_examples=50)
whole = st.lists(st.integers(-5, 5), min_size=1, max_size=6)


@fixed
@given(whole, whole)
def test_all_ways_to_divide_the_episodes_are_gone_through(a: list[int], b: list[int]) -> None:
    together = [*a, *b]

    def difference(chosen: tuple[int, ...]) -> float:
        first = [together[i] for i in chosen]
        second = [value for i, value in enumerate(together) if i not in chosen]
        return abs(sum(first) / len(first) - sum(second) / len(second))

    ways = [difference(way) for way in itertools.combinations(range(len(together)), len(a))]
    as_great = sum(way >= difference(tuple(range(len(a)))) - 1e-9 for way in ways)
    assert independent_permutation_test(a, b) == pytest.approx(as_great / len(ways))
    assert independent_permutation_test(b, a) == pytest.approx(as_great / len(ways))


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_least_value_is_that_of_two_divisions_of_all(n: int) -> None:
    p = independent_permutation_test([0.0] * n, [1.0] * n)
    assert p == pytest.approx(2 / math.comb(2 * n, n))
    assert (p < 0.05) == (n > 3)


def test_of_successes_it_is_fishers_exact_test() -> None:
    # 8 of 10 and 3 of 10; scipy.stats.fisher_exact([[8, 2], [3, 7]]) has 0.0698.
    a, b = [1.0] * 8 + [0.0] * 2, [1.0] * 3 + [0.0] * 7
    assert independent_permutation_test(a, b) == pytest.approx(0.06978, abs=5e-5)


def test_equal_means_are_no_difference_however_they_are_rounded() -> None:
    assert independent_permutation_test([0.1, 0.2, 0.3], [0.3, 0.1, 0.2]) == 1.0
    assert independent_permutation_test([4.0], [4.0]) == 1.0


def test_many_episodes_are_divided_at_random_and_alike_every_time() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, 60), random.normal(0.3, 1, 70)
    p = independent_permutation_test(a.tolist(), b.tolist())
    assert p == independent_permutation_test(a.tolist(), b.tolist())
    assert p == pytest.approx(
        independent_permutation_test(a.tolist(), b.tolist(), 100_000), abs=0.01
    )
    assert independent_permutation_test([0.0] * 50, [1.0] * 50) == 1 / 20_001


def test_it_errs_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    draws = random.integers(0, 5, (400, 10)).tolist()
    below = sum(independent_permutation_test(draw[:5], draw[5:]) <= 0.05 for draw in draws)
    assert below / 400 < 0.08


@pytest.mark.parametrize(
    ("a", "b", "shuffles", "message"),
    [
        ([], [1.0], 10, "expected at least one value to compare, got none"),
        ([1.0], [math.nan], 10, "got nan at index 0"),
        ([1.0], [2.0], 0, "expected at least one shuffle, got 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(a: Any, b: Any, shuffles: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        independent_permutation_test(a, b, shuffles)
