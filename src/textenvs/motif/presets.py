"""Motif's settings as published, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textenvs.errors import choose

__all__ = ["KINDS", "motif_preset"]

KINDS = ("both", "intrinsic", "extrinsic")
"""What pays: the game and its captions, captions alone, the game alone."""

_SCORE = "NetHack-Text-Score-v0"
_ROLLOUT, _BATCH, _GAMES = 32, 4096, 480

# README and sample_factory/algorithms/appo/learner.py at 51b5f47. Their V-trace, on data of the
# policy itself, has the returns of a whole rollout as its targets: lambda is 1.
_HYPER: Mapping[str, Any] = {
    "n_steps": _ROLLOUT,
    "n_epochs": 1,
    "gamma": 0.99,
    "gae_lambda": 1.0,
    "clip_range": 0.1,
    "clip_range_vf": 1.0,
    "vf_coef": 0.5,
    "ent_coef": 0.003,
    "learning_rate": 1e-4,
    "max_grad_norm": 4.0,
}


def motif_preset(env_id: str, kind: str, num_envs: int | None = None) -> dict[str, Any]:
    """What a training of Motif is made of, as arguments of ``TrainSettings``.

    The game's rewards are scaled by 0.1 and cut at 10; then the score counts 0.1 and a success of
    any other task 10, captions count 0.1. Where captions alone pay, the published runs of the
    deeper staircases are in the ``Continual`` ids, whose episodes go on after a success.

    Args:
        env_id: the task.
        kind: one of :data:`KINDS`.
        num_envs: games side by side; None for the published 24 times 20.

    Raises:
        UnknownName: if there is no such kind.
        ValueError: if it is no task of NetHack.

    Source: Klissarov et al., ICLR 2024, arXiv:2310.00166, and its code, 51b5f47.
    """
    choose("kind of Motif", kind, KINDS)
    if not env_id.startswith("NetHack-"):
        raise ValueError(f"expected a task of NetHack, which Motif's settings are of, got {env_id}")
    games = _GAMES if num_envs is None else num_envs
    extrinsic = 0.1 if env_id == _SCORE else 10.0
    return {
        "algo": "recurrent_ppo",
        "encoder": "nethack",
        "num_envs": games,
        # Published: a GRU of 512 for policy and value; sb3-contrib has an LSTM.
        "policy": {
            "lstm_hidden_size": 512,
            "shared_lstm": True,
            "enable_critic_lstm": False,
            "optimizer_kwargs": {"eps": 1e-6},
        },
        "hyper": {**_HYPER, "batch_size": min(_BATCH, _ROLLOUT * games)},
        "env": {"eat_fix": True},
        "reward_scale": 0.1,
        "reward_clip": 10.0,
        "extrinsic_coef": 0.0 if kind == "intrinsic" else extrinsic,
        "intrinsic_coef": 0.1,
        "count_beta": 3.0,
        "quantile": 0.5,
        "reward_dir": None if kind == "extrinsic" else "ready",
    }
