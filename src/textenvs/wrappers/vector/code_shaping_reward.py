"""Reward what code of a language model holds for progress, in many games."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from textenvs.knowledge.folder import check_fits
from textenvs.knowledge.games import game_seen
from textenvs.shaping import CodePotential
from textenvs.wrappers.vector.potential_shaping_reward import PotentialShapingReward
from textenvs.wrappers.vector.scenes import action_names

__all__ = ["CodeShapingReward"]


class CodeShapingReward(PotentialShapingReward):
    """Code shaping: :class:`textenvs.wrappers.CodeShapingReward`, batched.

    Args:
        env: a vector environment of games as there.
        path: as there.
        gamma: as there.
        scale: as there.
        normalize: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        path: str = "ready",
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        game = game_seen(env.single_observation_space)
        potential = CodePotential(path, game)
        check_fits(potential.about, action_names(env))
        super().__init__(env, potential, gamma, scale, normalize)
