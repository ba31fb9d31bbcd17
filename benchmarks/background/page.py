"""The page and the figure of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import common
import result_rows
from background.groups import GROUPS, METHODS, SCALE
from background.results import GOOD, Result
from over_seeds import draw_curve, mean_of, p_of

__all__ = ["draw", "page"]

_COLORS = {
    "ppo": "tab:gray",
    "rnd": "tab:purple",
    "code": "tab:blue",
    "preference": "tab:orange",
    "goal": "tab:green",
}

_HEAD = f"""# Knowledge of a language model as a potential: code, preferences, goals

The three ways of Chen et al. (arXiv:2407.03964, `mansicer/background-knowledge-rl`) against plain
PPO and PPO with random network distillation. The knowledge is what came with the package: it was
given before any of these tasks, of which it does not know (docs/shaping.md). A potential is brought
to mean 0 and deviation 1 by its first 2,000 states, and {SCALE} of it is what a state is worth.

After every 20,000 steps 50 episodes are played greedily, on seeds of their own, without any
potential: always the most probable action, by which a policy without memory may go round in
circles for ever. While it learns, actions are drawn; the success of those episodes is told beside.
Area: the mean success over the run. Steps to {100 * GOOD:.0f} %: until an evaluation, or 100
episodes in a row, had that success; runs that never had it count with all their steps, and the mean
is then no more than a lower bound. Means over runs with 95 % bootstrap intervals; p is of an exact
permutation test of the areas against plain PPO's, two-sided, not corrected. Of the publication no
numbers are at hand.

    python benchmarks/background_knowledge.py
"""


def page(
    results: Sequence[Result],
    random: Mapping[str, Mapping[str, list[float]]],
    speed: Sequence[Mapping[str, Any]],
    smoke: bool,
    figure: str = "background_knowledge.png",
) -> str:
    """The page, in Markdown.

    Args:
        results: of all runs that ended.
        random: task -> ``success`` and ``return`` of random play, an episode each.
        speed: of trainings alone, as :func:`background.speed.measure_speed` tells it.
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
    if results:
        parts.append(f"![Success over steps]({figure})\n")
    if speed:
        parts.append(_speeds(speed))
    return "\n".join(parts)


def _speeds(speed: Sequence[Mapping[str, Any]]) -> str:
    """How fast each way trains alone."""
    rows = [
        (each["task"], each["encoder"], each["method"], f"{each['steps_per_second']:,}")
        for each in speed
    ]
    return (
        f"## Steps a second\n\nOne training at a time, on {speed[0]['cores']} cores, without "
        "evaluations (`python benchmarks/background_knowledge.py --speed`). The runs above were "
        "two at a time, on a core each.\n\n"
        f"{result_rows.table(('task', 'encoder', 'method', 'steps/s'), rows)}\n"
    )


def _section(
    group: str, task: str, results: Sequence[Result], random: Mapping[str, list[float]]
) -> str:
    rows = []
    plain = [each for each in results if each.method == "ppo"]
    base, base_training = [each.area for each in plain], [each.training_area for each in plain]
    for method in METHODS:
        found = [each for each in results if each.method == method]
        if not found:
            continue
        areas = [each.area for each in found]
        training = [each.training_area for each in found]
        speeds = [each.steps_per_second for each in found if each.steps_per_second]
        rows.append(
            (
                method,
                len(found),
                _soon([each.training_soon for each in found], found[0].total),
                mean_of(training),
                p_of(training, base_training) if method != "ppo" else "",
                _soon([each.soon for each in found], found[0].total),
                mean_of(areas),
                mean_of([each.final for each in found]),
                p_of(areas, base) if method != "ppo" else "",
                f"{median(speeds):,.0f}" if speeds else "-",
                sum(sum(each.faults.values()) for each in found),
            )
        )
    good = f"steps to {100 * GOOD:.0f} %"
    columns = ("method", "runs", f"training: {good}", "area", "p")
    more = (f"greedy: {good}", "area", "final", "p", "steps/s with evaluations", "faults")
    played = random.get("success", [])
    steps = " or ".join(f"{each:,}" for each in sorted({each.total for each in results}))
    ways = ", ".join(sorted({each.knowledge for each in results} - {"", "ready"}))
    told = [f"Runs of {steps} steps."]
    told += [f"Knowledge: {ways}."] if ways else []
    told += [f"Random play succeeds in {mean_of(played, '{:.2f}')} of its episodes."] * bool(played)
    table = result_rows.table((*columns, *more), rows)
    return f"## {task} ({group})\n\n{' '.join(told)}\n\n{table}\n"


def _soon(reached: Sequence[int | None], total: int) -> str:
    """Steps until it was good, runs that never were with all their steps; and how many were."""
    there = sum(each is not None for each in reached)
    steps = mean_of([total if each is None else each for each in reached], "{:,.0f}")
    return f"{steps} ({there} of {len(reached)})"


def draw(pyplot: Any, results: Sequence[Result]) -> Any:
    """Success over steps, in training and greedily, with 95 % bands, two panels a task."""
    tasks = list(dict.fromkeys(each.task for each in results))
    figure, axes = pyplot.subplots(
        len(tasks), 2, figsize=(9.2, 3.4 * len(tasks)), squeeze=False, layout="constrained"
    )
    for row, task in zip(axes, tasks, strict=True):
        found = [result for result in results if result.task == task]
        _panel(row[0], f"{task}, in training", found, greedy=False)
        _panel(row[1], f"{task}, greedy", found, greedy=True)
    return figure


def _panel(axes: Any, title: str, results: Sequence[Result], *, greedy: bool) -> None:
    for method in METHODS:
        found = [each for each in results if each.method == method]
        if not found:
            continue
        curves = [each.success if greedy else each.training for each in found]
        length = min(map(len, curves))
        bins = [(i + 0.5) * found[0].total / length for i in range(length)]
        steps = found[0].steps[:length] if greedy else bins
        draw_curve(axes, steps, curves, _COLORS[method], method)
    axes.axhline(GOOD, color="black", linewidth=0.5, linestyle="dotted")
    axes.set_title(title, fontsize="small")
    axes.set_xlabel("steps")
    axes.set_ylabel("success")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(fontsize="x-small")
