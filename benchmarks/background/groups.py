"""Which tasks are learned, in which ways, with what settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textenvs.rl.settings import TrainSettings

__all__ = ["GROUPS", "METHODS", "Run", "settings_of", "tasks_of"]

METHODS = ("ppo", "rnd", "code", "preference", "goal")
"""Plain PPO, PPO with random network distillation, and PPO with each of the potentials."""

_BABYAI = "BabyAI-Text-{}-v0"
_CRAFTER = "Crafter-Text-{}-v0"

GROUPS: Mapping[str, tuple[str, ...]] = {
    "seen": (_BABYAI.format("GoToLocal-RedBall-S20"),),
    "unseen": tuple(
        _BABYAI.format(f"GoToLocal-{name}-S20") for name in ("PurpleBall", "RedKey", "PurpleKey")
    ),
    "scaling": tuple(
        _BABYAI.format(f"GoToLocal-{name}-S{size}")
        for name in ("RedBall", "PurpleKey")
        for size in (23, 25, 28, 30)
    ),
    "sequences": tuple(
        _BABYAI.format(f"GoTo-{name}-S20") for name in ("RedBallBlueBox", "PurpleBallGreenKey")
    ),
    "pickup": tuple(_BABYAI.format(f"PickUp-{name}-S20") for name in ("RedBall", "PurpleKey")),
    "crafter": tuple(
        _CRAFTER.format(name)
        for name in ("PlaceCraftingTable", "MakeWoodPickAxe", "CollectDrink", "EatCow")
    ),
}
"""The experiments that background-knowledge-rl's registered tasks imply. ``seen``: colour and type
that the knowledge was collected with; ``unseen``: another colour, another type, both."""

# Chosen for plain PPO, by its success in training after 120,000 steps on RedBall-S20, before any
# potential was tried: convolutions as published, with a learning rate of 1e-3 and a clip of 0.2 in
# place of 3e-4 and 0.1. Crafter's 9 x 7 cells, of which only the kinds are known, are read by two
# layers.
_PPO: Mapping[str, Any] = {
    "n_steps": 128,
    "batch_size": 256,
    "n_epochs": 4,
    "learning_rate": 1e-3,
    "clip_range": 0.2,
    "ent_coef": 0.01,
}
_GAMES = 16
_CRAFTER_STEPS = 1000  # of an episode, in training and in evaluation; published: 10,000

SCALE = 0.2
"""What one deviation of a potential is worth, of every kind: a fifth of the greatest reward."""


@dataclass(frozen=True)
class Run:
    """A training of the comparison.

    Attributes:
        task: the id.
        method: one of :data:`METHODS`.
        seed: of the run.
        settings: what it is.
    """

    task: str
    method: str
    seed: int
    settings: TrainSettings

    def folder(self, work: Path) -> Path:
        """Where it is kept."""
        return work / self.task / self.method / str(self.seed)


def tasks_of(groups: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks of groups, in their order."""
    return tuple(task for group in groups for task in GROUPS[group])


def settings_of(
    task: str, method: str, seed: int, steps: int, knowledge: Path | None, embeddings: str
) -> TrainSettings:
    """The settings of a run.

    Args:
        task: the id.
        method: one of :data:`METHODS`.
        seed: of the run.
        steps: of the run.
        knowledge: a folder GAME/KIND; None for what came with the package.
        embeddings: the sentence-transformers model.
    """
    shaping = method if method in ("code", "preference", "goal") else None
    is_crafter = task.startswith("Crafter")
    path = "ready"
    if knowledge is not None and shaping is not None:
        path = str(knowledge / ("crafter" if is_crafter else "minigrid") / shaping)
    env: dict[str, Any] = {"style": "background_knowledge"}
    if is_crafter:
        env["length"] = _CRAFTER_STEPS
    return TrainSettings(
        task,
        env=env,
        algo="ppo-rnd" if method == "rnd" else "ppo",
        encoder="mlp" if is_crafter else "cnn",
        hyper=_PPO,
        total_timesteps=steps,
        num_envs=_GAMES,
        seed=seed,
        shaping=shaping,
        shaping_path=path,
        shaping_scale=SCALE,
        shaping_normalize="frozen",
        embeddings=embeddings,
        eval_every=20_000,
        eval_episodes=50,
    )
