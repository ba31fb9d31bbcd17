"""BabyAI and MiniGrid in words: pure functions of the agent's view, no simulator.

``image`` is Minigrid's egocentric view, (n, n, 3) uint8 of (object, colour, state), indexed
[x, y]: the agent stands at (n // 2, n - 1) and looks towards y = 0; what it carries is shown in its
own cell. Cells out of sight are 0 (unseen) or, without Minigrid's visibility mask, 1 (empty): the
published texts treat both alike.

:func:`glam` and :func:`in5490` are the published texts; :func:`default` is ours. A view is worth
one text, so the texts are kept by the view's bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from numpy.typing import NDArray

from textenvs.captioners.caption import Caption

__all__ = [
    "COLORS",
    "DOOR_STATES",
    "OBJECTS",
    "STYLES",
    "Thing",
    "View",
    "default",
    "glam",
    "in5490",
    "read_view",
]

OBJECTS = (
    *("unseen", "empty", "wall", "floor", "door", "key", "ball", "box", "goal", "lava", "agent"),
)
"""Minigrid's object indices, channel 0."""

COLORS = ("red", "green", "blue", "purple", "yellow", "grey")
"""Minigrid's colour indices, channel 1."""

DOOR_STATES = ("open", "closed", "locked")
"""Minigrid's states of doors, channel 2."""

_UNSEEN, _EMPTY, _WALL, _FLOOR, _DOOR = (
    OBJECTS.index(name) for name in ("unseen", "empty", "wall", "floor", "door")
)
_LAVA, _GOAL = OBJECTS.index("lava"), OBJECTS.index("goal")
_NOTHING = (_UNSEEN, _EMPTY)
_KEPT_TEXTS = 8192


class Thing(NamedTuple):
    """What a cell holds, and where it is: ``right`` and ``ahead`` of the agent, in cells."""

    kind: int
    color: int
    state: int
    right: int
    ahead: int


class View(NamedTuple):
    """A decoded view.

    Attributes:
        objects: object indices, column by column (x from the left, y from far to near).
        size: cells on a side.
        carried: what the agent's own cell shows, if anything.
        things: all that is neither nothing nor a wall, in the order of ``objects``.
    """

    objects: bytes
    size: int
    carried: Thing | None
    things: tuple[Thing, ...]

    def at(self, right: int, ahead: int) -> int:
        """The object ``right`` and ``ahead`` of the agent; unseen beyond the view."""
        x, y = self.size // 2 + right, self.size - 1 - ahead
        inside = 0 <= x < self.size and 0 <= y < self.size
        return self.objects[x * self.size + y] if inside else _UNSEEN


