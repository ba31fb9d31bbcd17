"""A comparison of experiments in words: cells, lines, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from textenvs.evaluation.custom import CustomResult, CustomTable
from textenvs.evaluation.experiments import ACTIONS, UNLOCKS, Experiments, Measure
from textenvs.metrics import Interval

__all__ = [
    "HEAD",
    "TITLES",
    "as_json",
    "as_markdown",
    "cells",
    "custom_rows",
    "format_difference",
    "format_relative",
    "format_value",
    "improvements",
    "never_unlocked",
    "table_cells",
    "table_head",
]


def format_value(measure: Measure, value: float) -> str:
    """A number as a table shows it: shares in percent."""
    if measure.is_share:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if measure.name == "efficiency" else f"{value:.2f}"


def format_difference(measure: Measure) -> str:
    """``41.2 % (+17.8)``: the value, and by how much it differs from the first's.

    Of shares the difference is in percentage points.
    """
    shown = format_value(measure, measure.value.mean)
    if measure.difference is None:
        return shown
    return f"{shown} ({_signed(measure, measure.difference.mean)})"


def _signed(measure: Measure, value: float) -> str:
    sign = "-" if value < 0 else "+"
    return f"{sign}{format_value(measure, abs(value)).removesuffix(' %')}"


def format_relative(measure: Measure) -> str:
    """``+76.1 %``: the difference as a share of the first's value, which must be above 0."""
    return "-" if measure.relative is None else f"{100 * measure.relative:+.1f} %"


def _range(measure: Measure, interval: Interval | None) -> str:
    if interval is None:
        return ""
    if interval is measure.value:
        low, high = (format_value(measure, end).removesuffix(" %") for end in interval[1:])
    else:
        low, high = (_signed(measure, end) for end in interval[1:])
    return f"[{low}, {high}]"


HEAD = ("", "experiment", "value (difference)", "95 %", "difference 95 %", "relative", "p (Holm)")
"""The columns of :func:`cells`."""


def cells(measure: Measure) -> tuple[str, ...]:
    """A measure as a row of a table."""
    p = measure.p_adjusted
    shown = "" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}"
    return (
        measure.name.replace("_", " "),
        measure.experiment,
        format_difference(measure),
        _range(measure, measure.value),
        _range(measure, measure.difference),
        format_relative(measure) if measure.difference is not None else "",
        f"{shown} *" if measure.separated else shown,
    )


def custom_rows(result: CustomResult, names: Sequence[str]) -> list[tuple[str, ...]]:
    """A function's numbers as rows: what, and of each experiment the value (difference)."""
    rows = []
    for name, numbers in result.numbers.items():
        base = numbers.get(names[0])
        shown = []
        for experiment in names:
            value = numbers.get(experiment)
            text = "-" if value is None else f"{value:.3f}"
            if value is not None and base is not None and experiment != names[0]:
                text += f" ({value - base:+.3f})"
            shown.append(text)
        rows.append((name, *shown))
    return rows


def improvements(found: Experiments) -> list[str]:
    """A line for each experiment but the first: by how much it is better, relatively."""
    lines = []
    for env_id in dict.fromkeys(measure.env_id for measure in found.measures):
        for experiment in found.names[1:]:
            shown = [
                f"{format_relative(m)} {m.name.replace('_', ' ')}"
                for m in found.group("metrics")
                if (m.env_id, m.experiment) == (env_id, experiment) and m.relative is not None
            ]
            if shown:
                lines.append(f"{env_id}: {experiment} against {found.names[0]}: {', '.join(shown)}")
    return lines


def never_unlocked(found: Experiments) -> list[str]:
    """A line for each environment: what no experiment unlocked."""
    env_ids = dict.fromkeys(measure.env_id for measure in found.group(UNLOCKS))
    return [
        f"{env_id}: never unlocked: {', '.join(never)}"
        for env_id in env_ids
        if (never := found.never_unlocked(env_id))
    ]


def as_json(found: Experiments, custom: Sequence[CustomResult] = ()) -> str:
    """A comparison as JSON."""
    measures = [
        {
            **measure.__dict__,
            "value": measure.value._asdict(),
            "difference": None if measure.difference is None else measure.difference._asdict(),
            "separated": measure.separated,
        }
        for measure in found.measures
    ]
    results = [
        {
            "function": result.function,
            "numbers": result.numbers,
            "tables": {table.experiment: table.rows for table in result.tables},
        }
        for result in custom
    ]
    content = {
        "experiments": found.folders,
        "first": found.names[0],
        "measures": measures,
        "warnings": found.warnings,
        "custom": results,
    }
    return json.dumps(content, indent=2, default=str) + "\n"


TITLES = {
    "metrics": "metrics",
    UNLOCKS: "share of the episodes that unlocked an achievement",
    ACTIONS: "share of an episode's steps, the most common actions",
}
"""What the groups are called."""


def as_markdown(found: Experiments, custom: Sequence[CustomResult] = ()) -> str:
    """A comparison as a page."""
    parts = [f"# {' and '.join(found.names)}"]
    for group, env_id in _groups(found):
        rows = [cells(m) for m in found.shown(group, env_id)]
        parts.append(f"## {env_id}: {TITLES[group]}\n\n{_table(HEAD, rows)}")
    parts += [
        *improvements(found),
        *never_unlocked(found),
        *(f"Note: {warning}." for warning in found.warnings),
    ]
    for result in custom:
        parts.append(f"## {result.function}")
        if result.numbers:
            parts.append(_table(("", *found.names), custom_rows(result, found.names)))
        for table in result.tables:
            shown = _table(table_head(table), table_cells(table)) if table.rows else "no rows"
            parts.append(f"{table.experiment}:\n\n{shown}")
    return "\n\n".join(parts) + "\n"


def table_head(table: CustomTable) -> list[str]:
    """The columns of a table, in the order in which its rows name them."""
    return list(dict.fromkeys(key for row in table.rows for key in row))


def table_cells(table: CustomTable) -> list[tuple[str, ...]]:
    """The rows of a table as texts."""
    head = table_head(table)
    return [tuple(str(row.get(key, "")) for key in head) for row in table.rows]


def _groups(found: Experiments) -> Iterator[tuple[str, str]]:
    for env_id in dict.fromkeys(measure.env_id for measure in found.measures):
        for group in TITLES:
            if found.shown(group, env_id):
                yield group, env_id


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    # Names and what functions say are others' texts: they must not end a cell or a line.
    return " ".join(text.replace("|", "\\|").split())
