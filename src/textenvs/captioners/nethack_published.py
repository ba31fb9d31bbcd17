"""The five texts of nle-language-wrapper 0.2.0, to the letter.

Facts and formats are those of ``src/main.cpp`` in ngoodger/nle-language-wrapper; the code is new.
Each text is a function of bytes, so that a result can be kept while its bytes stay the same:
``lru_cache`` is bounded, keyed by value, and safe in threads, so nothing of it shows from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.nethack_geometry import (
    BANDS,
    COLUMNS,
    RANK,
    RAY_ORDER,
    ROWS,
    WIDER,
    published_directions,
    rank,
    rays,
    shift,
)
from textenvs.captioners.nethack_glyphs import published_names

__all__ = [
    "may_be_page",
    "text_blstats",
    "text_cursor",
    "text_glyphs",
    "text_inventory",
    "text_message",
]

_RAY_LENGTH = 9

_HUNGER = ("Satiated", "Not Hungry", "Hungry", "Weak", "Fainting", "Fainted", "Starved")
_BURDEN = ("Unencumbered", "Burdened", "Stressed", "Strained", "Overtaxed", "Overloaded")
_ALIGNMENT = {-128: "None", -1: "Chaotic", 0: "Neutral", 1: "Lawful"}

# In the order in which the wrapper's hash table yields its 13 keys.
_CONDITIONS = (
    *((2048, "Flying"), (1024, "Levitating"), (512, "Hallucinating"), (256, "Confused")),
    *((128, "Stunned"), (64, "Deaf"), (32, "Blind"), (16, "Terminally Ill")),
    *((8, "Food Poisoning"), (4, "Strangled"), (2, "Slimed"), (4096, "Riding"), (1, "Stoned")),
)

# What the wrapper trims: its list of blanks stops at the NUL in its middle.
_BLANKS = b" \x1a"

# A finding is an int that sorts as the wrapper lists: rank, then order of discovery, then the name.
_NAME_BITS = 13
_ORDER_BITS = 11
_NAME_MASK = (1 << _NAME_BITS) - 1
_CELL_BITS = 11
_CELL_MASK = (1 << _CELL_BITS) - 1
_RANK_SHIFT = _NAME_BITS + _ORDER_BITS
_BAND_SHIFT = _RANK_SHIFT + 4
_GROUP_MASK = -1 << _BAND_SHIFT | _NAME_MASK  # what remains of a finding: its distance and name
_BITS = [1 << direction for direction in range(16)]


# The findings along each ray, nearest first, still without a name. What rays find comes after what
# the search of the whole map finds in the same direction.
_RAY_FINDINGS = [
    [
        rank(dx * n, dy * n) << _RANK_SHIFT | (ROWS * COLUMNS + n) << _NAME_BITS
        for n in range(1, _RAY_LENGTH + 1)
    ]
    for dx, dy in RAY_ORDER
]


@lru_cache(maxsize=ROWS * COLUMNS)
def _rays(x: int, y: int) -> list[list[int]]:
    """Return the eight rays from (x, y); an int is a finding without a name, then its cell."""
    lines = zip(rays(x, y), _RAY_FINDINGS, strict=True)
    return [
        [finding << _CELL_BITS | cell for cell, finding in zip(cells, findings, strict=False)]
        for cells, findings in lines
    ]


@lru_cache(maxsize=256)
def text_glyphs(cells: bytes, x: int, y: int) -> str:
    """List what is seen, a line a name and distance.

    Args:
        cells: the map's 21 x 79 glyphs as int16 bytes.
        x: the hero's column.
        y: the hero's row.
    """
    view = memoryview(cells).cast("h")
    found = _seen_anywhere(view, x, y)
    found += _seen_along_rays(view, x, y)
    found.sort()
    return "\n".join(_lines(found))


def _seen_anywhere(glyphs: memoryview[int], x: int, y: int) -> list[int]:
    """Find the named cells of the whole map, row by row, except the hero's."""
    names = published_names()
    anywhere = names.anywhere
    hero = y * COLUMNS + x
    move = shift(x, y)
    named = names.is_anywhere.take(np.frombuffer(glyphs, np.int16), mode="clip").nonzero()[0]
    return [
        RANK[cell + cell // COLUMNS * WIDER + move] << _RANK_SHIFT
        | cell << _NAME_BITS
        | anywhere[glyphs[cell]]
        for cell in named.tolist()
        if cell != hero
    ]


def _seen_along_rays(glyphs: memoryview[int], x: int, y: int) -> list[int]:
    """Find the features on the eight rays, each up to its first wall or dark cell."""
    names = published_names()
    along_ray, ends_ray = names.along_ray, names.ends_ray
    found = []
    for ray in _rays(x, y):
        for step in ray:
            name = along_ray[glyphs[step & _CELL_MASK]]
            if name:
                found.append(step >> _CELL_BITS | name)
                if name in ends_ray:
                    break
    return found


def _lines(found: list[int]) -> list[str]:
    """Group sorted findings by name and distance, and write a line a group.

    Directions with one thing and directions with several come in two lines, the second one with
    the plural. Where the plural is like the singular, the wrapper overwrites the first line's
    directions with the second's; so both lines are alike.
    """
    once: dict[int, int] = {}
    several: dict[int, int] = {}
    for item in found:
        group = item & _GROUP_MASK
        bit = _BITS[item >> _RANK_SHIFT & 15]
        if group not in once:
            once[group] = bit
        elif once[group] & bit:
            several[group] = several.get(group, 0) | bit
        else:
            once[group] |= bit
    lines = _split(once, several) if several else once.items()
    words = published_names().words
    return [
        f"{words[group & _NAME_MASK]} {BANDS[group >> _BAND_SHIFT]} {published_directions(mask)}"
        for group, mask in lines
    ]


def _split(once: dict[int, int], several: dict[int, int]) -> list[tuple[int, int]]:
    """Give directions with several things a group of their own, under the plural."""
    plural = published_names().plural
    lines: list[tuple[int, int]] = []
    for group, mask in once.items():
        repeated = several.get(group, 0)
        if mask != repeated:
            lines.append((group, mask & ~repeated))
        if repeated:
            lines.append((group & ~_NAME_MASK | plural[group & _NAME_MASK], repeated))
    latest = dict(lines)
    return [(group, latest[group]) for group, _ in lines]


def text_message(screen: bytes, columns: int) -> str:
    """Read the message, or the page of a menu or text window, off the terminal.

    Args:
        screen: the terminal's characters, row after row.
        columns: the width of a row.
    """
    first = screen[:columns].strip(_BLANKS)
    if len(first) != 1 and not may_be_page(screen, columns):
        return first.decode("latin-1")
    first, second = _trim(screen[:columns]), _trim(screen[columns : 2 * columns])
    if not first and not second:
        return ""
    page = _page(screen, columns, over=b"Points" in second or b"list!" in second)
    return (_blank_if_unset(first) if page is None else page).decode("latin-1")


def may_be_page(screen: bytes, columns: int) -> bool:
    """Look for an end mark, and first for the rare character in it: most screens have no page.

    The row below the message is blank unless there is a page, or a list of scores. The two status
    rows always have parentheses, so they are searched for the marks themselves.
    """
    status = len(screen) - 2 * columns
    return (
        not screen[columns : 2 * columns].isspace()
        or (screen.find(b"(", 0, status) >= 0 and (b"(end)" in screen or b" of " in screen))
        or (screen.find(b"M", 0, status) >= 0 and b"--More--" in screen)
        or screen.find(b" of ", status) >= 0
        or screen.find(b"(end)", status) >= 0
        or screen.find(b"--More--", status) >= 0
    )


def _blank_if_unset(row: bytes) -> bytes:
    """Take an array that was never written, all NUL, for blank: NLE writes blanks as spaces."""
    return row if row.strip(b"\0") else b""


def _page(screen: bytes, columns: int, over: bool) -> bytes | None:
    """Return the non-blank rows up to the one that ends the page, or None if none does.

    A page's rows are cut at the indent of the first. The list of scores, shown when the game is
    over, has no end mark, but two blank rows behind it.
    """
    indent = columns - len(screen[:columns].lstrip(b" "))
    if indent == columns:
        # With a blank first row the wrapper's indent is C++'s "not found", that is -1: its rows
        # begin one character early, the first one before the array, where a NUL lies.
        screen, indent, width = b"\0" + screen, 0, columns + 1
    else:
        width = columns - indent
    rows = []
    blank = 0
    for start in range(indent, len(screen), columns):
        row = _trim(screen[start : start + width])
        if row:
            rows.append(row)
        blank = 0 if row else blank + 1
        if _ends_page(row):
            return b"\n".join(rows)
        if over and blank > 1:
            return b"".join(row + b"\n" for row in rows)
    return None


def _trim(row: bytes) -> bytes:
    """Strip blanks; a row with nothing but its last character counts as empty, as published."""
    text = row.strip(_BLANKS)
    return b"" if len(text) == 1 and row.endswith(text) else text


def _ends_page(row: bytes) -> bool:
    place = row.find(b" of ")
    numbered = place >= 2 and row[place - 2 : place - 1] == b"(" and row[place + 5 :][:1] == b")"
    return numbered or b"--More--" in row or b"(end)" in row


def text_blstats(stats: list[int]) -> str:
    """Write the 27 numbers of the bottom lines as 22 lines ``Key: value``."""
    return _bottom_lines(*_WORDED(stats)) % _NUMBERS(stats)


# The columns that are words, and the columns that are numbers, in the order of the lines.
_WORDED = itemgetter(21, 22, 26, 25)
_NUMBERS = itemgetter(
    *(3, 2, 4, 5, 6, 7, 8, 12, 13, 10, 11, 14, 15, 16, 18, 19, 20, 0, 1, 17, 23, 24, 9)
)


@lru_cache(maxsize=256)
def _bottom_lines(hunger: int, burden: int, alignment: int, conditions: int) -> str:
    """Return the 22 lines with the words in place, and ``%d`` for each number."""
    return (
        "Strength: %d/%d\nDexterity: %d\nConstitution: %d\nIntelligence: %d\nWisdom: %d\n"
        "Charisma: %d\nDepth: %d\nGold: %d\nHP: %d/%d\nEnergy: %d/%d\nAC: %d\nXP: %d/%d\n"
        f"Time: %d\nPosition: %d|%d\nHunger: {_word(_HUNGER, hunger)}\nMonster Level: %d\n"
        f"Encumbrance: {_word(_BURDEN, burden)}\nDungeon Number: %d\nLevel Number: %d\n"
        f"Score: %d\nAlignment: {_ALIGNMENT.get(alignment, '')}\n"
        f"Condition: {_conditions(conditions)}"
    )


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else ""


def _conditions(bits: int) -> str:
    return " ".join(word for bit, word in _CONDITIONS if bits & bit) or "None"


def text_inventory(obs: Mapping[str, NDArray[Any]]) -> str:
    """List the inventory, a line an item: ``{letter}: {item}``.

    Args:
        obs: ``inv_letters`` (55,) and ``inv_strs`` (55, 80), uint8; an item ends at its first NUL.
    """
    letters = obs["inv_letters"].tobytes()
    letters = letters[: letters.find(0)] if 0 in letters else letters
    items = obs["inv_strs"][: len(letters)]
    return _inventory(letters, items.tobytes(), obs["inv_strs"].shape[1])


@lru_cache(maxsize=512)
def _inventory(letters: bytes, items: bytes, width: int) -> str:
    starts = range(0, len(letters) * width, width)
    words = [items[start : start + width].split(b"\0", 1)[0] for start in starts]
    pairs = zip(letters.decode("latin-1"), words, strict=True)
    return "\n".join(f"{letter}: {word.decode('latin-1')}" for letter, word in pairs)


def text_cursor(glyphs: NDArray[Any], x: int, y: int, row: int, column: int) -> str:
    """Name what the cursor is on, with its distance and direction from the hero.

    Args:
        glyphs: (21, 79) ints.
        x: the hero's column.
        y: the hero's row on the map.
        row: the cursor's row on the terminal, one more than on the map.
        column: the cursor's column.
    """
    # Column 79 of the terminal is past the map; the wrapper takes it for column 0 a row further.
    cell = (row - 1) * COLUMNS + column
    dx = column - x
    if not (0 < cell < ROWS * COLUMNS and dx < COLUMNS):
        return ""
    names = published_names()
    name = names.words[names.anywhere[glyphs.item(cell)]]
    if dx == 0 and row - 1 == y:
        return f"Yourself a {name}"
    place = rank(dx, row - 1 - y)
    return f"{BANDS[place >> 4]} {published_directions(1 << (place & 15))} {name}"
