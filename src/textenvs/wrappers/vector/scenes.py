"""The single observations and infos of a vector environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import iterate

from textenvs.advice.scene import Scene, read_scene

__all__ = ["Scenes", "action_names", "info_of", "single_observations", "style_of"]


def action_names(env: VectorEnv[Any, Any, Any]) -> tuple[str, ...]:
    """The texts of the actions, which all games share.

    Raises:
        ValueError: if the games do not tell them.
    """
    base: Any = env.unwrapped
    if hasattr(base, "call"):
        return tuple(base.call("action_names")[0])
    first = getattr(base, "envs", (None,))[0]
    names = getattr(getattr(first, "unwrapped", first), "action_names", None)
    if names is None:
        raise ValueError(f"expected games that name their actions, got {env}")
    return tuple(names)


def style_of(env: VectorEnv[Any, Any, Any]) -> str | None:
    """The style of the captions, which all games share; None if the games do not tell it."""
    base: Any = env.unwrapped
    if hasattr(base, "call"):
        return str(base.call("style")[0])
    first = getattr(base, "envs", (None,))[0]
    return getattr(getattr(first, "unwrapped", first), "style", None)


def single_observations(env: VectorEnv[Any, Any, Any], observations: Any) -> list[Any]:
    """The observations of the single games."""
    return list(iterate(env.observation_space, observations))


def info_of(infos: Mapping[str, Any], index: int) -> dict[str, Any]:
    """What the infos of a vector environment say of one game."""
    found = {}
    for key, value in infos.items():
        if key.startswith("_") or (f"_{key}" in infos and not infos[f"_{key}"][index]):
            continue
        found[key] = info_of(value, index) if isinstance(value, Mapping) else value[index]
    return found


class Scenes:
    """The scenes of all games (see :func:`textenvs.advice.read_scene`).

    Where a ``reset_mask`` begins some games anew, the others' missions are not told again, and are
    remembered.

    Args:
        env: the vector environment.
        names: the actions' texts.
        captions: how actions are put in words.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], names: Sequence[str], captions: str) -> None:
        self._env, self._names, self._captions = env, names, captions
        self._missions = [""] * env.num_envs

    def read(self, observations: Any, infos: Mapping[str, Any]) -> list[Scene]:
        """The scenes that are observed now."""
        if "mission" in infos:
            told = infos.get("_mission", np.ones(self._env.num_envs, np.bool_))
            for i in np.flatnonzero(told).tolist():
                self._missions[i] = str(infos["mission"][i] or "")
        return [
            read_scene(observation, mission, self._names, self._captions)
            for observation, mission in zip(
                single_observations(self._env, observations), self._missions, strict=True
            )
        ]
