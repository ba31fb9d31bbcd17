"""Comparisons of two agents, and of several."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textenvs.metrics import (
    Interval,
    bootstrap_mean,
    episodes_needed,
    holm,
    paired_bootstrap,
    permutation_test,
)

fixed = settings(derandomize=True, deadline=None, max_examples=50)
whole = st.lists(st.integers(-5, 5), min_size=1, max_size=9)


def test_the_paired_bootstrap_is_that_of_the_differences() -> None:
    a, b = [1.0, 2.0, 5.0, 0.0], [2.0, 2.0, 9.0, 1.0]
    assert paired_bootstrap(a, b) == bootstrap_mean([1, 0, 4, 1])
    assert paired_bootstrap(b, a).mean == -1.5


def test_pairing_takes_out_how_hard_the_episodes_are() -> None:
    random = np.random.default_rng(0)
    hard = random.normal(0, 10, 50)
    a = (hard + random.normal(0, 0.1, 50)).tolist()
    b = (hard + 1 + random.normal(0, 0.1, 50)).tolist()
    interval = paired_bootstrap(a, b)
    assert interval.high - interval.low < 0.1
    assert interval.mean == pytest.approx(1, abs=0.1)
    assert permutation_test(a, b) < 0.001


def test_without_a_difference_there_is_none() -> None:
    same = [0.1, 0.7, 0.3]
    assert paired_bootstrap(same, same) == Interval(0.0, 0.0, 0.0)
    assert permutation_test(same, same) == 1.0
    assert episodes_needed([0.0, 0.0, 0.0]) is None


def test_a_single_pair_proves_nothing() -> None:
    assert paired_bootstrap([1.0], [3.0]) == Interval(2.0, 2.0, 2.0)
    assert permutation_test([1.0], [3.0]) == 1.0
    with pytest.raises(ValueError, match=r"at least two differences .*, got one"):
        episodes_needed([2.0])


@pytest.mark.parametrize("compare", [paired_bootstrap, permutation_test])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, math.nan], [1.0, 2.0], "expected finite numbers to compare, got nan at index 1"),
        ([1.0, 2.0], [-math.inf, 2.0], "got -inf at index 0"),
        ([1.0], [1.0, 2.0], "one value of each agent for every episode, got 1 and 2 values"),
        ([], [], "expected at least one value to compare, got none"),
        ([[1.0]], [[1.0]], r"got the shape \(1, 1\)"),
    ],
)
def test_what_is_no_pairs_is_refused(compare: Any, a: Any, b: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(a, b)


@fixed
@given(whole)
def test_the_permutation_test_goes_through_all_signs(differences: list[int]) -> None:
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = sum(s >= abs(sum(differences)) for s in sums) / len(sums)
    zeros = [0] * len(differences)
    assert permutation_test(zeros, differences) == expected
    assert permutation_test(differences, zeros) == expected


@fixed
@given(whole)
def test_the_permutation_test_does_not_depend_on_rounding(differences: list[int]) -> None:
    zeros = [0] * len(differences)
    tenths = [d / 10 for d in differences]  # whose sums depend on their order
    assert permutation_test(zeros, tenths) == permutation_test(zeros, differences)


def test_the_permutation_test_of_successes_is_mcnemars_exact_test() -> None:
    # 3 episodes that only a solved, 15 that only b did, 60 that both did.
    a = [1] * 3 + [0] * 15 + [1] * 60
    b = [0] * 3 + [1] * 15 + [1] * 60
    exact = 2 * sum(math.comb(18, k) for k in range(4)) / 2**18
    assert permutation_test(a, b) == pytest.approx(exact, rel=1e-12)


def test_random_flips_agree_with_all_of_them() -> None:
    # 5 and 19 of 24 differences: too many to go through.
    exact = 2 * sum(math.comb(24, k) for k in range(6)) / 2**24
    a, b = [1] * 5 + [0] * 19, [0] * 5 + [1] * 19
    drawn = permutation_test(a, b, flips=200_000)
    assert drawn == pytest.approx(exact, rel=0.1)
    assert permutation_test(a, b) == permutation_test(a, b)


def test_the_observed_signs_count_among_the_random_ones() -> None:
    zeros, ones = [0.0] * 100, [1.0] * 100
    assert permutation_test(zeros, ones, flips=999) == 1 / 1000
    with pytest.raises(ValueError, match="at least one flip, got 0"):
        permutation_test(zeros, ones, flips=0)


def test_the_paired_bootstrap_covers_about_95_percent() -> None:
    random = np.random.default_rng(0)
    for draw, truth in (
        (lambda: random.normal(0.3, 1, 60), 0.3),
        (lambda: random.integers(-1, 2, 60), 0.0),
    ):
        hits = 0
        for _ in range(500):
            interval = paired_bootstrap([0.0] * 60, draw().tolist(), resamples=500)
            hits += interval.low <= truth <= interval.high
        assert 0.91 < hits / 500 < 0.98


@pytest.mark.parametrize("n", [10, 40])
def test_the_permutation_test_errs_in_about_5_percent(n: int) -> None:
    random = np.random.default_rng(1)
    found = 0
    for _ in range(1_000):
        a, b = random.exponential(size=(2, n)).tolist()
        found += permutation_test(a, b, flips=999) <= 0.05
    assert 0.03 < found / 1_000 < 0.07


def test_holms_values_are_the_published_ones() -> None:
    # The four hypotheses of Holm's procedure as R's p.adjust(..., "holm") has them.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@fixed
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= 1
    assert adjusted[int(np.argmin(p_values))] == min(1, len(p_values) * min(p_values))
    in_order = [adjusted[index] for index in np.argsort(p_values, kind="stable")]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("p", [-0.1, 1.5, math.nan])
def test_holm_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match=f"expected p-values from 0 to 1, got {p}"):
        holm([0.5, p])


def test_the_episodes_needed_are_those_of_the_normal_approximation() -> None:
    # Mean 0.5, deviation 1 (ddof 1): (1.95996 + 0.84162)^2 / 0.25 = 31.4.
    spread = math.sqrt(0.5)
    assert episodes_needed([0.5 - spread, 0.5 + spread]) == 32
    assert episodes_needed([-0.5 - spread, -0.5 + spread]) == 32
    # (1.95996 + 1.28155)^2 / 0.25 = 42.03 and (2.57583 + 0.84162)^2 / 0.25 = 46.7.
    assert episodes_needed([0.5 - spread, 0.5 + spread], power=0.9) == 43
    assert episodes_needed([0.5 - spread, 0.5 + spread], level=0.01) == 47


def test_five_points_in_crafter_take_about_seventy_episodes() -> None:
    # Two agents of the same mean deviation over published rows, 10.7 points, not paired.
    spread = 10.7  # of a difference: 10.7 * sqrt(2); of two values with ddof 1 half their distance
    assert episodes_needed([5 - spread, 5 + spread]) == 72


def test_never_fewer_episodes_than_the_permutation_test_needs() -> None:
    assert episodes_needed([1.0, 1.0]) == 6
    assert permutation_test([0] * 6, [1] * 6) <= 0.05 < permutation_test([0] * 5, [1] * 5)
    assert episodes_needed([1.0, 1.0], level=0.01) == 8


def test_differences_that_cancel_out_cannot_be_told_apart() -> None:
    assert episodes_needed([1.0, -1.0]) is None
    assert episodes_needed([0.1, 0.2, -0.3]) is None  # their float sum is not 0


def test_so_many_episodes_find_the_difference_in_80_percent() -> None:
    random = np.random.default_rng(0)
    spread = math.sqrt(0.5)
    needed = episodes_needed([0.5 - spread, 0.5 + spread])
    assert needed is not None
    found = sum(
        permutation_test([0.0] * needed, random.normal(0.5, 1, needed).tolist(), flips=499) <= 0.05
        for _ in range(500)
    )
    assert 0.72 < found / 500 < 0.87


@pytest.mark.parametrize(("power", "level"), [(0, 0.05), (1, 0.05), (0.8, 0), (0.8, 1)])
def test_impossible_powers_and_levels_are_refused(power: float, level: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1, got {power} and {level}"):
        episodes_needed([1.0, 2.0], power=power, level=level)


@pytest.mark.parametrize(
    ("differences", "message"),
    [([], "at least one value"), ([1.0, math.nan], "got nan at index 1")],
)
def test_the_episodes_needed_refuse_what_is_no_sample(
    differences: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        episodes_needed(differences)
