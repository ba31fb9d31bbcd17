"""NetHack's glyphs by number: what each is, and what nle-language-wrapper 0.2.0 calls it.

A glyph is an int in [0, 5976). The ranges of :data:`RANGES` follow one another: monsters, pets, the
remembered invisible monster, detected monsters, corpses, ridden monsters, objects, the map symbols
("cmap"), explosions, beams, the walls of a monster's stomach, warnings and statues. The names of
monsters, objects and warnings are read from ``data/nethack_glyphs.json``, which
``benchmarks/make_nethack_glyphs.py`` makes from nle, so that no simulator is imported here.

The published wrapper looks for things in two ways, and :class:`PublishedNames` has a table for
each: things seen *anywhere* on the map, and features seen *along a ray* from the hero.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GlyphData",
    "ObjectClass",
    "ObjectType",
    "PublishedNames",
    "glyph_data",
    "published_names",
]


class ObjectClass:
    """NetHack's numbers of the classes of objects."""

    WEAPON, ARMOR, RING, AMULET, TOOL, FOOD, POTION, SCROLL, SPELLBOOK, WAND = range(2, 12)
    COIN, GEM, ROCK, BALL, CHAIN, VENOM = range(12, 18)


class ObjectType(NamedTuple):
    """A type of object: its class, its true name, and its appearance before any shuffling."""

    kind: int
    name: str
    appearance: str


class GlyphData(NamedTuple):
    """The data file; ``offsets`` is range -> first glyph, with an ``end`` behind the last."""

    offsets: dict[str, int]
    monsters: list[str]
    objects: list[ObjectType]
    warnings: list[str]


@lru_cache(maxsize=1)
def glyph_data() -> GlyphData:
    """Read the names and the ranges of glyphs from the data file of the package, once."""
    text = (
        resources.files("textenvs.captioners")
        .joinpath("data/nethack_glyphs.json")
        .read_text("ascii")
    )
    table = json.loads(text)
    objects = [ObjectType(kind, name or "", look or "") for kind, name, look in table["objects"]]
    return GlyphData(table["offsets"], table["monsters"], objects, table["warnings"])


def _boxed(word: str, *, middle: bool) -> tuple[str, ...]:
    """Name the cells of a 3x3 box row by row, with or without its centre."""
    cells = [f"{word} {row} {side}" for row in ("top", "middle", "bottom") for side in _SIDES]
    return tuple(cell for cell in cells if middle or not cell.endswith("middle center"))


_SIDES = ("left", "center", "right")
_SWALLOW = _boxed("swallow", middle=False)
_EXPLOSION = _boxed("explosion", middle=True)
_BEAMS = ("horizontal", "vertical", "left slant", "right slant")

# In the order of NetHack's S_xxx symbols, in the wrapper's words ("alter" is its spelling).
CMAP = (
    *("dark area", "vertical wall", "horizontal wall", "northwest room corner"),
    *("northeast room corner", "southwest corner", "southeast corner", "cross wall"),
    *("t up wall", "t down wall", "t west wall", "t east wall", "doorway", "vertical open door"),
    *("horizontal open door", "vertical closed door", "horizontal closed door", "bars", "tree"),
    *("room floor", "dark room floor", "corridor floor", "lit corridor floor", "stairs up"),
    *("stairs down", "ladder up", "ladder down", "alter", "grave", "throne", "sink", "fountain"),
    *("pool", "ice", "lava", "vertical lowered drawbridge", "horizontal lowered drawbridge"),
    *("vertical raised drawbridge", "horizontal raised drawbridge", "air floor", "cloud floor"),
    *("water floor", "arrow trap", "dart trap", "falling rock trap", "squeaky board", "bear trap"),
    *("land mine", "rolling boulder trap", "sleeping gas trap", "rust trap", "fire trap", "pit"),
    *("spiked pit", "hole", "trap door", "teleportation trap", "level teleporter", "magic portal"),
    *("web", "statue trap", "magic trap", "anti magic trap", "polymorph trap", "vibrating square"),
    *("vertical beam", "horizontal beam", "left slant beam", "right slant beam", "dig beam"),
    *("flash beam", "boom left", "boom right", "shield 1", "shield 2", "shield 3", "shield 4"),
    *("poison cloud", "valid position"),
    *_SWALLOW,
    *_EXPLOSION,
)
"""The wrapper's name of each map symbol, by symbol number."""

_FLOORS = frozenset(CMAP[CMAP.index("room floor") : CMAP.index("stairs up")])
_SEEN_ANYWHERE = frozenset(
    (
        *CMAP[CMAP.index("vertical closed door") : CMAP.index("room floor")],
        *CMAP[CMAP.index("stairs up") : CMAP.index("vertical lowered drawbridge")],
        *("vertical raised drawbridge", "horizontal raised drawbridge"),
    )
)
# Closed doors and raised drawbridges would end a ray too, but those are found by the other search,
# so the published rays pass through them.
_ENDS_RAY = frozenset(CMAP[: CMAP.index("doorway")])


