"""What Crafter's captions read of a state: the view, cut out of the map and put in order.

The view is cut out as bytes in order of distance, so that the nearest cell of a kind is one
``bytes.find`` away: no loop over cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "KEPT",
    "NAMES",
    "PLAYER",
    "VITALS",
    "Info",
    "Window",
    "carried_items",
    "faced_id",
    "nearest_first",
    "sorted_by_distance",
    "view_of",
]

Info = Mapping[str, Any]

NAMES = (
    *("None", "water", "grass", "stone", "path", "sand", "tree", "lava", "coal", "iron"),
    *("diamond", "table", "furnace", "player", "cow", "zombie", "skeleton", "arrow", "plant"),
)
"""The names of the ids in ``semantic``: first the materials, from ``player`` on the objects."""

VITALS = ("health", "food", "drink", "energy")

PLAYER = NAMES.index("player")
KEPT = 8192
"""How many texts are kept of views and of inventories, which return again and again."""


class Window(NamedTuple):
    """The part of the map in view: which cells, and how they lie around the player."""

    cells: NDArray[np.uint8]  # (width, height), ids
    center: tuple[int, int]  # the player's cell in it


@lru_cache(maxsize=256)
def nearest_first(
    shape: tuple[int, int], center: tuple[int, int]
) -> tuple[NDArray[np.intp], tuple[tuple[int, int], ...]]:
    """Order the cells of a window by L1 distance, ties in C order: indices, and (dx, dy) of each.

    The ties are those of SmartPlay and BALROG: the westmost cell wins, then the northmost.
    """
    dx, dy = (axis - c for axis, c in zip(np.indices(shape), center, strict=True))
    order = np.argsort((abs(dx) + abs(dy)).ravel(), kind="stable")
    pairs = zip(dx.ravel()[order].tolist(), dy.ravel()[order].tolist(), strict=True)
    return order, tuple(pairs)


def view_of(info: Info, *, blind_at_edges: bool) -> Window | None:
    """Cut the view out of the map; None where the published code sees nothing (an empty crop)."""
    (px, py), (vx, vy) = info["player_pos"], info["view"]
    left, top = px - vx // 2, py - vy // 2 + 1
    if blind_at_edges and (left < 0 or top < 0):
        return None
    x, y = max(left, 0), max(top, 0)
    cells = info["semantic"][x : px + vx // 2 + 1, y : py + vy // 2]
    return Window(cells, (px - x, py - y))


def faced_id(info: Info, window: Window) -> int | None:
    """The id of the cell in front of the player; None beyond the view or the map."""
    x = window.center[0] + int(info["player_facing"][0])
    y = window.center[1] + int(info["player_facing"][1])
    width, height = window.cells.shape
    return int(window.cells[x, y]) if 0 <= x < width and 0 <= y < height else None


def sorted_by_distance(window: Window) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """The ids in view from near to far, and the (dx, dy) of each."""
    order, offsets = nearest_first(window.cells.shape, window.center)
    return window.cells.ravel()[order].tobytes(), offsets


def carried_items(info: Info) -> list[tuple[str, int]]:
    """What is carried, without the vitals: (name, count)."""
    return [(k, n) for k, n in info["inventory"].items() if n and k not in VITALS]
