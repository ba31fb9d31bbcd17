"""Potentials of one size: brought to mean 0 and deviation 1 by what is known of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.errors import choose
from textenvs.shaping.potential import History, Potential

__all__ = ["NORMALIZATIONS", "Normalized", "normalized"]

NORMALIZATIONS = ("none", "frozen", "running")
"""Of potentials: as they are; brought to mean 0 and deviation 1 by the first ones, for good; or by
all so far, with which the potential of a state changes, and the best policies may too."""

_LEAST = 1e-3  # a deviation below it is none

logger = logging.getLogger(__name__)


def normalized(potential: Potential, how: str) -> Normalized:
    """A potential as one of :data:`NORMALIZATIONS` has it.

    Raises:
        UnknownName: if there is no such normalization.
    """
    return Normalized(potential, how)


class Normalized:
    """A potential that is always finite and, if asked for, of mean 0 and deviation 1 over states.

    So states that are better than most are worth more than the end of an episode, which is worth 0,
    and others less, whatever number the potential begins with. Until there are ``first`` states,
    and as long as they are all alike, it is 0: nothing is paid by a measure that is not known.

    Where the potential is not finite it is 0, after normalization; that is counted in ``faults``,
    and told in the log the first, tenth, hundredth time.

    Args:
        potential: what is normalised.
        how: one of :data:`NORMALIZATIONS`.
        first: states by which mean and deviation are measured before they count.

    Attributes:
        potential: what is normalised.
        faults: kind of fault -> how many states; of the potential itself, if it counts them.
        deviation: by what is divided; None as long as it is not known.
        mean: what is taken away, once the deviation is known.

    Raises:
        UnknownName: if there is no such normalization.
    """

    def __init__(self, potential: Potential, how: str, first: int = 2000) -> None:
        choose("normalization", how, NORMALIZATIONS)
        self.horizon = potential.horizon
        self.potential = potential
        counted: Counter[str] | None = getattr(potential, "faults", None)
        self.faults: Counter[str] = Counter() if counted is None else counted
        self.deviation: float | None = None
        self.mean = 0.0
        self._how, self._first = how, first
        self._counts = counted is not None
        self._count, self._average, self._square = 0, 0.0, 0.0  # Welford's

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """The potentials: (n,), finite."""
        values = np.asarray(self.potential(histories), np.float64)
        finite = np.isfinite(values)
        if not finite.all() and not self._counts:
            self._note(int((~finite).sum()))
        found = np.zeros(len(values))
        found[finite] = self._of_one_size(values[finite])
        return found

    def _of_one_size(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._how == "none":
            return values
        if self.deviation is None:
            found = np.zeros(len(values))
        else:
            found = (values - self.mean) / self.deviation
        if self.deviation is None or self._how == "running":
            self._measure(values)
        return found

    def _note(self, count: int) -> None:
        before = self.faults["not finite"]
        self.faults["not finite"] += count
        if len(str(before)) < len(str(before + count)) or not before:
            logger.warning(
                "a potential is not finite (%d states so far), counted as 0", before + count
            )

    def _measure(self, values: NDArray[np.float64]) -> None:
        for value in values.tolist():
            self._count += 1
            step = value - self._average
            self._average += step / self._count
            self._square += step * (value - self._average)
        deviation = (self._square / self._count) ** 0.5 if self._count else 0.0
        if self._count >= self._first and deviation > _LEAST:
            self.mean, self.deviation = self._average, deviation

    def state(self) -> dict[str, Any]:
        """What is known so far, as JSON types: a run that goes on begins with it."""
        return {
            "mean": self.mean,
            "deviation": self.deviation,
            "measured": [self._count, self._average, self._square],
            "faults": dict(self.faults),
        }

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Begin with what :meth:`state` told."""
        self.mean, self.deviation = state["mean"], state["deviation"]
        self._count, self._average, self._square = state["measured"]
        self.faults.update(state["faults"])

    def close(self) -> None:
        """Close the potential, if it wants to be."""
        getattr(self.potential, "close", lambda: None)()