def read_view(data: bytes) -> View:
    """Decode the bytes of a view."""
    size = math.isqrt(len(data) // 3)
    half, own = size // 2, (size // 2) * size + size - 1
    objects = data[::3]
    carried, things = None, []
    for index, kind in enumerate(objects):
        if kind > _WALL:
            x, y = divmod(index, size)
            color, state = data[3 * index + 1], data[3 * index + 2]
            thing = Thing(kind, color, state, x - half, size - 1 - y)
            if index == own:
                carried = thing
            else:
                things.append(thing)
    return View(objects, size, carried, tuple(things))


# GLAM


def glam(image: NDArray[Any]) -> list[str]:
    """GLAM's facts of a view (flowersteam/Grounding_LLMs_with_online_RL 31847fb, BabyAI-Text).

    First what is carried, then the walls that come first straight ahead, left and right, then every
    object, column by column from the left, far to near.

    Args:
        image: (n, n, 3) uint8, see the module.
    """
    return list(_glam_facts(image.tobytes()))


@lru_cache(maxsize=_KEPT_TEXTS)
def _glam_facts(data: bytes) -> tuple[str, ...]:
    view = read_view(data)
    facts = []
    if view.carried is not None:
        facts.append(f"You carry a {COLORS[view.carried.color]} {OBJECTS[view.carried.kind]}")
    facts += [f"You see a wall {text}" for text in _glam_walls(view)]
    facts += [_glam_object(*thing) for thing in view.things]
    return tuple(facts)


def _glam_walls(view: View) -> Iterator[str]:
    half = view.size // 2
    lines = (
        ("forward", [view.at(0, n) for n in range(1, view.size)]),
        ("left", [view.at(-n, 0) for n in range(1, half + 1)]),
        ("right", [view.at(n, 0) for n in range(1, half + 1)]),
    )
    for direction, cells in lines:
        first = next(((n, kind) for n, kind in enumerate(cells, 1) if kind not in _NOTHING), None)
        if first is not None and first[1] == _WALL:
            yield f"{_steps(first[0])} {direction}"


@lru_cache(maxsize=_KEPT_TEXTS)
def _glam_object(kind: int, color: int, state: int, right: int, ahead: int) -> str:
    name = f"{COLORS[color]} {OBJECTS[kind]}"
    if kind == _DOOR:
        name = f"{DOOR_STATES[state]} {name}"
    side = f"{_steps(abs(right))} {'left' if right < 0 else 'right'}" if right else ""
    front = f"{_steps(ahead)} forward" if ahead else ""
    return f"You see a {name} {' and '.join(filter(None, (side, front)))}"


def _steps(n: int) -> str:
    return f"{n} step" if n == 1 else f"{n} steps"


# in5490


def in5490(image: NDArray[Any], distances: bool = False) -> str:
    """The sentence of the in5490 project (jonatan-hanssen/in5490-project d2c0ab0, obs_to_string).

    Args:
        image: (n, n, 3) uint8, see the module.
        distances: the older template, with squares counted (until its revision b84f596).
    """
    return _in5490_sentence(image.tobytes(), distances)


@lru_cache(maxsize=_KEPT_TEXTS)
def _in5490_sentence(data: bytes, distances: bool) -> str:
    view = read_view(data)
    carried = (view.carried,) if view.carried is not None else ()
    # Its own cell is the last of the agent's column.
    things = sorted((*view.things, *carried), key=lambda thing: (thing.right, -thing.ahead))
    parts = [_in5490_part(*thing, distances) for thing in things if thing.kind > _FLOOR]
    return f"I {', '.join(parts) or 'see nothing interesting'}."


@lru_cache(maxsize=_KEPT_TEXTS)
def _in5490_part(kind: int, color: int, state: int, right: int, ahead: int, distances: bool) -> str:
    name = f"{COLORS[color]} {OBJECTS[kind]}"
    if kind == _DOOR:
        name = f"{DOOR_STATES[state]} {name}"
    if not right and not ahead:
        return f"have a {name} in my inventory"
    side = "RIGHT" if right > 0 else "LEFT" if right else ""
    front = "FORWARD" if ahead else ""
    if distances:
        side, front = side and _squares(abs(right), side), front and _squares(ahead, front)
    elif not side and ahead == 1:
        front = "directly in front"
    return f"see a {name} {' and '.join(filter(None, (side, front)))}"


def _squares(n: int, direction: str) -> str:
    return f"{n} square{'' if n == 1 else 's'} {direction}"


# Ours


_HEADINGS = ("east", "south", "west", "north")


def default(image: NDArray[Any], mission: str = "", direction: int | None = None) -> str:
    """Ours: the mission, what is in front, how far one can walk, and what lies where.

    Walls are told even where an object stands before them, articles and colours that say nothing
    are left out, and floor that is merely coloured is passed over.

    Args:
        image: (n, n, 3) uint8, see the module.
        mission: the first line, as "Goal: ..."; empty to leave it out.
        direction: Minigrid's compass (0 east, 1 south, 2 west, 3 north); None to leave it out.
    """
    goal = f"Goal: {mission}.\n" if mission else ""
    compass = f"You look {_HEADINGS[direction]}. " if direction is not None else ""
    return f"{goal}{compass}{_default_body(image.tobytes())}"


@lru_cache(maxsize=_KEPT_TEXTS)
def _default_body(data: bytes) -> str:
    view = read_view(data)
    things = [thing for thing in view.things if thing.kind != _FLOOR]
    front = next((_name(thing) for thing in things if (thing.right, thing.ahead) == (0, 1)), "")
    if not front:
        ahead = view.at(0, 1)
        front = (
            "a wall" if ahead == _WALL else "nothing you can see" if ahead == _UNSEEN else "free"
        )
    lines = [f"In front of you: {front}."]
    walls = ", ".join(_walls(view))
    if walls:
        lines[0] += f" Walls: {walls}."
    if things:
        near = sorted(things, key=lambda t: (abs(t.right) + t.ahead, t.right))
        lines.append("You see: " + ", ".join(_placed(*thing) for thing in near) + ".")
    if view.carried is not None:
        lines.append(f"You carry {_name(view.carried)}.")
    return "\n".join(lines)


def _walls(view: View) -> Iterator[str]:
    """The nearest wall in sight straight ahead, left and right, behind objects too."""
    half = view.size // 2
    lines = (
        ("ahead", [view.at(0, n) for n in range(1, view.size)]),
        ("left", [view.at(-n, 0) for n in range(1, half + 1)]),
        ("right", [view.at(n, 0) for n in range(1, half + 1)]),
    )
    for direction, cells in lines:
        if _WALL in cells:
            yield f"{cells.index(_WALL) + 1} {direction}"


def _name(thing: Thing) -> str:
    words = _words(thing.kind, thing.color, thing.state)
    return words if thing.kind == _LAVA else f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


@lru_cache(maxsize=_KEPT_TEXTS)
def _placed(kind: int, color: int, state: int, right: int, ahead: int) -> str:
    side = f"{abs(right)} {'left' if right < 0 else 'right'}" if right else ""
    front = f"{ahead} ahead" if ahead else ""
    return " ".join(filter(None, (_words(kind, color, state), front, side)))


def _words(kind: int, color: int, state: int) -> str:
    if kind == _LAVA:
        return "lava"
    name = f"{COLORS[color]} {OBJECTS[kind]}"
    return f"{DOOR_STATES[state]} {name}" if kind == _DOOR else name


# Styles


def _glam_caption(image: NDArray[Any], mission: str, direction: int) -> Caption:
    facts = glam(image)
    return Caption(", ".join(facts), {"descriptions": tuple(facts)})


def _background_knowledge(image: NDArray[Any], mission: str, direction: int) -> Caption:
    facts = glam(image)
    text = ". ".join(facts) or "You see nothing in front."
    return Caption(text, {"descriptions": tuple(facts)})


def _balrog(image: NDArray[Any], mission: str, direction: int) -> Caption:
    facts = [fact.removeprefix("You see ") for fact in glam(image)]
    text = "\n".join(facts)
    return Caption(text, {"long_term_context": text, "short_term_context": ""})


STYLES: dict[str, Callable[[NDArray[Any], str, int], Caption]] = {
    "default": lambda image, mission, direction: Caption(default(image, mission, direction)),
    "glam": _glam_caption,
    "balrog": _balrog,
    "background_knowledge": _background_knowledge,
    "in5490": lambda image, mission, direction: Caption(in5490(image)),
    "in5490_distances": lambda image, mission, direction: Caption(in5490(image, distances=True)),
}
"""What ``style=`` names: (image, mission, direction) -> :class:`Caption`."""
