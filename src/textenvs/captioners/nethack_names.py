"""Our own names for NetHack's glyphs, and what each glyph is to a walker.

Three rules make the names true. What a game shuffles (the looks of potions, scrolls, rings, wands,
amulets, spellbooks and some armor) is named by its class alone: the glyph's number would give the
true type away, and the table of looks is another one in every game. So are gems, which look like
worthless glass. An object whose look it shares with another type is named by that look ("bag",
"lamp"); any other by its name.
"""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.nethack_glyphs import ObjectClass, ObjectType, glyph_data

__all__ = ["Kind", "OurNames", "Step", "our_names"]


class Kind(IntEnum):
    """In which list of the caption a glyph appears; ``PLAIN`` ones are not listed."""

    PLAIN, CREATURE, OBJECT, PLACE, CORRIDOR, STOMACH = range(6)


class Step(IntEnum):
    """Whether one can walk onto a cell that shows the glyph."""

    NO, ORTHOGONAL, YES = range(3)


_Row = tuple[str, Kind, Step]

# Symbol by symbol, in NetHack's order.
_WALL = ("wall", Kind.PLAIN, Step.NO)
_TRAPS = (
    *("arrow trap", "dart trap", "falling rock trap", "squeaky board", "bear trap", "land mine"),
    *("rolling boulder trap", "sleeping gas trap", "rust trap", "fire trap", "pit", "spiked pit"),
    *("hole", "trap door", "teleportation trap", "level teleporter", "magic portal", "web"),
    *("statue trap", "magic trap", "anti-magic field", "polymorph trap", "vibrating square"),
)
_FLEETING = (
    *("beam",) * 4,
    *("digging beam", "flash", "boomerang", "boomerang"),
    *("shield",) * 4,
    *("poison cloud", "marked square"),
)
_SYMBOLS: tuple[_Row, ...] = (
    ("unexplored", Kind.PLAIN, Step.NO),
    *(_WALL,) * 11,
    ("doorway", Kind.PLACE, Step.YES),
    *(("open door", Kind.PLACE, Step.ORTHOGONAL),) * 2,
    *(("closed door", Kind.PLACE, Step.NO),) * 2,
    ("iron bars", Kind.PLACE, Step.NO),
    ("tree", Kind.PLACE, Step.NO),
    *(("floor", Kind.PLAIN, Step.YES),) * 2,
    *(("corridor", Kind.CORRIDOR, Step.YES),) * 2,
    *(
        (name, Kind.PLACE, Step.YES)
        for name in (
            *("stairs up", "stairs down", "ladder up", "ladder down", "altar", "grave"),
            *("throne", "sink", "fountain"),
        )
    ),
    ("water", Kind.PLACE, Step.NO),
    ("ice", Kind.PLACE, Step.YES),
    ("lava", Kind.PLACE, Step.NO),
    *(("lowered drawbridge", Kind.PLACE, Step.YES),) * 2,
    *(("raised drawbridge", Kind.PLACE, Step.NO),) * 2,
    *(("air", Kind.PLAIN, Step.YES), ("cloud", Kind.PLAIN, Step.YES)),
    ("water", Kind.PLACE, Step.NO),
    *((name, Kind.PLACE, Step.YES) for name in (*_TRAPS, *_FLEETING)),
    *(("stomach wall", Kind.STOMACH, Step.NO),) * 8,
)

_CLASS_NOUN = {
    ObjectClass.RING: "ring",
    ObjectClass.AMULET: "amulet",
    ObjectClass.POTION: "potion",
    ObjectClass.SCROLL: "scroll",
    ObjectClass.SPELLBOOK: "spellbook",
    ObjectClass.WAND: "wand",
}
# The first and last type of each set of armor whose looks a game shuffles, and what they all are.
_SHUFFLED_ARMOR = (
    ("helmet", "helm of telepathy", "helmet"),
    ("leather gloves", "gauntlets of dexterity", "pair of gloves"),
    ("cloak of protection", "cloak of displacement", "cloak"),
    ("speed boots", "levitation boots", "pair of boots"),
)
# The looks within a shuffled class that are the same in every game.
_FIXED = {
    "clear": "clear potion",
    "unlabeled": "unlabeled scroll",
    "plain": "plain spellbook",
    "paperback": "paperback book",
    "papyrus": "papyrus spellbook",
    "Amulet of Yendor": "Amulet of Yendor",
}
_SPECIAL = {
    ObjectClass.COIN: "gold",
    ObjectClass.VENOM: "splash of venom",
}


