"""Crafter in words: pure functions of the state, no simulator.

Every function reads an ``info`` mapping with the keys

====================  =============================================================================
``semantic``          (width, height) uint8, ids of :data:`NAMES`, indexed [x, y]; y grows south
``player_pos``        (x, y)
``player_facing``     (dx, dy), one of the four unit steps
``inventory``         name -> count, the four vitals of :data:`VITALS` included
``sleeping, dead``    bool
``view``              (9, 9): the width and height of the view, the two hidden rows included
``daylight``          float in [0, 1], optional, read by :func:`default`
``ripe``              the (x, y) of the ripe plants, optional, read by :func:`default`
====================  =============================================================================

:func:`smartplay`, :func:`balrog` and :func:`background_knowledge` are the texts of SmartPlay,
BALROG and background-knowledge-rl; with ``strict=True`` to the letter, their blindness at the
map's edges included, without it with the same words but the facts right everywhere.
:func:`default` is ours.

The view is cut out of the map as bytes and put in order of distance, so that the nearest cell of a
kind is one ``bytes.find`` away: no loop over cells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.caption import Caption

__all__ = ["NAMES", "STYLES", "VITALS", "background_knowledge", "balrog", "default", "smartplay"]

Info = Mapping[str, Any]

NAMES = (
    *("None", "water", "grass", "stone", "path", "sand", "tree", "lava", "coal", "iron"),
    *("diamond", "table", "furnace", "player", "cow", "zombie", "skeleton", "arrow", "plant"),
)
"""The names of the ids in ``semantic``: first the materials, from ``player`` on the objects."""

VITALS = ("health", "food", "drink", "energy")

_PLAYER = NAMES.index("player")
_PLANT = NAMES.index("plant")
_RIPE_PLANT = len(NAMES)  # an id of our own: `semantic` does not tell ripe plants from young ones
_THREATS = frozenset(map(NAMES.index, ("zombie", "skeleton", "arrow")))
_COMPASS = {"north": (0, -1), "east": (1, 0), "south": (0, 1), "west": (-1, 0)}
_KEPT = 8192  # texts of views and inventories, which return again and again
_NIGHT = 0.5  # crafter darkens and blurs its picture below this daylight

_OUT_OF_MAP = "Error, you are out of the map."
_ASLEEP = "You are sleeping, and will not be able take actions until energy is full."
_DIED = "You died."
_NOTHING_SEEN = "You see nothing away from you."


class _Window(NamedTuple):
    """The part of the map in view: which cells, and how they lie around the player."""

    cells: NDArray[np.uint8]  # (width, height), ids
    center: tuple[int, int]  # the player's cell in it


@lru_cache(maxsize=256)
def _nearest_first(
    shape: tuple[int, int], center: tuple[int, int]
) -> tuple[NDArray[np.intp], tuple[tuple[int, int], ...]]:
    """Order the cells of a window by L1 distance, ties in C order: indices, and (dx, dy) of each.

    The ties are those of SmartPlay and BALROG: the westmost cell wins, then the northmost.
    """
    dx, dy = (axis - c for axis, c in zip(np.indices(shape), center, strict=True))
    order = np.argsort((abs(dx) + abs(dy)).ravel(), kind="stable")
    pairs = zip(dx.ravel()[order].tolist(), dy.ravel()[order].tolist(), strict=True)
    return order, tuple(pairs)


def _window(info: Info, *, blind_at_edges: bool) -> _Window | None:
    """Cut the view out of the map; None where the published code sees nothing (an empty crop)."""
    (px, py), (vx, vy) = info["player_pos"], info["view"]
    left, top = px - vx // 2, py - vy // 2 + 1
    if blind_at_edges and (left < 0 or top < 0):
        return None
    x, y = max(left, 0), max(top, 0)
    cells = info["semantic"][x : px + vx // 2 + 1, y : py + vy // 2]
    return _Window(cells, (px - x, py - y))


def _faced(info: Info, window: _Window) -> int | None:
    """The id of the cell in front of the player; None beyond the view or the map."""
    x = window.center[0] + int(info["player_facing"][0])
    y = window.center[1] + int(info["player_facing"][1])
    width, height = window.cells.shape
    return int(window.cells[x, y]) if 0 <= x < width and 0 <= y < height else None


def _sorted_by_distance(window: _Window) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    order, offsets = _nearest_first(window.cells.shape, window.center)
    return window.cells.ravel()[order].tobytes(), offsets


@lru_cache(maxsize=1024)
def _direction(dx: int, dy: int, words: tuple[str, str, str, str]) -> str:
    north, east, south, west = words
    parts = (north if dy < 0 else south if dy > 0 else "", west if dx < 0 else east if dx else "")
    return "-".join(filter(None, parts))


_NORTH_EAST_SOUTH_WEST = ("north", "east", "south", "west")
_UP_RIGHT_DOWN_LEFT = ("up", "right", "down", "left")


def _sleeping_or_dead(info: Info) -> str:
    return _ASLEEP if info["sleeping"] else _DIED if info["dead"] else ""


def _items(info: Info) -> list[tuple[str, int]]:
    return [(k, n) for k, n in info["inventory"].items() if n and k not in VITALS]


def _status_block(info: Info) -> str:
    """SmartPlay's and BALROG's lists of the vitals and of what is carried."""
    inventory = info["inventory"]
    return _status_lines(tuple(inventory), tuple(inventory.values()))


@lru_cache(maxsize=_KEPT)
def _status_lines(names: tuple[str, ...], counts: tuple[int, ...]) -> str:
    inventory = dict(zip(names, counts, strict=True))
    vitals = "\n".join([f"- {name}: {inventory[name]}/9" for name in VITALS])
    items = "\n".join(
        [f"- {name}: {n}" for name, n in inventory.items() if n and name not in VITALS]
    )
    carried = f"Your inventory:\n{items}" if items else "You have nothing in your inventory."
    return f"Your status:\n{vitals}\n\n{carried}"


@lru_cache(maxsize=1024)
def _smartplay_line(kind: int, dx: int, dy: int) -> str:
    where = _direction(dx, dy, _NORTH_EAST_SOUTH_WEST)
    return f"- {NAMES[kind]} {abs(dx) + abs(dy)} steps to your {where}"


_SMARTPLAY_MOVES = {
    "move_left": "move_west",
    "move_right": "move_east",
    "move_up": "move_north",
    "move_down": "move_south",
}


def smartplay(info: Info, action: str | None = None, strict: bool = False) -> str:
    """SmartPlay's description of a Crafter state (microsoft/SmartPlay 9dec5f2, describe_frame).

    Args:
        info: the state, see the module.
        action: crafter's own name of the action that led here, None after a reset.
        strict: to the letter, with the error text near the north and west edges and when facing
            off the map; otherwise the view is cut at the edges and the faced thing is "nothing".
    """
    window = _window(info, blind_at_edges=strict)
    faced = None if window is None else _faced(info, window)
    if window is None or (strict and faced is None):
        return _OUT_OF_MAP
    act = "" if action is None else f"You took action {_SMARTPLAY_MOVES.get(action, action)}."
    state = _sleeping_or_dead(info)
    near, offsets = _sorted_by_distance(window)
    kinds = sorted(set(near) - {_PLAYER})
    lines = [_smartplay_line(kind, *offsets[near.find(kind)]) for kind in kinds]
    seen = "You see:\n" + "\n".join(lines) if lines else _NOTHING_SEEN
    front = "nothing" if faced is None else NAMES[faced]
    # A published line of state ends with two newlines of its own and is glued to the action.
    head = f"{act}{state}\n\n\n\n" if state else f"{act}\n\n"
    return f"{head}{seen}\n\nYou face {front} at your front.\n\n{_status_block(info)}".strip()


def balrog(
    info: Info,
    unique_items: bool = True,
    precise_location: bool = False,
    skip_items: Collection[str] = (),
    edge_only_items: Collection[str] = (),
    strict: bool = False,
) -> dict[str, str]:
    """BALROG's two contexts of a Crafter state (balrog-ai/BALROG af7d1f1, describe_frame).

    Args:
        info: the state, see the module.
        unique_items: list the nearest cell of each kind, in the order in which a scan column by
            column first meets the kinds; otherwise every cell in that order.
        precise_location: say "2 steps south and 1 step west" instead of "3 steps to your
            south-west".
        skip_items: names that are not listed, and that read "nothing" when faced.
        edge_only_items: names of which only cells beside another kind are listed.
        strict: to the letter, seeing nothing near the north and west edges.

    Returns:
        ``long_term_context`` (what is seen and faced) and ``short_term_context`` (the vitals and
        the inventory).
    """
    window = _window(info, blind_at_edges=strict)
    front, seen = "nothing", _NOTHING_SEEN
    if window is not None:
        skipped = {NAMES.index(name) for name in skip_items}
        faced = _faced(info, window)
        if faced is not None and faced not in skipped:
            front = NAMES[faced]
        hidden = [k in skipped or k == _PLAYER for k in range(len(NAMES))]
        shown = ~np.array(hidden)[window.cells]
        for name in edge_only_items:
            shown &= ~_inside_of(window.cells == NAMES.index(name))
        describe = _precise if precise_location else _rough
        cells = _nearest_of_each(window, shown) if unique_items else _scan(window, shown)
        lines = [f"- {NAMES[kind]} {describe(dx, dy)}" for kind, dx, dy in cells]
        seen = "You see:\n" + "\n".join(lines) if lines else _NOTHING_SEEN
    state = _sleeping_or_dead(info)
    head = f"{state}\n\n\n\n" if state else ""
    return {
        "long_term_context": f"{head}{seen}\n\nYou face {front} at your front.",
        "short_term_context": _status_block(info),
    }


def _inside_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells of a mask of which no neighbour in the window lies outside of the mask."""
    padded = np.pad(mask, 1, constant_values=True)
    return mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


