"""BabyAI's and MiniGrid's actions in words, by what they would do: pure functions of the view.

The captions of the in5490 project (jonatan-hanssen/in5490-project d2c0ab0, ``caption_action``),
against which a language model's advice is matched there. Its table has slips, which
``published=True`` keeps: a step into the goal "does nothing", and doors and goals can be "picked
up".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from textenvs.captioners.babyai import COLORS, DOOR_STATES, OBJECTS, Thing, View, read_view

__all__ = ["NOTHING", "action_captions"]

NOTHING = "do nothing."
"""The caption of an action without an effect."""

_EMPTY, _FLOOR, _DOOR, _BOX = (OBJECTS.index(name) for name in ("empty", "floor", "door", "box"))
_WALKABLE = frozenset(OBJECTS.index(name) for name in ("empty", "floor", "goal", "lava"))
_PORTABLE = frozenset(OBJECTS.index(name) for name in ("key", "ball", "box"))
_OPEN, _LOCKED = DOOR_STATES.index("open"), DOOR_STATES.index("locked")
_KEPT_TEXTS = 8192


def action_captions(image: NDArray[Any], published: bool = False) -> tuple[str, ...]:
    """Say of each of Minigrid's seven actions what it would do now.

    Args:
        image: (n, n, 3) uint8, see :mod:`textenvs.captioners.babyai`.
        published: in5490's table to the letter; else what the game does.

    Returns:
        Seven captions, in the order of Minigrid's actions; :data:`NOTHING` for those without
        effect.

    Example:
        >>> import numpy as np
        >>> from textenvs.captioners.babyai_actions import action_captions
        >>> view = np.ones((7, 7, 3), np.uint8)  # an empty room
        >>> view[3, 5] = (5, 4, 0)  # a yellow key in front
        >>> action_captions(view)[3]
        'pick up yellow key.'
    """
    return _captions(image.tobytes(), published)


@lru_cache(maxsize=_KEPT_TEXTS)
def _captions(data: bytes, published: bool) -> tuple[str, ...]:
    view = read_view(data)
    front = next((thing for thing in view.things if not thing.right and thing.ahead == 1), None)
    said = _published(view, front) if published else _true(view, front)
    return tuple(f"{text}." if text else NOTHING for text in ("turn left", "turn right", *said))


def _published(view: View, front: Thing | None) -> tuple[str, ...]:
    """In5490's forward, pickup, drop, toggle and done."""
    cell, carried = view.at(0, 1), view.carried
    thing = front if front is not None and front.kind > _FLOOR else None
    holds = carried if carried is not None and carried.kind > _FLOOR else None
    is_open = thing is not None and thing.kind == _DOOR and thing.state == _OPEN
    toggle = ""
    if thing is not None:
        tool = f" with {_name(holds)}" if holds else ""
        toggle = f"destroy {_name(thing)}" if thing.kind == _BOX else f"use {_full(thing)}{tool}"
    return (
        "move forward" if cell == _EMPTY or is_open else "",
        f"pick up {_full(thing)}" if thing and not holds else "",
        f"drop {_name(holds)}" if holds and cell == _EMPTY else "",
        toggle,
        "mark the game as completed",
    )


def _true(view: View, front: Thing | None) -> tuple[str, ...]:
    """The same actions, by Minigrid's rules."""
    cell, carried = view.at(0, 1), view.carried
    is_door = front is not None and front.kind == _DOOR
    is_open = is_door and front is not None and front.state == _OPEN
    toggle = ""
    if front is not None and front.kind == _BOX:
        toggle = f"destroy {_name(front)}"
    elif is_door and front is not None and (front.state != _LOCKED or _unlocks(carried, front)):
        tool = f" with {_name(carried)}" if carried and front.state == _LOCKED else ""
        toggle = f"use {_full(front)}{tool}"
    portable = front is not None and front.kind in _PORTABLE
    return (
        "move forward" if cell in _WALKABLE or is_open else "",
        f"pick up {_name(front)}" if front is not None and portable and carried is None else "",
        f"drop {_name(carried)}" if carried is not None and cell == _EMPTY else "",
        toggle,
        "",
    )


def _unlocks(carried: Thing | None, door: Thing) -> bool:
    is_key = carried is not None and OBJECTS[carried.kind] == "key"
    return is_key and carried is not None and carried.color == door.color


def _name(thing: Thing) -> str:
    return f"{COLORS[thing.color]} {OBJECTS[thing.kind]}"


def _full(thing: Thing) -> str:
    """With the state of a door."""
    state = f"{DOOR_STATES[thing.state]} " if thing.kind == _DOOR else ""
    return state + _name(thing)
