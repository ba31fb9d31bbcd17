"""Preferences by a rule that is known: pieces with more steps forward are better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from knowledge_world import make_dataset
from textenvs.knowledge import write_shard
from textenvs.knowledge.folder import keep_knowledge
from textenvs.knowledge.preference_labels import LABELS, PAIRS, _episode
from textenvs.shaping.preference_training import PreferenceTraining, train_preference

_FORWARD = 2


def label_steps_forward(folder: Path, pairs: int = 300, length: int = 5) -> Path:
    """Labels of pairs of random play, and where they are."""
    data = make_dataset(folder / "data", "minigrid", episodes=4, longest=120)
    segments = data.sample(length, 2 * pairs, np.random.default_rng(0))
    forward = [data.history(each).actions.count(_FORWARD) for each in segments]
    out = folder / "labels"
    write_shard(out / PAIRS, [_episode(data, each) for each in segments], data.meta)
    labels = [0.5 + 0.5 * np.sign(forward[2 * i + 1] - forward[2 * i]) for i in range(pairs)]
    lines = [json.dumps({"pair": i, "label": label}) for i, label in enumerate(labels)]
    (out / LABELS).write_text("\n".join(lines) + "\n")
    about = {key: data.meta[key] for key in ("game", "env", "style", "action_names")}
    keep_knowledge(
        out, "preference-labels", {**about, "length": length, "llm": "a rule", "date": "2026-01-01"}
    )
    return out


def train_on_steps_forward(folder: Path, epochs: int, **more: Any) -> tuple[Path, dict[str, Any]]:
    """A model of that rule, and what is known of it."""
    out = folder / "model"
    training = PreferenceTraining(epochs=epochs, **more)
    return out, train_preference(label_steps_forward(folder), out, training)
