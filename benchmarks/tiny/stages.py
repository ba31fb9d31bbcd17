"""Round by round, from random weights to the model that is shipped."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from textenvs.traces import replace_file
from tiny.exporting import copy_model, export
from tiny.making import deepen, make_model
from tiny.rounds import LAYERS, LEARNED, ROUNDS, SEED, SMOKE, Round
from tiny.rows import older_rows, rows_of, texts_of_experts
from tiny.training import targets, train

__all__ = ["go_through"]

_TOKENIZER_ROWS = 8_000
_WIDTH = 192
_LONGEST = 260  # tokens of a row


def go_through(work: Path, out: Path, report: Path, smoke: bool) -> None:
    """Go through the rounds that are not done yet, and ship what the last one learned.

    Args:
        work: the folder of the rounds.
        out: where the model goes.
        report: where data, seeds and curves go, without a suffix.
        smoke: a minute of it.
    """
    rounds = SMOKE if smoke else ROUNDS
    work.mkdir(parents=True, exist_ok=True)
    model = work / "untrained"
    if not model.exists():
        texts = texts_of_experts(100 if smoke else _TOKENIZER_ROWS)
        make_model(texts, model, SEED, _WIDTH, LAYERS)
    for number in range(len(rounds)):
        model = _learn(work, number, rounds, model)
    export(model, work, len(rounds), out, report)


def _learn(work: Path, number: int, rounds: Sequence[Round], model: Path) -> Path:
    """A round: play, unless it was played, and learn, from where that was stopped."""
    stage, folder = rounds[number], work / f"round-{number}"
    done = folder / "model"
    if done.exists():
        return done
    rows = rows_of(folder, stage, number, model)
    random = np.random.default_rng([SEED, number])
    kept_out = sorted(random.choice(len(rows), min(400, len(rows) // 4), False))
    held_out = [rows.pop(i) for i in kept_out[::-1]]
    mixed = [*rows, *older_rows(work, number, stage, random)]
    deeper = folder / "deeper"
    if not deeper.exists():
        deepen(model, deeper, SEED + number, stage.layers)
    started = time.monotonic()

    def show(progress: Mapping[str, Any]) -> None:
        print(f"round {number}, {time.monotonic() - started:.0f} s: {dict(progress)}", flush=True)

    checkpoint = train(
        deeper,
        folder / "checkpoints",
        targets(model, [(row.prompt, row.answer) for row in mixed], _LONGEST),
        targets(model, [(row.prompt, row.answer) for row in held_out], _LONGEST),
        learning_rate=stage.learning_rate,
        muon_rate=stage.muon_rate,
        schedule=stage.schedule,
        batch_size=stage.batch_size,
        epochs=stage.epochs,
        seed=SEED + number,
        on_progress=show,
    )
    copy_model(checkpoint, done)
    history = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    record = {**asdict(stage), "rows_learned": len(mixed), "history": history}
    replace_file(folder / LEARNED, json.dumps(record, indent=1) + "\n")
    return done
