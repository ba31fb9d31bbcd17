"""Reward captions that a language model would rather see, in many games."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.motif.reward import get_reward
from textenvs.motif.rule import CaptionRewards
from textenvs.wrappers.vector.caption_reward import CaptionReward

__all__ = ["MotifReward"]


class MotifReward(CaptionReward):
    """Pay for captions: :class:`textenvs.wrappers.MotifReward`, batched.

    Unknown captions of a step are one batch. ``info["rewards"]`` has arrays (num_envs,): ``game``,
    without its weight, and ``motif``.

    Args:
        env: a vector environment of games as there.
        reward_dir: as there.
        extrinsic_coef: as there.
        intrinsic_coef: as there.
        beta: as there.
        quantile: as there.
        counts: as there.
        pays_for: as there.
        embeddings: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward_dir: str = "ready",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        quantile: float = 0.5,
        counts: str = "exact",
        pays_for: str = "caused",
        embeddings: str = DEFAULT_EMBEDDINGS,
    ) -> None:
        stored = get_reward(reward_dir)
        super().__init__(
            env,
            CaptionRewards(stored.normalized),
            "motif",
            stored.model.settings.caption,
            extrinsic_coef,
            intrinsic_coef,
            beta,
            stored.threshold(quantile),
            counts,
            pays_for,
            embeddings,
        )