def _scan(window: _Window, shown: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The (kind, dx, dy) of the shown cells, column by column from the west."""
    xs, ys = np.nonzero(shown)
    kinds = window.cells[xs, ys].tolist()
    cx, cy = window.center
    return list(zip(kinds, (xs - cx).tolist(), (ys - cy).tolist(), strict=True))


def _nearest_of_each(window: _Window, shown: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The nearest shown cell of each kind; the kinds in the order in which a scan meets them."""
    order, offsets = _nearest_first(window.cells.shape, window.center)
    visible = np.where(shown, window.cells, _PLAYER).ravel()
    near = visible[order].tobytes()
    kinds = dict.fromkeys(visible.tobytes())
    return [(kind, *offsets[near.find(kind)]) for kind in kinds if kind != _PLAYER]


def _steps(n: int) -> str:
    return f"{n} step" if n == 1 else f"{n} steps"


@lru_cache(maxsize=1024)
def _rough(dx: int, dy: int) -> str:
    where = _direction(dx, dy, _NORTH_EAST_SOUTH_WEST)
    return f"{_steps(abs(dx) + abs(dy))} to your {where}"


@lru_cache(maxsize=1024)
def _precise(dx: int, dy: int) -> str:
    north_south = f"{_steps(abs(dy))} {'north' if dy < 0 else 'south'}" if dy else ""
    west_east = f"{_steps(abs(dx))} {'west' if dx < 0 else 'east'}" if dx else ""
    return " and ".join(filter(None, (north_south, west_east)))


@lru_cache(maxsize=1024)
def _background_item(kind: int, dx: int, dy: int) -> str:
    where = _direction(dx, dy, _UP_RIGHT_DOWN_LEFT)
    return f"{NAMES[kind]} at {abs(dx) + abs(dy)} steps to your {where}"


def background_knowledge(info: Info, strict: bool = False) -> str:
    """The line of background-knowledge-rl (mansicer/background-knowledge-rl 5f62882).

    Args:
        info: the state, see the module.
        strict: to the letter, with the error text of :func:`smartplay` and no space before
            "You face".
    """
    window = _window(info, blind_at_edges=strict)
    faced = None if window is None else _faced(info, window)
    if window is None or (strict and faced is None):
        return _OUT_OF_MAP
    near, offsets = _sorted_by_distance(window)
    things = [
        _background_item(k, *offsets[near.find(k)]) for k in sorted(set(near)) if k != _PLAYER
    ]
    seen = f"You see: {', '.join(things)}." if things else _NOTHING_SEEN
    front = "nothing" if faced is None else NAMES[faced]
    inventory = info["inventory"]
    status = ", ".join([f"{name}: {inventory[name]}/9" for name in VITALS])
    items = ", ".join([f"{n} {name}" for name, n in _items(info)])
    carried = f"Your have {items}" if items else "You have nothing in your inventory."
    gap = "" if strict else " "
    text = f"{seen}{gap}You face {front} at your front. Your status: {status}. {carried}"
    return f"{_sleeping_or_dead(info)} {text}".strip()


@lru_cache(maxsize=2048)
def _default_item(kind: int, dx: int, dy: int) -> str:
    north_south = f" {abs(dy)} {'north' if dy < 0 else 'south'}" if dy else ""
    west_east = f" {abs(dx)} {'west' if dx < 0 else 'east'}" if dx else ""
    return f"{_DEFAULT_NAMES[kind]}{north_south}{west_east}"


_UNCOUNTED = frozenset(("wood", "stone", "coal", "iron"))


@lru_cache(maxsize=256)
def _count(name: str, n: int) -> str:
    plural = "" if n == 1 or name in _UNCOUNTED else "s"
    return f"{n} {name.replace('_', ' ')}{plural}"


_DEFAULT_NAMES = (*NAMES[:_PLANT], "young plant", "ripe plant")
_FACING = {step: name for name, step in _COMPASS.items()}


def default(info: Info) -> str:
    """Ours: what lies in front and on each side, what else is near, the vitals and the inventory.

    Steps are given along both axes ("tree 2 north 1 east"), all zombies, skeletons and arrows in
    view are listed and of every other kind that is not beside the player the nearest one. The
    map's edge is named as such, ripe plants are told from young ones, and darkness is mentioned.

    Args:
        info: the state, see the module.
    """
    window = _window(info, blind_at_edges=False)
    assert window is not None
    near, _ = _sorted_by_distance(_mark_ripe_plants(info, window))
    facing = _FACING[int(info["player_facing"][0]), int(info["player_facing"][1])]
    inventory = info["inventory"]
    lines = [
        _surroundings(near, window.cells.shape, window.center, facing),
        _carried(tuple(inventory), tuple(inventory.values())),
    ]
    if info["dead"]:
        lines.insert(0, "You are dead.")
    elif info["sleeping"]:
        lines.insert(0, "You are asleep.")
    if info.get("daylight", 1.0) < _NIGHT:
        lines.append("It is night.")
    return "\n".join(lines)


def _mark_ripe_plants(info: Info, window: _Window) -> _Window:
    """Give ripe plants an id of their own (a plant is young unless ``ripe`` names its place)."""
    ripe = info.get("ripe", ())
    if not ripe:
        return window
    cells = window.cells.copy()
    (px, py), (cx, cy) = info["player_pos"], window.center
    for x, y in ripe:
        i, j = x - int(px) + cx, y - int(py) + cy
        if 0 <= i < cells.shape[0] and 0 <= j < cells.shape[1]:
            cells[i, j] = _RIPE_PLANT
    return _Window(cells, window.center)


@lru_cache(maxsize=_KEPT)
def _surroundings(near: bytes, shape: tuple[int, int], center: tuple[int, int], facing: str) -> str:
    """What is in front, beside and further off; ``near`` are the ids in order of distance."""
    sides = [
        (name, "edge of the world" if place is None else _DEFAULT_NAMES[near[place]])
        for name, place in _sides(shape, center, facing)
    ]
    front, *others = sides
    beside = ", ".join([f"{name} {thing}" for name, thing in others])
    lines = f"You face {facing}: {front[1]}. Beside you: {beside}."
    further = _further(near, _nearest_first(shape, center)[1], {thing for _, thing in sides})
    return f"{lines}\nSteps away: {', '.join(further)}." if further else lines


@lru_cache(maxsize=1024)
def _sides(
    shape: tuple[int, int], center: tuple[int, int], facing: str
) -> tuple[tuple[str, int | None], ...]:
    """Where the four sides stand among the nearest cells, the front first; None off the map."""
    _, offsets = _nearest_first(shape, center)
    names = [facing, *(name for name in _COMPASS if name != facing)]
    steps = [_COMPASS[name] for name in names]
    places = [offsets.index(step) if step in offsets else None for step in steps]
    return tuple(zip(names, places, strict=True))


def _further(near: bytes, offsets: tuple[tuple[int, int], ...], beside: set[str]) -> list[str]:
    """The things that are not beside the player, the nearest first."""
    kinds = dict.fromkeys(near)  # in the order of their nearest cells
    del kinds[_PLAYER]
    if _THREATS.isdisjoint(kinds):
        found = [(near.find(k), k) for k in kinds if _DEFAULT_NAMES[k] not in beside]
    else:
        single = [k for k in kinds if k not in _THREATS and _DEFAULT_NAMES[k] not in beside]
        found = [(near.find(k), k) for k in single]
        found += [
            (i, k)
            for i, k in enumerate(near)
            if k in _THREATS and abs(offsets[i][0]) + abs(offsets[i][1]) > 1
        ]
        found.sort()
    return [_default_item(kind, *offsets[place]) for place, kind in found]


@lru_cache(maxsize=_KEPT)
def _carried(names: tuple[str, ...], counts: tuple[int, ...]) -> str:
    inventory = dict(zip(names, counts, strict=True))
    vitals = ", ".join([f"{name} {inventory[name]}" for name in VITALS])
    items = [_count(name, n) for name, n in inventory.items() if n and name not in VITALS]
    return f"{vitals.capitalize()} (of 9). You carry {', '.join(items) or 'nothing'}."


def _balrog_caption(info: Info, strict: bool) -> Caption:
    parts = balrog(info, strict=strict)
    return Caption(f"{parts['short_term_context']}\n{parts['long_term_context']}", parts)


STYLES: dict[str, Callable[[Info, bool], Caption]] = {
    "default": lambda info, strict: Caption(default(info)),
    "smartplay": lambda info, strict: Caption(smartplay(info, info["action"], strict)),
    "balrog": _balrog_caption,
    "background_knowledge": lambda info, strict: Caption(background_knowledge(info, strict)),
}
"""What ``style=`` names: (info, strict) -> :class:`Caption`; ``info["action"]`` may be None."""
