"""Crafter's default caption, read back into a value."""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["FREE", "OPPOSITE", "SIDES", "STEPS", "Reading", "read"]

STEPS = MappingProxyType({"north": (0, -1), "east": (1, 0), "south": (0, 1), "west": (-1, 0)})
"""The four directions as (dx, dy)."""

SIDES = tuple(STEPS)
OPPOSITE = MappingProxyType({"north": "south", "east": "west", "south": "north", "west": "east"})

FREE = frozenset(("grass", "sand", "path"))
"""What can be walked on."""

Thing = tuple[str, int, int]


class Reading(NamedTuple):
    """What a caption tells.

    Attributes:
        facing: a key of :data:`STEPS`.
        sides: direction -> what is there.
        things: (kind, dx, dy) of everything that is named, the four sides first, then the nearest
            first.
        nearest: kind -> (dx, dy) of the first of them.
        health, food, drink, energy: from 0 to 9.
        items: what is carried -> how many.
        asleep, night, dead: as the caption says.
    """

    facing: str
    sides: MappingProxyType[str, str]
    things: tuple[Thing, ...]
    nearest: MappingProxyType[str, tuple[int, int]]
    health: int
    food: int
    drink: int
    energy: int
    items: MappingProxyType[str, int]
    asleep: bool
    night: bool
    dead: bool

    @property
    def front(self) -> str:
        """What the player faces."""
        return self.sides[self.facing]

    def count(self, item: str) -> int:
        """How many are carried."""
        return self.items.get(item, 0)


class _View(NamedTuple):
    facing: str
    sides: MappingProxyType[str, str]
    things: tuple[Thing, ...]
    nearest: MappingProxyType[str, tuple[int, int]]


class _Body(NamedTuple):
    health: int
    food: int
    drink: int
    energy: int
    items: MappingProxyType[str, int]


_FRONT = re.compile(r"You face (north|east|south|west): ([a-z ]+)\.")
_BESIDE = re.compile(r"(north|east|south|west) ([a-z ]+)")
_AWAY = re.compile(r"([a-z ]+?)(?: (\d+) (north|south))?(?: (\d+) (west|east))?")
_VITALS = re.compile(r"Health (\d+), food (\d+), drink (\d+), energy (\d+)")
_ITEM = re.compile(r"(\d+) ([a-z ]+)")


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read a caption of the style ``default``.

    Raises:
        ValueError: if it is none.
    """
    asleep = night = dead = False
    view: _View | None = None
    body: _Body | None = None
    front = away = ""
    for line in text.split("\n"):
        if line.startswith("You face"):
            front = line
        elif line.startswith("Steps away: "):
            away = line
        elif line.startswith("Health"):
            body = _read_body(line)
        elif line == "It is night.":
            night = True
        elif line == "You are asleep.":
            asleep = True
        elif line == "You are dead.":
            dead = True
    if body is not None:
        view = _read_view(front, away)
    if view is None or body is None:
        raise ValueError(f"expected a caption of Crafter in the style 'default', got {text!r}")
    return Reading(*view, *body, asleep, night, dead)  # type: ignore[arg-type]


def _beside(part: str) -> tuple[str, str]:
    match = _BESIDE.fullmatch(part)
    return (match.group(1), match.group(2)) if match else ("", "")


@lru_cache(maxsize=8192)
def _read_view(front: str, away: str) -> _View | None:
    match = _FRONT.match(front)
    if match is None:
        return None
    facing, thing = match.groups()
    beside = front[match.end() :].removeprefix(" Beside you: ").rstrip(".")
    found = dict(map(_beside, beside.split(", ")))
    found[facing] = thing
    sides = {side: found[side] for side in SIDES}
    things: list[Thing] = [(kind, *STEPS[side]) for side, kind in sides.items()]
    for part in away.removeprefix("Steps away: ").rstrip(".").split(", ") if away else ():
        match = _AWAY.fullmatch(part)
        if match is None:
            return None
        kind, down, north_south, across, west_east = match.groups()
        dy = int(down or 0) * (-1 if north_south == "north" else 1)
        dx = int(across or 0) * (-1 if west_east == "west" else 1)
        things.append((kind, dx, dy))
    nearest: dict[str, tuple[int, int]] = {}
    for kind, dx, dy in things:
        nearest.setdefault(kind, (dx, dy))
    return _View(facing, MappingProxyType(sides), tuple(things), MappingProxyType(nearest))


@lru_cache(maxsize=8192)
def _read_body(line: str) -> _Body | None:
    match = _VITALS.match(line)
    if match is None:
        return None
    carried = line.partition("You carry ")[2]
    items = {name.removesuffix("s"): int(number) for number, name in _ITEM.findall(carried)}
    health, food, drink, energy = map(int, match.groups())
    return _Body(health, food, drink, energy, MappingProxyType(items))
