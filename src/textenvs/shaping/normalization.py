"""Potentials of one size: brought to mean 0 and deviation 1 by what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.errors import choose
from textenvs.shaping.potential import History, Potential

__all__ = ["NORMALIZATIONS", "Normalized", "normalized"]

NORMALIZATIONS = ("none", "frozen", "running")
"""Of potentials: as they are; brought to mean 0 and deviation 1 by the first ones, for good; or by
all so far, with which the potential of a state changes, and the best policies may too."""

_LEAST = 1e-6


def normalized(potential: Potential, how: str) -> Potential:
    """A potential as one of :data:`NORMALIZATIONS` has it.

    Raises:
        UnknownName: if there is no such normalization.
    """
    choose("normalization", how, NORMALIZATIONS)
    return potential if how == "none" else Normalized(potential, how)


class Normalized:
    """A potential less its mean over states, divided by its standard deviation.

    So states that are better than most are worth more than the end of an episode, which is worth 0,
    and others less, whatever number the potential begins with. Until there are ``first`` states it
    is 0: nothing is paid by a measure that is not known.

    Args:
        potential: what is divided.
        how: ``"frozen"`` or ``"running"`` of :data:`NORMALIZATIONS`.
        first: states by which the deviation is measured before it counts.

    Attributes:
        deviation: by what is divided; None as long as it is not known.
        mean: what is taken away, once the deviation is known.
    """

    def __init__(self, potential: Potential, how: str, first: int = 2000) -> None:
        self.horizon = potential.horizon
        self.potential = potential
        self.deviation: float | None = None
        self.mean = 0.0
        self._frozen = how == "frozen"
        self._first = first
        self._count, self._average, self._square = 0, 0.0, 0.0  # Welford's

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """The potentials: (n,)."""
        values = np.asarray(self.potential(histories), np.float64)
        if self.deviation is None:
            found = np.zeros(len(values))
        else:
            found = (values - self.mean) / self.deviation
        if self.deviation is None or not self._frozen:
            self._measure(values)
        return found

    def __getattr__(self, name: str) -> Any:
        # What is asked of the potential (``faults``) is asked of the one inside.
        if name.startswith("_") or name == "potential":
            raise AttributeError(name)
        return getattr(self.potential, name)

    def _measure(self, values: NDArray[np.float64]) -> None:
        for value in values.tolist():
            self._count += 1
            step = value - self._average
            self._average += step / self._count
            self._square += step * (value - self._average)
        if self._count >= self._first:
            self.mean = self._average
            self.deviation = max((self._square / self._count) ** 0.5, _LEAST)
