"""What came of a training: what its episodes collected, over its steps and in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from motivated.sizes import KEPT, Run
from textenvs.motif.presets import motif_preset
from trainings import DONE

__all__ = ["FACTS", "Result", "play_randomly", "read_result"]

FACTS = ("return", "success", *KEPT)
"""Of an episode: the game's own return, whether the task was done, and where it ended."""

_BINS = 15
_LAST = 0.25  # of the steps: the episodes that end in them are what a training came to


@dataclass(frozen=True)
class Result:
    """A training that ended.

    Attributes:
        group, task, condition, annotator, seed: which it was.
        total: steps of the run.
        episodes: that ended in the last quarter of them.
        final: fact -> its mean over those.
        area: fact -> its mean over the bins of the run.
        curve: fact -> its mean over the episodes that ended in each bin.
        steps_per_second: of training; None for a run that was stopped.
    """

    group: str
    task: str
    condition: str
    annotator: str
    seed: int
    total: int
    episodes: int
    final: dict[str, float]
    area: dict[str, float]
    curve: dict[str, list[float]]
    steps_per_second: float | None


def read_result(run: Run, work: Path) -> Result | None:
    """What came of a run; None if it has not ended, or no episode of it has."""
    folder = run.folder(work)
    if not (folder / DONE).exists():
        return None
    speed = json.loads((folder / DONE).read_text())["steps_per_second"]
    lines = (folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    if not lines:
        return None
    return _summary(run, [json.loads(line) for line in lines], speed)


def _summary(run: Run, episodes: Sequence[Mapping[str, Any]], speed: float | None) -> Result:
    total = run.settings.total_timesteps
    ended = np.array([each["steps"] for each in episodes])
    late = [each for each in episodes if each["steps"] > (1 - _LAST) * total] or episodes[-10:]
    facts = [fact for fact in FACTS if episodes and fact in episodes[0]]
    values = {fact: np.array([float(each[fact]) for each in episodes]) for fact in facts}
    curve = {fact: _binned(ended, values[fact], total) for fact in facts}
    return Result(
        run.group,
        run.task,
        run.condition,
        run.annotator,
        run.seed,
        total,
        len(late),
        {fact: round(float(np.mean([float(each[fact]) for each in late])), 4) for fact in facts},
        {fact: round(float(np.mean(curve[fact])), 4) for fact in facts},
        curve,
        speed,
    )


def _binned(ended: Any, values: Any, total: int) -> list[float]:
    """Means of bins of steps; of one in which nothing ends, that before; of the first, the next."""
    edges = np.linspace(0, total, _BINS + 1)
    which = np.clip(np.digitize(ended, edges[1:-1], right=True), 0, _BINS - 1)
    means = [values[which == i].mean() if (which == i).any() else np.nan for i in range(_BINS)]
    known = [each for each in means if not np.isnan(each)] or [0.0]
    found: list[float] = []
    for mean in means:
        found.append(round(float((found or known)[-1 if found else 0]), 4))
        if not np.isnan(mean):
            found[-1] = round(float(mean), 4)
    return found


def play_randomly(task: str, episodes: int, max_steps: int | None) -> dict[str, list[float]]:
    """Episodes of random play: fact -> a number for each."""
    env_id = f"NetHack-Text-{task}-v0"
    game = motif_preset(env_id, "extrinsic")["env"]
    env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, max_episode_steps=max_steps, **game)
    actions = getattr(env.action_space, "n", 0)
    found: dict[str, list[float]] = {}
    for number in range(episodes):
        env.reset(seed=number)
        rng = np.random.default_rng(number)
        total, over = 0.0, False
        while not over:
            _, reward, ended, cut, info = env.step(int(rng.integers(actions)))
            total += float(reward)
            over = ended or cut
        for fact in FACTS:
            if fact == "return" or fact in info:
                value = total if fact == "return" else float(info[fact])
                found.setdefault(fact, []).append(round(value, 4))
    env.close()
    return found
