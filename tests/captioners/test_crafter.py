"""Crafter's captions: the published ones to the letter, ours right everywhere."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textenvs.captioners import crafter
from textenvs.captioners.crafter import NAMES

GRASS, WATER, TREE, PLAYER, ZOMBIE, PLANT = (
    NAMES.index(name) for name in ("grass", "water", "tree", "player", "zombie", "plant")
)


def _check(golden: Path, game: str) -> Any:
    spec = importlib.util.spec_from_file_location("golden_check", golden / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tally = module.Tally()
    getattr(module, game)(golden, "public", tally)
    return tally


@pytest.mark.parametrize("game", ["crafter", "babyai"])
def test_recorded_captions_are_reproduced_to_the_letter(golden: Path, game: str) -> None:
    tally = _check(golden, game)
    assert tally.equal == tally.seen, json.dumps(tally.first, indent=1)
    assert sum(tally.seen.values()) > 1000


def _info(
    things: dict[tuple[int, int], str] | None = None,
    pos: tuple[int, int] = (32, 32),
    **changes: Any,
) -> dict[str, Any]:
    """A meadow with things at places; the player faces south."""
    semantic = np.full((64, 64), GRASS, np.uint8)
    for place, name in (things or {}).items():
        semantic[place] = NAMES.index(name)
    semantic[pos] = PLAYER
    inventory = dict.fromkeys(("health", "food", "drink", "energy"), 9)
    return {
        "semantic": semantic,
        "player_pos": pos,
        "player_facing": (0, 1),
        "inventory": {**inventory, "sapling": 0, "wood": 0, "diamond": 0},
        "sleeping": False,
        "dead": False,
        "view": (9, 9),
        **changes,
    }


def test_default_says_what_is_in_front_beside_and_further_off() -> None:
    info = _info({(32, 33): "tree", (34, 31): "water", (29, 32): "cow"})
    info["inventory"] |= {"wood": 3, "sapling": 1, "diamond": 2, "food": 7}
    assert crafter.default(info) == (
        "You face south: tree. Beside you: north grass, east grass, west grass.\n"
        "Steps away: cow 3 west, water 1 north 2 east.\n"
        "Health 9, food 7, drink 9, energy 9 (of 9). You carry 1 sapling, 3 wood, 2 diamonds."
    )


def test_default_lists_every_threat() -> None:
    info = _info({(30, 32): "zombie", (33, 30): "zombie", (32, 31): "skeleton"})
    text = crafter.default(info)
    assert "north skeleton" in text
    assert "Steps away: zombie 2 west, zombie 2 north 1 east." in text


def test_default_tells_ripe_plants_from_young_ones() -> None:
    info = _info({(30, 32): "plant", (35, 32): "plant"}, ripe=((35, 32),))
    assert "Steps away: young plant 2 west, ripe plant 3 east." in crafter.default(info)
    assert "ripe plant" not in crafter.default({**info, "ripe": ()})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"sleeping": True}, "You are asleep."),
        ({"dead": True}, "You are dead."),
        ({"daylight": 0.3}, "It is night."),
    ],
)
def test_default_tells_the_state(changes: dict[str, Any], line: str) -> None:
    assert line in crafter.default(_info(**changes)).split("\n")
    assert line not in crafter.default(_info()).split("\n")


@pytest.mark.parametrize("pos", [(0, 0), (0, 63), (63, 0), (63, 63), (3, 30), (30, 2)])
def test_at_the_edges_the_strict_texts_are_blind_and_the_others_are_right(
    pos: tuple[int, int],
) -> None:
    x, y = pos
    tree = (x + 1 if x < 60 else x - 1, y)
    info = _info({tree: "tree"}, pos)
    side = "east" if x < 60 else "west"
    assert f"{side} tree" in crafter.default(info)
    assert f"- tree 1 steps to your {side}" in crafter.smartplay(info)
    assert f"- tree 1 step to your {side}" in crafter.balrog(info)["long_term_context"]
    assert "tree at 1 steps to your" in crafter.background_knowledge(info)
    if x < 4 or y < 3:
        assert crafter.smartplay(info, strict=True) == "Error, you are out of the map."
        assert (
            "You see nothing away from you."
            in crafter.balrog(info, strict=True)["long_term_context"]
        )


def test_the_edge_of_the_world_is_named() -> None:
    text = crafter.default(_info(pos=(63, 63)))
    assert text.startswith("You face south: edge of the world.")
    assert "east edge of the world" in text
    assert "You face nothing at your front." in crafter.smartplay(_info(pos=(63, 63)))


def test_default_is_right_about_every_neighbour_on_random_maps() -> None:
    random = np.random.default_rng(0)
    steps = {"north": (0, -1), "east": (1, 0), "south": (0, 1), "west": (-1, 0)}
    for _ in range(300):
        pos = tuple(random.integers(64, size=2).tolist())
        info = _info(pos=pos)
        info["semantic"] = random.integers(1, 13, size=(64, 64)).astype(np.uint8)
        info["semantic"][pos] = PLAYER
        first = crafter.default(info).split("\n")[0]
        for name, (dx, dy) in steps.items():
            x, y = pos[0] + dx, pos[1] + dy
            inside = 0 <= x < 64 and 0 <= y < 64
            thing = NAMES[info["semantic"][x, y]] if inside else "edge of the world"
            assert f"{name} {thing}" in first or first.startswith(f"You face {name}: {thing}.")


def test_captions_do_not_change_the_state() -> None:
    info = _info({(35, 32): "plant"}, ripe=((35, 32),))
    before = info["semantic"].copy()
    for caption in (crafter.default, crafter.smartplay, crafter.balrog):
        caption(info)
    assert np.array_equal(info["semantic"], before)
