"""The parts of our own caption of NetHack: screen, status, surroundings, inventory.

Places are given as the moves that lead there on an empty map, in the names of NLE's actions:
"adjacent east", or "2 northeast 3 east", which is five moves. Each part is a function of bytes or
numbers, and what depends on the large arrays is kept in a bounded memo keyed by their bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.nethack_geometry import (
    COLUMNS,
    COMPASS,
    DISTANCE,
    RAY_ORDER,
    ROWS,
    WIDER,
    rays,
    route,
    shift,
)
from textenvs.captioners.nethack_names import Kind, Step, our_names
from textenvs.captioners.nethack_published import may_be_page

__all__ = [
    "cursor_target",
    "game_over",
    "hunger_word",
    "screen_text",
    "sorted_things",
    "status",
    "surroundings",
]

_MOST = 6  # places named for each kind of thing; of the rest only the number

_HEADINGS = {Kind.CREATURE: "Creatures", Kind.OBJECT: "Objects", Kind.PLACE: "Places"}
# Clockwise from north: the number of the ray, what a cell must allow to step on it, the word.
_CLOCKWISE = [
    (RAY_ORDER.index((dx, dy)), int(Step.YES if dx and dy else Step.ORTHOGONAL), word)
    for (dx, dy), word in COMPASS.items()
]
# Plain ints: comparing numbers with members of an enum is slow.
_PLACE, _CORRIDOR, _STOMACH = int(Kind.PLACE), int(Kind.CORRIDOR), int(Kind.STOMACH)
_DEAD_END = 7  # of the eight cells around, so many are solid at the end of a corridor
_AROUND = np.array([dy * COLUMNS + dx for dx, dy in COMPASS])

_END_MARK = re.compile(rb"--More--|\(end\)|\(\d+ of \d+\)")

_HUNGER = ("satiated", "", "hungry", "weak from hunger", "fainting", "fainted", "starved")
_BURDEN = ("", "burdened", "stressed", "strained", "overtaxed", "overloaded")
_CONDITIONS = (
    *("turning to stone", "turning into slime", "being strangled", "food poisoning"),
    *("terminally ill", "blind", "deaf", "stunned", "confused", "hallucinating", "levitating"),
    *("flying", "riding"),
)
_ALIGNMENT = {-1: "chaotic", 0: "neutral", 1: "lawful"}
_BRANCHES = (
    *("", "Gehennom", "Gnomish Mines", "Quest", "Sokoban", "Fort Ludios", "Vlad's Tower"),
    "Elemental Planes",
)


def screen_text(screen: bytes, columns: int) -> tuple[str, bool]:
    """Read what the terminal says above or over the map.

    Args:
        screen: the terminal's characters, row after row.
        columns: the width of a row.

    Returns:
        The text, and whether it is a menu or text window that covers the map. A window's rows are
        cut at its left edge, so that nothing of the map is left in them.
    """
    mark = _END_MARK.search(screen) if may_be_page(screen, columns) else None
    row, left = divmod(mark.start(), columns) if mark else (0, 0)
    # Row 1 lies above the map: text in it continues row 0, or the window ends in it.
    if row < 2:
        text = screen[: 2 * columns].replace(b"\0", b" ")
        return " ".join(text.decode("latin-1").split()), False
    first = screen[:columns]
    indent = len(first) - len(first.lstrip(b" "))
    if left <= 1:  # a window that covers the terminal has its mark one column in
        left = 0
    elif mark is None or screen[mark.start() - 1] not in b" \0":  # at the end of a text
        left = min(left, indent)
    starts = range(0, (row + 1) * columns, columns)
    lines = [screen[start + left : start + columns].decode("latin-1").strip() for start in starts]
    return "\n".join(line for line in lines if line), True


def game_over(screen: bytes) -> str:
    """Read the list of scores that the terminal shows when the game has ended.

    Its long lines are folded anywhere, even within a word; the rows are joined as they are.
    """
    text = screen.decode("latin-1").replace("\0", " ")
    ending = " ".join(text.split()).replace("No Points Name Hp [max] ", "")
    return f"The game is over. {ending}".rstrip()


def status(stats: list[int], glyph: int) -> str:
    """Write the 27 numbers of the bottom lines, and the hero's kind, on two lines.

    What is as usual (not hungry, not burdened, no condition, the main dungeon) is left out.
    """
    (x, y, str_25, str_125, dex, con, intel, wis, cha, score, hp, hp_max, depth, gold) = stats[:14]
    (energy, energy_max, ac, hit_dice, level, points, time, hunger, burden) = stats[14:23]
    words = _state_words(hunger, burden, stats[25], stats[23], hit_dice)
    return (
        f"Status: HP {hp}/{hp_max}, Pw {energy}/{energy_max}, AC {ac}, Xp {level}/{points}, "
        f"gold {gold}, score {score}, turn {time}, Dlvl {depth} at ({x}, {y}){words}\n"
        f"You: {_who(glyph, stats[26])}St {_strength(str_25, str_125)}, Dx {dex}, Co {con}, "
        f"In {intel}, Wi {wis}, Ch {cha}"
    )


def _strength(str_25: int, str_125: int) -> str:
    """Write strength as NetHack does: 18/01 to 18/99 and 18/** lie between 18 and 19."""
    if 18 < str_125 < 118:
        return f"18/{str_125 - 18:02d}"
    return "18/**" if str_125 == 118 else str(str_25)


def hunger_word(hunger: int) -> str:
    """How hungry the hero is, by NetHack's number; "" if not, or if there is no such number."""
    return _HUNGER[hunger] if 0 <= hunger < len(_HUNGER) else ""


@lru_cache(maxsize=256)
def _state_words(hunger: int, burden: int, conditions: int, dungeon: int, hit_dice: int) -> str:
    words = [
        _BRANCHES[dungeon] if 0 <= dungeon < len(_BRANCHES) else "",
        f"polymorphed with {hit_dice} hit dice" if hit_dice else "",
        hunger_word(hunger),
        _BURDEN[burden] if 0 <= burden < len(_BURDEN) else "",
        *(word for bit, word in enumerate(_CONDITIONS) if conditions >> bit & 1),
    ]
    return "".join(f", {word}" for word in words if word)


@lru_cache(maxsize=512)
def _who(glyph: int, alignment: int) -> str:
    tables = our_names()
    known = tables.kind[glyph] == Kind.CREATURE
    words = (_ALIGNMENT.get(alignment, ""), tables.names[glyph] if known else "")
    who = " ".join(word for word in words if word)
    return f"{who}, " if who else ""


@lru_cache(maxsize=256)
def surroundings(cells: bytes, x: int, y: int, underfoot: int) -> str:
    """Say where one can walk, and list creatures, objects and places, each from near to far.

    Args:
        cells: the map's 21 x 79 glyphs as int16 bytes.
        x: the hero's column.
        y: the hero's row.
        underfoot: the glyph of what the hero stands on; negative where it is not known.
    """
    glyphs = memoryview(cells).cast("h")
    found = sorted_things(glyphs, x, y)
    if found and found[0] < 0:
        return f"You are inside a creature: {our_names().names[glyphs[-found[0] - 1]]}"
    lines = [_free_steps(glyphs, x, y, underfoot), *_sections(found, glyphs, x, y)]
    if underfoot >= 0 and our_names().kind[underfoot] == _PLACE:
        lines.insert(0, f"You stand on: {our_names().names[underfoot]}")
    return "\n".join(lines)


def sorted_things(glyphs: memoryview[int], x: int, y: int) -> list[int]:
    """Find what is to be named on a map: creatures, objects, places, each from near to far.

    Args:
        glyphs: the map's 21 x 79 glyphs.
        x: the hero's column.
        y: the hero's row.

    Returns:
        A number each, in order: ``kind << 18 | distance << 11 | cell``, of corridors the ends only.
        Inside a creature one number, ``-cell - 1`` of a cell of its stomach.
    """
    tables = our_names()
    kinds = tables.kind
    flat = np.frombuffer(glyphs, np.int16)
    hero = y * COLUMNS + x
    move = shift(x, y)
    found = []
    corridor = []
    for cell in tables.is_listed.take(flat, mode="clip").nonzero()[0].tolist():
        kind = kinds[glyphs[cell]]
        if kind == _CORRIDOR:
            corridor.append(cell)
        elif kind == _STOMACH:
            return [-cell - 1]
        elif cell != hero:
            found.append(_entry(kind, cell, move))
    found += [_entry(_PLACE, cell, move) for cell in _ends(corridor, flat)]
    found.sort()
    return found


def _entry(kind: int, cell: int, move: int) -> int:
    return kind << 18 | DISTANCE[cell + cell // COLUMNS * WIDER + move] << 11 | cell


def _ends(corridor: list[int], flat: NDArray[np.int16]) -> list[int]:
    """Pick the cells of corridors from where at most one way is known to go on."""
    if not corridor:
        return []
    around = flat.take(np.add.outer(corridor, _AROUND), mode="clip")
    solid = our_names().solid.take(around, mode="clip").sum(axis=1).tolist()
    return [cell for cell, count in zip(corridor, solid, strict=True) if count >= _DEAD_END]


def _sections(found: list[int], glyphs: memoryview[int], x: int, y: int) -> list[str]:
    """Write a line a kind: names with their places, the nearest first."""
    names = our_names().names
    move = shift(x, y)
    groups: dict[tuple[int, str], list[str]] = {}
    for entry in found:
        cell = entry & 2047
        place = route(cell + cell // COLUMNS * WIDER + move)
        groups.setdefault((entry >> 18, names[glyphs[cell]]), []).append(place)
    lines: dict[int, list[str]] = {}
    for (kind, name), places in groups.items():
        label = "corridor end" if name == "corridor" else name
        lines.setdefault(kind, []).append(f"{label} {_enumerate(places)}")
    return [f"{_HEADINGS[Kind(kind)]}: {'; '.join(items)}" for kind, items in lines.items()]


def _enumerate(places: list[str]) -> str:
    more = f", and {len(places) - _MOST} more" if len(places) > _MOST else ""
    return ", ".join(places[:_MOST]) + more


def _free_steps(glyphs: memoryview[int], x: int, y: int, underfoot: int) -> str:
    """Count, in each direction, the steps one can walk on what is known of the map.

    Out of a door one cannot walk diagonally.
    """
    step = our_names().step
    in_door = underfoot >= 0 and step[underfoot] == Step.ORTHOGONAL
    lines = rays(x, y)
    words = []
    for number, least, word in _CLOCKWISE:
        count = 0
        if in_door and least == Step.YES:
            continue
        for cell in lines[number]:
            if step[glyphs[cell]] < least:
                break
            count += 1
        if count:
            words.append(f"{word} {count}")
    return f"Free steps: {', '.join(words) or 'none'}"


def cursor_target(glyphs: memoryview[int], x: int, y: int, row: int, column: int) -> str:
    """Name the cell under the cursor if it is on the map and away from the hero, else ""."""
    line = row - 1
    if not (0 < row <= ROWS and column < COLUMNS) or (column == x and line == y):
        return ""
    cell = line * COLUMNS + column
    place = route(cell + line * WIDER + shift(x, y))
    return f"Cursor: {our_names().names[glyphs[cell]]} {place}"
