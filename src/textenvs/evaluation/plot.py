"""Comparisons as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textenvs.errors import require
from textenvs.evaluation.compare import Comparison

__all__ = ["plot_comparison"]


def plot_comparison(found: Sequence[Comparison], path: Path) -> None:
    """Draw each difference with its interval, a panel a metric.

    Raises:
        MissingExtra: if matplotlib is not installed.
        OSError: if the file cannot be written.
    """
    matplotlib = require("matplotlib", extra="plot", needed_by="a plot of a comparison")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    metrics = list(dict.fromkeys(row.metric for row in found))
    rows = max(sum(row.metric == metric for row in found) for metric in metrics)
    figure, axes = plt.subplots(
        1,
        len(metrics),
        figsize=(3.2 * len(metrics) + 2.5, 0.5 * rows + 1.4),
        sharey=True,
        squeeze=False,
    )
    for axis, metric in zip(axes[0], metrics, strict=True):
        shown = [row for row in found if row.metric == metric]
        for place, row in enumerate(shown):
            difference = row.difference
            axis.plot([difference.low, difference.high], [place, place], color="tab:blue")
            axis.plot(
                difference.mean,
                place,
                "o",
                color="tab:blue",
                markerfacecolor="tab:blue" if row.separated else "white",
            )
        axis.axvline(0, color="grey", linewidth=0.8)
        axis.set_yticks(range(len(shown)), [f"{row.env_id}\n{row.second}" for row in shown])
        axis.set_title(metric.replace("_", " "))
        axis.set_xlabel(f"difference to {found[0].first}")
        axis.margins(y=0.3)
    figure.suptitle("95 % intervals; filled where p (Holm) < 0.05", fontsize=9)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
