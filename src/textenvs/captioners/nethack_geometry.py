"""Offsets on NetHack's map of 21 rows and 79 columns: distances, directions, rays.

A cell is an index ``row * 79 + column`` into the flattened map. Everything that depends on an
offset is a table over all (41 x 157) offsets: the offset from a hero at (x, y) to a cell has the
index ``cell + row * WIDER + shift(x, y)``. The tables are ``bytes``, which a simulator's step
between two captions does not push out of the processor's cache as it does lists of objects.
"""

from __future__ import annotations

from functools import cache, lru_cache

__all__ = [
    "BANDS",
    "COLUMNS",
    "COMPASS",
    "DISTANCE",
    "RANK",
    "RAY_ORDER",
    "ROWS",
    "WIDER",
    "octant",
    "published_directions",
    "rank",
    "rays",
    "route",
    "shift",
]

ROWS, COLUMNS = 21, 79
_SPAN = 2 * COLUMNS - 1
_CENTRE = (ROWS - 1) * _SPAN + COLUMNS - 1

BANDS = ("very far", "far", "near", "very near", "adjacent")
"""nle-language-wrapper's distances, in the order in which it lists them."""

_SIXTEEN = (
    *("north", "northnortheast", "northeast", "eastnortheast"),
    *("east", "eastsoutheast", "southeast", "southsoutheast"),
    *("south", "southsouthwest", "southwest", "westsouthwest"),
    *("west", "westnorthwest", "northwest", "northnorthwest"),
)

COMPASS = {
    (0, -1): "north",
    (1, -1): "northeast",
    (1, 0): "east",
    (1, 1): "southeast",
    (0, 1): "south",
    (-1, 1): "southwest",
    (-1, 0): "west",
    (-1, -1): "northwest",
}
"""The eight steps (dx, dy), y growing south, clockwise from north."""

RAY_ORDER = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""The order in which :func:`rays` gives the eight steps (dx, dy)."""


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _legs(dx: int, dy: int) -> tuple[int, str, int, str]:
    """Split an offset into diagonal moves and straight moves: (count, word, count, word)."""
    diagonal = min(abs(dx), abs(dy))
    straight = max(abs(dx), abs(dy)) - diagonal
    slanted = COMPASS.get((_sign(dx), _sign(dy)), "")
    level = (_sign(dx), 0) if abs(dx) > abs(dy) else (0, _sign(dy))
    return diagonal, slanted, straight, COMPASS.get(level, "")


def _rank(dx: int, dy: int) -> int:
    """Number an offset as the wrapper sorts it: 16 * band + direction of the sixteen."""
    distance = max(abs(dx), abs(dy))
    band = 4 if distance == 1 else 3 if distance == 2 else 2 if 2 < distance < 6 else 0
    if 5 < distance < 20:
        band = 1
    diagonal, slanted, straight, level = _legs(dx, dy)
    direction = (level if straight else "") + (slanted if diagonal else "")
    return 16 * band + (_SIXTEEN.index(direction) if direction else 0)


_OFFSETS = [
    (dx, dy) for dy in range(1 - ROWS, ROWS) for dx in range(1 - COLUMNS, COLUMNS)
]  # in the order of their index

WIDER = _SPAN - COLUMNS
"""How much longer a row of the table of offsets is than a row of the map."""

RANK = bytes(_rank(dx, dy) for dx, dy in _OFFSETS)
"""offset index -> 16 * index in :data:`BANDS` + index of the wrapper's sixteen directions."""

DISTANCE = bytes(max(abs(dx), abs(dy)) for dx, dy in _OFFSETS)
"""offset index -> moves that a walker needs on an empty map."""


def shift(x: int, y: int) -> int:
    """Return what to add to a cell's ``cell + row * WIDER`` for its offset from (x, y)."""
    return _CENTRE - y * _SPAN - x


def rank(dx: int, dy: int) -> int:
    """Number an offset as the wrapper sorts it: 16 * band + direction of the sixteen."""
    return RANK[_CENTRE + dy * _SPAN + dx]


@cache
def route(offset: int) -> str:
    """Name an offset by the moves that lead there: "adjacent east", "2 northeast 3 east", "here".

    The words are NLE's names of the eight steps. At most as many entries as there are offsets.
    """
    diagonal, slanted, straight, level = _legs(*_OFFSETS[offset])
    if diagonal + straight == 1:
        return f"adjacent {slanted if diagonal else level}"
    legs = [f"{n} {word}" for n, word in ((diagonal, slanted), (straight, level)) if n]
    return " ".join(legs) or "here"


@cache
def octant(dx: int, dy: int) -> str:
    """Name the one of the eight directions that an offset is nearest to; "" where there is none.

    At most as many entries as there are offsets.
    """
    across, along = abs(dx), abs(dy)
    step_x = _sign(dx) if 12 * across > 5 * along else 0  # 5 / 12: about tan 22.5 degrees
    step_y = _sign(dy) if 12 * along > 5 * across else 0
    return COMPASS.get((step_x, step_y), "")


@cache
def published_directions(mask: int) -> str:
    """List the directions whose bits are set, clockwise from north: "a", "a and b", "a, b, and c".

    At most 65535 masks exist, and a game shows few.
    """
    words = [word for bit, word in enumerate(_SIXTEEN) if mask >> bit & 1]
    if len(words) <= 2:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


@lru_cache(maxsize=ROWS * COLUMNS)
def rays(x: int, y: int) -> tuple[range, ...]:
    """Return the cells of the eight rays from (x, y), without it, to the map's edge.

    The rays come in the order of :data:`RAY_ORDER`, their cells nearest first.
    """
    hero = y * COLUMNS + x
    east, south = COLUMNS - 1 - x, ROWS - 1 - y
    result = []
    for dx, dy in RAY_ORDER:
        across = COLUMNS if dx == 0 else east if dx > 0 else x
        along = ROWS if dy == 0 else south if dy > 0 else y
        step = dy * COLUMNS + dx
        result.append(range(hero + step, hero + step * (min(across, along) + 1), step))
    return tuple(result)
