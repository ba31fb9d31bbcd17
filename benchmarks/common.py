"""What the benchmarks share: options, folders, files of results.

A benchmark keeps its rows in ``NAME.json`` and writes ``NAME.md`` and ``NAME.png`` from them, so
that results of several models gather there, call by call. A smoke run has file names of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gymnasium

from result_rows import Row
from textenvs import __version__
from textenvs.cli.arguments import not_negative, positive
from textenvs.llm import KINDS
from textenvs.traces import replace_file

__all__ = [
    "ROOT",
    "SMOKE",
    "data_folder",
    "draw_figure",
    "guarded",
    "options",
    "read_arguments",
    "read_results",
    "temporary",
    "write_json",
    "write_results",
]

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOKE = (
    "**A smoke run, no result: a scripted or untrained model, few episodes, few steps.** It shows "
    "that the benchmark runs."
)


def options(description: str | None, episodes: str) -> argparse.ArgumentParser:
    """The options that all of these benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    forms = "; ".join(form for _, form in KINDS.values())
    parser.add_argument("--llm", metavar="M", help=f"the model: {forms}")
    parser.add_argument(
        "--label", metavar="NAME", help="what the tables call the model (default: its name)"
    )
    parser.add_argument("--episodes", type=positive, metavar="N", help=episodes)
    parser.add_argument("--seed", type=not_negative, default=0, metavar="S", help="of the run (0)")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="where NAME.json, .md and .png go (docs/results; of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--runs",
        type=pathlib.Path,
        metavar="DIR",
        help="where traces go, DIR/NAME/...: the same command goes on where a run stopped (runs; "
        "of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--smoke", action="store_true", help="a few steps, without a network: does it run at all?"
    )
    parser.add_argument(
        "--cache", metavar="FILE", help="keep answers in FILE, and take them from it"
    )
    parser.add_argument(
        "--offline", action="store_true", help="send nothing: what is not in the cache is an error"
    )
    parser.add_argument(
        "--concurrency", type=positive, default=8, metavar="C", help="episodes at once (8)"
    )
    parser.add_argument(
        "--max-usd", type=float, metavar="X", help="stop at this cost; needs --prices"
    )
    parser.add_argument(
        "--prices",
        metavar="FILE",
        help='JSON: {"MODEL": {"input": X, "output": Y, "cached_input": Z}}, USD for 1M tokens',
    )
    return parser


def data_folder() -> pathlib.Path:
    """Where published data lie, as for the tests: ``TEXTENVS_DATA``, else ``../shared/data``."""
    shared = os.environ.get("TEXTENVS_SHARED", str(ROOT.parent / "shared"))
    return pathlib.Path(os.environ.get("TEXTENVS_DATA", f"{shared}/data"))


def read_arguments(
    parser: argparse.ArgumentParser, name: str, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Parse, and set the folders; those of a smoke run are away from all results."""
    args = parser.parse_args(argv)
    args.name = f"{name}.smoke" if args.smoke else name
    if args.smoke:
        args.runs, args.out = temporary(args.runs, "runs"), temporary(args.out, "results")
    args.runs = (args.runs or pathlib.Path("runs")) / args.name
    args.out = args.out or ROOT / "docs" / "results"
    return args


def temporary(given: pathlib.Path | None, name: str) -> pathlib.Path:
    """A folder that was given, else one of such a name away from all results, for a smoke run."""
    return given or pathlib.Path(tempfile.mkdtemp(prefix="textenvs-smoke-")) / name


def guarded(main: Callable[[], None]) -> None:
    """Run a benchmark; what a user can mend ends it with one line."""
    try:
        main()
    except (gymnasium.error.Error, ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


# Files


def read_results(args: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    """What earlier calls found: everything, and of it the rows."""
    path = args.out / f"{args.name}.json"
    if not path.is_file():
        return {}, []
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results, [Row(**row) for row in results["rows"]]


def write_results(
    args: argparse.Namespace,
    rows: Sequence[Row],
    more: Mapping[str, Any],
    page: str,
    draw: Callable[[Any], Any],
) -> None:
    """Write the three files, and print the page.

    Args:
        args: the options.
        rows: all rows.
        more: what else the JSON file is to have.
        page: the Markdown page.
        draw: makes the figure with the ``pyplot`` that it is given.
    """
    if args.smoke:
        page = page.replace("\n\n", f"\n\n{SMOKE}\n\n", 1)
    stem = args.out / args.name
    results = {"smoke": args.smoke, **more, "rows": [asdict(row) for row in rows]}
    write_json(stem.with_name(f"{args.name}.json"), results)
    replace_file(stem.with_name(f"{args.name}.md"), page)
    draw_figure(draw, stem.with_name(f"{args.name}.png"), args.smoke)
    print(page)
    print(f"Written: {stem}.json, .md, .png")


def write_json(path: pathlib.Path, results: Mapping[str, Any]) -> None:
    """Write results, each list of numbers (a value for each episode) on one line."""
    body = json.dumps({"textenvs": __version__, **results}, indent=1)
    body = re.sub(r"\[\s+([-\d.,e\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", body)
    replace_file(path, body + "\n")


def draw_figure(draw: Callable[[Any], Any], path: pathlib.Path, smoke: bool) -> None:
    """Draw a figure, if there is matplotlib, and say so in it if it is of a smoke run."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        print('No figure: it needs matplotlib, pip install "textenvs[plot]"', file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = draw(pyplot)
    if smoke:
        figure.suptitle("a smoke run, no result", color="tab:red")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
