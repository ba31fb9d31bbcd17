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
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.caption import Caption
from textenvs.captioners.crafter_default import default
from textenvs.captioners.crafter_view import (
    KEPT,
    NAMES,
    PLAYER,
    VITALS,
    Info,
    Window,
    carried_items,
    faced_id,
    nearest_first,
    sorted_by_distance,
    view_of,
)

__all__ = ["NAMES", "STYLES", "VITALS", "background_knowledge", "balrog", "default", "smartplay"]

_OUT_OF_MAP = "Error, you are out of the map."
_ASLEEP = "You are sleeping, and will not be able take actions until energy is full."
_DIED = "You died."
_NOTHING_SEEN = "You see nothing away from you."


@lru_cache(maxsize=1024)
def _direction(dx: int, dy: int, words: tuple[str, str, str, str]) -> str:
    north, east, south, west = words
    parts = (north if dy < 0 else south if dy > 0 else "", west if dx < 0 else east if dx else "")
    return "-".join(filter(None, parts))


_NORTH_EAST_SOUTH_WEST = ("north", "east", "south", "west")
_UP_RIGHT_DOWN_LEFT = ("up", "right", "down", "left")


def _sleeping_or_dead(info: Info) -> str:
    return _ASLEEP if info["sleeping"] else _DIED if info["dead"] else ""


def _status_block(info: Info) -> str:
    """SmartPlay's and BALROG's lists of the vitals and of what is carried."""
    inventory = info["inventory"]
    return _status_lines(tuple(inventory), tuple(inventory.values()))


@lru_cache(maxsize=KEPT)
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
    window = view_of(info, blind_at_edges=strict)
    faced = None if window is None else faced_id(info, window)
    if window is None or (strict and faced is None):
        return _OUT_OF_MAP
    act = "" if action is None else f"You took action {_SMARTPLAY_MOVES.get(action, action)}."
    state = _sleeping_or_dead(info)
    near, offsets = sorted_by_distance(window)
    kinds = sorted(set(near) - {PLAYER})
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
    window = view_of(info, blind_at_edges=strict)
    front, seen = "nothing", _NOTHING_SEEN
    if window is not None:
        skipped = {NAMES.index(name) for name in skip_items}
        faced = faced_id(info, window)
        if faced is not None and faced not in skipped:
            front = NAMES[faced]
        hidden = [k in skipped or k == PLAYER for k in range(len(NAMES))]
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


def _scan(window: Window, shown: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The (kind, dx, dy) of the shown cells, column by column from the west."""
    xs, ys = np.nonzero(shown)
    kinds = window.cells[xs, ys].tolist()
    cx, cy = window.center
    return list(zip(kinds, (xs - cx).tolist(), (ys - cy).tolist(), strict=True))


def _nearest_of_each(window: Window, shown: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The nearest shown cell of each kind; the kinds in the order in which a scan meets them."""
    order, offsets = nearest_first(window.cells.shape, window.center)
    visible = np.where(shown, window.cells, PLAYER).ravel()
    near = visible[order].tobytes()
    kinds = dict.fromkeys(visible.tobytes())
    return [(kind, *offsets[near.find(kind)]) for kind in kinds if kind != PLAYER]


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
    window = view_of(info, blind_at_edges=strict)
    faced = None if window is None else faced_id(info, window)
    if window is None or (strict and faced is None):
        return _OUT_OF_MAP
    near, offsets = sorted_by_distance(window)
    things = [_background_item(k, *offsets[near.find(k)]) for k in sorted(set(near)) if k != PLAYER]
    seen = f"You see: {', '.join(things)}." if things else _NOTHING_SEEN
    front = "nothing" if faced is None else NAMES[faced]
    inventory = info["inventory"]
    status = ", ".join([f"{name}: {inventory[name]}/9" for name in VITALS])
    items = ", ".join([f"{n} {name}" for name, n in carried_items(info)])
    carried = f"Your have {items}" if items else "You have nothing in your inventory."
    gap = "" if strict else " "
    text = f"{seen}{gap}You face {front} at your front. Your status: {status}. {carried}"
    return f"{_sleeping_or_dead(info)} {text}".strip()


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
