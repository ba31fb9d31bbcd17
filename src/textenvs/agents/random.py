"""The agent that every result is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from textenvs.agents.agent import Agent

__all__ = ["RandomAgent"]


class RandomAgent(Agent):
    """Plays uniformly random actions.

    Each episode has a generator of its own, made from the agent's seed and the episode's.

    Args:
        seed: the agent's seed.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.agents import RandomAgent
        >>> env = gymnasium.make("BabyAI-Text-GoToLocal-v0")
        >>> observation, info = env.reset(seed=0)
        >>> agent = RandomAgent()
        >>> agent.begin(0, env, seed=0)
        >>> agent.act([observation], [info])[0] in env.action_space
        True
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._episodes: dict[int, tuple[np.random.Generator, list[Any]]] = {}

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Make the episode's generator."""
        self._episodes[episode] = (np.random.default_rng([self._seed, seed]), _actions(env))

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Draw an action for each observation.

        Raises:
            KeyError: for an episode that has not begun.
        """
        chosen = []
        for info in infos:
            random, actions = self._episodes[info.get("episode_index", 0)]
            chosen.append(actions[int(random.integers(len(actions)))])
        return chosen

    def end(self, episode: int) -> None:
        """Drop the episode's generator."""
        del self._episodes[episode]


def _actions(env: gymnasium.Env[Any, Any]) -> list[Any]:
    """All actions: numbers, or where an environment takes strings, their names."""
    if isinstance(env.action_space, spaces.Discrete):
        start = int(env.action_space.start)
        return list(range(start, start + int(env.action_space.n)))
    if not env.has_wrapper_attr("action_names"):
        raise ValueError(
            f"expected a Discrete action space or action_names, got {env.action_space} without"
        )
    return list(env.get_wrapper_attr("action_names"))
