"""Crafter's scores: the Crafter score over many episodes, SmartPlay's of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from textenvs.metrics.intervals import Interval
from textenvs.metrics.samples import resampled

__all__ = [
    "CRAFTER_ACHIEVEMENTS",
    "SMARTPLAY_HUMAN_SCORE",
    "bootstrap_crafter_score",
    "check_names",
    "crafter_score",
    "crafter_score_of_groups",
    "smartplay_score",
]

CRAFTER_ACHIEVEMENTS = (
    *("collect_coal", "collect_diamond", "collect_drink", "collect_iron", "collect_sapling"),
    *("collect_stone", "collect_wood", "defeat_skeleton", "defeat_zombie", "eat_cow", "eat_plant"),
    *("make_iron_pickaxe", "make_iron_sword", "make_stone_pickaxe", "make_stone_sword"),
    *("make_wood_pickaxe", "make_wood_sword", "place_furnace", "place_plant", "place_stone"),
    *("place_table", "wake_up"),
)
"""The 22 achievements in crafter's order (crafter 1.8.3, ``data.yaml``)."""

SMARTPLAY_HUMAN_SCORE = 2680
"""A human player's :func:`smartplay_score`, by which SmartPlay divides to normalise (its least is
0); microsoft/SmartPlay 9dec5f2, ``evaluation.yml``, for 10,000 steps at most."""

Counts = Mapping[str, int]  # of one episode: achievement -> how often


def crafter_score(success_rates_or_episodes: Mapping[str, float] | Sequence[Counts]) -> float:
    """The Crafter score in percent: exp(mean of ln(1 + s)) - 1 over the 22 achievements.

    s is the percentage, 0 to 100, of the episodes in which an achievement was unlocked. It is near
    to a geometric mean: a rare achievement counts for more than one that most episodes have.

    The published scores are over thousands of episodes of training. Of a few episodes the score
    comes out too low, since what is rare is mostly not seen at all (by how much:
    ``benchmarks/interval_coverage.py``). Compare scores of equally many episodes.

    Args:
        success_rates_or_episodes: by achievement the share of the episodes that unlocked it, **from
            0 to 1**, or how often each episode did each (``info["achievements"]`` at its end).

    Raises:
        ValueError: if there is no episode, if the achievements are not Crafter's 22, or for a rate
            beyond 0 and 1 or a count below 0.

    Source: Hafner, Benchmarking the Spectrum of Agent Capabilities, ICLR 2022 (arXiv 2109.06780);
    danijar/crafter e04542a, ``analysis/common.py``.
    """
    if isinstance(success_rates_or_episodes, Mapping):
        rates = _in_order(success_rates_or_episodes)
        if not ((rates >= 0) & (rates <= 1)).all():
            wrong = rates[~((rates >= 0) & (rates <= 1))][0]
            raise ValueError(f"expected success rates from 0 to 1, got {wrong}")
    else:
        rates = _unlocked(success_rates_or_episodes).mean(0)
    return math.expm1(float(_log_scores(rates)))


def crafter_score_of_groups(
    groups: Iterable[Mapping[str, float] | Sequence[Counts]],
) -> tuple[float, float]:
    """The Crafter score as it is published: mean and deviation of the scores of several groups.

    A group is a seed of the training, or a human player. The deviation is the population's (ddof
    0): that of the groups, no error of the mean.

    Args:
        groups: each as :func:`crafter_score` takes it.

    Raises:
        ValueError: if there is no group, or as :func:`crafter_score`.

    Source: danijar/crafter e04542a, ``analysis/common.py``; the five human players of its
    ``scores/crafter_reward-human.json`` give 50.53 ± 6.79, published as 50.5 ± 6.8.
    """
    scores = [crafter_score(group) for group in groups]
    if not scores:
        raise ValueError("expected at least one group to score, got none")
    return float(np.mean(scores)), float(np.std(scores))


