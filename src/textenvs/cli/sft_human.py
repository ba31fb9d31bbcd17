"""``textenvs sft-human``: training rows from the Crafter human dataset."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textenvs.cli.arguments import seed
from textenvs.cli.consoles import result_console, status_console
from textenvs.finetuning.human_rows import FORMATS, LEFT_OUT, Selection, human_rows, write_rows
from textenvs.finetuning.writing import stats_path, validation_path
from textenvs.traces import replace_file

__all__ = ["add", "run"]


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "sft-human",
        run,
        "make training rows of the Crafter human dataset",
        "  textenvs sft-human --dataset dataset --output human.jsonl\n"
        "  textenvs sft-human --dataset dataset --output human.jsonl --validation 0.1 \\\n"
        "      --max-noop-share 0.1\n"
        "Writes human.jsonl, human.validation.jsonl and human.jsonl.stats.json.",
    )
    parser.add_argument("--dataset", required=True, metavar="DIR", help="the folder of npz files")
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="the rows for training, a .jsonl"
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="chat",
        help="chat messages, prompt and completion, or one text (default: chat)",
    )
    parser.add_argument(
        "--validation",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="hold out this share of the episodes, in FILE.validation.jsonl (default: 0)",
    )
    parser.add_argument(
        "--max-noop-share",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="leave out Noops beyond this share of the rows (default: 1, none)",
    )
    parser.add_argument(
        "--with-asleep",
        action="store_true",
        help="keep states in which the player sleeps on, with the choice Sleep",
    )
    parser.add_argument(
        "--keep-duplicates", action="store_true", help="keep rows that are the same"
    )
    parser.add_argument(
        "--seed",
        type=seed,
        default=0,
        metavar="S",
        help="of the episodes and Noops that are drawn (default: 0)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the rows and the counts, and print the counts."""
    selection = Selection(
        validation=options.validation,
        max_noop_share=options.max_noop_share,
        with_asleep=options.with_asleep,
        keep_duplicates=options.keep_duplicates,
        seed=options.seed,
    )
    output = Path(options.output)
    status = status_console()
    with status.status("reading") as spinner:
        found = human_rows(
            Path(options.dataset), selection, lambda path: spinner.update(f"reading {path.name}")
        )
        write_rows(output, found.training, options.format)
        validation = validation_path(output)
        if found.validation:
            write_rows(validation, found.validation, options.format)
        else:
            # Of an earlier call, whose rows may now be among those for training.
            validation.unlink(missing_ok=True)
    stats = {**found.stats(), "settings": {**asdict(selection), "format": options.format}}
    counts = stats_path(output)
    replace_file(counts, json.dumps(stats, indent=2) + "\n")
    for file, why in found.problems:
        status.print(f"skipped: {file}: {why}", soft_wrap=True)
    _print(stats)
    console = result_console()
    console.print(f"Training: {output}", soft_wrap=True)
    if found.validation:
        console.print(f"Validation: {validation}", soft_wrap=True)
    console.print(f"Counts: {counts}", soft_wrap=True)
    return 0


def _print(stats: Mapping[str, Any]) -> None:
    from rich.table import Table

    console = result_console()
    episodes, rows, share = stats["episodes"], stats["rows"], stats["noop_share"]
    console.print(
        f"{episodes['read']} episodes were read, {stats['skipped_files']} files skipped; "
        f"{stats['steps']:,} steps, {_percent(share['of_awake_steps'])} of the awake ones Noop."
    )
    table = Table(title="steps that make no row", title_justify="left")
    table.add_column("steps", justify="right")
    table.add_column("why")
    for reason, why in LEFT_OUT.items():
        table.add_row(f"{stats['left_out'][reason]:,}", why)
    console.print(table)
    table = Table(title="rows by action", title_justify="left")
    table.add_column("action")
    for name in ("training", "validation"):
        table.add_column(name, justify="right")
    for action in stats["actions"]["training"]:
        counts = [stats["actions"][name][action] for name in ("training", "validation")]
        table.add_row(action, *(f"{count:,}" for count in counts))
    console.print(table)
    for name in ("training", "validation"):
        console.print(
            f"{name}: {rows[name]:,} rows of {episodes[name]} episodes, "
            f"{_percent(share[name])} of them Noop"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
