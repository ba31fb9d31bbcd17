"""Reward what code of a language model holds for progress."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.knowledge.folder import check_fits
from textenvs.knowledge.games import game_seen
from textenvs.shaping import CodePotential
from textenvs.wrappers.potential_shaping_reward import PotentialShapingReward

__all__ = ["CodeShapingReward"]


class CodeShapingReward(PotentialShapingReward):
    """Shape by a potential that a language model wrote as code (BK-Code).

    The code runs in a sandbox; where it fails the potential is 0, which ``env.potential.faults``
    counts (:class:`textenvs.shaping.CodePotential`).

    What is paid, and what ``info`` tells, is as in
    :class:`textenvs.wrappers.PotentialShapingReward`.

    Args:
        env: a game of BabyAI, MiniGrid or Crafter, with ``obs="dict"``.
        path: a folder of ``textenvs label-code``; ``"ready"`` for what came with the package.
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
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            path=path,
            gamma=gamma,
            scale=scale,
            normalize=normalize,
        )
        game = game_seen(env.observation_space)
        potential = CodePotential(path, game)
        check_fits(potential.about, env.get_wrapper_attr("action_names"))
        super().__init__(env, potential, gamma, scale, normalize)
