"""What came of a training: its curve, the area under it, how soon it was good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advised.presets import WORLDS, Run
from trainings import DONE

__all__ = ["PARTS", "Result", "read_result", "summary"]

_POINTS = 40  # of a curve over steps
PARTS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Borders of the parts of a training in which returns are told."""


@dataclass(frozen=True)
class Result:
    """A training that ended.

    Attributes:
        preset, world, condition, seed: which it was.
        curve: the mean return in each bin: of so many episodes (published), or of a fortieth of the
            steps, where an episode counts with the steps that it has there: games side by side all
            begin at once, and those that fail last longest, so that whoever counts episodes where
            they end finds nothing but successes at first.
        area: the mean over the training: over its episodes (published), or over its steps.
        final: the mean of the last episodes.
        final_success: the share of them that succeeded; None where a game does not tell it.
        reached: threshold -> (episodes, steps) until the mean of ten or fifty episodes, or of a bin
            of steps, was there; None if it never was.
        parts: means in the parts of the training (:data:`PARTS`).
        steps: of the whole.
        steps_per_second: None for a run that was stopped in between.
    """

    preset: str
    world: str
    condition: str
    seed: int
    curve: list[float]
    area: float
    final: float
    final_success: float | None
    reached: dict[str, list[int] | None]
    parts: list[float | None]
    steps: int
    steps_per_second: float | None


def read_result(run: Run, work: Path) -> Result | None:
    """What came of a run; None if it has not ended."""
    folder = run.folder(work)
    if not (folder / DONE).exists():
        return None
    done = json.loads((folder / DONE).read_text())
    lines = (folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    episodes = [json.loads(line) for line in lines]
    return summary(run, episodes, done["steps_per_second"])


def summary(run: Run, episodes: Sequence[dict[str, Any]], speed: float | None) -> Result:
    """The numbers of a run.

    Args:
        run: which it was.
        episodes: the lines of ``episodes.jsonl``.
        speed: steps a second.

    Raises:
        ValueError: if no episode ended.
    """
    if not episodes:
        raise ValueError(f"expected episodes of {run.world}, {run.condition}, found none")
    world = WORLDS[run.world]
    returns = np.array([each["return"] for each in episodes], float)
    steps = np.array([each["steps"] for each in episodes])
    last = episodes[-world.final :]
    lengths = np.array([each["length"] for each in episodes])
    games, total = run.settings.num_envs, run.settings.total_timesteps
    if run.preset == "published":
        curve = [
            float(returns[i : i + world.bin].mean()) for i in range(0, len(returns), world.bin)
        ]
        parts = [_mean(returns[a:b]) for a, b in pairwise(_places(len(returns)))]
        window = 10 if world.bin == 10 else 50
        reached = {str(t): _reached(returns, steps, window, t) for t in world.thresholds}
        area = float(returns.mean())
    else:
        begun = steps - lengths * games
        curve = _over_steps(returns, begun, steps, np.linspace(0, total, _POINTS + 1))
        parts = list(_over_steps(returns, begun, steps, np.array(PARTS) * total))
        reached = {str(t): _reached_on(curve, steps, total, t) for t in world.thresholds}
        area = float(np.average(returns, weights=lengths))
    success = [each["success"] for each in last if "success" in each]
    return Result(
        run.preset,
        run.world,
        run.condition,
        run.seed,
        [round(x, 5) for x in curve],
        round(area, 5),
        round(float(np.mean([each["return"] for each in last])), 5),
        round(float(np.mean(success)), 4) if success else None,
        reached,
        [None if part is None else round(part, 5) for part in parts],
        int(steps[-1]),
        speed,
    )


def _places(episodes: int) -> list[int]:
    """Where the parts of so many episodes begin and end."""
    return [round(part * episodes) for part in PARTS]


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _over_steps(
    returns: NDArray[np.float64],
    begun: NDArray[np.int64],
    ended: NDArray[np.int64],
    borders: NDArray[np.float64],
) -> list[float]:
    """Mean returns between borders, by the steps that episodes have there; 0 for none."""
    found = []
    for low, high in pairwise(borders):
        shared = (np.minimum(ended, high) - np.maximum(begun, low)).clip(0)
        found.append(float(returns @ shared / shared.sum()) if shared.any() else 0.0)
    return found


def _reached_on(
    curve: Sequence[float], steps: NDArray[np.int64], total: int, threshold: float
) -> list[int] | None:
    """The first bin of a curve over steps whose mean is high enough: its end."""
    for i, value in enumerate(curve):
        if value >= threshold:
            end = round((i + 1) * total / len(curve))
            return [int((steps <= end).sum()), end]
    return None


def _reached(
    returns: NDArray[np.float64], steps: NDArray[np.int64], window: int, threshold: float
) -> list[int] | None:
    if len(returns) < window:
        return None
    means = np.convolve(returns, np.ones(window) / window, "valid")
    where = np.flatnonzero(means >= threshold - 1e-12)
    if not len(where):
        return None
    episode = int(where[0]) + window
    return [episode, int(steps[episode - 1])]
