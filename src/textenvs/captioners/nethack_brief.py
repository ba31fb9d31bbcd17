"""NetHack in a line that comes again and again: what asks for an answer, what is in the way.

A caption that tells everything is never the same twice. Who pays by the caption (answers of a model
that are kept, rewards once a caption, counts) needs one that leaves most of it out: no numbers, no
inventory, of all creatures and ways the nearest, of places the direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.nethack_default import hunger_word, screen_text, sorted_things
from textenvs.captioners.nethack_geometry import COLUMNS, octant
from textenvs.captioners.nethack_names import Kind, our_names

__all__ = ["brief"]

Observation = Mapping[str, NDArray[Any]]

_DOWN = ("stairs down", "ladder down", "trap door", "hole")
_WAYS = ("doorway", "open door", "closed door", "corridor")
_HUNGER, _HUNGRY = 21, 2  # where it is told, and from which number on it matters
_QUESTION = re.compile(r".*?[?:](?= |$)")
_MAP = 2  # the first row of the terminal that no question reaches


def brief(obs: Observation, underfoot: int = -1) -> str:
    """Say the one thing that NetHack asks, or else what matters most in sight.

    Args:
        obs: the arrays that :mod:`textenvs.captioners.nethack` lists.
        underfoot: the glyph of what the hero stands on; negative where it is not known.

    Returns:
        "The game asks: What do you want to eat?", without the letters to choose from or what is
        typed already; that a place is asked for, a key, or that a menu is shown; or else sentences
        about the way down underfoot, hunger, and the nearest of what is in sight: a creature that
        is not tame, and, unless the way down is underfoot, a way down or else a door or the end of
        a corridor. "adjacent east" is one move away, "east" is farther, in one of eight directions.
    """
    stats = obs["blstats"].tolist()
    if not any(stats):
        return "The game is over."
    x, y = stats[:2]
    screen = obs["tty_chars"]
    shown, covered = screen_text(screen.tobytes(), screen.shape[1])
    if covered:
        return "A menu or a text is shown."
    row, column = obs["tty_cursor"].tolist()
    if (row, column) != (y + 1, x):  # it waits for an answer, behind the question or on the map
        return _asked(shown) if row < _MAP else "The game asks for a place."
    here = our_names().names[underfoot] if underfoot >= 0 else ""
    said = [f"You stand on {here}."] if here in _DOWN else []
    if stats[_HUNGER] >= _HUNGRY:
        said.append(f"You are {hunger_word(stats[_HUNGER])}.")
    cells = np.asarray(obs["glyphs"], np.int16).tobytes()
    sight = _sight(cells, x, y, here not in _DOWN)
    return " ".join([*said, *([sight] if sight else ())]) or "Nothing in sight leads on."


def _asked(question: str) -> str:
    """Without the letters to choose from, and without what is typed already."""
    if question.endswith("--More--"):
        return "The game waits for a key."
    if question.startswith("#"):
        return "The game asks: #"
    asked = _QUESTION.match(question)
    return f"The game asks: {asked[0] if asked else question.partition(' [')[0]}"


@lru_cache(maxsize=256)
def _sight(cells: bytes, x: int, y: int, ways: bool) -> str:
    names = our_names().names
    glyphs = memoryview(cells).cast("h")
    found = sorted_things(glyphs, x, y)
    if found and found[0] < 0:
        return f"You are inside a creature: {names[glyphs[-found[0] - 1]]}."
    creature = down = way = ""
    for entry in found:
        cell = entry & 2047
        name, kind = names[glyphs[cell]], entry >> 18
        if kind == Kind.CREATURE:
            if not creature and _matters(name):
                creature = f"{name} {_direction(cell, x, y)}"
        elif kind == Kind.PLACE and ways:
            if not down and name in _DOWN:
                down = f"{name} {_direction(cell, x, y)}"
            elif not way and name in _WAYS:
                label = "corridor end" if name == "corridor" else name
                way = f"{label} {_direction(cell, x, y)}"
    seen = [each for each in (creature, down or way) if each]
    return f"In sight: {', '.join(seen)}." if seen else ""


def _matters(creature: str) -> bool:
    """Whether a creature is one to be told of: no pet, and no mark where none is seen."""
    return not creature.startswith("tame ") and creature != "unseen creature"


def _direction(cell: int, x: int, y: int) -> str:
    row, column = divmod(cell, COLUMNS)
    dx, dy = column - x, row - y
    near = "adjacent " if max(abs(dx), abs(dy)) == 1 else ""
    return near + octant(dx, dy)
