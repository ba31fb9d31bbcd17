"""The parts of which a reward is made, as wrappers report them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_part", "add_parts"]


def add_part(info: Mapping[str, Any], reward: float, name: str, value: float) -> dict[str, float]:
    """The parts of a reward after a wrapper added one.

    Args:
        info: of the wrapped environment; its ``rewards`` are the parts so far, if there are any.
        reward: what the wrapped environment gave, ``game`` if nothing was added before.
        name: of the new part.
        value: of the new part.
    """
    return {"game": reward, **info.get("rewards", {}), name: value}


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
    parts = {"game": np.asarray(rewards, np.float64), **infos.get("rewards", {}), name: values}
    return {**infos, "rewards": parts, "_rewards": np.ones(len(values), np.bool_)}
