"""The page and the figure of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import common
from background.groups import GROUPS, METHODS, SCALE
from background.results import GOOD, Result
from textenvs.metrics import bootstrap_mean, independent_permutation_test

__all__ = ["draw", "page"]

_COLORS = {
    "ppo": "tab:gray",
    "rnd": "tab:purple",
    "code": "tab:blue",
    "preference": "tab:orange",
    "goal": "tab:green",
}
_FEWEST = 2  # runs of which an interval is made

_HEAD = f"""# Knowledge of a language model as a potential: code, preferences, goals

The three ways of Chen et al. (arXiv:2407.03964, `mansicer/background-knowledge-rl`) against plain
PPO and PPO with random network distillation. The knowledge is what came with the package: it was
given before any of these tasks, of which it does not know (docs/shaping.md). A potential is brought
to mean 0 and deviation 1 by its first 2,000 states, and {SCALE} of it is what a state is worth.

After every 20,000 steps 50 episodes are played greedily, on seeds of their own, without any
potential. Area: the mean success over the run. Steps to {100 * GOOD:.0f} %: until an evaluation had
that success; runs that never had it count with all their steps, which the mean is then a lower
bound of. Means over runs with 95 % bootstrap intervals; p is of an exact permutation test of the
areas against plain PPO's, two-sided, not corrected. Of the publication no numbers are at hand.

    python benchmarks/background_knowledge.py
"""


def page(
    results: Sequence[Result],
    random: Mapping[str, Mapping[str, list[float]]],
    smoke: bool,
    figure: str = "background_knowledge.png",
) -> str:
    """The page, in Markdown.

    Args:
        results: of all runs that ended.
        random: task -> ``success`` and ``return`` of random play, an episode each.
        smoke: whether it is no result.
        figure: the file of the figure, beside the page.
    """
    parts = [_HEAD]
    if smoke:
        parts.append(f"{common.SMOKE}\n")
    for group, tasks in GROUPS.items():
        for task in tasks:
            found = [each for each in results if each.task == task]
            if found:
                parts.append(_section(group, task, found, random.get(task, {})))
    parts.append(f"![Greedy success over steps]({figure})\n")
    return "\n".join(parts)


def _section(
    group: str, task: str, results: Sequence[Result], random: Mapping[str, list[float]]
) -> str:
    rows = []
    base = [each.area for each in results if each.method == "ppo"]
    for method in METHODS:
        found = [each for each in results if each.method == method]
        if not found:
            continue
        areas = [each.area for each in found]
        soon = [each.total if each.soon is None else each.soon for each in found]
        there = sum(each.soon is not None for each in found)
        speeds = [each.steps_per_second for each in found if each.steps_per_second]
        rows.append(
            (
                method,
                len(found),
                f"{there} of {len(found)}",
                _interval(soon, "{:,.0f}"),
                _interval(areas, "{:.3f}"),
                _interval([each.final for each in found], "{:.3f}"),
                _p(areas, base) if method != "ppo" else "",
                f"{median(speeds):,.0f}" if speeds else "-",
                sum(sum(each.faults.values()) for each in found),
            )
        )
    columns = ("method", "runs", f"reached {100 * GOOD:.0f} %", "steps until", "area", "final")
    more = ("p", "steps/s with evaluations", "faults")
    played = random.get("success", [])
    steps = " or ".join(f"{each:,}" for each in sorted({each.total for each in results}))
    ways = ", ".join(sorted({each.knowledge for each in results} - {"", "ready"}))
    told = [f"Runs of {steps} steps."]
    told += [f"Knowledge: {ways}."] if ways else []
    told += [f"Random play succeeds in {_interval(played, '{:.2f}')} of its episodes."] * bool(
        played
    )
    table = common.table((*columns, *more), rows)
    return f"## {task} ({group})\n\n{' '.join(told)}\n\n{table}\n"


def _interval(values: Sequence[float], form: str) -> str:
    if len(values) < _FEWEST:
        return form.format(values[0]) if values else "-"
    mean, low, high = bootstrap_mean(list(values))
    return f"{form.format(mean)} [{form.format(low)}, {form.format(high)}]"


def _p(values: Sequence[float], base: Sequence[float]) -> str:
    if min(len(values), len(base)) < _FEWEST:
        return "-"
    return f"{independent_permutation_test(list(values), list(base)):.3g}"


def draw(pyplot: Any, results: Sequence[Result]) -> Any:
    """Greedy success over steps, with 95 % bands, a panel a task."""
    tasks = list(dict.fromkeys(each.task for each in results))
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4.6 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    for each, task in zip(axes.flat, tasks, strict=False):
        _panel(each, task, [result for result in results if result.task == task])
    for each in list(axes.flat)[len(tasks) :]:
        each.axis("off")
    return figure


def _panel(axes: Any, task: str, results: Sequence[Result]) -> None:
    for method in METHODS:
        found = [each for each in results if each.method == method]
        if not found:
            continue
        length = min(len(each.steps) for each in found)
        columns = [[each.success[i] for each in found] for i in range(length)]
        color = _COLORS[method]
        steps = found[0].steps[:length]
        axes.plot(steps, [sum(c) / len(c) for c in columns], color=color, label=method)
        if len(found) >= _FEWEST:
            bands = [bootstrap_mean(c, 2000) for c in columns]
            axes.fill_between(
                steps, [b.low for b in bands], [b.high for b in bands], color=color, alpha=0.15
            )
    axes.axhline(GOOD, color="black", linewidth=0.5, linestyle="dotted")
    axes.set_title(task, fontsize="small")
    axes.set_xlabel("steps")
    axes.set_ylabel("greedy success")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(fontsize="x-small")
