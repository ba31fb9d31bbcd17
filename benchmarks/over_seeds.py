"""What pages of trainings share: means over runs, their tests, their curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textenvs.metrics import bootstrap_mean, independent_permutation_test

__all__ = ["draw_curve", "mean_of", "p_of"]

_FEWEST = 2  # runs of which an interval is made
_RESAMPLES = 2000  # for a band, which has many points


def mean_of(values: Sequence[float], form: str = "{:.3f}") -> str:
    """The mean with its 95 % bootstrap interval, "-" of nothing."""
    if not values:
        return "-"
    if len(values) < _FEWEST:
        return form.format(values[0])
    mean, low, high = bootstrap_mean(list(values))
    return f"{form.format(mean)} [{form.format(low)}, {form.format(high)}]"


def p_of(values: Sequence[float], base: Sequence[float]) -> str:
    """The p of an exact permutation test between two groups of runs, "-" if one is too small."""
    if min(len(values), len(base)) < _FEWEST:
        return "-"
    return f"{independent_permutation_test(list(values), list(base)):.3g}"


def draw_curve(
    axes: Any, x: Sequence[float], curves: Sequence[Sequence[float]], color: str, label: str
) -> None:
    """The mean of the runs' curves at each of ``x``, with a 95 % band if there are several."""
    columns = [[curve[i] for curve in curves] for i in range(len(x))]
    axes.plot(x, [sum(each) / len(each) for each in columns], color=color, label=label)
    if len(curves) >= _FEWEST:
        bands = [bootstrap_mean(each, _RESAMPLES) for each in columns]
        axes.fill_between(
            x, [b.low for b in bands], [b.high for b in bands], color=color, alpha=0.15
        )
