"""Comparisons as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textenvs.errors import require
from textenvs.evaluation.compare import Comparison
from textenvs.evaluation.experiments import ACTIONS, METRICS, UNLOCKS, Experiments, Measure

__all__ = ["plot_comparison", "plot_experiments"]

_GROUPS = {UNLOCKS: "unlock rates", ACTIONS: "most common actions"}


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


def plot_experiments(found: Experiments, folder: Path) -> list[Path]:
    """Draw each metric, the unlock rates and the actions, every experiment with its interval.

    Returns:
        The files, NAME.png of each metric and group that was measured.

    Raises:
        MissingExtra: if matplotlib is not installed.
        OSError: if a file cannot be written.
    """
    matplotlib = require("matplotlib", extra="plot", needed_by="a plot of a comparison")
    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: (found.group("metrics", name), name.replace("_", " ")) for name in METRICS}
    env_ids = dict.fromkeys(measure.env_id for measure in found.measures)
    for group, title in _GROUPS.items():
        figures[group] = ([m for env_id in env_ids for m in found.shown(group, env_id)], title)
    written = []
    for name, (measures, title) in figures.items():
        if measures:
            written.append(folder / f"{name}.png")
            _plot_measures(measures, found.names, title, written[-1])
    return written


def _plot_measures(
    measures: Sequence[Measure], names: Sequence[str], title: str, path: Path
) -> None:
    """A line an environment, achievement or action, and in it a point an experiment."""
    import matplotlib.pyplot as plt

    several = len({measure.env_id for measure in measures}) > 1
    is_metric = measures[0].group == "metrics"

    def label(measure: Measure) -> str:
        if is_metric:
            return measure.env_id
        return f"{measure.env_id}\n{measure.name}" if several else measure.name.replace("_", " ")

    lines = list(dict.fromkeys(map(label, measures)))
    figure, axis = plt.subplots(figsize=(7.5, 0.22 * len(lines) * (len(names) + 1) + 1.8))
    scale = 100 if measures[0].is_share else 1
    for n, name in enumerate(names):
        own = [measure for measure in measures if measure.experiment == name]
        places = [
            lines.index(label(measure)) + 0.7 * (n + 0.5) / len(names) - 0.35 for measure in own
        ]
        color = f"C{n % 10}"
        for place, measure in zip(places, own, strict=True):
            low, high = scale * measure.value.low, scale * measure.value.high
            axis.plot([low, high], [place, place], color=color)
            axis.plot(
                scale * measure.value.mean,
                place,
                "o",
                color=color,
                markerfacecolor=color if measure.separated or n == 0 else "white",
                label=name if measure is own[0] else None,
            )
    axis.set_yticks(range(len(lines)), lines)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.set_xlabel(f"{title}{', %' if scale == 100 else ''}")
    axis.set_title(f"95 % intervals; filled where p (Holm) < 0.05 against {names[0]}", fontsize=9)
    axis.grid(axis="x", linewidth=0.3)
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
