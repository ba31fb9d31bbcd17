"""What a fine-tuning in this process leaves: the best weights, curves, numbers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textenvs.finetuning.folder import RunFolder
from textenvs.finetuning.local_settings import LocalSettings
from textenvs.finetuning.trainer import LOSS, PREDICTED, best_step, read_history

__all__ = ["finish"]

# What is in a checkpoint and no part of a model.
_NOT_OF_MODELS = (
    *("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth", "trainer_state.json"),
    *("training_args.bin", "files.json", "README.md"),
)


def finish(settings: LocalSettings, run: RunFolder, checkpoint: Path) -> None:
    """Put the best weights in their place, and write the record."""
    step, steps, history = read_history(checkpoint)
    best = best_step(history)
    chosen = checkpoint if best is None else checkpoint.with_name(f"checkpoint-{best}")
    kind = "model" if settings.full else "adapter"
    place = run.path / (f"{kind}-{settings.suffix}" if settings.suffix else kind)
    fresh = place.with_name(f".{place.name}.new")
    for path in (fresh, place):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(chosen, fresh, ignore=shutil.ignore_patterns(*_NOT_OF_MODELS))
    fresh.replace(place)
    name = f"hf:{place}" if settings.full else f"hf:{settings.base}?adapter={place}"
    run.write(
        state="finished",
        model=name,
        curves=_curves(history),
        metrics={
            "steps": step,
            "stopped_early": step < steps,
            "chosen_step": step if best is None else best,
            **_metrics(history, best),
        },
    )


def _curves(history: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What was logged, without what depends on the clock."""
    return {
        "training": [
            {key: line[key] for key in ("step", "epoch", "loss", "learning_rate")}
            for line in history
            if "loss" in line
        ],
        "validation": [
            {
                "step": line["step"],
                "epoch": line["epoch"],
                "loss": line[LOSS],
                "predicted": line[PREDICTED],
            }
            for line in history
            if PREDICTED in line
        ],
    }


def _metrics(history: Sequence[Mapping[str, Any]], best: int | None) -> dict[str, Any]:
    losses = [line["loss"] for line in history if "loss" in line]
    found: dict[str, Any] = {"training_loss": losses[-1] if losses else None}
    for line in history:
        if PREDICTED in line and line["step"] in (0, best):
            when = "before_" if line["step"] == 0 else ""
            found |= {f"{when}validation_loss": line[LOSS], f"{when}predicted": line[PREDICTED]}
    return found
