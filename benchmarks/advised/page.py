"""The page and the figure of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import common
import result_rows
from advised.presets import CONDITIONS, PRESETS, WORLDS
from advised.results import PARTS, Result
from over_seeds import draw_curve, mean_of, p_of

__all__ = ["draw", "page"]

_COLORS = {"baseline": "tab:gray", "reward": "tab:blue", "policy": "tab:orange", "both": "tab:red"}
_PUBLISHED_NAME = {"both": "a2c2"}

_HEAD = """# Advice from a language model, taken in three ways

in5490's comparison (`jonatan-hanssen/in5490-project`, d2c0ab0) with other seeds, fixed ones: PPO
without advice (`baseline`), with advice that pays (`reward`), with advice in the policy (`policy`),
and with both. Numbers are returns of the game alone, without what advice pays; means over runs with
95 % bootstrap intervals; p is of an exact permutation test of the areas against the baseline's, or
against those of the published runs, two-sided, not corrected. Area: the mean return over the whole
training. What was published is computed from the project's curves, which lack the last nine
episodes. With eight runs a condition, or fewer, only great differences can be told.

    {command}
"""


def page(
    results: Sequence[Result],
    more: Mapping[str, Any],
    curves: Mapping[str, Any],
    smoke: bool,
    command: str,
    figure: str,
) -> str:
    """The page, in Markdown.

    Args:
        results: of all runs that ended.
        more: ``random``, ``advisers`` and ``transfer`` (see the benchmark).
        curves: the published ones, or none.
        smoke: whether it is no result.
        command: that makes it.
        figure: the name of the file beside it.
    """
    parts = [_HEAD.format(command=command)]
    if smoke:
        parts.append(f"{common.SMOKE}\n")
    parts.append(_advisers(more["advisers"]))
    for preset in PRESETS:
        for world in WORLDS:
            chosen = [r for r in results if (r.preset, r.world) == (preset, world)]
            if chosen:
                published = curves.get(world, {}) if preset == "published" else {}
                parts.append(_section(preset, world, chosen, published, more["random"]))
    parts.append(_transfer(results, more["transfer"]))
    parts.append(f"![Learning curves]({figure})\n")
    return "\n".join(parts)


def _advisers(advisers: Mapping[str, Any]) -> str:
    lines = []
    for world, told in advisers.items():
        covered = told["coverage"]
        shares = ("-", "-", "-")
        if covered:
            shares = (
                str(covered["prompts"]),
                f"{100 * covered['of_prompts']:.1f}",
                f"{100 * covered['of_steps']:.1f}",
            )
        lines.append((world, told["label"], *shares))
    columns = ("world", "who advises", "prompts of random play", "recorded, %", "of its steps, %")
    return f"## Who advises\n\n{result_rows.table(columns, lines)}\n"


def _section(
    preset: str,
    world: str,
    results: Sequence[Result],
    published: Mapping[str, Any],
    random: Mapping[str, Sequence[float]],
) -> str:
    thresholds = list(results[0].reached)
    by_condition = {c: [r for r in results if r.condition == c] for c in CONDITIONS}
    base = [r.area for r in by_condition["baseline"]]
    rows, parts, soon = [], [], []
    for condition, found in by_condition.items():
        if not found:
            continue
        areas = [r.area for r in found]
        theirs = published.get(_PUBLISHED_NAME.get(condition, condition), {})
        rows.append(
            (
                condition,
                len(found),
                mean_of(areas),
                mean_of(theirs.get("per_seed_mean", ())),
                _range(theirs.get("per_seed_mean", ())),
                p_of(areas, theirs.get("per_seed_mean", ())),
                mean_of([r.final for r in found]),
                mean_of(theirs.get("per_seed_final", ())),
                mean_of([r.final_success for r in found if r.final_success is not None]),
                "" if condition == "baseline" else p_of(areas, base),
            )
        )
        parts.append(
            (condition, *(_part(each) for each in zip(*(r.parts for r in found), strict=True)))
        )
        if theirs:
            parts.append((f"{condition}, published", *_parts_of(theirs, WORLDS[world].episodes)))
        soon.append((condition, *(_soon([r.reached[t] for r in found]) for t in thresholds)))
    areas_shown = ("area", "published", "published runs", "p, published")
    columns = ("condition", "runs", *areas_shown, "final", "published", "final success", "p")
    shares = [f"{100 * low:.0f}-{100 * high:.0f} %" for low, high in pairwise(PARTS)]
    return "\n".join(
        (
            f"## {world}, {preset}\n",
            f"`{WORLDS[world].env_id}`. Random play: {mean_of(random[world])}.{_speed(results)}\n",
            result_rows.table(columns, rows),
            f"\nMean returns in parts of the {'episodes' if preset == 'published' else 'steps'}:\n",
            result_rows.table(("condition", *shares), parts),
            "\nRuns that reached a mean return, and the median episodes (steps) until then:\n",
            result_rows.table(("condition", *thresholds), soon),
            "",
        )
    )


def _speed(results: Sequence[Result]) -> str:
    speeds = [r.steps_per_second for r in results if r.steps_per_second]
    if not speeds:
        return ""
    return f" A run learns from {median(speeds):,.0f} steps a second (median of the runs)."


def _range(values: Sequence[float]) -> str:
    """From the least of the published runs to the greatest."""
    return f"{min(values):.3f} to {max(values):.3f}" if values else "-"


def _part(values: Sequence[float | None]) -> str:
    found = [v for v in values if v is not None]
    return f"{sum(found) / len(found):.3f}" if found else "-"


def _parts_of(curve: Mapping[str, Any], episodes: int) -> list[str]:
    """The mean returns of the published runs in the same parts, by the bins of their curves."""
    middles = [(i + 0.5) * curve["bin"] / episodes for i in range(len(curve["binned_mean"]))]
    return [
        _part([v for v, x in zip(curve["binned_mean"], middles, strict=True) if low <= x < high])
        for low, high in pairwise(PARTS)
    ]


def _soon(reached: Sequence[list[int] | None]) -> str:
    found = [each for each in reached if each is not None]
    said = f"{len(found)} of {len(reached)}"
    if not found:
        return said
    episodes, steps = (median(each[i] for each in found) for i in (0, 1))
    return f"{said}: {episodes:,.0f} ({steps:,.0f})"


def _transfer(results: Sequence[Result], transfer: Mapping[str, Mapping[str, float]]) -> str:
    groups: dict[tuple[str, str, str], list[Mapping[str, float]]] = {}
    for result in results:
        group = (result.preset, result.world, result.condition)
        key = "/".join((*group, str(result.seed)))
        if key in transfer:
            groups.setdefault((result.preset, result.world, result.condition), []).append(
                transfer[key]
            )
    worlds = [w for w in WORLDS if any(w in played for each in groups.values() for played in each)]
    lines = [
        (*key, *(mean_of([p[w] for p in played if w in p]) for w in worlds))
        for key, played in groups.items()
    ]
    return "\n".join(
        (
            "## Played elsewhere\n",
            "Success of what was learned, without advice, always the most probable action, on 20\n"
            "seeds of each environment; means over runs; - where it was not played.\n",
            result_rows.table(("preset", "learned in", "condition", *worlds), lines),
            "",
        )
    )


def draw(pyplot: Any, results: Sequence[Result], curves: Mapping[str, Any]) -> Any:
    """Learning curves with 95 % bands, over the published ones (dashed)."""
    panels = [
        (p, w)
        for p in PRESETS
        for w in WORLDS
        if any((r.preset, r.world) == (p, w) for r in results)
    ]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4.2 * columns, 3.2 * rows), squeeze=False, layout="constrained"
    )
    for each, (preset, world) in zip(axes.flat, panels, strict=False):
        _panel(each, preset, world, results, curves)
    for each in list(axes.flat)[len(panels) :]:
        each.axis("off")
    return figure


def _panel(
    axes: Any, preset: str, world: str, results: Sequence[Result], curves: Mapping[str, Any]
) -> None:
    for condition in CONDITIONS:
        color = _COLORS[condition]
        found = [
            r.curve
            for r in results
            if (r.preset, r.world, r.condition) == (preset, world, condition)
        ]
        if found:
            length = min(map(len, found))
            unit = WORLDS[world].bin if preset == "published" else WORLDS[world].steps / length
            x = [(i + 0.5) * unit for i in range(length)]
            draw_curve(axes, x, found, color, condition)
        theirs = curves.get(world, {}).get(_PUBLISHED_NAME.get(condition, condition))
        if preset == "published" and theirs:
            bins = theirs["binned_mean"]
            x = [(i + 0.5) * theirs["bin"] for i in range(len(bins))]
            axes.plot(x, bins, color=color, linestyle="dashed", linewidth=0.9)
    axes.set_title(f"{world}, {preset}", fontsize="medium")
    axes.set_xlabel("episodes (dashed: published)" if preset == "published" else "steps")
    axes.set_ylabel("return")
    axes.legend(fontsize="x-small")
