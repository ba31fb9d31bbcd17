"""NetHack's actions: for each a word, the key that it presses, and how that key is written.

The words are those of nle-language-wrapper. They are found by an action's enum class and member
name, never by its value: several actions share a key (``seespells`` and ``plus`` are both ``+``)
and would swallow one another in a table by value.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

__all__ = ["TASK_ACTION_NAMES", "Action", "describe", "key_name"]

_COMPASS = {
    "N": "north",
    "E": "east",
    "S": "south",
    "W": "west",
    "NE": "northeast",
    "SE": "southeast",
    "SW": "southwest",
    "NW": "northwest",
}
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Where the word is not simply the member's name in lower case.
_WORDS: dict[tuple[str, str], str] = {
    **{("CompassDirection", member): word for member, word in _COMPASS.items()},
    **{("CompassDirectionLonger", member): f"far {word}" for member, word in _COMPASS.items()},
    **{("TextCharacters", f"NUM_{i}"): word for i, word in enumerate(_DIGITS)},
    ("Command", "TURN"): "turnundead",
}

TASK_ACTION_NAMES = (
    "more",
    *_COMPASS.values(),
    *(f"far {word}" for word in _COMPASS.values()),
    *("up", "down", "wait", "kick", "eat", "search"),
)
"""The words of the 23 actions of NLE's tasks, in their order."""

_NAMED_KEYS = {ord("\r"): "<CR>", ord(" "): "<SP>"}


class Action(NamedTuple):
    """An action: its word ("far north"), what it presses (75), and how that is written ("K")."""

    name: str
    code: int
    key: str


def describe(actions: Iterable[IntEnum]) -> tuple[Action, ...]:
    """Name actions of ``nle.nethack``.

    Raises:
        ValueError: if two of them would have the same name.
    """
    described = tuple(
        Action(_word(action), int(action), key_name(int(action))) for action in actions
    )
    names = [action.name for action in described]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"expected actions with distinct names, got twice: {', '.join(twice)}")
    return described


def _word(action: IntEnum) -> str:
    return _WORDS.get((type(action).__name__, action.name), action.name.lower())


def key_name(code: int) -> str:
    """Write a key: "k", "^d" for control, "M-p" for meta, "<CR>" and "<SP>"."""
    if code in _NAMED_KEYS:
        return _NAMED_KEYS[code]
    if code >= 0x80:
        return f"M-{chr(code - 0x80)}"
    if code < 0x20:
        return f"^{chr(code + 0x40)}" if code == 0x1B else f"^{chr(code + 0x60)}"
    return chr(code)
