"""What came of a training: greedy evaluations, the area under them, steps to a success."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from background.groups import Run
from trainings import DONE

__all__ = ["GOOD", "Result", "read_result", "summary"]

GOOD = 0.8
"""The success whose first reaching is told."""


@dataclass(frozen=True)
class Result:
    """A training that ended.

    Attributes:
        task, method, seed: which it was.
        steps: of every evaluation.
        success: its greedy success, of 50 episodes.
        returns: its mean return.
        total: steps of the run.
        knowledge: where its potential came from; "" without one.
        area: the mean success over the run, between evaluations along straight lines.
        final: the mean success of the last three evaluations.
        soon: steps until an evaluation had a success of :data:`GOOD`; None if none had.
        steps_per_second: of training, evaluations included; None for a run that was stopped.
        faults: how often a potential failed, by kind.
    """

    task: str
    method: str
    seed: int
    steps: list[int]
    success: list[float]
    returns: list[float]
    total: int
    knowledge: str
    area: float
    final: float
    soon: int | None
    steps_per_second: float | None
    faults: dict[str, int]


def read_result(run: Run, work: Path) -> Result | None:
    """What came of a run; None if it has not ended."""
    folder = run.folder(work)
    if not (folder / DONE).exists():
        return None
    done = json.loads((folder / DONE).read_text())
    lines = (folder / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()
    potential = folder / "potential.json"
    known = json.loads(potential.read_text())["faults"] if potential.exists() else {}
    return summary(run, [json.loads(line) for line in lines], done["steps_per_second"], known)


def summary(
    run: Run,
    evaluations: Sequence[dict[str, Any]],
    speed: float | None,
    faults: dict[str, int] | None = None,
) -> Result:
    """The numbers of a run.

    Args:
        run: which it was.
        evaluations: the lines of ``evaluations.jsonl``.
        speed: steps a second.
        faults: of its potential.

    Raises:
        ValueError: if there was no evaluation.
    """
    if not evaluations:
        raise ValueError(f"expected evaluations of {run.task}, {run.method}, found none")
    steps = [int(each["steps"]) for each in evaluations]
    success = [float(np.mean(each["success"])) for each in evaluations]
    reached = [at for at, value in zip(steps, success, strict=True) if value >= GOOD]
    span = steps[-1] - steps[0]
    areas = [(b - a) * (x + y) / 2 for (a, x), (b, y) in pairwise(zip(steps, success, strict=True))]
    area = sum(areas) / span if span else success[0]
    return Result(
        run.task,
        run.method,
        run.seed,
        steps,
        [round(value, 4) for value in success],
        [round(float(np.mean(each["return"])), 5) for each in evaluations],
        steps[-1],
        run.settings.shaping_path if run.settings.shaping else "",
        round(area, 5),
        round(float(np.mean(success[-3:])), 4),
        reached[0] if reached else None,
        speed,
        dict(faults or {}),
    )
