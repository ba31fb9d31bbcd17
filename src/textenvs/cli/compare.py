"""``textenvs compare``: two or more runs on the same episodes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textenvs.cli.consoles import result_console, status_console
from textenvs.evaluation.compare import Comparison, compare
from textenvs.evaluation.report import METRICS
from textenvs.traces import replace_file

__all__ = ["add", "run"]

_MAIN_METRICS = ("return", "success", "progress", "invalid_action_rate")


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "compare",
        run,
        "compare runs on the same episodes: paired differences, tests, a plot",
        "  textenvs compare runs/random runs/mini\n"
        "  textenvs compare runs/a runs/b runs/c --metric success --out runs/comparison",
    )
    parser.add_argument(
        "folders", nargs="+", metavar="DIR", help="runs; each is compared with the first"
    )
    parser.add_argument(
        "--metric",
        action="append",
        choices=tuple(METRICS),
        help=f"what is compared; may be repeated (default: {', '.join(_MAIN_METRICS)})",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="write comparison.json and comparison.png (extra plot)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the comparison, and write it."""
    found = compare(options.folders, options.metric or _MAIN_METRICS)
    console = result_console()
    _print(found, console)
    if options.out is not None:
        out = Path(options.out)
        content = [
            {**asdict(comparison), "difference": comparison.difference._asdict()}
            for comparison in found
        ]
        replace_file(out / "comparison.json", json.dumps(content, indent=2) + "\n")
        from textenvs.evaluation.plot import plot_comparison

        plot_comparison(found, out / "comparison.png")
        console.print(f"Comparison: {out}", soft_wrap=True)
    return 0


def _print(found: Sequence[Comparison], console: Any) -> None:
    from rich.table import Table

    table = Table(title="differences to the first run, with 95 % intervals", title_justify="left")
    for column in ("environment", "metric", "run"):
        table.add_column(column, overflow="fold")
    for column in ("pairs", "first", "this", "difference", "p", "p (Holm)"):
        table.add_column(column, justify="right")
    for row in found:
        low, high = row.difference.low, row.difference.high
        table.add_row(
            row.env_id,
            row.metric,
            row.second,
            str(row.pairs),
            f"{row.first_mean:.3f}",
            f"{row.second_mean:.3f}",
            f"{row.difference.mean:+.3f} [{low:+.3f}, {high:+.3f}]",
            _p(row.p),
            f"{_p(row.p_adjusted)}{' *' if row.separated else ''}",
        )
    console.print(table)
    remarks = status_console()
    for row in found:
        where = f"{row.env_id}, {row.metric}, {row.second}"
        if row.warning:
            remarks.print(f"{where}: {row.warning}", soft_wrap=True)
        if row.unpaired and row.metric == found[0].metric:
            remarks.print(f"{where}: {row.unpaired} episodes without a partner are left out")


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"
