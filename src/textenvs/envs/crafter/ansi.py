"""Crafter's view as letters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.crafter import NAMES

__all__ = ["LETTERS", "draw"]

LETTERS = dict(zip(NAMES, " ~.#_:TLcid+f@CZS*p", strict=True))
"""The letter of each thing; a blank is beyond the map."""

_BY_ID = np.array(list(LETTERS.values()))


def draw(cells: NDArray[Any]) -> str:
    """Draw (width, height) ids, indexed [x, y], as lines of letters from north to south."""
    return "\n".join("".join(row) for row in _BY_ID[cells].T)
