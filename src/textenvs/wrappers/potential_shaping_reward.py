"""Reward what comes nearer to states of high potential."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.shaping import Potential, ShapingRule, get_potential, normalized

__all__ = ["PotentialShapingReward"]


class PotentialShapingReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Add ``gamma * potential(s') - potential(s)``: the best policies stay the best.

    ``info["rewards"]`` has the parts, ``game`` and ``shaping``, and ``info["potential"]`` the
    potential of the state. See :class:`textenvs.shaping.ShapingRule` for where episodes end.

    Args:
        env: any environment.
        potential: a potential, a function of one observation, or ``"module:name"`` of one.
        gamma: the learner's discount, without which the best policies change.
        scale: what one unit of potential is worth.
        normalize: one of :data:`textenvs.shaping.NORMALIZATIONS`: whether potentials are brought to
            mean 0 and deviation 1, by the first 2,000 states or by all so far.

    Raises:
        UnknownName: if there is no such potential or normalization.

    Source: Ng, Harada and Russell, ICML 1999; with what a language model knows as potential:
    arXiv:2407.03964.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import PotentialShapingReward
        >>> env = gymnasium.make("BabyAI-Text-GoToLocal-v0")
        >>> env = PotentialShapingReward(env, lambda text: float("ball" in text), gamma=0.9)
        >>> text, info = env.reset(seed=7)
        >>> info["potential"]
        1.0
        >>> *_, info = env.step(0)
        >>> round(info["rewards"]["shaping"], 3)
        -0.1
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        potential: str | Potential | Callable[[Any], float],
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        RecordConstructorArgs.__init__(
            self, potential=potential, gamma=gamma, scale=scale, normalize=normalize
        )
        gymnasium.Wrapper.__init__(self, env)
        self.potential = normalized(get_potential(potential), normalize)
        self._rule = ShapingRule(gamma, scale, self.potential.horizon)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        value = float(self.potential([self._rule.begin(observation)])[0])
        self._rule.value(value)
        return observation, {**info, "potential": value}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action, and pay what the potential rose by."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        value = float(self.potential([self._rule.step(int(action), observation)])[0])
        paid = self._rule.reward(value, terminated=terminated)
        rewards = {"game": float(reward), **info.get("rewards", {}), "shaping": paid}
        told = {**info, "rewards": rewards, "potential": value}
        return observation, float(reward) + paid, terminated, truncated, told

    def close(self) -> None:
        """Close the game and the potential (a sandbox, say)."""
        self.potential.close()
        super().close()
