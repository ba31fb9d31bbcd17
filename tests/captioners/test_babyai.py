"""BabyAI's captions: facts of the view, in published words and in ours."""

import numpy as np
import pytest
from numpy.typing import NDArray

from textenvs.captioners import babyai
from textenvs.captioners.babyai import COLORS, OBJECTS

OPEN, CLOSED, LOCKED = range(3)


def _view(*cells: tuple[int, int, str, str, int]) -> NDArray[np.uint8]:
    """An empty view with (right, ahead, object, colour, state) cells."""
    image = np.zeros((7, 7, 3), np.uint8)
    image[..., 0] = OBJECTS.index("empty")
    for right, ahead, kind, color, state in cells:
        image[3 + right, 6 - ahead] = (OBJECTS.index(kind), COLORS.index(color), state)
    return image


WALL_AHEAD = (0, 3, "wall", "grey", 0)


def test_the_empty_view() -> None:
    assert babyai.glam(_view()) == []
    assert babyai.in5490(_view()) == "I see nothing interesting."
    assert babyai.default(_view()) == "In front of you: free."


def test_glam_tells_of_a_wall_only_if_nothing_stands_before_it() -> None:
    image = _view(WALL_AHEAD, (0, 1, "ball", "red", 0))
    assert babyai.glam(image) == ["You see a red ball 1 step forward"]


def test_default_tells_of_walls_behind_objects() -> None:
    image = _view(WALL_AHEAD, (0, 1, "ball", "red", 0), (-2, 0, "wall", "grey", 0))
    assert babyai.default(image) == (
        "In front of you: a red ball. Walls: 3 ahead, 2 left.\nYou see: red ball 1 ahead."
    )


def test_default_minds_its_articles() -> None:
    image = _view((0, 1, "door", "yellow", OPEN))
    assert "In front of you: an open yellow door." in babyai.default(image)
    assert babyai.in5490(image) == "I see a open yellow door directly in front."
    assert "lava 1 ahead" in babyai.default(_view((0, 1, "lava", "red", 0)))
    assert "In front of you: lava." in babyai.default(_view((0, 1, "lava", "red", 0)))


def test_default_has_the_mission_the_compass_and_what_is_carried() -> None:
    image = _view((0, 0, "key", "blue", 0), (1, 2, "door", "blue", LOCKED))
    assert babyai.default(image, "open the blue door", 3) == (
        "Goal: open the blue door.\n"
        "You look north. In front of you: free.\n"
        "You see: locked blue door 2 ahead 1 right.\n"
        "You carry a blue key."
    )


def test_what_is_carried_is_not_seen() -> None:
    image = _view((0, 0, "key", "blue", 0))
    assert babyai.glam(image) == ["You carry a blue key"]
    assert babyai.in5490(image) == "I have a blue key in my inventory."


def test_coloured_floor_is_no_thing_of_ours() -> None:
    image = _view((0, 1, "floor", "red", 0))
    assert babyai.default(image) == "In front of you: free."
    assert babyai.glam(image) == ["You see a red floor 1 step forward"]


def test_unseen_is_not_free() -> None:
    image = _view()
    image[3, 5, 0] = OBJECTS.index("unseen")
    assert babyai.default(image) == "In front of you: nothing you can see."


@pytest.mark.parametrize(
    ("right", "ahead", "rough", "exact"),
    [
        (0, 1, "directly in front", "1 square FORWARD"),
        (0, 4, "FORWARD", "4 squares FORWARD"),
        (-1, 0, "LEFT", "1 square LEFT"),
        (2, 3, "RIGHT and FORWARD", "2 squares RIGHT and 3 squares FORWARD"),
    ],
)
def test_in5490_places_things(right: int, ahead: int, rough: str, exact: str) -> None:
    image = _view((right, ahead, "key", "red", 0))
    assert babyai.in5490(image) == f"I see a red key {rough}."
    assert babyai.in5490(image, distances=True) == f"I see a red key {exact}."


def test_default_mentions_every_thing_of_a_random_view_with_its_place() -> None:
    random = np.random.default_rng(0)
    kinds = [OBJECTS.index(name) for name in ("empty", "wall", "key", "ball", "box")]
    for _ in range(200):
        image = np.zeros((7, 7, 3), np.uint8)
        image[..., 0] = random.choice(kinds, size=(7, 7))
        image[..., 1] = random.integers(6, size=(7, 7))
        image[3, 6, 0] = OBJECTS.index("empty")
        text = babyai.default(image)
        for x, y in np.argwhere(image[..., 0] > OBJECTS.index("floor")):
            ahead = f" {6 - y} ahead" if y < 6 else ""
            side = f" {abs(x - 3)} {'left' if x < 3 else 'right'}" if x != 3 else ""
            name = f"{COLORS[image[x, y, 1]]} {OBJECTS[image[x, y, 0]]}"
            assert f"{name}{ahead}{side}" in text


def test_a_view_of_another_size() -> None:
    image = np.zeros((5, 5, 3), np.uint8)
    image[2, 3] = (OBJECTS.index("ball"), COLORS.index("green"), 0)
    assert babyai.glam(image) == ["You see a green ball 1 step forward"]
