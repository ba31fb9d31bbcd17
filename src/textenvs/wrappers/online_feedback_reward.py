"""Reward captions by labels that are asked for while an agent learns."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.llm import LanguageModel
from textenvs.motif.online import make_feedback
from textenvs.wrappers.caption_reward import CaptionReward

__all__ = ["OnlineFeedbackReward"]


class OnlineFeedbackReward(CaptionReward):
    """Pay for captions as a language model judges them meanwhile, without a set of data (ONI).

    Captions that are seen wait for a label in the background, the newest first; no step waits for
    one. The reward is ``extrinsic_coef`` times the game's and ``intrinsic_coef`` times what
    :class:`textenvs.motif.MotifRule` pays. ``info["rewards"]`` has the parts: ``game``, without its
    weight, and ``feedback``, with it. Networks read the first 256 bytes of a caption. What is paid
    depends on how soon labels come: two runs are not alike to the bit.

    Args:
        env: a game with captions.
        llm: a model that is asked, or its name.
        way: one of :data:`textenvs.motif.online.WAYS`.
        folder: where labels and networks are kept, and gone on with, by the same model and for the
            same goal; None for nowhere.
        goal: a name in :data:`textenvs.motif.prompts.GOALS`, or a sentence.
        game: a key of :data:`textenvs.motif.prompts.GAMES`.
        caption: one of :data:`textenvs.motif.collecting.CAPTIONS`.
        extrinsic_coef: weight of the game's reward; 0 for none of it.
        intrinsic_coef: weight of what captions pay.
        beta: exponent of how often a caption was seen in the episode.
        threshold: reward up to which a caption pays nothing; None for that of the way.
        counts: one of :data:`textenvs.motif.COUNTS`, what counts as the same caption.
        pays_for: one of :data:`textenvs.motif.PAYS_FOR`.
        embeddings: the sentence-transformers model of ``counts="embedding"``.
        batch: questions that are asked at once.
        seed: of the network, its batches, and of what is compared.

    Attributes:
        feedback: the reward; its ``labels`` tell what is known, waits, failed.

    Raises:
        UnknownName: if a choice is none.
        ValueError: if the folder has labels of another model, goal or game.
        TraceError: if what is in the folder is damaged.
        MissingExtra: if a network is needed and torch is not installed.

    Source: ONI (facebookresearch/oni, f0f86e8).
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
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
        RecordConstructorArgs.__init__(
            self,
            llm=llm,
            way=way,
            folder=folder,
            goal=goal,
            game=game,
            caption=caption,
            extrinsic_coef=extrinsic_coef,
            intrinsic_coef=intrinsic_coef,
            beta=beta,
            threshold=threshold,
            counts=counts,
            pays_for=pays_for,
            embeddings=embeddings,
            batch=batch,
            seed=seed,
        )
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

    def close(self) -> None:
        """Close the game, and ask nothing more."""
        self.feedback.close()
        super().close()
