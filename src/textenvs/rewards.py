"""The parts of which a reward is made, as wrappers report them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_part", "add_parts", "check_weights", "parts_of"]


def add_part(info: Mapping[str, Any], reward: float, name: str, value: float) -> dict[str, float]:
    """The parts of a reward after a wrapper added one, or to one.

    Args:
        info: of the wrapped environment; its ``rewards`` are the parts so far, if there are any.
        reward: what the wrapped environment gave, ``game`` if nothing was added before.
        name: of the new part.
        value: of the new part.
    """
    parts = {"game": reward, **info.get("rewards", {})}
    return {**parts, name: parts.get(name, 0.0) + value}


def check_weights(**weights: float) -> None:
    """Check that weights of rewards are numbers.

    Raises:
        ValueError: if one is infinite, or not a number.
    """
    for name, value in weights.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"expected a finite number as {name}, got {value!r}")


def add_parts(
    infos: Mapping[str, Any], rewards: NDArray[Any], name: str, values: NDArray[Any]
) -> dict[str, Any]:
    """The infos of a vector environment after a wrapper added a part to its rewards.

    Args:
        infos: of the wrapped environment.
        rewards: (num_envs,), what it gave.
        name: of the new part.
        values: (num_envs,), of the new part.
    """
    parts = {"game": np.asarray(rewards, np.float64), **parts_of(infos, len(values))}
    parts[name] = parts.get(name, 0.0) + values
    return {**infos, "rewards": parts, "_rewards": np.ones(len(values), np.bool_)}


def parts_of(infos: Mapping[str, Any], num_envs: int) -> dict[str, NDArray[np.float64]]:
    """The parts of a step's rewards: name -> (num_envs,), of games that have ended too.

    Where games begin anew in the same step, what single games tell of the step that ended them is
    in ``final_info``.

    Args:
        infos: of a vector environment.
        num_envs: how many games it has.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for told in (infos.get("rewards", {}), infos.get("final_info", {}).get("rewards", {})):
        for name, values in told.items():
            if not name.startswith("_"):
                mask = told.get(f"_{name}", np.ones(num_envs, np.bool_))
                found.setdefault(name, np.zeros(num_envs))[mask] = np.asarray(values)[mask]
    return found
