"""The checkpoints and the progress of a training by RLlib."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import textenvs  # noqa: F401  # registers the ids
from textenvs.traces import replace_file

__all__ = ["keep_until", "newest", "save"]


def newest(out: Path) -> Path | None:
    """The last checkpoint of a run: the folder that is named by the most steps."""
    return max(
        (each for each in (out / "checkpoint").glob("*") if each.name.isdecimal()),
        key=lambda each: int(each.name),
        default=None,
    )


def save(algorithm: Any, out: Path, steps: int) -> None:
    """Save a checkpoint, then remove those before it: one is whole at any time."""
    whole = out / "checkpoint" / str(steps)
    fresh = whole.with_name("unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    algorithm.save_to_path(str(fresh.resolve()))
    fresh.rename(whole)
    for each in whole.parent.iterdir():
        if each != whole:
            shutil.rmtree(each)


def keep_until(path: Path, steps: int) -> None:
    """Drop the lines of a run that was stopped after its last checkpoint, of so many steps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # What follows the last newline is a line that was not finished.
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
    kept = [each for each in lines if json.loads(each)["steps"] <= steps]
    replace_file(path, "".join(f"{each}\n" for each in kept))
