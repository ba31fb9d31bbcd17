"""NetHack's shortest caption: what is asked, or what matters most in sight."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from textenvs.captioners.nethack_brief import brief
from textenvs.captioners.nethack_geometry import octant
from textenvs.captioners.nethack_glyphs import glyph_data
from textenvs.captioners.nethack_names import our_names

NAMES = our_names().names
X, Y = 40, 10
HUNGER = 21


def glyph(name: str) -> int:
    return NAMES.index(name)


HERO, PET, NEWT, JACKAL, UNSEEN = map(
    glyph, ("valkyrie", "tame kitten", "newt", "jackal", "unseen creature")
)
DOORWAY, OPEN, CLOSED, UP, DOWN = map(
    glyph, ("doorway", "open door", "closed door", "stairs up", "stairs down")
)
CORRIDOR, ROCK = glyph("corridor"), glyph("unexplored")


def state(
    cells: dict[tuple[int, int], int] | None = None, asks: str = "", hunger: int = 1
) -> dict[str, Any]:
    """A valkyrie at (X, Y), ``cells`` at offsets (east, south) from her."""
    glyphs = np.full((21, 79), ROCK, np.int16)
    glyphs[Y, X] = HERO
    for (dx, dy), each in (cells or {}).items():
        glyphs[Y + dy, X + dx] = each
    screen = np.full((24, 80), ord(" "), np.uint8)
    screen[0, : len(asks)] = np.frombuffer(asks.encode("latin-1"), np.uint8)
    stats = np.zeros(27, np.int64)
    stats[:2], stats[HUNGER] = (X, Y), hunger
    cursor = np.array([0, len(asks)] if asks else [Y + 1, X], np.uint8)
    return {"glyphs": glyphs, "blstats": stats, "tty_chars": screen, "tty_cursor": cursor}


def test_a_question_is_all_that_is_told_without_the_letters_to_choose_from() -> None:
    asked = state({(1, 0): NEWT}, asks="What do you want to eat? [fgi or ?*]", hunger=2)
    assert brief(asked) == "The game asks: What do you want to eat?"
    assert brief(state(asks="In what direction?")) == "The game asks: In what direction?"


def test_what_is_typed_already_is_no_part_of_a_question() -> None:
    for asks, told in {
        "Count: 86": "The game asks: Count:",
        "#pra": "The game asks: #",
        "Call an apple: red": "The game asks: Call an apple:",
        "What to call this level? home": "The game asks: What to call this level?",
        "Still climb? [yn] (n)": "The game asks: Still climb?",
        "Your name [none]": "The game asks: Your name",
        "You don't have that object.--More--": "The game waits for a key.",
    }.items():
        assert brief(state({(1, 0): NEWT}, asks=asks)) == told


def test_a_question_may_go_on_in_the_row_below() -> None:
    asked = state({(1, 0): NEWT}, asks="What do you want to eat, of all that you have")
    asked["tty_chars"][1, :5] = np.frombuffer(b"here?", np.uint8)
    asked["tty_cursor"][:] = 1, 6
    assert brief(asked).endswith("of all that you have here?")


def test_a_place_is_asked_for_where_the_cursor_is_elsewhere_on_the_map() -> None:
    asked = state({(1, 0): NEWT})
    asked["tty_cursor"][1] += 1
    assert brief(asked) == "The game asks for a place."


def test_a_menu_hides_what_is_in_sight() -> None:
    shown = state({(1, 0): NEWT})
    for row, line in enumerate((b"Coins", b"$ - 3 gold pieces", b"(end)")):
        shown["tty_chars"][row, 40 : 40 + len(line)] = np.frombuffer(line, np.uint8)
    assert brief(shown) == "A menu or a text is shown."


def test_the_nearest_creature_and_the_nearest_way_on_are_told() -> None:
    far = {(7, 0): JACKAL, (0, -1): NEWT, (-5, 1): DOORWAY, (-9, 0): OPEN}
    assert brief(state(far)) == "In sight: newt adjacent north, doorway west."


def test_a_way_down_counts_more_than_a_nearer_door() -> None:
    assert brief(state({(1, 0): CLOSED, (5, 5): DOWN})) == "In sight: stairs down southeast."


def test_pets_and_marks_where_no_creature_is_seen_are_left_out() -> None:
    cells = {(1, 0): PET, (0, 1): UNSEEN, (3, 0): CLOSED}
    assert brief(state(cells)) == "In sight: closed door east."


def test_of_a_corridor_only_its_end_leads_on() -> None:
    corridor = {(dx, 0): CORRIDOR for dx in range(1, 6)}
    assert brief(state({**corridor, (-1, 0): CORRIDOR})) == "In sight: corridor end adjacent west."


def test_on_the_way_down_no_other_way_is_told() -> None:
    assert brief(state({(2, 0): DOORWAY}), DOWN) == "You stand on stairs down."
    beside = state({(2, 0): DOORWAY, (1, 1): NEWT})
    assert brief(beside, DOWN) == "You stand on stairs down. In sight: newt adjacent southeast."
    assert brief(state({(2, 0): DOORWAY}), UP) == "In sight: doorway east."


def test_hunger_is_told_from_where_it_matters() -> None:
    assert brief(state(hunger=2)) == "You are hungry."
    assert brief(state({(0, 3): DOORWAY}, hunger=3)) == (
        "You are weak from hunger. In sight: doorway south."
    )


def test_there_is_always_something_to_say() -> None:
    assert brief(state()) == "Nothing in sight leads on."
    inside = {(0, -1): glyph_data().offsets["swallow"] + 8 * NAMES.index("purple worm")}
    assert brief(state(inside)) == "You are inside a creature: purple worm."
    over = state()
    over["blstats"][:] = 0
    assert brief(over) == "The game is over."


@pytest.mark.parametrize(
    ("offset", "direction"),
    [
        ((0, -5), "north"),
        ((1, -5), "north"),
        ((3, -5), "northeast"),
        ((5, 2), "east"),
        ((5, 3), "southeast"),
        ((-78, 20), "west"),
        ((-1, 1), "southwest"),
        ((0, 0), ""),
    ],
)
def test_an_offset_has_the_nearest_of_eight_directions(
    offset: tuple[int, int], direction: str
) -> None:
    assert octant(*offset) == direction


def test_opposite_offsets_have_opposite_directions() -> None:
    opposite = {"north": "south", "south": "north", "east": "west", "west": "east"}
    for dx, dy in product(range(0, 79), range(1, 21)):
        turned = octant(dx, dy)
        for word, other in opposite.items():
            if word in octant(dx, dy):
                turned = turned.replace(word, other)
        assert octant(-dx, -dy) == turned


def test_what_differs_in_numbers_alone_reads_the_same() -> None:
    one, other = state({(4, 0): DOORWAY}), state({(6, 1): DOORWAY})
    other["blstats"][10:14] = 7
    assert brief(one) == brief(other)
