"""What BALROG plays, and how many episodes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["GAMES", "GAME_OF", "KINDS", "TASKS", "Task", "task_seed"]

KINDS = ("goto", "pickup", "open", "putnext", "pick_up_seq_go_to")


@dataclass(frozen=True)
class Task:
    """What BALROG plays so many episodes of.

    Attributes:
        name: "crafter", "nethack", or BabyAI's kind of task.
        game: "crafter", "babyai" or "nethack".
        env_id: ours.
        episodes: as published.
        max_steps: the limit; None for the id's own.
        env: arguments of the environment.
        actions: how many of our actions BALROG's game has; None for all.
    """

    name: str
    game: str
    env_id: str
    episodes: int
    max_steps: int | None = None
    env: Mapping[str, Any] = field(default_factory=dict)
    actions: int | None = None


TASKS = (
    Task("crafter", "crafter", "Crafter-Text-BALROG-v0", 10),
    *(
        Task(
            kind,
            "babyai",
            "BabyAI-Text-MixedTrainLocal-v0",
            10,
            env={"kind": kind, "num_dists": 0},
            actions=6,  # not Minigrid's seventh, "done"
        )
        for kind in KINDS
    ),
    Task(
        "nethack",
        "nethack",
        "NetHack-Text-Challenge-v0",
        5,
        max_steps=100_000,
        env={"character": "@", "no_progress_timeout": 150, "skip_more": True},
    ),
)
GAMES = ("crafter", "babyai", "nethack")
GAME_OF = {task.name: task.game for task in TASKS}


def task_seed(seed: int, task: Task) -> int:
    """The seed of a task's run: tasks of one id are to share no worlds."""
    return seed * len(TASKS) + TASKS.index(task)
