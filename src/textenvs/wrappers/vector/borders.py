"""Where episodes begin and end in a vector environment, whatever its way to begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

__all__ = ["Borders"]


class Borders:
    """Tells a wrapper which actions count and which episodes have just begun.

    Nothing may be paid across the border of two episodes: in the mode ``NEXT_STEP`` the step after
    the end ignores the action and only begins the next episode.

    Args:
        env: the vector environment; its ``metadata["autoreset_mode"]`` is read.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self.mode = AutoresetMode(mode)
        self._over = np.zeros(env.num_envs, np.bool_)

    def reset(self, options: Mapping[str, Any] | None) -> NDArray[np.bool_]:
        """Which games a ``reset`` begins anew: all, or those of ``options["reset_mask"]``.

        To be asked before the environment is reset, which takes the mask out of the options.
        """
        mask = (options or {}).get("reset_mask")
        chosen = np.ones_like(self._over) if mask is None else np.asarray(mask, np.bool_)
        self._over = self._over & ~chosen
        return chosen

    def played(self) -> NDArray[np.bool_]:
        """In which games the next action counts."""
        return ~self._over

    def step(self, ended: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Take in which episodes ended in a step; returns which new ones it has begun."""
        if self.mode == AutoresetMode.SAME_STEP:
            return ended.copy()
        if self.mode == AutoresetMode.NEXT_STEP:
            begun = self._over
            self._over = ended & ~begun
            return begun
        self._over = self._over | ended
        return np.zeros_like(ended)
