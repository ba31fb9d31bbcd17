"""Many games of Crafter in one process, with infos that are built in batches.

``gymnasium.make_vec("Crafter-Text-v0", num_envs=16)`` makes this one. Against a ``SyncVectorEnv``
of the same environments it saves the wrappers of every single game, the copies of batches, and the
collecting of infos key by key and game by game; observations and infos are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from textenvs.envs.crafter.env import CrafterTextEnv

__all__ = ["CrafterTextVectorEnv"]


class CrafterTextVectorEnv(VectorEnv[Any, Any, Any]):
    """``num_envs`` games of Crafter, stepped and captioned together.

    Args:
        num_envs: how many.
        autoreset_mode: when a game that is over begins anew, as Gymnasium defines it: in the next
            step, in the same step (the last observation and info are then ``info["final_obs"]`` and
            ``info["final_info"]``), or never (``reset(options={"reset_mask": mask})``).
        max_episode_steps: a limit of the agent's steps, None or -1 for none but the game's.
        **kwargs: what :class:`CrafterTextEnv` takes.

    Raises:
        ValueError: if ``num_envs`` is less than 1.
    """

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"expected num_envs of 1 or more, got {num_envs}")
        self.num_envs = num_envs
        self.envs: list[CrafterTextEnv] = []  # also if one of them cannot be made
        self.envs = [CrafterTextEnv(**kwargs) for _ in range(num_envs)]
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.envs[0].metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = self.envs[0].render_mode
        self.single_observation_space = self.envs[0].observation_space
        self.single_action_space = self.envs[0].action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._limit = max_episode_steps if max_episode_steps and max_episode_steps > 0 else None
        self._observations: list[Any] = [None] * num_envs
        self._steps = [0] * num_envs
        self._over = np.zeros(num_envs, np.bool_)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every game, or in those of ``options["reset_mask"]``.

        Args:
            seed: one seed a game, or an integer s for s, s + 1, ...
            options: ``{"reset_mask": (num_envs,) bool}`` to reset some games only.

        Raises:
            ValueError: if there are not as many seeds as games, or the mask is none.
        """
        seeds = self._seeds(seed)
        chosen = self._chosen((options or {}).get("reset_mask"))
        infos: list[dict[str, Any] | None] = [None] * self.num_envs
        for i in chosen:
            self._observations[i], infos[i] = self._begin(i, seeds[i])
            self._over[i] = False
        return self._batch_observations(), self._batch_infos(infos)

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Play an action in every game."""
        if self.autoreset_mode == AutoresetMode.DISABLED and self._over.any():
            over = np.flatnonzero(self._over).tolist()
            raise ValueError(f"expected the games {over}, which are over, to be reset first")
        rewards = np.zeros(self.num_envs)
        terminated = np.zeros(self.num_envs, np.bool_)
        truncated = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any] | None] = [None] * self.num_envs
        finals: dict[str, Any] = {}
        for i, action in enumerate(np.asarray(actions).tolist()):
            if self._over[i] and self.autoreset_mode == AutoresetMode.NEXT_STEP:
                self._observations[i], infos[i] = self._begin(i, None)
                continue
            observation, rewards[i], terminated[i], is_truncated, info = self.envs[i].step(action)
            self._steps[i] += 1
            truncated[i] = is_truncated or self._steps[i] == self._limit
            if self.autoreset_mode == AutoresetMode.SAME_STEP and (terminated[i] or truncated[i]):
                last = {"final_obs": observation, "final_info": info}
                finals = self._add_info(finals, last, i)
                observation, info = self._begin(i, None)
            self._observations[i], infos[i] = observation, info
        self._over = terminated | truncated
        batch = {**finals, **self._batch_infos(infos)}
        return self._batch_observations(), rewards, terminated, truncated, batch

    def render(self) -> tuple[Any, ...] | None:
        """Draw every game."""
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **kwargs: Any) -> None:
        """Close every game."""
        for env in self.envs:
            env.close()

    def _begin(self, i: int, seed: int | None) -> tuple[Any, dict[str, Any]]:
        self._steps[i] = 0
        return self.envs[i].reset(seed=seed)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"expected {self.num_envs} seeds, got {len(seed)}")
        return seed

    def _chosen(self, mask: Any) -> list[int]:
        if mask is None:
            return list(range(self.num_envs))
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(
                f"expected a reset_mask of {self.num_envs} bools, one of them True, got {mask!r}"
            )
        chosen: list[int] = np.flatnonzero(mask).tolist()
        return chosen

    def _batch_observations(self) -> Any:
        if not isinstance(self._observations[0], dict):
            return tuple(self._observations)
        first = self._observations[0]
        arrays = {
            key: np.array([observation[key] for observation in self._observations])
            for key in first
            if key != "text"
        }
        return {"text": tuple(observation["text"] for observation in self._observations), **arrays}

    def _batch_infos(self, infos: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
        """Gymnasium's infos: an array a key, and a mask of who has it."""
        present = [info for info in infos if info is not None]
        if len(present) == self.num_envs:
            return _columns(present)
        batch: dict[str, Any] = {}
        for i, info in enumerate(infos):
            if info is not None:
                batch = self._add_info(batch, info, i)
        return batch


def _columns(infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What ``VectorEnv._add_info`` makes of infos with the same keys, a column at a time."""
    batch: dict[str, Any] = {}
    everyone = np.ones(len(infos), np.bool_)
    for key, first in infos[0].items():
        values = [info[key] for info in infos]
        if isinstance(first, dict):
            batch[key] = _number_columns(values)
        elif type(first) in (bool, int, float) or isinstance(first, np.ndarray):
            batch[key] = np.array(values)
        else:
            column = np.empty(len(values), object)
            column[:] = values if not isinstance(first, tuple) else _boxed(values)
            batch[key] = column
        batch[f"_{key}"] = everyone.copy()
    return batch


def _number_columns(values: Sequence[dict[str, int]]) -> dict[str, Any]:
    """Dicts of counts, with the same names, as a column a name."""
    table = np.array([list(value.values()) for value in values])
    columns: dict[str, Any] = {}
    for name, column in zip(values[0], table.T, strict=True):
        columns[name] = column.copy()
        columns[f"_{name}"] = np.ones(len(values), np.bool_)
    return columns


def _boxed(values: Sequence[tuple[Any, ...]]) -> NDArray[Any]:
    """Tuples as the entries of an object array, not as its rows."""
    box = np.empty(len(values), object)
    for i, value in enumerate(values):
        box[i] = value
    return box
