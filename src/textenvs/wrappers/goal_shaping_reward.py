"""Reward what comes nearer to goals of a language model."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.knowledge.folder import check_fits
from textenvs.knowledge.games import game_seen
from textenvs.shaping import GoalPotential
from textenvs.wrappers.potential_shaping_reward import PotentialShapingReward

__all__ = ["GoalShapingReward"]


class GoalShapingReward(PotentialShapingReward):
    """Shape by how well a state agrees with goals that a language model suggested (BK-Goal).

    See :class:`textenvs.shaping.GoalPotential`.

    What is paid, and what ``info`` tells, is as in
    :class:`textenvs.wrappers.PotentialShapingReward`.

    Args:
        env: a game of BabyAI, MiniGrid or Crafter, with ``obs="dict"``.
        path: a folder of ``textenvs label-goals``; ``"ready"`` for what came with the package.
        threshold: cosine up to which the potential is 0.
        embeddings: the sentence-transformers model.
        gamma: the learner's discount.
        scale: what one unit of potential is worth.
        normalize: one of :data:`textenvs.shaping.NORMALIZATIONS`.

    Raises:
        TraceError: if there is no such knowledge, or it is of another game, or of other actions.

    Source: Chen et al., arXiv:2407.03964.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        path: str = "ready",
        threshold: float = 0.85,
        embeddings: str = DEFAULT_EMBEDDINGS,
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            path=path,
            threshold=threshold,
            embeddings=embeddings,
            gamma=gamma,
            scale=scale,
            normalize=normalize,
        )
        game = game_seen(env.observation_space)
        potential = GoalPotential(path, game, threshold, embeddings=embeddings)
        check_fits(
            potential.about, env.get_wrapper_attr("action_names"), env.get_wrapper_attr("style")
        )
        super().__init__(env, potential, gamma, scale, normalize)
