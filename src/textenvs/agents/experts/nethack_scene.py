"""All that NetHack's expert decides from, and what it finds in its pack."""

from __future__ import annotations

import re
from typing import NamedTuple

from textenvs.agents.experts.nethack_facts import Facts
from textenvs.agents.experts.nethack_reading import Reading

__all__ = [
    "SECOND_BOW",
    "WAND_OF_SLEEP",
    "Scene",
    "digger_of",
    "food_of",
    "letter_of",
    "missile_of",
    "potion_of",
]


_FOOD = re.compile(
    r"food ration|cram ration|lembas|tripe|cream pie|candy bar|fortune cookie|pancake|apple|orange"
    r"|pear|melon|banana|carrot|clove of garlic|sprig|egg|slime mold|kelp|royal jelly|K-ration"
    r"|C-ration|meat|huge chunk|tin\b|tins\b"
)
_PICK = re.compile(r"\bpick-axe")
_DIGGER = re.compile(r"pick-axe|mattock|broad pick")
SECOND_BOW = re.compile(r"\bbow \(alternate weapon")
WAND_OF_SLEEP = re.compile(r"wand of sleep \(0:[1-9]")
_MISSILE = re.compile(
    r"dagger|dart|shuriken|spear|knife|arrow|crossbow bolt|\bya\b|flint|rock\b|rocks\b"
)


class Scene(NamedTuple):
    """All that a decision depends on.

    Attributes:
        now: the last observation.
        facts: what is known from earlier ones.
        thought: what was thought last; empty at the beginning.
    """

    now: Reading
    facts: Facts
    thought: str


def letter_of(now: Reading, wanted: re.Pattern[str]) -> str:
    """The letter of the first item with such a name; empty if there is none."""
    return next((item.letter for item in now.items if wanted.search(item.name)), "")


def digger_of(now: Reading) -> str:
    """The letter of a pick-axe, or of a mattock, which takes both hands."""
    has_shield = any("shield" in item.name for item in now.items)
    return letter_of(now, _PICK) or ("" if has_shield else letter_of(now, _DIGGER))


def food_of(now: Reading) -> str:
    """The letter of something to eat."""
    return letter_of(now, _FOOD)


def missile_of(now: Reading) -> str:
    """The letter of something to throw, not the weapon in hand."""
    return next(
        (
            item.letter
            for item in now.items
            if _MISSILE.search(item.name) and "weapon in hand" not in item.name
        ),
        "",
    )


def potion_of(now: Reading) -> str:
    """The letter of a potion that heals."""
    return next(
        (item.letter for item in now.items if "healing" in item.name and "potion" in item.name), ""
    )
