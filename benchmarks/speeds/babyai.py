"""BabyAI-Text and MiniGrid-Text against Minigrid."""

from __future__ import annotations

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from speeds.comparing import Row, compare, steps_per_second

__all__ = ["babyai"]


def babyai(steps: int, rounds: int) -> list[Row]:
    """BabyAI-Text and MiniGrid-Text against Minigrid."""
    rows = []
    for level in ("BabyAI-GoToLocal-v0", "BabyAI-BossLevel-v0", "MiniGrid-DoorKey-8x8-v0"):
        for style in ("default", "glam"):
            ours = gymnasium.make(level.replace("-", "-Text-", 1), style=style)
            rows.append(
                compare(
                    f"{ours.spec.id if ours.spec else level}, {style} / {level}",
                    steps_per_second(ours, steps),
                    steps_per_second(gymnasium.make(level, disable_env_checker=True), steps),
                    "steps/s",
                    rounds,
                )
            )
    return rows
