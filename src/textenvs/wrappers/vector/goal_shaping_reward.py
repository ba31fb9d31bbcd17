"""Reward what comes nearer to goals of a language model, in many games."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.knowledge.folder import check_fits
from textenvs.knowledge.games import game_seen
from textenvs.shaping import GoalPotential
from textenvs.wrappers.vector.potential_shaping_reward import PotentialShapingReward
from textenvs.wrappers.vector.scenes import action_names, style_of

__all__ = ["GoalShapingReward"]


class GoalShapingReward(PotentialShapingReward):
    """Goal shaping: :class:`textenvs.wrappers.GoalShapingReward`, batched.

    Args:
        env: a vector environment of games as there.
        path: as there.
        threshold: as there.
        embeddings: as there.
        gamma: as there.
        scale: as there.
        normalize: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        path: str = "ready",
        threshold: float = 0.85,
        embeddings: str = DEFAULT_EMBEDDINGS,
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        game = game_seen(env.single_observation_space)
        potential = GoalPotential(path, game, threshold, embeddings=embeddings)
        check_fits(potential.about, action_names(env), style_of(env))
        super().__init__(env, potential, gamma, scale, normalize)