def _thing(thing: ObjectType) -> str:
    """Name an object on the floor as the wrapper does: by its unshuffled appearance."""
    kind, name, look = thing
    suffixes = {
        ObjectClass.RING: " ring",
        ObjectClass.AMULET: "" if "Amulet" in look else " amulet",
        ObjectClass.POTION: " potion",
        ObjectClass.SPELLBOOK: " spellbook",
        ObjectClass.WAND: " wand",
    }
    if kind in suffixes:
        return look + suffixes[kind]
    if kind == ObjectClass.SCROLL:
        return f"scroll labeled {look}"
    if kind in (ObjectClass.ARMOR, ObjectClass.TOOL):
        return look or name
    if kind == ObjectClass.GEM:
        return name if look in name else f"{look} {name}"
    return f"splash of {name}" if kind == ObjectClass.VENOM else name


def _cmap_anywhere(symbol: int) -> str:
    return CMAP[symbol] if CMAP[symbol] in _SEEN_ANYWHERE else ""


def _names_anywhere(data: GlyphData) -> Iterator[str]:
    """Yield the name, or "", of every glyph in order, as the search of the whole map names it."""
    monsters = data.monsters
    naming: dict[str, Callable[[int], str]] = {
        "monster": lambda i: monsters[i],
        "pet": lambda i: f"tame {monsters[i]}",
        "invisible": lambda i: "invisible creature",
        "detected": lambda i: f"detected {monsters[i]}",
        "corpse": lambda i: f"{monsters[i]} corpse",
        "ridden": lambda i: f"ridden {monsters[i]}",
        "object": lambda i: _thing(data.objects[i]),
        "cmap": _cmap_anywhere,
        "explosion": lambda i: _EXPLOSION[i % len(_EXPLOSION)],
        "zap": lambda i: f"{_BEAMS[i % len(_BEAMS)]} zap beam",
        "swallow": lambda i: _SWALLOW[i % len(_SWALLOW)],
        "warning": lambda i: data.warnings[i],
        "statue": lambda i: f"{monsters[i]} statue",
    }
    firsts = [*(data.offsets[key] for key in naming), data.offsets["end"]]
    for key, start, stop in zip(naming, firsts, firsts[1:], strict=False):
        yield from (naming[key](i) for i in range(stop - start))


def _names_along_rays(data: GlyphData) -> Iterator[str]:
    """Yield the name, or "", of every glyph in order, as the search along the rays names it."""
    first, stop = data.offsets["cmap"], data.offsets["explosion"]
    for glyph in range(data.offsets["end"]):
        name = CMAP[glyph - first] if first <= glyph < stop else ""
        yield "" if name in _FLOORS or name in _SEEN_ANYWHERE else name


_INVARIANT = ("boots", "shoes", "scales", "lenses", "bars")
_IRREGULAR = {
    "can of grease": "cans of grease",
    "Master of Thieves": "Masters of Thieves",
    "ice": "area of ice",
    "lava": "area of lava",
}
_HEAD_FIRST = ("boom", "shield", "swallow", "scroll", "worthless piece", "unknown creature")


def published_plural(noun: str) -> str:
    """Pluralise a name as the wrapper does, its oddities ("leechs", "stairs ups") included."""
    if noun.endswith(_INVARIANT):
        return noun
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    for head in _HEAD_FIRST:
        if noun.startswith(head + " "):
            return f"{head}s{noun[len(head) :]}"
    if noun.endswith("y") and not noun.endswith(("ay", "ey", "iy", "oy", "uy")):
        return noun[:-1] + "ies"
    if noun.endswith(("z", "x", "sh", "s")):
        return noun + "es"
    if noun.endswith("f"):
        return noun.removesuffix("f").removesuffix("f") + "ves"
    return noun + "s"


class PublishedNames(NamedTuple):
    """The wrapper's vocabulary; every name has an id, and 0 is no name.

    Attributes:
        words: id -> name.
        plural: id -> id of the plural, which may be the same.
        anywhere: glyph -> id, for the search of the whole map.
        is_anywhere: (5977,) bool, whether ``anywhere`` has a name.
        along_ray: glyph -> id, for the search along rays.
        ends_ray: the ids of ``along_ray`` behind which the published rays see nothing.
    """

    words: list[str]
    plural: array[int]
    anywhere: array[int]
    is_anywhere: NDArray[np.bool_]
    along_ray: array[int]
    ends_ray: frozenset[int]


@lru_cache(maxsize=1)
def published_names() -> PublishedNames:
    """Build the wrapper's vocabulary, once; one entry is added for NetHack's "no glyph", 5976."""
    data = glyph_data()
    ids: dict[str, int] = {"": 0}
    anywhere = [ids.setdefault(name, len(ids)) for name in (*_names_anywhere(data), "")]
    along_ray = [ids.setdefault(name, len(ids)) for name in (*_names_along_rays(data), "")]
    singular = list(ids)
    plural = [0, *(ids.setdefault(published_plural(name), len(ids)) for name in singular[1:])]
    return PublishedNames(
        words=list(ids),
        plural=array("H", plural),
        anywhere=array("H", anywhere),
        is_anywhere=np.array(anywhere, dtype=bool),
        along_ray=array("H", along_ray),
        ends_ray=frozenset(ids[name] for name in _ENDS_RAY),
    )
