"""Reward captions by labels that are asked for while an agent learns, in many games."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.llm import LanguageModel
from textenvs.motif.online import make_feedback
from textenvs.wrappers.vector.caption_reward import CaptionReward

__all__ = ["OnlineFeedbackReward"]


class OnlineFeedbackReward(CaptionReward):
    """Pay as captions are judged: :class:`textenvs.wrappers.OnlineFeedbackReward`, batched.

    All games share the labels. ``info["rewards"]`` has arrays (num_envs,): ``game``, without its
    weight, and ``feedback``.

    Args:
        env: a vector environment of games as there.
        llm: as there.
        way: as there.
        folder: as there.
        goal: as there.
        game: as there.
        caption: as there.
        extrinsic_coef: as there.
        intrinsic_coef: as there.
        beta: as there.
        threshold: as there.
        counts: as there.
        pays_for: as there.
        embeddings: as there.
        batch: as there.
        seed: as there.

    Attributes:
        feedback: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        llm: str | LanguageModel,
        way: str = "retrieval",
        folder: str | None = None,
        goal: str = "defaultgoal",
        game: str = "nethack",
        caption: str = "message",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        threshold: float | None = None,
        counts: str = "exact",
        pays_for: str = "caused",
        embeddings: str = DEFAULT_EMBEDDINGS,
        batch: int = 100,
        seed: int = 0,
    ) -> None:
        self.feedback = make_feedback(
            way, llm, folder, goal=goal, game=game, batch=batch, seed=seed
        )
        super().__init__(
            env,
            self.feedback,
            "feedback",
            caption,
            extrinsic_coef,
            intrinsic_coef,
            beta,
            self.feedback.threshold if threshold is None else threshold,
            counts,
            pays_for,
            embeddings,
        )

    def close(self, **kwargs: Any) -> None:
        """Close the games, and ask nothing more."""
        self.feedback.close()
        super().close(**kwargs)
