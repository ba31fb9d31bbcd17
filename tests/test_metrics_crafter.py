"""The Crafter score and SmartPlay's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textenvs.metrics import (
    CRAFTER_ACHIEVEMENTS,
    SMARTPLAY_HUMAN_SCORE,
    Interval,
    bootstrap_crafter_score,
    crafter_score,
    crafter_score_of_groups,
    smartplay_score,
)

fixed = settings(derandomize=True, deadline=None, max_examples=50)
none = dict.fromkeys(CRAFTER_ACHIEVEMENTS, 0)
play = st.lists(
    st.fixed_dictionaries({name: st.integers(0, 3) for name in CRAFTER_ACHIEVEMENTS}),
    min_size=1,
    max_size=8,
)


def did(*names: str) -> dict[str, int]:
    return {**none, **dict.fromkeys(names, 2)}


@pytest.fixture
def humans(published_data: Path) -> list[list[dict[str, int]]]:
    """The counts of each human player's episodes."""
    path = published_data / "crafter_scores" / "crafter_reward-human.json"
    if not path.exists():
        pytest.skip(f"{path} is missing: no human games to score")
    return [
        [
            {name: run[f"achievement_{name}"][episode] for name in CRAFTER_ACHIEVEMENTS}
            for episode in range(len(run["length"]))
        ]
        for run in json.loads(path.read_text())
    ]


def test_the_achievements_are_those_of_the_game() -> None:
    pytest.importorskip("crafter", reason="crafter is not installed")
    from textenvs.envs.crafter.rules import crafter_folder, load_rules

    assert load_rules(crafter_folder("this test")).achievements == CRAFTER_ACHIEVEMENTS


def test_the_score_of_the_human_players_is_the_published_one(
    humans: list[list[dict[str, int]]],
) -> None:
    assert [len(episodes) for episodes in humans] == [20] * 5
    scores = [crafter_score(episodes) for episodes in humans]
    assert scores == pytest.approx([39.18, 47.11, 57.67, 56.57, 52.10], abs=0.005)
    assert crafter_score_of_groups(humans) == pytest.approx((50.53, 6.79), abs=0.005)


def test_the_pooled_human_episodes_score_by_their_rates(
    humans: list[list[dict[str, int]]],
) -> None:
    pooled = [episode for episodes in humans for episode in episodes]
    rates = {
        name: sum(bool(episode[name]) for episode in pooled) / 100 for name in CRAFTER_ACHIEVEMENTS
    }
    assert (rates["collect_diamond"], rates["eat_plant"], rates["wake_up"]) == (0.12, 0.08, 0.73)
    assert crafter_score(pooled) == pytest.approx(52.05, abs=0.005)
    assert crafter_score(rates) == pytest.approx(crafter_score(pooled))
    interval = bootstrap_crafter_score(pooled)
    assert interval.mean == pytest.approx(crafter_score(pooled))
    assert 45 < interval.low < 52 < interval.high < 60


def test_all_or_nothing_unlocked_scores_100_or_0() -> None:
    assert crafter_score([none]) == 0
    assert crafter_score([did(*CRAFTER_ACHIEVEMENTS)]) == pytest.approx(100)
    assert bootstrap_crafter_score([none, none]) == Interval(0.0, 0.0, 0.0)
    assert bootstrap_crafter_score([did(*CRAFTER_ACHIEVEMENTS)] * 3) == pytest.approx([100] * 3)


def test_the_score_is_the_geometric_mean_with_an_offset_of_1_percent() -> None:
    # Two achievements, in all of two episodes and in one of them.
    episodes = [did("wake_up", "collect_wood"), did("wake_up")]
    expected = (101 * 51) ** (1 / 22) - 1
    assert crafter_score(episodes) == pytest.approx(expected)
    assert crafter_score({**none, "wake_up": 1.0, "collect_wood": 0.5}) == pytest.approx(expected)


def test_groups_are_scored_apart() -> None:
    groups = [[did("wake_up")], [did("wake_up"), none, none], {**none, "wake_up": 0.5}]
    scores = [101 ** (1 / 22) - 1, (103 / 3) ** (1 / 22) - 1, 51 ** (1 / 22) - 1]
    mean, deviation = crafter_score_of_groups(groups)
    assert mean == pytest.approx(sum(scores) / 3)
    assert deviation == pytest.approx(math.sqrt(sum((s - mean) ** 2 for s in scores) / 3))
    assert crafter_score_of_groups([[did("wake_up")]]) == pytest.approx((scores[0], 0))


@fixed
@given(play)
def test_the_interval_is_reproducible_and_holds_the_score(episodes: list[dict[str, int]]) -> None:
    interval = bootstrap_crafter_score(episodes, resamples=200)
    assert interval == bootstrap_crafter_score(episodes, resamples=200)
    assert interval.mean == pytest.approx(crafter_score(episodes))
    assert 0 <= interval.low <= interval.mean <= interval.high <= 100 + 1e-9
    assert all(type(number) is float for number in interval)


def test_one_episode_says_nothing_about_the_spread() -> None:
    interval = bootstrap_crafter_score([did("wake_up", "collect_wood")])
    assert interval.low == interval.mean == interval.high


