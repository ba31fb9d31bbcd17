"""``textenvs validate``: what is wrong with a training file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from textenvs.cli.arguments import not_negative, positive
from textenvs.finetuning.validation import validate

__all__ = ["add", "run"]

_INVALID = 2


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "validate",
        run,
        "check a training file line by line",
        "  textenvs validate train.jsonl\n"
        "  textenvs validate train.jsonl --tokenizer models/small --max-tokens 4096\n"
        "The status is 0 if nothing is wrong, else 2.",
    )
    parser.add_argument("file", metavar="FILE", help="JSON Lines")
    parser.add_argument(
        "--tokenizer", metavar="PATH", help="count tokens: a model's folder, or a tokenizer.json"
    )
    parser.add_argument(
        "--max-tokens", type=positive, metavar="N", help="a longer row is wrong; needs --tokenizer"
    )
    parser.add_argument(
        "--show", type=not_negative, default=50, metavar="N", help="print N problems at most (50)"
    )


def run(options: argparse.Namespace) -> int:
    """Print what is wrong, and a summary."""
    report = validate(options.file, tokenizer=options.tokenizer, max_tokens=options.max_tokens)
    for problem in report.problems[: options.show]:
        print(f"{options.file}, line {problem.line}: {problem.what}", file=sys.stderr)
    hidden = len(report.problems) - options.show
    if hidden > 0:
        print(f"... and {hidden} more problems (--show)", file=sys.stderr)
    print(f"{options.file}: {report.summary()}, {len(report.problems)} problems")
    return 0 if report.valid else _INVALID
