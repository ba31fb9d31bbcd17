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
from advised.running import DONE

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
            steps.
        area: the mean over the training: over its episodes (published), or over its bins.
        final: the mean of the last episodes.
        final_success: the share of them that succeeded; None where a game does not tell it.
        reached: threshold -> (episodes, steps) until the mean of ten or fifty episodes was there;
            None if it never was.
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
    by_episodes = run.preset == "published"
    if by_episodes:
        curve = [
            float(returns[i : i + world.bin].mean()) for i in range(0, len(returns), world.bin)
        ]
        place, whole = np.arange(len(returns)), len(returns)
    else:
        curve = _over_steps(returns, steps, run.settings.total_timesteps, _POINTS)
        place, whole = steps - 1, run.settings.total_timesteps
    success = [each["success"] for each in last if "success" in each]
    window = 10 if world.bin == 10 else 50
    return Result(
        run.preset,
        run.world,
        run.condition,
        run.seed,
        [round(x, 5) for x in curve],
        round(float(returns.mean() if by_episodes else np.mean(curve)), 5),
        round(float(np.mean([each["return"] for each in last])), 5),
        round(float(np.mean(success)), 4) if success else None,
        {str(t): _reached(returns, steps, window, t) for t in world.thresholds},
        _by_parts(returns, place / whole),
        int(steps[-1]),
        speed,
    )


def _over_steps(
    returns: NDArray[np.float64], steps: NDArray[np.int64], total: int, points: int
) -> list[float]:
    """Mean returns of the episodes that ended in each part; where none did, the last mean."""
    found: list[float] = []
    bins = np.minimum((steps - 1) * points // total, points - 1)
    for i in range(points):
        here = returns[bins == i]
        found.append(float(here.mean()) if len(here) else (found[-1] if found else 0.0))
    return found


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


def _by_parts(returns: NDArray[np.float64], place: NDArray[np.float64]) -> list[float | None]:
    """Mean returns in the parts of a training; None where no episode ended."""
    found: list[float | None] = []
    for low, high in pairwise(PARTS):
        here = returns[(place >= low) & (place < high)]
        found.append(round(float(here.mean()), 5) if len(here) else None)
    return found