def test_the_bootstrap_agrees_with_the_exact_distribution() -> None:
    # Of n episodes, k with one achievement: a resample has binomial(n, k / n) of them.
    n, k = 40, 20
    interval = bootstrap_crafter_score([did("wake_up")] * k + [none] * (n - k))
    cumulative = np.cumsum([math.comb(n, i) / 2**n for i in range(n + 1)])
    score = 51 ** (1 / 22)
    least, greatest = (
        (1 + 100 * np.searchsorted(cumulative, q) / n) ** (1 / 22) for q in (0.025, 0.975)
    )
    assert interval == pytest.approx((score - 1, score**2 / greatest - 1, score**2 / least - 1))


def test_the_interval_covers_the_true_score_where_the_percentiles_do_not() -> None:
    random = np.random.default_rng(0)
    # In percent, as human players' (of the achievements in their order).
    percent = [86, 12, 92, 53, 67, 100, 100, 31, 84, 89, 8, 26, 22, 78, 78, 100, 45, 32, 24, 90]
    rates = np.array([*percent, 100, 73]) / 100
    truth = crafter_score(dict(zip(CRAFTER_ACHIEVEMENTS, rates.tolist(), strict=True)))
    covered, by_percentiles = 0, 0
    for _ in range(300):
        played = (random.random((20, 22)) < rates).astype(int).tolist()
        episodes = [dict(zip(CRAFTER_ACHIEVEMENTS, row, strict=True)) for row in played]
        score, low, high = bootstrap_crafter_score(episodes, resamples=500)
        covered += low <= truth <= high
        ends = [(1 + score) ** 2 / (1 + end) - 1 for end in (high, low)]
        by_percentiles += ends[0] <= truth <= ends[1]
    assert 0.88 < covered / 300 < 0.98
    assert by_percentiles / 300 < 0.8


def test_many_episodes_are_resampled_in_blocks() -> None:
    interval = bootstrap_crafter_score([did("wake_up"), none] * 2_500, resamples=1_000)
    assert interval.mean == pytest.approx(51 ** (1 / 22) - 1)
    assert interval.low < interval.mean < interval.high


@pytest.mark.parametrize(
    ("achievements", "message"),
    [
        ({}, "22 achievements, got 0 .*missing: collect_coal, "),
        ({**none, "fly": 1}, "got 23 .*missing: none; unknown: 'fly'"),
        ({name: 0 for name in CRAFTER_ACHIEVEMENTS[1:]}, "missing: collect_coal; unknown: none"),
    ],
)
def test_other_achievements_are_refused(achievements: dict[str, int], message: str) -> None:
    for score in (crafter_score, bootstrap_crafter_score):
        with pytest.raises(ValueError, match=message):
            score([none, achievements])
    with pytest.raises(ValueError, match=message):
        crafter_score(achievements)


@pytest.mark.parametrize("rate", [-0.1, 1.1, 73, math.nan])
def test_rates_that_are_no_shares_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"expected success rates from 0 to 1, got {rate}"):
        crafter_score({**none, "wake_up": rate})


def test_wrong_counts_and_no_episodes_are_refused() -> None:
    wrong: Any
    for wrong in (-1, math.nan):
        with pytest.raises(ValueError, match=f"of 0 or more, got {wrong}"):
            crafter_score([{**none, "wake_up": wrong}])
    with pytest.raises(ValueError, match="at least one episode to score, got none"):
        crafter_score([])
    with pytest.raises(ValueError, match="at least one episode to score, got none"):
        bootstrap_crafter_score([])
    with pytest.raises(ValueError, match="at least one group to score, got none"):
        crafter_score_of_groups([])
    with pytest.raises(ValueError, match="at least one resample, got 0"):
        bootstrap_crafter_score([none], 0)


def test_smartplays_score_is_the_area_under_the_curve() -> None:
    steps = [(), ("collect_wood",), (), ("wake_up", "place_table"), ()]
    assert smartplay_score(steps) == 0 + 1 + 1 + 3 + 3
    assert smartplay_score([]) == 0
    assert smartplay_score([()] * 9) == 0
    assert smartplay_score(step for step in steps) == 8


def test_a_passive_survivor_beats_who_is_quick_in_smartplays_score() -> None:
    quick = [(name,) for name in CRAFTER_ACHIEVEMENTS]
    passive = [("wake_up",), *[()] * 9_998]
    assert smartplay_score(quick) == 22 * 23 // 2
    assert smartplay_score(passive) == 9_999 > SMARTPLAY_HUMAN_SCORE == 2680


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("fly",)], "achievements of Crafter, got 'fly' in step 0"),
        (["wake_up"], "achievements of Crafter, got 'w' in step 0"),
        ([("wake_up",), ("wake_up", "eat_cow")], "first time, got 'wake_up' again in step 1"),
    ],
)
def test_smartplays_score_refuses_what_is_not_newly_unlocked(steps: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        smartplay_score(steps)


def test_smartplays_score_counts_what_the_game_says() -> None:
    pytest.importorskip("crafter", reason="crafter is not installed")
    import gymnasium

    import textenvs  # noqa: F401  (registers the environments)

    env = gymnasium.make("Crafter-Text-v0")
    _, info = env.reset(seed=1)
    env.action_space.seed(1)
    steps, area, over = [], 0, False
    while not over and len(steps) < 150:
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        steps.append(info["unlocked"])
        area += sum(map(bool, info["achievements"].values()))
        over = terminated or truncated
    assert smartplay_score(steps) == area > 0
