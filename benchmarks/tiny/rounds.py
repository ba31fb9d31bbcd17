"""What is played and learned in which round: the tasks, the rounds, the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tiny.playing import Task

__all__ = [
    "FIRST_SEED",
    "LAYERS",
    "LEARNED",
    "PLAYED",
    "ROUNDS",
    "SEED",
    "SEEDS_OF_A_TASK",
    "SMOKE",
    "TASKS",
    "Round",
    "share_of",
]

PLAYED = "played.json"
"""Of a round's folder: which seeds were played, and how the episodes ended."""

LEARNED = "learned.json"
"""Likewise: what was learned, and the curves."""

SEED = 20_261_121
FIRST_SEED = 5_000_000_000  # those of `textenvs eval` are spread over 53 bits, and far above
SEEDS_OF_A_TASK = 1_000_000
LAYERS = 4

_NETHACK = {"character": "@", "no_progress_timeout": 150, "skip_more": True}
TASKS = (
    Task("GoToLocal", "BabyAI-Text-GoToLocal-v0", share=1),
    Task("PickupLoc", "BabyAI-Text-PickupLoc-v0", share=2),
    *(
        Task(kind, "BabyAI-Text-MixedTrainLocal-v0", {"kind": kind}, share=share)
        for kind, share in (
            ("goto", 1),
            ("pickup", 1),
            ("open", 2),
            ("putnext", 3),
            ("pick_up_seq_go_to", 2),
        )
    ),
    Task("Crafter", "Crafter-Text-v0", max_steps=2000),
    Task("NetHack", "NetHack-Text-Challenge-v0", _NETHACK, max_steps=3000),
)


@dataclass(frozen=True)
class Round:
    """A round of playing and learning.

    Attributes:
        rows: how many states of each game the expert judges.
        by_model: the games in which the model plays; the expert plays the others.
        expert_share: the share of steps in which the expert acts in the model's place.
        stray_share: the share of steps in which a random action is played.
        older: how many rows of earlier rounds are learned again, by game.
        shares: of the tasks, within their games, where they are not those of ``TASKS``.
        layers: of the model, from this round on.
        rare: how much oftener older rows are drawn whose action is rare in their game: the exponent
            of one over its count.
        temperature: at which the model plays.
        epochs: how often its rows are learned.
        learning_rate: the highest, of embeddings, biases and scales.
        muon_rate: the highest, of the matrices.
        schedule: how it goes on, as transformers names it.
        batch_size: rows in a step.
    """

    rows: Mapping[str, int]
    by_model: tuple[str, ...] = ()
    expert_share: float = 0.0
    stray_share: float = 0.0
    older: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, int] = field(default_factory=dict)
    layers: int = LAYERS
    rare: float = 0.0
    temperature: float = 0.0
    epochs: float = 1.0
    learning_rate: float = 1.5e-3
    muon_rate: float = 5e-3
    schedule: str = "linear"
    batch_size: int = 32


_ALL = ("BabyAI", "Crafter", "NetHack")
ROUNDS = (
    Round({"BabyAI": 40_000, "Crafter": 35_000}, stray_share=0.1, schedule="constant_with_warmup"),
    Round(
        {"BabyAI": 10_000, "Crafter": 25_000},
        by_model=_ALL,
        expert_share=0.5,
        older={"BabyAI": 20_000, "Crafter": 30_000},
    ),
    Round(
        {"BabyAI": 8_000, "Crafter": 15_000, "NetHack": 45_000},
        by_model=("BabyAI", "Crafter"),
        stray_share=0.03,
        older={"BabyAI": 10_000, "Crafter": 25_000},
    ),
    Round(
        {"BabyAI": 12_000, "Crafter": 12_000, "NetHack": 8_000},
        by_model=_ALL,
        older={"BabyAI": 14_000, "Crafter": 24_000, "NetHack": 16_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 9_000, "NetHack": 5_000},
        by_model=_ALL,
        older={"BabyAI": 10_000, "Crafter": 16_000, "NetHack": 8_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 5_000},
        by_model=_ALL,
        older={"BabyAI": 14_000, "Crafter": 10_000, "NetHack": 5_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 8_000, "NetHack": 4_000},
        by_model=_ALL,
        older={"BabyAI": 24_000, "Crafter": 12_000, "NetHack": 4_000},
        shares={"GoToLocal": 2, "putnext": 6},
        layers=6,
    ),
    Round(
        {"BabyAI": 6_000, "Crafter": 5_000, "NetHack": 24_000},
        by_model=_ALL,
        older={"BabyAI": 18_000, "Crafter": 11_000, "NetHack": 12_000},
        shares={"GoToLocal": 2, "putnext": 6},
        layers=6,
        rare=0.5,
        temperature=0.5,
    ),
)
SMOKE = (
    Round({"BabyAI": 300, "Crafter": 200}, stray_share=0.1),
    Round(
        {"BabyAI": 100, "Crafter": 50},
        by_model=("BabyAI",),
        older={"BabyAI": 100},
    ),
)


def share_of(task: Task, shares: Mapping[str, int]) -> float:
    """A task's share of its game's rows."""
    shares_of_game = {
        each.name: shares.get(each.name, each.share) for each in TASKS if each.game == task.game
    }
    return shares_of_game[task.name] / sum(shares_of_game.values())
