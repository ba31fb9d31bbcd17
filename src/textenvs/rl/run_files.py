"""The files of a training: episodes, evaluations, the last checkpoint."""

from __future__ import annotations

import json
import os
from pathlib import Path

from stable_baselines3.common.base_class import BaseAlgorithm

from textenvs.rl.settings import CHECKPOINT
from textenvs.shaping import Normalized
from textenvs.traces import replace_file

__all__ = [
    "EPISODES",
    "EVALUATIONS",
    "POTENTIAL",
    "drop_after",
    "read_lines",
    "save",
    "steps_of",
]

EPISODES, EVALUATIONS = "episodes.jsonl", "evaluations.jsonl"
POTENTIAL = "potential.json"


def save(model: BaseAlgorithm, out: Path, potential: Normalized | None) -> None:
    """Replace the checkpoint, and what is known of the potential, by what they are now."""
    if potential is not None:
        replace_file(out / POTENTIAL, json.dumps(potential.state()) + "\n")
    path = out / CHECKPOINT
    fresh = path.with_name("new-" + path.name)
    model.save(fresh)
    os.replace(fresh, path)


def drop_after(out: Path, steps: int) -> None:
    """Forget what came after the checkpoint; it is played again."""
    for name in (EPISODES, EVALUATIONS):
        path = out / name
        if path.exists():
            kept = [
                line for line in read_lines(path) if line.endswith("}") and steps_of(line) <= steps
            ]
            replace_file(path, "".join(f"{line}\n" for line in kept))


def read_lines(path: Path) -> list[str]:
    """The lines of a file; none if there is no file."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def steps_of(line: str) -> int:
    """After how many steps a line was written."""
    return int(json.loads(line)["steps"])