def bootstrap_crafter_score(episodes: Sequence[Counts], resamples: int = 10_000) -> Interval:
    """The Crafter score of some episodes, with the basic bootstrap's 95 % interval.

    Episodes are resampled. Resamples lose rare achievements and hence score lower than the episodes
    themselves, as these score lower than very many would; the percentiles of the resamples, which
    :func:`bootstrap_mean` takes, would add the two errors up. So the distances from the score to
    those percentiles, in its logarithm, are laid off to the other side, and the interval reaches
    to the score at least. How often it covers the true score is simulated by
    ``benchmarks/interval_coverage.py``; percentiles would cover it far less often. Deterministic:
    the resampling has a fixed seed.

    Args:
        episodes: how often each episode did each achievement.
        resamples: how many.

    Raises:
        ValueError: as :func:`crafter_score`.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 5.2.
    """
    unlocked = _unlocked(episodes)
    n = len(unlocked)
    log_score = float(_log_scores(unlocked.mean(0)))
    replicates = []
    for chosen in resampled(n, resamples):
        # How often each resample has each episode: a table times a matrix is faster than indexing.
        rows = np.arange(len(chosen))[:, None]
        times = np.bincount((chosen + n * rows).ravel(), minlength=chosen.size).reshape(-1, n)
        replicates.append(_log_scores(times.astype(np.float32) @ unlocked / n))
    least, greatest = np.quantile(np.concatenate(replicates), (0.025, 0.975))
    low = min(2 * log_score - float(greatest), log_score)
    high = max(2 * log_score - float(least), log_score)
    score = math.expm1(log_score)
    return Interval(score, max(math.expm1(low), 0.0), max(min(math.expm1(high), 100.0), score))


def smartplay_score(unlocked_per_step: Iterable[Iterable[str]]) -> int:
    """SmartPlay's score of one Crafter episode: the area under the curve of unlocked achievements.

    After every step the number of achievements unlocked so far is added. It is no number of
    achievements: who lives on with a few may beat who was quick and died. It depends on the limit
    of steps (SmartPlay's are 10,000). Divide by :data:`SMARTPLAY_HUMAN_SCORE` to normalise it.

    Args:
        unlocked_per_step: the achievements that each step unlocked for the first time, none for
            most: ``info["unlocked"]``, or a trace's ``step.get("unlocked", ())``.

    Raises:
        ValueError: for an achievement that Crafter does not have, or that is unlocked twice.

    Source: Wu et al., SmartPlay, ICLR 2024 (arXiv 2310.01557); microsoft/SmartPlay 9dec5f2,
    ``src/smartplay/crafter/crafter_env.py``.
    """
    so_far: set[str] = set()
    area = 0
    for step, names in enumerate(unlocked_per_step):
        for name in names:
            if name not in CRAFTER_ACHIEVEMENTS:
                raise ValueError(f"expected achievements of Crafter, got {name!r} in step {step}")
            if name in so_far:
                raise ValueError(
                    "expected the achievements that each step unlocked for the first time, "
                    f"got {name!r} again in step {step}"
                )
            so_far.add(name)
        area += len(so_far)
    return area


def check_names(achievements: Mapping[str, float]) -> None:
    """Refuse what does not name Crafter's 22 achievements.

    Raises:
        ValueError: if one is missing or unknown.
    """
    if achievements.keys() != set(CRAFTER_ACHIEVEMENTS):
        missing = [name for name in CRAFTER_ACHIEVEMENTS if name not in achievements]
        unknown = [name for name in achievements if name not in CRAFTER_ACHIEVEMENTS]
        raise ValueError(
            f"expected Crafter's {len(CRAFTER_ACHIEVEMENTS)} achievements, got {len(achievements)}"
            f" (missing: {', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(map(repr, unknown)) or 'none'})"
        )


def _in_order(achievements: Mapping[str, float]) -> NDArray[np.float64]:
    check_names(achievements)
    return np.array([achievements[name] for name in CRAFTER_ACHIEVEMENTS], float)


def _unlocked(episodes: Sequence[Counts]) -> NDArray[np.float32]:
    """Which episode (row) unlocked what (column), as 0 and 1."""
    if not len(episodes):
        raise ValueError("expected at least one episode to score, got none")
    counts = np.array([_in_order(episode) for episode in episodes])
    if not (counts >= 0).all():
        raise ValueError(
            f"expected counts of achievements of 0 or more, got {counts[~(counts >= 0)][0]}"
        )
    return (counts > 0).astype(np.float32)


def _log_scores(rates: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean of ln(1 + s) over the achievements, which are the last axis."""
    logs: NDArray[np.float64] = np.log1p(100 * np.asarray(rates, np.float64)).mean(-1)
    return logs
