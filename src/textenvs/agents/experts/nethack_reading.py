"""The default caption of NetHack, parsed into a value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["STEPS", "Item", "Reading", "Sight", "Spot", "place_words", "read"]

Spot = tuple[int, int]
"""Columns east and rows south, of the hero or of the map's corner."""

STEPS: dict[str, Spot] = {
    "north": (0, -1),
    "northeast": (1, -1),
    "east": (1, 0),
    "southeast": (1, 1),
    "south": (0, 1),
    "southwest": (-1, 1),
    "west": (-1, 0),
    "northwest": (-1, -1),
}
"""The eight steps, clockwise from north, y growing south."""

_WORDS = {step: word for word, step in STEPS.items()}
_ONE = "north(?:east|west)?|south(?:east|west)?|east|west"
_LEG = re.compile(rf"(adjacent|\d+) ({_ONE})")
_PLACE = re.compile(rf"(?:adjacent|\d+) (?:{_ONE})(?: \d+ (?:{_ONE}))?")
_STATUS = re.compile(
    r"^Status: HP (-?\d+)/(\d+), .*?Xp (\d+)/.*?turn (\d+), Dlvl (-?\d+)"
    r" at \((\d+), (\d+)\)(.*)$",
    re.MULTILINE,
)
_ITEM = re.compile(r"^(\S): (.*)$")
_BRANCHES = (
    *("Gehennom", "Gnomish Mines", "Quest", "Sokoban", "Fort Ludios", "Vlad's Tower"),
    "Elemental Planes",
)


class Sight(NamedTuple):
    """Something in sight: its name, and where it is, seen from the hero."""

    name: str
    spot: Spot

    @property
    def is_adjacent(self) -> bool:
        """Whether it is one step away."""
        return max(abs(self.spot[0]), abs(self.spot[1])) == 1


class Item(NamedTuple):
    """Something carried."""

    letter: str
    name: str


class Reading(NamedTuple):
    """What a caption says.

    Attributes:
        message: the pages of text, in one line.
        alive: False when the game is over, or the text is no caption; nothing else is told then.
        covered: whether a window hides the map.
        hp: hit points.
        hp_max: their maximum.
        experience: the experience level.
        turn: the game's time.
        depth: the dungeon level.
        position: the hero's column and row.
        branch: the dungeon, "" for the main one.
        states: hunger, burden and conditions, in words.
        underfoot: what the hero stands on, "" if nothing is told.
        free: direction -> steps that one can walk.
        creatures: the nearest of each name.
        objects: the same of objects.
        places: the same of places.
        incomplete: names of places of which more exist than are listed.
        cursor: what a moved cursor is on.
        items: the inventory.
        is_swallowed: whether the hero is inside a creature.
    """

    message: str = ""
    alive: bool = False
    covered: bool = False
    hp: int = 0
    hp_max: int = 0
    experience: int = 0
    turn: int = 0
    depth: int = 0
    position: Spot = (0, 0)
    branch: str = ""
    states: tuple[str, ...] = ()
    underfoot: str = ""
    free: dict[str, int] = {}  # noqa: RUF012
    creatures: tuple[Sight, ...] = ()
    objects: tuple[Sight, ...] = ()
    places: tuple[Sight, ...] = ()
    incomplete: tuple[str, ...] = ()
    cursor: Sight | None = None
    items: tuple[Item, ...] = ()
    is_swallowed: bool = False


def place_words(spot: Spot) -> str:
    """Name a place as the caption does: "adjacent east", "2 northeast 3 east", "here"."""
    dx, dy = spot
    diagonal = min(abs(dx), abs(dy))
    straight = max(abs(dx), abs(dy)) - diagonal
    across, along = (dx > 0) - (dx < 0), (dy > 0) - (dy < 0)
    level = (across, 0) if abs(dx) > abs(dy) else (0, along)
    if diagonal + straight == 1:
        return f"adjacent {_WORDS[(across, along)]}"
    legs = []
    if diagonal:
        legs.append(f"{diagonal} {_WORDS[(across, along)]}")
    if straight:
        legs.append(f"{straight} {_WORDS[level]}")
    return " ".join(legs) or "here"


@lru_cache(maxsize=4096)
def _spot(words: str) -> Spot:
    dx = dy = 0
    for count, word in _LEG.findall(words):
        steps = 1 if count == "adjacent" else int(count)
        dx += steps * STEPS[word][0]
        dy += steps * STEPS[word][1]
    return dx, dy


@lru_cache(maxsize=256)
def read(text: str) -> Reading:
    """Parse a caption; what is no caption of a running game comes out as not alive."""
    status = _STATUS.search(text)
    if status is None:
        return Reading(message=_one_line(text))
    hp, hp_max, experience, turn, depth, x, y = (int(n) for n in status.groups()[:7])
    words = tuple(word for word in status[8].split(", ") if word)
    lines = _lines(text[status.end() :])
    creatures, _ = _sights(lines.get("Creatures", ""))
    objects, _ = _sights(lines.get("Objects", ""))
    places, incomplete = _sights(lines.get("Places", ""))
    cursor, _ = _sights(lines.get("Cursor", ""))
    is_swallowed = "You are inside a creature" in lines
    return Reading(
        message=_one_line(text[: status.start()]),
        alive=True,
        covered="Free steps" not in lines and not is_swallowed,
        hp=hp,
        hp_max=hp_max,
        experience=experience,
        turn=turn,
        depth=depth,
        position=(x, y),
        branch=next((word for word in words if word in _BRANCHES), ""),
        states=tuple(word for word in words if word not in _BRANCHES),
        underfoot=lines.get("You stand on", ""),
        free={word: int(count) for word, count in _free(lines.get("Free steps", ""))},
        creatures=creatures,
        objects=objects,
        places=places,
        incomplete=incomplete,
        cursor=cursor[0] if cursor else None,
        items=_items(text),
        is_swallowed=is_swallowed,
    )


def _one_line(text: str) -> str:
    return " ".join(text.removeprefix("Message: ").split())


def _lines(text: str) -> dict[str, str]:
    """Heading -> the rest of the line, up to the inventory."""
    found = {}
    for line in text.split("\n"):
        heading, _, rest = line.partition(": ")
        if heading.startswith("Inventory"):
            break
        found[heading] = rest
    return found


def _free(line: str) -> list[tuple[str, str]]:
    pairs = [entry.partition(" ")[::2] for entry in line.split(", ")]
    return [(word, count) for word, count in pairs if word in STEPS and count.isdigit()]


@lru_cache(maxsize=1024)
def _sights(line: str) -> tuple[tuple[Sight, ...], tuple[str, ...]]:
    """Read what a line lists, and the names of which it leaves some out."""
    sights: list[Sight] = []
    incomplete = []
    for entry in line.split("; "):
        first = _PLACE.search(entry)
        if first is None:
            continue
        name = entry[: first.start()].rstrip()
        sights += [Sight(name, _spot(place[0])) for place in _PLACE.finditer(entry, first.start())]
        if entry.endswith(" more"):
            incomplete.append(name)
    return tuple(sights), tuple(incomplete)


def _items(text: str) -> tuple[Item, ...]:
    _, _, carried = text.partition("\nInventory:\n")
    return _parse_items(carried)


@lru_cache(maxsize=256)
def _parse_items(carried: str) -> tuple[Item, ...]:
    found = (_ITEM.match(line) for line in carried.split("\n"))
    return tuple(Item(match[1], match[2]) for match in found if match)