def _armor_nouns(objects: list[ObjectType]) -> dict[int, str]:
    """Return object number -> noun for the armor whose looks are shuffled."""
    numbers = {thing.name: i for i, thing in enumerate(objects) if thing.kind == ObjectClass.ARMOR}
    return {
        number: noun
        for first, last, noun in _SHUFFLED_ARMOR
        for number in range(numbers[first], numbers[last] + 1)
    }


def _object_names(objects: list[ObjectType]) -> list[str]:
    shuffled_armor = _armor_nouns(objects)
    sharing = Counter((thing.kind, thing.appearance) for thing in objects)

    def name(number: int, thing: ObjectType) -> str:
        kind, true_name, look = thing
        if kind in _CLASS_NOUN:
            return _FIXED.get(look, _CLASS_NOUN[kind])
        if kind == ObjectClass.GEM:
            return "gray stone" if look == "gray" else "gem" if look else true_name
        if number in shuffled_armor:
            return shuffled_armor[number]
        if kind in _SPECIAL:
            return _SPECIAL[kind]
        return look if look and sharing[kind, look] > 1 else true_name

    return [name(number, thing) for number, thing in enumerate(objects)]


class OurNames(NamedTuple):
    """What the default caption knows of each glyph.

    Attributes:
        names: glyph -> name.
        kind: glyph -> :class:`Kind`.
        is_listed: (5977,) bool, whether the kind is another than ``PLAIN``.
        step: glyph -> :class:`Step`.
        solid: (5977,) bool, whether the glyph is unexplored rock or a wall.
    """

    names: list[str]
    kind: bytes
    is_listed: NDArray[np.bool_]
    step: bytes
    solid: NDArray[np.bool_]


def _creature(name: str) -> _Row:
    return name, Kind.CREATURE, Step.NO


@lru_cache(maxsize=1)
def our_names() -> OurNames:
    """Build the tables by glyph, once."""
    data = glyph_data()
    monsters, things = data.monsters, _object_names(data.objects)
    rows: list[_Row] = [
        *map(_creature, monsters),
        # One swaps places with a pet.
        *((f"tame {name}", Kind.CREATURE, Step.YES) for name in monsters),
        _creature("unseen creature"),
        *(_creature(f"{name} (detected)") for name in monsters),
        *((f"{name} corpse", Kind.OBJECT, Step.YES) for name in monsters),
        *(_creature(f"ridden {name}") for name in monsters),
        *((name, Kind.OBJECT, Step.NO if name == "boulder" else Step.YES) for name in things),
        *_SYMBOLS,
        *(("explosion", Kind.PLACE, Step.YES),) * (data.offsets["zap"] - data.offsets["explosion"]),
        *(("beam", Kind.PLACE, Step.YES),) * (data.offsets["swallow"] - data.offsets["zap"]),
        *((name, Kind.STOMACH, Step.NO) for name in monsters for _ in range(8)),
        *map(_creature, data.warnings),
        *((f"statue of {name}", Kind.OBJECT, Step.YES) for name in monsters),
        ("unexplored", Kind.PLAIN, Step.NO),
    ]
    return OurNames(
        names=[name for name, _, _ in rows],
        kind=bytes(kind for _, kind, _ in rows),
        is_listed=np.array([kind != Kind.PLAIN for _, kind, _ in rows]),
        step=bytes(step for _, _, step in rows),
        solid=np.array([name in ("unexplored", "wall") for name, _, _ in rows]),
    )
