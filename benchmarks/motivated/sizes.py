"""The sizes of the comparison, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textenvs.motif.presets import motif_preset
from textenvs.rl.settings import TrainSettings

__all__ = [
    "CONDITIONS",
    "GROUPS",
    "KEPT",
    "RECORDED",
    "SIZES",
    "TASKS",
    "Run",
    "Size",
    "runs_of",
]

TASKS = ("Score", "Staircase", "Oracle")
CONDITIONS = ("extrinsic", "intrinsic", "both")
"""What pays: the game alone, captions alone, both."""

RECORDED = "claude"
"""The annotator whose labels came with the package."""

STEERED = ("gold", "combat", "stairs")
"""Other wishes, by which annotators judge: goals of a model, or rules over words."""

GROUPS = ("main", "steering", "annotators")
"""The tasks with what pays; captions alone, judged by other wishes; captions alone, judged by
others (``chance`` draws its labels)."""

KEPT = ("score", "depth", "gold", "kills", "experience_level")
"""What is known of an episode at its end, beside its return."""


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        episodes: of each agent that plays for pairs.
        pairs: that are drawn from them.
        epochs: in which a reward is learned.
        steps: of a training.
        seeds: of everything.
        games: side by side in a training.
        max_steps: of an episode; None for the task's own limit.
        settings: in place of the published ones.
        tasks: that are trained for unless others are asked for.
    """

    episodes: int
    pairs: int
    epochs: int
    steps: int
    seeds: int
    games: int
    max_steps: int | None
    settings: Mapping[str, Any]
    tasks: tuple[str, ...] = TASKS


# What two cores can do: a smaller LSTM, PPO nearly as Stable-Baselines3 has it; rewards are
# weighted as published. It was chosen for speed, and not tried with other numbers.
_MIDDLE: Mapping[str, Any] = {
    "policy": {"lstm_hidden_size": 128, "shared_lstm": True, "enable_critic_lstm": False},
    "hyper": {
        "n_steps": 64,
        "batch_size": 512,
        "n_epochs": 3,
        "learning_rate": 5e-4,
        "ent_coef": 0.01,
    },
}

SIZES: Mapping[str, Size] = {
    "smoke": Size(
        1,
        60,
        1,
        256,
        1,
        4,
        40,
        {**_MIDDLE, "hyper": {**_MIDDLE["hyper"], "n_steps": 32, "batch_size": 64, "n_epochs": 1}},
        ("Score",),
    ),
    "small": Size(30, 5000, 12, 120_000, 5, 16, 1000, _MIDDLE),
    "paper": Size(1000, 500_000, 10, 2_000_000_000, 5, 480, None, {}),
}


@dataclass(frozen=True)
class Run:
    """A training of the comparison.

    Attributes:
        group: of :data:`GROUPS`.
        task: of :data:`TASKS`.
        condition: of :data:`CONDITIONS`.
        annotator: whose labels the reward is learned from; "" where none pays.
        seed: of the run.
        settings: what it is.
    """

    group: str
    task: str
    condition: str
    annotator: str
    seed: int
    settings: TrainSettings

    def folder(self, work: Path) -> Path:
        """Where it is kept; a run that two groups have is there once."""
        return work / "runs" / self.task / self.condition / (self.annotator or "-") / str(self.seed)


def runs_of(
    size: Size,
    groups: tuple[str, ...],
    tasks: tuple[str, ...],
    conditions: tuple[str, ...],
    rewards: Mapping[str, Path],
    teacher: str,
    quantiles: Mapping[str, float],
) -> list[Run]:
    """What is to be run: seed by seed, so that what was stopped is a comparison already.

    Args:
        size: how much.
        groups: of :data:`GROUPS`.
        tasks: of the first group.
        conditions: of the first group.
        rewards: annotator -> the folder of its reward.
        teacher: the annotator of the first group.
        quantiles: annotator -> the quantile from which its reward pays, if not the published one.
    """
    found = []
    for seed in range(size.seeds):
        for group in groups:
            if group == "main":
                wanted = [
                    (task, condition, "" if condition == "extrinsic" else teacher)
                    for task in tasks
                    for condition in conditions
                ]
            elif group == "steering":
                wanted = [("Score", "intrinsic", name) for name in rewards if _is_steered(name)]
            else:
                others = [name for name in rewards if not _is_steered(name)]
                wanted = [("Score", "intrinsic", name) for name in others]
            for task, condition, annotator in wanted:
                settings = _settings(size, task, condition, rewards.get(annotator), seed)
                if annotator in quantiles:
                    settings = replace(settings, quantile=quantiles[annotator])
                found.append(Run(group, task, condition, annotator, seed, settings))
    return found


def _is_steered(annotator: str) -> bool:
    return annotator.rpartition("_")[2] in STEERED


def _settings(
    size: Size, task: str, condition: str, reward: Path | None, seed: int
) -> TrainSettings:
    env_id = f"NetHack-Text-{task}-v0"
    preset = motif_preset(env_id, condition, size.games)
    preset |= size.settings
    preset["reward_dir"] = None if reward is None else str(reward)
    if reward is None:
        preset["intrinsic_coef"] = 0.0
    return TrainSettings(
        env_id,
        total_timesteps=size.steps,
        max_steps=size.max_steps,
        seed=seed,
        keep=KEPT,
        **preset,
    )
