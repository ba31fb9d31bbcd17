"""How much a state is worth, by knowledge that was given before training."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textenvs.errors import UnknownName

__all__ = ["History", "Potential", "get_potential"]


@dataclass(frozen=True)
class History:
    """What a potential is told of a state: what is observed there, and how it was come to.

    Attributes:
        observations: as the environment gave them, the oldest first, the state's own last; at the
            beginning of an episode there are fewer.
        actions: those between them, one fewer.
    """

    observations: tuple[Any, ...]
    actions: tuple[int, ...]

    def filled(self, length: int, none: int) -> History:
        """The last ``length`` actions; where there are fewer, the first state stands before them.

        Args:
            length: how many actions, and one observation more.
            none: what stands for an action that there was not.
        """
        seen, done = self.observations[-length - 1 :], self.actions[-length:] if length else ()
        missing = length - len(done)
        return History((seen[0],) * missing + seen, (none,) * missing + done)


class Potential(Protocol):
    """A function of states; of many at once, because models answer in batches.

    Attributes:
        horizon: how many earlier observations it reads; 0 for the state's own alone.
    """

    horizon: int

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """The potentials: (n,), finite."""
        ...


class _OfOneState:
    """A potential made of a function of one observation."""

    horizon = 0

    def __init__(self, function: Callable[[Any], float]) -> None:
        self._function = function

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        return np.array([float(self._function(h.observations[-1])) for h in histories], np.float64)


def get_potential(potential: str | Potential | Callable[[Any], float]) -> Potential:
    """A potential by its name, so that a wrapper's arguments stay plain data.

    Args:
        potential: a potential; a function of one observation; or where one of these is,
            ``"module:name"``.

    Raises:
        UnknownName: if there is nothing of that name.
    """
    found: Any = potential
    if isinstance(potential, str):
        module, colon, name = potential.partition(":")
        try:
            if not colon:
                raise ValueError("no colon")
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise UnknownName(
                f"expected a potential as 'module:name', got {potential!r} ({error})"
            ) from error
    return found if hasattr(found, "horizon") else _OfOneState(found)
