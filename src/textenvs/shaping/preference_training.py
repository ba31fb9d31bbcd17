"""Learning a model of preferences from labels."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from textenvs.errors import TraceError
from textenvs.knowledge.dataset import Dataset
from textenvs.knowledge.folder import find_knowledge, keep_knowledge
from textenvs.knowledge.preference_labels import LABELS, PAIRS
from textenvs.shaping.potential import History
from textenvs.shaping.preference_model import (
    PreferenceModel,
    PreferenceSettings,
    preference_loss,
    preference_tensors,
)
from textenvs.tensor_files import save_tensors

__all__ = ["WEIGHTS", "PreferenceTraining", "train_preference"]

WEIGHTS = "model.pt"
"""The weights of the best checkpoint."""


@dataclass(frozen=True)
class PreferenceTraining:
    """How a model is learned.

    Attributes:
        input: one of :data:`textenvs.shaping.preference_model.INPUTS`.
        epochs: times that every pair is seen.
        batch_size: pairs of a step.
        learning_rate: of AdamW, weight decay 0.01.
        held_out: share of the pairs that are not learned from.
        seed: of the split, the weights and the order.
    """

    input: str = "state"
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 3e-4
    held_out: float = 0.1
    seed: int = 42


def train_preference(
    labels: Path | str,
    out: Path,
    training: PreferenceTraining | None = None,
    *,
    game: str | None = None,
    on_progress: Callable[[int, str], None] = lambda done, said: None,
) -> dict[str, Any]:
    """Learn which states are good from which pieces were preferred.

    ``out`` gets :data:`WEIGHTS` of the epoch with the least loss on held-out pairs, and
    ``knowledge.json`` with the loss and the accuracy of every epoch.

    Args:
        labels: a folder of ``textenvs label-preference``, or ``"ready"``.
        out: where the model goes.
        training: how it is learned.
        game: whose ready-made labels are meant.
        on_progress: called with the epochs that are done.

    Returns:
        What ``knowledge.json`` says.

    Raises:
        TraceError: if there are no labels, or fewer than ten.
    """
    training = PreferenceTraining() if training is None else training
    folder, about = find_knowledge(labels, "preference-labels", game)
    data = Dataset(folder / PAIRS)
    lines = (folder / LABELS).read_text(encoding="utf-8").splitlines()
    known = [(each["pair"], each["label"]) for each in map(json.loads, lines)]
    known = [(pair, label) for pair, label in known if label is not None]
    if len(known) < 10:
        raise TraceError(f"{folder}: expected 10 labels or more, got {len(known)}")
    settings = PreferenceSettings(
        game=about["game"],
        actions=len(about["action_names"]),
        length=about["length"],
        input=training.input,
    )
    histories = [data[i].history(0, about["length"]) for i in range(len(data))]
    pieces = preference_tensors(histories, settings)
    pairs = np.array([pair for pair, _ in known])
    wanted = torch.tensor([label for _, label in known], dtype=torch.float32)
    rng = np.random.default_rng(training.seed)
    order = rng.permutation(len(known))
    held = max(1, round(training.held_out * len(known)))
    tested, learned = order[:held], order[held:]
    shown = {key for i in tested for key in _keys(histories, pairs[i])}
    learned = np.array([i for i in learned if shown.isdisjoint(_keys(histories, pairs[i]))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        model = PreferenceModel(settings)
    optimizer = torch.optim.AdamW(model.parameters(), training.learning_rate, weight_decay=0.01)

    def scores(chosen: np.ndarray[Any, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        both = np.concatenate([2 * pairs[chosen], 2 * pairs[chosen] + 1])
        _, found = model({key: each[both] for key, each in pieces.items()})
        return found[: len(chosen)], found[len(chosen) :]

    told: list[dict[str, float]] = []
    best = math.inf
    for epoch in range(training.epochs):
        model.train()
        mixed = rng.permutation(learned)
        for part in np.array_split(mixed, math.ceil(len(mixed) / training.batch_size)):
            loss = preference_loss(*scores(part), wanted[part])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            found = {
                f"{name}_{key}": value
                for name, chosen in (("train", learned), ("held_out", tested))
                for key, value in _quality(*scores(chosen), wanted[chosen]).items()
            }
        told.append(found)
        if found["held_out_loss"] < best:
            best = found["held_out_loss"]
            save_tensors(model.state_dict(), out / WEIGHTS)
        on_progress(epoch + 1, f"held-out accuracy {found['held_out_accuracy']:.3f}")
    if not math.isfinite(best):
        raise TraceError(f"{folder}: the loss is not finite in any epoch: learn slower")
    chosen_epoch = min(range(len(told)), key=lambda i: told[i]["held_out_loss"])
    model.load_state_dict(torch.load(out / WEIGHTS, weights_only=True))
    with torch.no_grad():
        values = model(pieces)[0][:, -1]
    record = {
        **{key: about[key] for key in ("game", "env", "style", "action_names", "llm", "date")},
        "settings": settings.as_json(),
        "training": vars(training),
        "pairs": {"learned": len(learned), "held_out": len(tested)},
        "best_epoch": chosen_epoch + 1,
        "epochs": told,
        "says": {
            "mean": round(float(values.mean()), 6),
            "deviation": round(float(values.std()), 6),
        },
    }
    keep_knowledge(out, "preference", record)
    return {**record, **told[chosen_epoch]}


def _keys(histories: Sequence[History], pair: int) -> list[tuple[Any, ...]]:
    """What the pieces of a pair are known by: pairs that share one are not held out apart."""
    return [
        (each.actions, *(str(o["text"]) for o in each.observations))
        for each in (histories[2 * pair], histories[2 * pair + 1])
    ]


def _quality(first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """The loss, and the share of pairs that are no ties which are told right."""
    decided = labels != 0.5
    right = ((second > first) == (labels > 0.5))[decided]
    return {
        "loss": round(float(preference_loss(first, second, labels)), 6),
        "accuracy": round(float(right.float().mean()), 6) if len(right) else math.nan,
    }
