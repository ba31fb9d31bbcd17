"""``textenvs compare``: two or more runs on the same episodes, or experiments with names."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from textenvs.cli.consoles import result_console, status_console
from textenvs.errors import require
from textenvs.evaluation.compare import Comparison, compare
from textenvs.evaluation.custom import CustomResult, evaluate_custom, load_function
from textenvs.evaluation.experiment_tables import (
    HEAD,
    TITLES,
    as_json,
    as_markdown,
    cells,
    custom_rows,
    improvements,
    never_unlocked,
    table_cells,
    table_head,
)
from textenvs.evaluation.experiments import Experiments, compare_experiments
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
        "  textenvs compare runs/a runs/b runs/c --metric success --out runs/comparison\n"
        "  textenvs compare --experiment base=runs/base --experiment tuned=runs/tuned \\\n"
        "      --output-dir runs/comparison --custom-eval examples/judges.py:wasted_time\n"
        "Name folders, or experiments: rates, rewards, actions and unlocks, in tables and figures.",
    )
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="runs; each is compared with the first"
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
    parser.add_argument(
        "--experiment",
        type=_named_folder,
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="an experiment, instead of DIR; may be repeated, the first is compared with",
    )
    parser.add_argument(
        "--output-dir",
        metavar="DIR",
        help="of experiments: write comparison.json, comparison.md and figures (extra plot)",
    )
    parser.add_argument(
        "--goal",
        action="append",
        default=[],
        metavar="ACHIEVEMENT",
        help="of experiments: an episode that unlocked it, and all others that are named, is a "
        "success; may be repeated",
    )
    parser.add_argument(
        "--custom-eval",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="of experiments: a function of the list of traces that returns a number, a dict of "
        "numbers or rows; MODULE may be FILE.py; may be repeated",
    )


def _named_folder(text: str) -> tuple[str, str]:
    """NAME=DIR."""
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, got {text!r}")
    return name, folder


def run(options: argparse.Namespace) -> int:
    """Print the comparison, and write it."""
    _check(options)
    if options.experiment:
        return _run_experiments(options)
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


def _check(options: argparse.Namespace) -> None:
    """Refuse the options of one form in the other."""
    of_folders = {"DIR": options.folders, "--metric": options.metric, "--out": options.out}
    of_experiments = {
        "--output-dir": options.output_dir,
        "--goal": options.goal,
        "--custom-eval": options.custom_eval,
    }
    form, wrong = (
        ("with --experiment", of_folders)
        if options.experiment
        else ("without --experiment", of_experiments)
    )
    given = [name for name, value in wrong.items() if value]
    if given:
        raise ValueError(f"expected no {given[0]} {form}, got {wrong[given[0]]!r}")
    names = [name for name, _ in options.experiment]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected experiments of different names, got {name!r} twice")


def _run_experiments(options: argparse.Namespace) -> int:
    """Print the experiments' comparison, and write it."""
    if options.output_dir is not None:
        require("matplotlib", extra="plot", needed_by="--output-dir")  # before any work
    functions = [load_function(where) for where in options.custom_eval]
    folders = dict(options.experiment)
    found = compare_experiments(folders, options.goal)
    custom = [
        replace(evaluate_custom(function, folders), function=where)
        for where, function in zip(options.custom_eval, functions, strict=True)
    ]
    console = result_console()
    _print_experiments(found, custom, console)
    if options.output_dir is not None:
        from textenvs.evaluation.plot import plot_experiments

        out = Path(options.output_dir)
        replace_file(out / "comparison.json", as_json(found, custom))
        replace_file(out / "comparison.md", as_markdown(found, custom))
        plot_experiments(found, out)
        console.print(f"Comparison: {out}", soft_wrap=True)
    return 0


def _print_experiments(found: Experiments, custom: Sequence[CustomResult], console: Any) -> None:
    for env_id in dict.fromkeys(measure.env_id for measure in found.measures):
        for group, title in TITLES.items():
            rows = [cells(m) for m in found.shown(group, env_id)]
            if rows:
                _print_table(f"{env_id}: {title}", HEAD, rows, console, texts=2)
    for line in (*improvements(found), *never_unlocked(found)):
        console.print(line, soft_wrap=True)
    for result in custom:
        if result.numbers:
            rows = custom_rows(result, found.names)
            _print_table(result.function, ("", *found.names), rows, console)
        for table in result.tables:
            title = f"{result.function}, {table.experiment}"
            _print_table(title, table_head(table), table_cells(table), console)
    remarks = status_console()
    for warning in found.warnings:
        remarks.print(warning, soft_wrap=True)


def _print_table(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    console: Any,
    texts: int = 1,
) -> None:
    """Print a table whose first columns are texts, the others numbers."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for n, name in enumerate(head):
        table.add_column(name, justify="left" if n < texts else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


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
