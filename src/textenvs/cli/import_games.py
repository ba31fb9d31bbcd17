"""``textenvs import``: games that others' models have played, as traces."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textenvs.cli.consoles import result_console
from textenvs.errors import TraceError
from textenvs.evaluation.records import Record, read_record
from textenvs.importing import (
    SOURCES,
    Pair,
    Row,
    Source,
    compare_models,
    summarize,
    write_game,
)
from textenvs.traces import replace_file

__all__ = ["IMPORT_FILE", "TABLE_FILE", "add", "run"]

IMPORT_FILE = "import.json"
TABLE_FILE = "table.md"
_HEAD = (
    *("model", "environment", "episodes", "progress, % ± SE", "95 % interval", "return"),
    *("steps", "invalid, %", "tokens a step", "as published", "remark"),
)
_PAIR_HEAD = ("environment", "metric", "model", "and", "episodes", "difference", "p", "p (Holm)")
_COUNTS = ("episodes", "steps", "answers", "without_steps", "without_results", "replayable")
_SHOWN_PROBLEMS = ("missing", "broken")


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "import",
        run,
        "read games that others' models have played, as traces",
        "  textenvs import balrog submissions/LLM --out runs/balrog\n"
        "  textenvs import craftergpt CrafterGPT/results --out runs/craftergpt",
    )
    parser.add_argument(
        "source", choices=tuple(SOURCES), metavar="SOURCE", help=" or ".join(SOURCES)
    )
    parser.add_argument(
        "folders", nargs="+", metavar="DIR", help="where the games are; for balrog, submissions"
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help=f"a new folder: traces, DIR/MODEL/ID/..., {IMPORT_FILE} and {TABLE_FILE}",
    )


def run(options: argparse.Namespace) -> int:
    """Write the traces, and say what they come to and what is missing."""
    out = Path(options.out)
    if out.exists() and any(out.iterdir()):
        # What an earlier import left there would be counted as games of this one.
        raise TraceError(f"{out}: expected a new or an empty folder to import to, got a filled one")
    source = Source()
    records: dict[tuple[str, str], list[Record]] = {}
    unfinished: Counter[tuple[str, str]] = Counter()
    counts = Counter(dict.fromkeys(_COUNTS, 0))
    for game in SOURCES[options.source]([Path(folder) for folder in options.folders], source):
        path = write_game(out, game)
        key = (game.player, game.header["env_id"])
        record = read_record(path)
        counts["episodes"] += 1
        counts["steps"] += len(game.steps)
        counts["answers"] += sum("answer" in step for step in game.steps)
        counts["without_steps"] += not game.steps
        counts["without_results"] += record is None
        counts["replayable"] += game.header["seed"] is not None
        records.setdefault(key, [])
        if record is None:
            unfinished[key] += 1
        else:
            records[key].append(record)
    rows = summarize(records, unfinished, source.published)
    pairs = compare_models(records)
    _write(out, options.source, source, counts, rows, pairs)
    _print(out, source, counts, rows, pairs)
    return 0


def _write(
    out: Path,
    name: str,
    source: Source,
    counts: Mapping[str, int],
    rows: Sequence[Row],
    pairs: Sequence[Pair],
) -> None:
    content = {
        "from": name,
        **counts,
        **_kinds(source),
        "problems": [asdict(problem) for problem in source.problems],
        "left_out": source.left_out,
        "rows": [_plain(row) for row in rows],
        "pairs": [{**asdict(pair), "separated": pair.separated} for pair in pairs],
    }
    replace_file(out / IMPORT_FILE, json.dumps(content, indent=2) + "\n")
    replace_file(out / TABLE_FILE, _markdown(source, counts, rows, pairs))


def _plain(row: Row) -> dict[str, Any]:
    intervals = ("interval", "episode_return", "invalid", "tokens")
    named = {name: getattr(row, name) for name in intervals}
    return {
        **asdict(row),
        **{name: None if each is None else each._asdict() for name, each in named.items()},
    }


def _kinds(source: Source) -> dict[str, int]:
    kinds = Counter(problem.kind for problem in source.problems)
    return {kind: kinds[kind] for kind in _SHOWN_PROBLEMS}


def _cells(row: Row) -> tuple[str, ...]:
    def percent(*values: float) -> list[str]:
        return [f"{100 * value:.1f}" for value in values]

    progress = interval = "-"
    if row.progress is not None and row.standard_error is not None and row.interval is not None:
        progress = " ± ".join(percent(row.progress, row.standard_error))
        interval = f"[{', '.join(percent(*row.interval[1:]))}]"
    return (
        row.player,
        row.env_id,
        str(row.episodes),
        progress,
        interval,
        f"{row.episode_return.mean:.2f}",
        f"{row.steps:.1f}",
        "-" if row.invalid is None else percent(row.invalid.mean)[0],
        "-" if row.tokens is None else f"{row.tokens.mean:.0f}",
        {True: "equal", False: "differs", None: "incomplete"}[row.equal],
        row.remark,
    )


def _pair_cells(pair: Pair) -> tuple[str, ...]:
    scale, unit = (100, " %") if pair.metric == "progress" else (1, "")
    return (
        pair.env_id,
        pair.metric,
        pair.first,
        pair.second,
        f"{pair.episodes[0]} and {pair.episodes[1]}",
        f"{scale * pair.difference:+.1f}{unit}",
        f"{pair.p:.4f}",
        f"{pair.p_adjusted:.4f}",
    )


def _statements(
    source: Source, counts: Mapping[str, int], rows: Sequence[Row], pairs: Sequence[Pair]
) -> list[str]:
    """What is to be said beside the tables."""
    equal = sum(row.equal is True for row in rows)
    differ = sum(row.equal is False for row in rows)
    unseparated = sum(not pair.separated for pair in pairs)
    kinds = _kinds(source)
    absent = sum(problem.episodes for problem in source.problems)
    said = [
        f"{counts['episodes']} episodes with {counts['steps']:,} steps; of {counts['answers']:,} "
        f"steps the answer is known. {counts['without_steps']} episodes are without steps, "
        f"{counts['without_results']} without results. {counts['replayable']} have a seed that "
        "plays them again here (`textenvs replay --check`).",
        f"Of {len(rows)} rows {equal} equal the published ones, {differ} differ, "
        f"{len(rows) - equal - differ} are incomplete.",
        f"{unseparated} of {len(pairs)} pairs of models are not told apart by these episodes "
        "(permutation test of independent samples, Holm's correction over the pairs of an "
        "environment, 5 %).",
        f"{kinds['missing']} files or folders are missing and {kinds['broken']} are broken; of "
        f"{absent} published episodes there is nothing here.",
    ]
    if source.left_out:
        names = sorted({name.rpartition("/")[2] for name in source.left_out})
        said.append(
            f"Not read, being no games of textenvs: {len(source.left_out)} published results of "
            f"{', '.join(names)}."
        )
    return said


def _print(
    out: Path,
    source: Source,
    counts: Mapping[str, int],
    rows: Sequence[Row],
    pairs: Sequence[Pair],
) -> None:
    from rich.table import Table

    console = result_console()
    for env_id in dict.fromkeys(row.env_id for row in rows):
        table = Table(title=f"{env_id}: the imported games", title_justify="left")
        for name in _HEAD:
            if name != "environment":
                left = name in ("model", "as published", "remark")
                table.add_column(name, justify="left" if left else "right", overflow="fold")
        for player, its_id, *cells in map(_cells, rows):
            if its_id == env_id:
                table.add_row(player, *cells)
        console.print(table)
    for pair in pairs:
        if not pair.separated:
            said = dict(zip(_PAIR_HEAD, _pair_cells(pair), strict=True))
            console.print(
                f"not told apart: {pair.first} and {pair.second}, {pair.env_id}, {pair.metric}: "
                f"{said['difference']}, {said['episodes']} episodes, p (Holm) {said['p (Holm)']}",
                soft_wrap=True,
            )
    for problem in source.problems:
        console.print(f"{problem.kind}: {problem.file}: {problem.why}", soft_wrap=True)
    for statement in _statements(source, counts, rows, pairs):
        console.print(statement, soft_wrap=True)
    console.print(f"Traces, {IMPORT_FILE} and {TABLE_FILE}: {out}", soft_wrap=True)


def _markdown(
    source: Source, counts: Mapping[str, int], rows: Sequence[Row], pairs: Sequence[Pair]
) -> str:
    parts = [
        _table(_HEAD, [_cells(row) for row in rows]),
        "\n\n".join(_statements(source, counts, rows, pairs)),
    ]
    if pairs:
        apart = [_pair_cells(pair) for pair in pairs if not pair.separated]
        parts.append("Not told apart:\n\n" + (_table(_PAIR_HEAD, apart) if apart else "none"))
    if source.problems:
        head = ("kind", "file", "why")
        problems = [(each.kind, each.file, each.why) for each in source.problems]
        parts.append("Missing and broken:\n\n" + _table(head, problems))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    # Names of files and models are others' texts: they must not end a cell or a line.
    return " ".join(text.replace("|", "\\|").split())
