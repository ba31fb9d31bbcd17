"""Gymnasium's vector environments as those of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from textenvs.rewards import parts_of
from textenvs.rl.words import WORDS, word_ids
from textenvs.wrappers.vector.scenes import info_of

__all__ = ["Sb3VecEnv"]

_TEXT, _TOKENS = "text", "tokens"


class Sb3VecEnv(VecEnv):
    """A vector environment of text games for Stable-Baselines3.

    Everything around it stays batched: wrappers of :mod:`textenvs.wrappers.vector`, and the games
    themselves where they are. Of the observations, numbers are kept: arrays flat (a view is no
    picture to be transposed), texts as word numbers if asked for.

    Args:
        env: a vector environment in the autoreset mode ``SAME_STEP``.
        tokens: words of the text that are kept as ``tokens``, (tokens,) int32; 0 for none.

    Raises:
        ValueError: in another mode, or if nothing is left to observe.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], tokens: int = 0) -> None:
        mode = env.metadata.get("autoreset_mode")
        if mode is None or AutoresetMode(mode) != AutoresetMode.SAME_STEP:
            raise ValueError(
                "expected a vector environment in the autoreset mode SAME_STEP, got "
                f"{mode}: give make_vec vector_kwargs={{'autoreset_mode': AutoresetMode.SAME_STEP}}"
            )
        self.env = env
        self._tokens = tokens
        numbers = _numbers(env.single_observation_space)
        kept = {key: _flat(space) for key, space in numbers.items()}
        self._shapes = {key: space.shape or () for key, space in kept.items()}
        if tokens:
            kept[_TOKENS] = spaces.Box(0, WORDS - 1, (tokens,), np.int32)
        if not kept:
            raise ValueError(
                "expected arrays to observe, got texts alone: make the environment with "
                'obs="dict", or give tokens'
            )
        self._actions: NDArray[Any] | None = None
        super().__init__(env.num_envs, spaces.Dict(kept), env.single_action_space)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Begin an episode in every game."""
        seeds: Any = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observations, infos = self.env.reset(seed=seeds)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [info_of(infos, i) for i in range(self.num_envs)]
        return self.observe(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Play them."""
        assert self._actions is not None, "step_async() comes first"
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        dones = np.asarray(terminated | truncated)
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(dones).tolist():
            told[i] = {
                **info_of(infos["final_info"], i),
                "terminal_observation": self._one(infos["final_obs"][i]),
                "TimeLimit.truncated": bool(truncated[i] and not terminated[i]),
            }
        for name, values in parts_of(infos, self.num_envs).items():
            for info, value in zip(told, values, strict=True):
                info.setdefault("rewards", {})[name] = float(value)
        return self.observe(observations), np.asarray(rewards, np.float32), dones, told

    def observe(self, observations: Any) -> dict[str, NDArray[Any]]:
        """What a learner is shown of the games' observations: key -> (num_envs, ...)."""
        found = {
            key: np.asarray(observations[key]).reshape(self.num_envs, *shape)
            for key, shape in self._shapes.items()
        }
        if self._tokens:
            texts = observations[_TEXT] if isinstance(observations, Mapping) else observations
            space = self.env.observation_space
            texts_space = space[_TEXT] if isinstance(space, spaces.Dict) else space
            found[_TOKENS] = np.stack(
                [word_ids(str(text), self._tokens) for text in iterate(texts_space, texts)]
            )
        return found

    def _one(self, observation: Any) -> dict[str, NDArray[Any]]:
        found = {
            key: np.asarray(observation[key]).reshape(shape) for key, shape in self._shapes.items()
        }
        if self._tokens:
            text = observation[_TEXT] if isinstance(observation, Mapping) else observation
            found[_TOKENS] = word_ids(str(text), self._tokens)
        return found

    def close(self) -> None:
        """Close all games."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of every game, or of the vector environment where games have none."""
        base: Any = self.env.unwrapped
        chosen = self._get_indices(indices)
        if attr_name == "render_mode":
            return [self.env.render_mode for _ in chosen]
        if hasattr(base, "envs"):
            games = [base.envs[i] for i in chosen]
            return [
                game.get_wrapper_attr(attr_name)
                if hasattr(game, "get_wrapper_attr")
                else getattr(game, attr_name)
                for game in games
            ]
        if hasattr(base, "get_attr"):
            values = base.get_attr(attr_name)
            return [values[i] for i in chosen]
        raise AttributeError(f"{self.env} has no attribute {attr_name}")

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not done: games are set up when they are made."""
        raise NotImplementedError("games are set up when they are made")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """What a method of every game returns."""
        base: Any = self.env.unwrapped
        if isinstance(base, AsyncVectorEnv):  # its get_attr would call the method
            values = base.call(method_name, *method_args, **method_kwargs)
            return [values[i] for i in self._get_indices(indices)]
        return [
            method(*method_args, **method_kwargs) for method in self.get_attr(method_name, indices)
        ]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        """Whether games are in such a wrapper; those of Stable-Baselines3 are not used."""
        return [False for _ in self._get_indices(indices)]


def _numbers(space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
    """The parts of a space that are numbers."""
    if not isinstance(space, spaces.Dict):
        return {}
    return {k: s for k, s in space.items() if isinstance(s, spaces.Box | spaces.Discrete)}


def _flat(space: spaces.Space[Any]) -> spaces.Space[Any]:
    if not isinstance(space, spaces.Box):
        return space
    kind: Any = space.low.dtype.type
    return spaces.Box(space.low.reshape(-1), space.high.reshape(-1), dtype=kind)
