"""The rows of a round: played where they were not, kept, drawn again in later rounds."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from textenvs.llm.backends.hf import HFModel
from textenvs.traces import replace_file
from tiny.playing import Outcome, Row, play
from tiny.rounds import FIRST_SEED, PLAYED, SEED, SEEDS_OF_A_TASK, TASKS, Round, share_of

__all__ = ["older_rows", "rows_of", "texts_of_experts"]

_ROWS = "rows.jsonl.gz"
_AT_ONCE = 32
_SLEEPING_KEPT = 0.2  # of the rows in which the hero sleeps, which are many and all alike


def rows_of(folder: Path, stage: Round, number: int, model: Path) -> list[Row]:
    """The rows of a round; played, if they were not."""
    path = folder / _ROWS
    if path.exists():
        return _read(path)
    folder.mkdir(parents=True, exist_ok=True)
    player = HFModel(str(model), dtype="float32", batch_size=_AT_ONCE)
    tasks = [task for task in TASKS if task.game in stage.rows]
    rows: list[Row] = []
    report = {}
    random = np.random.default_rng([SEED, number])
    for task in tasks:
        first = FIRST_SEED + (number * len(TASKS) + TASKS.index(task)) * SEEDS_OF_A_TASK
        started = time.monotonic()
        outcomes: list[Outcome] = []
        found: list[Row] = []
        for what in play(
            task,
            range(first, first + SEEDS_OF_A_TASK),
            model=player if task.game in stage.by_model else None,
            expert_share=stage.expert_share,
            stray_share=stage.stray_share,
            at_once=_AT_ONCE,
            temperature=stage.temperature,
            rows=int(stage.rows[task.game] * share_of(task, stage.shares)),
        ):
            if isinstance(what, Row):
                found.append(what)
            else:
                outcomes.append(what)
        found = [row for row in found if not _sleeps(row) or random.random() < _SLEEPING_KEPT]
        rows += found
        report[task.name] = {
            "rows": len(found),
            "episodes": len(outcomes),
            "first_seed": first,
            "last_seed": max((each.seed for each in outcomes), default=first),
            "seconds": round(time.monotonic() - started, 1),
            **_summary(outcomes),
        }
        print(f"round {number}, {task.name}: {report[task.name]}", flush=True)
    replace_file(folder / PLAYED, json.dumps(report, indent=1) + "\n")
    _write(path, rows)
    return rows


def _sleeps(row: Row) -> bool:
    return "You are asleep." in row.prompt


def _summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The means of what the games tell of themselves."""
    found: dict[str, float] = {}
    for key in ("success", "progress"):
        values = [float(each.info[key]) for each in outcomes if key in each.info]
        if values:
            found[key] = round(float(np.mean(values)), 4)
    return found


def older_rows(work: Path, number: int, stage: Round, random: np.random.Generator) -> list[Row]:
    """Rows of earlier rounds, each but once."""
    wanted = stage.older
    game_of = {task.name: task.game for task in TASKS}
    by_game: dict[str, dict[Row, None]] = {game: {} for game in wanted}
    for i in range(number if wanted else 0):
        for row in _read(work / f"round-{i}" / _ROWS):
            if game_of[row.task] in by_game:
                by_game[game_of[row.task]].setdefault(row)
    found: list[Row] = []
    for game, kept in by_game.items():
        rows = list(kept)
        count = min(wanted[game], len(rows))
        actions = [row.answer.rpartition("ACTION:")[2] for row in rows]
        often = Counter(actions)
        weights = np.array([often[action] ** -stage.rare for action in actions])
        chances = weights / weights.sum() if stage.rare else None
        found += [rows[i] for i in random.choice(len(rows), count, False, chances)]
    return found


def texts_of_experts(rows: int) -> Iterator[str]:
    """Prompts and answers of experts, for the tokenizer: of each game as many."""
    for number, task in enumerate(TASKS):
        first = FIRST_SEED - (number + 1) * SEEDS_OF_A_TASK
        wanted = int(rows * share_of(task, {}))
        for what in play(task, range(first, first + rows), model=None, rows=wanted):
            if isinstance(what, Row):
                yield f"{what.prompt}\n{what.answer}"


def _write(path: Path, rows: Sequence[Row]) -> None:
    fresh = path.with_name(path.name + ".new")
    with gzip.open(fresh, "wt", encoding="utf-8", compresslevel=3) as file:
        for row in rows:
            file.write(json.dumps([row.task, row.prompt, row.answer]) + "\n")
    fresh.replace(path)


def _read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [Row(*json.loads(line)) for line in file]
