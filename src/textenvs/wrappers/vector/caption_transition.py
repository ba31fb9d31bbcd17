"""Say what each action did, in many games."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from textenvs.advice import action_number
from textenvs.captioners.transitions import transition
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import info_of, single_observations

__all__ = ["CaptionTransition", "Transitions"]


class Transitions:
    """Puts in words what the actions did, each within its episode.

    Args:
        env: the vector environment that is stepped.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self._env = env
        self._borders = Borders(env)
        self._before: list[tuple[Any, dict[str, Any]]] = [(None, {})] * env.num_envs

    def begin(self, options: Any) -> Any:
        """Which games a ``reset`` begins, before it is done: (num_envs,) bool."""
        return self._borders.reset(options)

    def keep(self, observations: Any, infos: Mapping[str, Any], begun: Any) -> None:
        """Take in what is seen in the games that have begun."""
        told = {k: v for k, v in infos.items() if not k.startswith(("final_", "_final_"))}
        seen = single_observations(self._env, observations)
        for i in np.flatnonzero(begun).tolist():
            self._before[i] = deepcopy(seen[i]), info_of(told, i)  # it may be written over

    def step(
        self, actions: Sequence[int], observations: Any, ended: Any, infos: Mapping[str, Any]
    ) -> tuple[list[str], Any]:
        """What the actions did ("" where none was played), and which episodes have begun."""
        played = self._borders.played()
        said = []
        finals = infos.get("final_info")
        for i in range(self._env.num_envs):
            if not played[i]:
                said.append("")
                continue
            after = finals if ended[i] and finals is not None else infos
            seen, before = self._before[i]
            said.append(transition(seen, before, action_number(actions[i]), info_of(after, i)))
        begun = self._borders.step(ended)
        self.keep(observations, infos, np.ones(self._env.num_envs, np.bool_))
        return said, begun


class CaptionTransition(VectorWrapper):
    """Say what each action did: :class:`textenvs.wrappers.CaptionTransition` for many games.

    ``info["transition"]`` is (num_envs,) object, "" where an episode has just begun by itself.
    Where episodes begin anew in the same step, it is what ended the last one.

    Args:
        env: a vector environment of games as there.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        self._transitions = Transitions(env)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes."""
        begun = self._transitions.begin(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        self._transitions.keep(observations, infos, begun)
        return observations, _told(infos, [""] * self.num_envs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game, and say what it did."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = np.asarray(terminated | truncated)
        said, _ = self._transitions.step(actions, observations, ended, infos)
        return observations, rewards, terminated, truncated, _told(infos, said)


def _told(infos: Mapping[str, Any], said: Sequence[str]) -> dict[str, Any]:
    values = np.asarray(said, object)
    return {**infos, "transition": values, "_transition": np.ones(len(values), np.bool_)}
