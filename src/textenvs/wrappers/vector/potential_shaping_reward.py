"""Reward what comes nearer to states of high potential, in many games."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from textenvs.rewards import add_parts
from textenvs.shaping import Potential, ShapingRule, get_potential, normalized
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import single_observations

__all__ = ["PotentialShapingReward"]


class PotentialShapingReward(VectorWrapper):
    """Potential-based shaping: :class:`textenvs.wrappers.PotentialShapingReward`, batched.

    All potentials of a step are one call, two where episodes begin anew in the same step. Nothing
    is paid across the border of two episodes, in any autoreset mode. ``info["rewards"]`` has arrays
    (num_envs,), ``game`` and ``shaping``; ``info["potential"]`` is that of the states observed.

    Args:
        env: a vector environment.
        potential: as there.
        gamma: as there.
        scale: as there.
        normalize: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        potential: str | Potential | Callable[[Any], float],
        gamma: float = 0.99,
        scale: float = 1.0,
        normalize: str = "none",
    ) -> None:
        super().__init__(env)
        self.potential = normalized(get_potential(potential), normalize)
        self._borders = Borders(env)
        self._rules = [
            ShapingRule(gamma, scale, self.potential.horizon) for _ in range(env.num_envs)
        ]
        self._values = np.zeros(env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes."""
        begun = self._borders.reset(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._begin(single_observations(self.env, observations), begun)
        return observations, self._told(infos)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game, and pay what the potentials rose by."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        seen = single_observations(self.env, observations)
        ended = np.asarray(terminated | truncated)
        played = np.flatnonzero(self._borders.played())
        same_step = self._borders.mode == AutoresetMode.SAME_STEP
        states = [
            self._rules[i].step(
                int(actions[i]), infos["final_obs"][i] if same_step and ended[i] else seen[i]
            )
            for i in played
        ]
        paid = np.zeros(self.num_envs)
        if states:
            self._values[played] = self.potential(states)
        for i in played:
            paid[i] = self._rules[i].reward(self._values[i], terminated=bool(terminated[i]))
        self._begin(seen, self._borders.step(ended))
        infos = add_parts(self._told(infos), rewards, "shaping", paid)
        return observations, rewards + paid, terminated, truncated, infos

    def close(self, **kwargs: Any) -> None:
        """Close the games and the potential (a sandbox, say)."""
        self.potential.close()
        super().close(**kwargs)

    def _begin(self, seen: list[Any], begun: Any) -> None:
        games = np.flatnonzero(begun)
        if len(games):
            self._values[games] = self.potential([self._rules[i].begin(seen[i]) for i in games])
            for i in games:
                self._rules[i].value(self._values[i])

    def _told(self, infos: dict[str, Any]) -> dict[str, Any]:
        present = np.ones(self.num_envs, np.bool_)
        return {**infos, "potential": self._values.copy(), "_potential": present}
