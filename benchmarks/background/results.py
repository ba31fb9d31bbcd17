"""What came of a training: greedy evaluations, its own episodes, steps to a success."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from background.groups import Run
from trainings import DONE

__all__ = ["GOOD", "Result", "read_result", "summary"]

GOOD = 0.8
"""The success whose first reaching is told."""

_BIN = 20_000  # steps to a point of a training's own curve
_WINDOW = 100  # episodes whose success is a training's


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
        training: the success of the training's own episodes, in bins of 20,000 steps; there actions
            are drawn, and not the most probable ones.
        training_area: their mean.
        training_soon: steps until 100 episodes in a row had a success of :data:`GOOD`, or None.
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
    training: list[float]
    training_area: float
    training_soon: int | None
    steps_per_second: float | None
    faults: dict[str, int]


def read_result(run: Run, work: Path) -> Result | None:
    """What came of a run; None if it has not ended."""
    folder = run.folder(work)
    if not (folder / DONE).exists():
        return None
    done = json.loads((folder / DONE).read_text())
    evaluations, episodes = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("evaluations.jsonl", "episodes.jsonl")
    )
    potential = folder / "potential.json"
    known = json.loads(potential.read_text())["faults"] if potential.exists() else {}
    return summary(run, evaluations, episodes, done["steps_per_second"], known)


def summary(
    run: Run,
    evaluations: Sequence[dict[str, Any]],
    episodes: Sequence[dict[str, Any]],
    speed: float | None,
    faults: dict[str, int] | None = None,
) -> Result:
    """The numbers of a run.

    Args:
        run: which it was.
        evaluations: the lines of ``evaluations.jsonl``.
        episodes: those of ``episodes.jsonl``.
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
    won = np.array([bool(each["success"]) for each in episodes], float)
    ended = np.array([int(each["steps"]) for each in episodes])
    training = _binned(won, ended, steps[-1])
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
        training,
        round(float(np.mean(training)), 5) if training else 0.0,
        _soon(won, ended),
        speed,
        dict(faults or {}),
    )


def _binned(won: NDArray[np.float64], ended: NDArray[np.int64], total: int) -> list[float]:
    """The success of the episodes that end in each bin; that of the bin before where none does."""
    found: list[float] = []
    for i in range(max(round(total / _BIN), 1)):
        here = won[(ended > i * _BIN) & (ended <= (i + 1) * _BIN)]
        found.append(round(float(here.mean()), 4) if len(here) else (found or [0.0])[-1])
    return found


def _soon(won: NDArray[np.float64], ended: NDArray[np.int64]) -> int | None:
    if len(won) < _WINDOW:
        return None
    means = np.convolve(won, np.ones(_WINDOW) / _WINDOW, "valid")
    where = np.flatnonzero(means >= GOOD - 1e-12)
    return int(ended[where[0] + _WINDOW - 1]) if len(where) else None
