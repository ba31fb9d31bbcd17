"""Means and their intervals."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textenvs.metrics
from textenvs.metrics import (
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    interquartile_mean,
    wilson,
)

fixed = settings(derandomize=True, deadline=None, max_examples=50)
numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    successes: int, trials: int, low: float, high: float
) -> None:
    interval = wilson(successes, trials)
    assert interval.mean == successes / trials
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("trials", [1, 4, 10, 100])
def test_wilson_without_a_success_is_z2_over_n_plus_z2(trials: int) -> None:
    z2 = 1.959963984540054**2
    interval = wilson(0, trials)
    assert interval.mean == 0
    assert interval.low == pytest.approx(0, abs=1e-15)
    assert interval.high == pytest.approx(z2 / (trials + z2))


@fixed
@given(st.integers(1, 500), st.data())
def test_wilson_lies_in_the_unit_interval_around_the_rate_and_is_symmetric(
    trials: int, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, trials))
    interval, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    assert 0 <= interval.low <= interval.high <= 1
    assert interval.low - 1e-12 <= interval.mean <= interval.high + 1e-12
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


def test_wilson_contains_the_rate_exactly_where_all_or_none_succeed() -> None:
    assert [wilson(0, trials).low for trials in range(1, 31)] == [0.0] * 30
    assert [wilson(trials, trials).high for trials in range(1, 31)] == [1.0] * 30


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (2, 1), (-1, 3), (0, -1)])
def test_wilson_refuses_impossible_counts(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {trials}"):
        wilson(successes, trials)


def test_the_bootstrap_of_two_values_is_their_range() -> None:
    # A resample of (0, 1) has the mean 0 or 1 with probability 1/4 each.
    assert bootstrap_mean([0, 1]) == Interval(0.5, 0.0, 1.0)


def test_the_bootstrap_of_equal_values_is_that_value() -> None:
    assert bootstrap_mean([2.5] * 7) == Interval(2.5, 2.5, 2.5)


def test_the_bootstrap_of_one_value_is_that_value() -> None:
    assert bootstrap_mean([-0.1]) == Interval(-0.1, -0.1, -0.1)


def test_the_bootstrap_agrees_with_the_exact_distribution() -> None:
    # Of n values, k of them 1: a resample's sum is binomial(n, k / n).
    n, k = 40, 10
    interval = bootstrap_mean([1.0] * k + [0.0] * (n - k))
    cumulative = np.cumsum(
        [math.comb(n, i) * (k / n) ** i * (1 - k / n) ** (n - i) for i in range(n + 1)]
    )
    assert interval.mean == 0.25
    assert interval.low == pytest.approx(np.searchsorted(cumulative, 0.025) / n, abs=1e-12)
    assert interval.high == pytest.approx(np.searchsorted(cumulative, 0.975) / n, abs=1e-12)


def test_the_bootstrap_agrees_with_the_normal_interval_for_many_values() -> None:
    values = np.random.default_rng(1).normal(3, 2, 2_000).tolist()
    interval = bootstrap_mean(values)
    half = 1.96 * np.std(values) / math.sqrt(len(values))
    assert interval.mean == pytest.approx(np.mean(values))
    assert interval.low == pytest.approx(np.mean(values) - half, abs=0.01)
    assert interval.high == pytest.approx(np.mean(values) + half, abs=0.01)


@fixed
@given(st.lists(numbers, min_size=1, max_size=12))
def test_the_bootstrap_is_reproducible_and_stays_within_the_values(values: list[float]) -> None:
    interval = bootstrap_mean(values, resamples=200)
    assert interval == bootstrap_mean(values, resamples=200)
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack
    assert interval.mean == pytest.approx(np.mean(values))


def test_the_bootstrap_leaves_the_global_generator_alone() -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    bootstrap_mean([1, 2, 3])
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index, union-attr]


def test_the_bootstrap_makes_as_many_resamples_as_asked() -> None:
    # 3 million values in all: more than one block of them.
    values = [0.0] * 150 + [1.0] * 150
    assert bootstrap_mean(values, resamples=10_000) != bootstrap_mean(values, resamples=100)


def test_the_bootstrap_takes_arrays() -> None:
    assert bootstrap_mean(np.array([0.0, 1.0])) == bootstrap_mean([0.0, 1.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[], ()])
def test_the_bootstrap_of_nothing_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_mean(values)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("interval", [bootstrap_mean, interquartile_mean])
def test_what_is_no_finite_number_is_refused(interval: Any, wrong: float) -> None:
    with pytest.raises(ValueError, match=f"expected finite numbers .*, got {wrong} at index 1"):
        interval([1.0, wrong])


@pytest.mark.parametrize("interval", [bootstrap_mean, interquartile_mean])
def test_tables_and_no_resamples_are_refused(interval: Any) -> None:
    with pytest.raises(ValueError, match=r"got the shape \(1, 2\)"):
        interval([[1.0, 2.0]])
    with pytest.raises(ValueError, match="expected at least one resample, got 0"):
        interval([1.0, 2.0], 0)
    with pytest.raises(ValueError, match="at least one value"):
        interval([])


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        # As scipy.stats.trim_mean(values, 0.25) has them: floor(n / 4) are cut from each end.
        ([7.0], 7.0),
        ([1.0, 100.0], 50.5),
        ([1.0, 2.0, 60.0], 21.0),
        ([4.0, 1.0, 3.0, 100.0], 3.5),
        ([5.0, 4.0, 3.0, 2.0, 100.0], 4.0),
        ([9.0, 1.0, 2.0, 4.0, 6.0, -50.0], 3.25),
        ([float(n**2) for n in range(7)], 11.0),
        ([float(n**2) for n in range(8)], 13.5),
    ],
)
def test_the_interquartile_mean_is_the_trimmed_mean(values: list[float], mean: float) -> None:
    assert interquartile_mean(values).mean == pytest.approx(mean)
    assert interquartile_mean(values[::-1]).mean == pytest.approx(mean)


@fixed
@given(st.lists(numbers, min_size=1, max_size=13))
def test_the_interquartile_mean_is_reproducible_and_stays_within_the_values(
    values: list[float],
) -> None:
    interval = interquartile_mean(values, resamples=200)
    assert interval == interquartile_mean(values, resamples=200)
    cut = len(values) // 4
    middle = sorted(values)[cut : len(values) - cut]
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert interval.mean == pytest.approx(np.mean(middle), abs=slack)
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack


def test_the_interquartile_mean_is_not_moved_by_an_outlier() -> None:
    values = np.random.default_rng(2).normal(size=40).tolist()
    assert interquartile_mean([*values, 50.0]).mean == interquartile_mean([*values, 5e9]).mean


def test_wilson_covers_about_95_percent() -> None:
    # The exact probability that the interval has the true rate, mean over the rates.
    for trials in (10, 50):
        ends = [wilson(successes, trials) for successes in range(trials + 1)]
        covered = [
            sum(
                math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k)
                for k, interval in enumerate(ends)
                if interval.low <= rate <= interval.high
            )
            for rate in np.linspace(0.02, 0.98, 97)
        ]
        assert 0.94 < float(np.mean(covered)) < 0.96
        assert min(covered) > 0.82


def test_all_metrics_are_found_in_one_place_and_say_where_they_come_from() -> None:
    for name in textenvs.metrics.__all__:
        metric = getattr(textenvs.metrics, name)
        if inspect.isfunction(metric):
            assert "\n    Source: " in (metric.__doc__ or ""), name


def test_intervals_are_plain_numbers() -> None:
    for interval in (bootstrap_mean([1, 2]), interquartile_mean([1, 2]), wilson(1, 2)):
        assert all(type(number) is float for number in interval)
        assert list(interval._asdict()) == ["mean", "low", "high"]


def test_a_ratio_weighs_every_step_the_same() -> None:
    ratio = bootstrap_ratio([1, 9], [10, 10])
    assert ratio.mean == 0.5
    assert (ratio.low, ratio.high) == (0.1, 0.9)
    assert bootstrap_ratio([0, 1], [1, 99]).mean == 0.01


@pytest.mark.parametrize(("parts", "wholes"), [([1], [1, 2]), ([1], [0]), ([], [])])
def test_a_ratio_needs_wholes(parts: list[float], wholes: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        bootstrap_ratio(parts, wholes)
