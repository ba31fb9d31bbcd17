"""Reward captions that a language model would rather see."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.motif.reward import get_reward
from textenvs.motif.rule import CaptionRewards
from textenvs.wrappers.caption_reward import CaptionReward

__all__ = ["MotifReward"]


class MotifReward(CaptionReward):
    """Pay for captions by a reward that was learned from preferences (Motif).

    The reward is ``extrinsic_coef`` times the game's and ``intrinsic_coef`` times what
    :class:`textenvs.motif.MotifRule` pays. ``info["rewards"]`` has the parts: ``game``, without its
    weight, and ``motif``, with it. A caption that is known costs no network.

    Args:
        env: a game whose captions are those that the reward was learned from.
        reward_dir: a folder of ``textenvs train-reward``; ``"ready"`` for the reward of NetHack's
            messages that came with the package.
        extrinsic_coef: weight of the game's reward; 0 for none of it.
        intrinsic_coef: weight of what captions pay.
        beta: exponent of how often a caption was seen in the episode.
        quantile: share of the different captions whose reward is no more than the threshold.
        counts: one of :data:`textenvs.motif.COUNTS`, what counts as the same caption.
        pays_for: one of :data:`textenvs.motif.PAYS_FOR`.
        embeddings: the sentence-transformers model of ``counts="embedding"``.

    Raises:
        TraceError: if there is no such reward.
        MissingExtra: if torch is not installed.

    Source: Klissarov et al., ICLR 2024, arXiv:2310.00166.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        reward_dir: str = "ready",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        quantile: float = 0.5,
        counts: str = "exact",
        pays_for: str = "caused",
        embeddings: str = DEFAULT_EMBEDDINGS,
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            reward_dir=reward_dir,
            extrinsic_coef=extrinsic_coef,
            intrinsic_coef=intrinsic_coef,
            beta=beta,
            quantile=quantile,
            counts=counts,
            pays_for=pays_for,
            embeddings=embeddings,
        )
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
