"""How fast each way trains, one run at a time."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from background.groups import settings_of

__all__ = ["SPEED_TASKS", "measure_speed"]

SPEED_TASKS = ("BabyAI-Text-GoToLocal-RedBall-S20-v0", "Crafter-Text-CollectDrink-v0")
_ROLLOUTS, _FIRST = 12, 2  # of which the first are not timed


def measure_speed(
    tasks: Sequence[str], methods: Sequence[str], knowledge: Path | None, embeddings: str
) -> list[dict[str, object]]:
    """Train a little with each method, without evaluations, on all cores.

    Returns:
        Of each run ``task``, ``method``, ``encoder``, ``cores`` and ``steps_per_second``.
    """
    import torch

    from textenvs.rl.training import train

    cores = os.cpu_count() or 1
    torch.set_num_threads(cores)
    found: list[dict[str, object]] = []
    for task in tasks:
        for method in methods:
            settings = settings_of(task, method, 0, 1, knowledge, embeddings)
            rollout = settings.num_envs * int(settings.hyper["n_steps"])
            settings = replace(settings, eval_every=0, total_timesteps=_ROLLOUTS * rollout)
            times: list[float] = []

            def note(steps: int, told: object, times: list[float] = times) -> None:
                times.append(time.perf_counter())

            with tempfile.TemporaryDirectory() as folder:
                train(settings, Path(folder), tensorboard=False, on_progress=note)
            speed = (len(times) - _FIRST) * rollout / (times[-1] - times[_FIRST - 1])
            told = {"task": task, "method": method, "encoder": settings.encoder, "cores": cores}
            found.append({**told, "steps_per_second": round(speed)})
            print(f"{task}, {method}: {speed:,.0f} steps/s", flush=True)
    return found
