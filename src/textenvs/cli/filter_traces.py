"""``textenvs filter``: the games that are good enough to learn from, as training rows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textenvs.cli.arguments import finite, not_negative, positive, seed
from textenvs.cli.consoles import result_console, status_console
from textenvs.finetuning.examining import Skipped
from textenvs.finetuning.filtering import Criteria, Filtered, filter_traces
from textenvs.finetuning.rows import FORMATS, LEFT_OUT, Rendering
from textenvs.finetuning.statistics import describe, statistics
from textenvs.finetuning.writing import Output, stats_path, write_rows
from textenvs.prompts import ASK, PROMPTS

__all__ = ["add", "run"]

_SHOWN_SKIPPED = 20
_SHOWN_ACTIONS = 25


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "filter",
        run,
        "make training rows of the best recorded games",
        "  textenvs filter --input runs/mini --stats-only\n"
        "  textenvs filter --input runs/mini --output train.jsonl --min-achievements 3 "
        "--min-reward 10 --max-turns 30\n"
        "  textenvs filter --input runs/bot --output train.jsonl --success --prompt default\n"
        "Bounds are inclusive; what is not asked for is not filtered by.",
    )
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="DIR", help="folders of traces, or traces"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="the training rows, JSON Lines; and FILE.stats.json"
    )
    parser.add_argument(
        "--stats-only", action="store_true", help="print the statistics and write nothing"
    )
    _add_criteria(parser)
    _add_rows(parser)


def _add_criteria(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which episodes, all of what is given")
    group.add_argument(
        "--min-achievements", type=not_negative, metavar="N", help="N achievements or more"
    )
    group.add_argument(
        "--achievement-types", type=_names, default=(), metavar="A,B", help="of these achievements"
    )
    group.add_argument(
        "--min-achievement-types", type=positive, metavar="N", help="... N or more (1)"
    )
    group.add_argument("--min-reward", type=finite, metavar="X", help="a return of X or more")
    group.add_argument("--max-turns", type=not_negative, metavar="N", help="N turns or fewer")
    group.add_argument("--success", action="store_true", help="the task was done")
    group.add_argument(
        "--model", action="append", default=[], metavar="M", help="M played; may be repeated"
    )
    group.add_argument("--max-cost", type=finite, metavar="X", help="X USD or less")
    group.add_argument(
        "--max-tokens", type=not_negative, metavar="N", help="N tokens or fewer, in and out"
    )
    group.add_argument(
        "--window", type=positive, metavar="N", help="keep windows of N steps, not whole episodes"
    )
    group.add_argument(
        "--stride", type=positive, metavar="N", help="a window every N steps (half a window)"
    )
    group.add_argument(
        "--min-window-reward", type=finite, metavar="X", help="rewards of X or more in a window"
    )
    group.add_argument(
        "--where", default="", metavar="SQL", help="a condition over the columns of the guide"
    )


def _add_rows(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("rows")
    group.add_argument("--format", default="chat", choices=FORMATS, help="of the rows (chat)")
    group.add_argument(
        "--prompt",
        metavar="P",
        help="render steps that have no prompt by this one: "
        f"{', '.join(name for name, prompt in PROMPTS.items() if not prompt.follow_up)}",
    )
    group.add_argument(
        "--ask",
        default="naive",
        choices=tuple(ASK),
        help="how that prompt asks, and the form of the answers (naive)",
    )
    group.add_argument(
        "--turns", type=not_negative, metavar="N", help="past turns that it shows (the prompt's)"
    )
    group.add_argument(
        "--keep-invalid",
        action="store_true",
        help="also rows whose answer named no action, or was cut",
    )
    group.add_argument(
        "--validation",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="hold out this share of the episodes, in FILE.validation.jsonl (0)",
    )
    group.add_argument(
        "--max-action-share",
        type=_share,
        metavar="SHARE",
        help="leave training rows out until no action has more than this share",
    )
    group.add_argument(
        "--cap-action",
        type=_cap,
        action="append",
        default=[],
        metavar="ACTION=N",
        help="at most N training rows of this action; may be repeated",
    )
    group.add_argument("--seed", type=seed, default=0, metavar="S", help="of what is drawn (0)")
    group.add_argument(
        "--tokenizer", metavar="PATH", help="count tokens: a model's folder, or a tokenizer.json"
    )
    group.add_argument(
        "--metadata",
        action="store_true",
        help="rows say which trace, step and action they are of",
    )


def run(options: argparse.Namespace) -> int:
    """Print the statistics, and write the rows."""
    criteria, rendering, output = _settings(options)
    console, remarks = result_console(), status_console()
    found = filter_traces(options.input, criteria)
    shown = len(found.skipped) if options.stats_only else _SHOWN_SKIPPED
    _print_skipped(found.skipped, remarks, shown)
    _print_models(found, criteria, remarks)
    numbers = statistics(found, criteria)
    console.print(describe(numbers), soft_wrap=True)
    if options.stats_only:
        return 0
    told = write_rows(options.output, found, criteria, rendering, output, options.input)
    _print_skipped([Skipped(**each) for each in told["skipped"][len(found.skipped) :]], remarks)
    console.print(f"\n{_rows(told, options)}", soft_wrap=True)
    if not told["rows"]["train"]:
        remarks.print(f"{options.output}: expected rows, got none", soft_wrap=True)
    missing = told["rows"]["left_out"].get("no prompt")
    if missing:
        remarks.print(f"{missing} steps have no prompt: --prompt renders one", soft_wrap=True)
    return 0


def _settings(options: argparse.Namespace) -> tuple[Criteria, Rendering, Output]:
    """The options, checked before anything is read."""
    if options.output is None and not options.stats_only:
        raise ValueError("expected --output FILE, or --stats-only, got neither")
    criteria = Criteria(
        min_achievements=options.min_achievements,
        achievement_types=options.achievement_types,
        min_achievement_types=options.min_achievement_types,
        min_reward=options.min_reward,
        max_turns=options.max_turns,
        success=options.success,
        models=tuple(options.model),
        max_cost=options.max_cost,
        max_tokens=options.max_tokens,
        window=options.window,
        stride=options.stride,
        min_window_reward=options.min_window_reward,
        where=options.where,
    )
    rendering = Rendering(
        form=options.format,
        prompt=options.prompt,
        ask=options.ask,
        turns=options.turns,
        keep_invalid=options.keep_invalid,
    )
    output = Output(
        validation=options.validation,
        seed=options.seed,
        max_action_share=options.max_action_share,
        caps=dict(options.cap_action),
        tokenizer=options.tokenizer,
        metadata=options.metadata,
    )
    return criteria, rendering, output


def _print_skipped(skipped: Sequence[Skipped], console: Any, shown: int = _SHOWN_SKIPPED) -> None:
    for each in skipped[:shown]:
        console.print(f"skipped, {each.kind}: {each.file}: {each.why}", soft_wrap=True)
    if len(skipped) > shown:
        more = len(skipped) - shown
        console.print(f"... and {more} more, all of them in FILE.stats.json", soft_wrap=True)


def _print_models(found: Filtered, criteria: Criteria, console: Any) -> None:
    there = {episode.model for episode in found.episodes}
    for model in criteria.models:
        if model not in there:
            names = ", ".join(map(repr, sorted(there)))
            console.print(f"no trace is of the model {model!r}, but of {names}", soft_wrap=True)


def _rows(told: Mapping[str, Any], options: argparse.Namespace) -> str:
    rows = told["rows"]
    lines = [f"Rows: {rows['train']:,} in {told['files']['train']['file']}"]
    if "validation" in told["files"]:
        lines.append(
            f"      {rows['validation']:,} held out in {told['files']['validation']['file']}"
        )
    lines.append(f"  {rows['duplicates']:,} duplicates are left out")
    for why, n in rows["left_out"].items():
        lines.append(f"  {n:,} steps are no rows: {LEFT_OUT[why]}")
    if rows["balanced_away"]:
        lines.append(f"  {rows['balanced_away']:,} rows are left out for the balance of actions")
    if rows["mended_characters"]:
        lines.append(f"  {rows['mended_characters']:,} rows had halves of characters, now '?'")
    for unit in ("tokens", "characters"):
        for side, lengths in told.get(unit, {}).items():
            lines.append(
                f"  {unit}, {side}: {lengths['total']:,}, a row {lengths['mean']:,} "
                f"(at most {lengths['max']:,})"
            )
    if told.get("chat_template") is False and options.format != "text":
        lines.append("  the tokenizer has no chat template: the tokens are those of the texts")
    lines += ["", "Actions in the training rows:"]
    counts = told["actions"]["train"]
    for action, n in list(counts.items())[:_SHOWN_ACTIONS]:
        before = told["actions"]["before"][action]
        cut = f", of {before:,}" if before != n else ""
        lines.append(f"  {100 * n / max(1, rows['train']):5.1f}%  {n:,}{cut}  {action}")
    if len(counts) > _SHOWN_ACTIONS:
        lines.append(f"  and {len(counts) - _SHOWN_ACTIONS} more")
    return "\n".join([*lines, "", f"Settings, counts and sources: {_stats(options)}"])


def _stats(options: argparse.Namespace) -> Path:
    return stats_path(Path(options.output))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text!r}")
    return names


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text!r}")
    return number


def _cap(text: str) -> tuple[str, int]:
    action, _, number = text.rpartition("=")
    if not action or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"expected ACTION=N, got {text!r}")
    return action, int(number)
