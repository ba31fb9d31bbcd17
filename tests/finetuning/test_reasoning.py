"""Answers are made of what is true of a state; the published rules are here to differ from."""

from __future__ import annotations

import random
from typing import Any

import pytest

from finetuning_world import World
from textenvs.captioners.crafter import NAMES, smartplay
from textenvs.envs.crafter.rules import crafter_folder, load_rules
from textenvs.envs.crafter.tasks import ACTION_NAMES
from textenvs.finetuning.human import ITEMS
from textenvs.finetuning.reasoning import (
    CRAFTING,
    FULL,
    MOVES,
    PLACING,
    TOOL_FOR,
    answer,
    goal,
    options,
    resources,
    seen_at,
    status,
    threats,
)
from textenvs.parsing import ActionParser
from textenvs.published_parsers import CrafterGPTParser, SmartPlayParser


def published_scene(info: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """CrafterGPT's: of each direction what the text names last; the faced thing in front."""
    scene: dict[str, tuple[str, int]] = {}
    for line in smartplay(info).split("\n"):
        if line.startswith("- ") and " steps to your " in line:
            thing, where = line[2:].split(" steps to your ")
            name, steps = thing.split(" ")
            if name != "arrow":
                scene[where] = (name, int(steps))
        elif line.startswith("You face "):
            scene["front"] = (line.split(" ")[2], 1)
    return scene


def published_table_is_near(info: dict[str, Any]) -> bool:
    return any(
        thing == ("table", 1) for where, thing in published_scene(info).items() if where != "front"
    )


def published_blocked(info: dict[str, Any], where: str) -> bool:
    name, steps = published_scene(info).get(where, ("nothing", 0))
    return steps == 1 and name not in ("grass", "sand", "path")


# The rules


def test_the_rules_are_crafters() -> None:
    rules = load_rules(crafter_folder("a test"))
    for name, placing in rules.placing.items():
        ours = PLACING[f"Place {name.capitalize()}"]
        assert dict(placing.uses) == {ours.item: ours.amount}
        assert {NAMES[kind] for kind in placing.where} == set(ours.where)
    for name, crafting in rules.crafting.items():
        costs, stations = CRAFTING[f"Make {name.replace('_', ' ').title()}"]
        assert dict(crafting.uses) == dict(costs)
        assert {NAMES[kind] for kind in crafting.nearby} == set(stations)
    tools = {NAMES[kind]: next(iter(rule.require), None) for kind, rule in rules.collecting.items()}
    assert tools.pop("sapling", None) is None
    assert tools == TOOL_FOR
    assert set(rules.most.values()) == {FULL}
    assert tuple(rules.initial) == ITEMS


def player_of(world: Any) -> tuple[Any, ...]:
    """What an action of the player's can change, but for its vitals."""
    game = world.game
    return (
        game.facing,
        game.sleeping,
        {name: n for name, n in game.inventory.items() if name not in ("food", "drink", "energy")},
        dict(game.achievements),
        bytes(game.materials),
        bytes(game.seen),
        [thing.health for thing in game.things],
    )


def scatter(world: Any, rng: random.Random) -> None:
    """Put anything around the player, and anything into its hands."""
    game = world.game
    if rng.random() < 0.2:
        world.go_to(rng.choice([0, 1, 40, 63]), rng.choice([0, 1, 40, 63]))
    x, y = world.position
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            if (dx, dy) == (0, 0) or not (0 <= x + dx < 64 and 0 <= y + dy < 64):
                continue
            name = rng.choice([*NAMES[1:13], *("table", "furnace", "grass", "grass"), *NAMES[14:]])
            world.put(name, dx, dy)
    world.have(**{name: rng.choice([0, 0, 1, 2, 5, 9]) for name in ITEMS[1:]})
    game.facing = rng.choice(list(MOVES.values()))
    game.sleeping = rng.random() < 0.1


def test_options_are_the_actions_that_do_something() -> None:
    rng = random.Random(0)
    offered = {name: 0 for name in ACTION_NAMES}
    for _ in range(150):
        made = World()
        scatter(made, rng)
        info = made.look()
        possible = options(info)
        before = made.game.get_state()
        made.game._act(0)
        waited = player_of(made)
        faced = seen_at(info, *info["player_facing"])
        for number, name in enumerate(ACTION_NAMES):
            made.game.set_state(before)
            made.game._act(number)
            does_something = player_of(made) != waited
            offered[name] += name in possible
            if info["sleeping"] and info["inventory"]["energy"] < FULL:
                assert list(possible) == ["Sleep"]
                assert not does_something
            elif name in MOVES and seen_at(info, *MOVES[name]) == "lava":
                assert name not in possible  # it does something: it kills
            elif name == "Do" and faced in ("grass", "plant", "water"):
                assert name in possible  # chance, ripeness and thirst decide whether it shows
            elif name != "Noop":
                assert (name in possible) == does_something, (name, faced, info["inventory"])
    assert all(offered.values()), "every action was possible somewhere"


# The published bugs, mended


def test_a_diagonal_table_is_near() -> None:
    made = World()
    made.put("table", 1, 1)
    made.have(wood=1)
    info = made.look()
    assert not published_table_is_near(info)
    assert "Make Wood Pickaxe" in options(info)
    assert made.play("Make Wood Pickaxe")["inventory"]["wood_pickaxe"] == 1


def test_a_table_two_steps_away_is_not_near() -> None:
    made = World()
    made.put("table", 2, 0)
    made.have(wood=1)
    assert "Make Wood Pickaxe" not in options(made.look())


def test_iron_tools_need_both_a_table_and_a_furnace_near() -> None:
    made = World()
    made.put("table", -1, -1)
    made.have(wood=1, coal=1, iron=1)
    assert "Make Iron Sword" not in options(made.look())
    made.put("furnace", 1, -1)
    assert "Make Iron Sword" in options(made.look())


def test_a_sapling_is_planted_on_grass() -> None:
    made = World()
    made.have(sapling=1)
    info = made.look()
    deleted_by_the_published_rule = published_scene(info)["front"][0] == "grass"
    assert deleted_by_the_published_rule
    assert "Place Plant" in options(info)
    assert made.play("Place Plant")["achievements"]["place_plant"] == 1


@pytest.mark.parametrize("front", ["sand", "path", "water", "tree", "cow"])
def test_a_sapling_is_planted_on_nothing_else(front: str) -> None:
    made = World()
    made.have(sapling=1)
    made.put(front, 0, 1)
    info = made.look()
    assert published_scene(info)["front"][0] != "grass"  # so that the published rule offers it
    assert "Place Plant" not in options(info)
    assert made.play("Place Plant")["achievements"]["place_plant"] == 0


def test_the_way_is_blocked_by_what_is_not_the_nearest_of_its_kind() -> None:
    made = World()
    made.put("tree", -1, 0)  # the nearest tree of the text, which wins the tie
    made.put("tree", 1, 0)
    made.play("Move East")  # it is faced now, so that nothing would change
    info = made.look()
    assert not published_blocked(info, "east")
    assert "Move East" not in options(info)
    before = made.position
    assert made.play("Move East")["player_pos"] == before


def test_a_move_that_only_turns_is_possible() -> None:
    made = World()
    made.put("tree", -1, 0)
    info = made.look()
    assert published_blocked(info, "west")
    assert options(info)["Move West"] == "turn to the tree in the west, which blocks the way."
    assert made.play("Move West", "Do")["inventory"]["wood"] == 1


def test_the_goal_belongs_to_the_action_and_to_what_is_in_front() -> None:
    made = World()
    made.put("tree", 0, 1)
    made.put("water", -3, 0)
    info = made.play("Noop")
    # The published goal of Do is always the same, whatever is in front.
    assert goal(info, "Do") == "What matters most to me now is to gather wood from the tree in " + (
        "front of me."
    )
    assert "go west, nearer to the water (3 steps away)" in goal(info, "Move West")
    assert "see more of the world" in goal(info, "Move East")
    assert "have the tree in the south in front of me" in goal(
        {**info, "player_facing": (1, 0)}, "Move South"
    )


def test_every_action_has_a_goal_of_its_own() -> None:
    made = World()
    made.put("table", 1, 1)
    made.put("furnace", -1, 1)
    made.have(energy=8, **dict.fromkeys(ITEMS[4:], 9))
    info = made.look()
    assert list(options(info)) == list(ACTION_NAMES)
    goals = [goal(info, action) for action in ACTION_NAMES]
    assert len(set(goals)) == len(ACTION_NAMES)


# The parts


def test_threats_are_the_nearest_of_each_kind_and_close_lava() -> None:
    made = World()
    assert threats(made.look()) == []
    made.put("zombie", 0, -2)
    made.put("zombie", 3, 0)
    made.put("skeleton", -4, 3)
    made.put("arrow", 1, 0)
    made.put("lava", -1, 1)
    assert threats(made.look()) == [
        "Arrow, 1 step to the east",
        "Lava, 2 steps to the south-west",
        "Zombie, 2 steps to the north",
        "Skeleton, 7 steps to the south-west",
    ]


def test_what_is_said_of_threats_can_be_read_off_the_observation() -> None:
    made = World()
    made.put("zombie", -2, -1)
    made.put("zombie", 2, 1)
    info = made.look()
    (threat,) = threats(info)
    assert threat == "Zombie, 3 steps to the north-west"
    assert "- zombie 3 steps to your north-west" in smartplay(info)


def test_far_lava_and_creatures_out_of_view_are_no_threats() -> None:
    made = World()
    made.put("lava", 3, 0)
    made.put("zombie", 5, 0)
    made.put("zombie", 0, 4)
    assert threats(made.look()) == []


def test_status_and_resources() -> None:
    made = World()
    made.have(food=3, wood=2, stone_pickaxe=1)
    info = made.look()
    assert status(info) == ["Health: 9/9", "Food: 3/9", "Drink: 9/9", "Energy: 9/9"]
    assert status({**info, "sleeping": True})[-1] == "Asleep"
    assert resources(info) == ["Wood: 2", "Stone Pickaxe: 1"]


def test_a_step_into_lava_is_no_option() -> None:
    made = World()
    made.put("lava", 1, 0)
    info = made.look()
    assert "Move East" not in options(info)
    assert made.play("Move East")["dead"]


def test_a_stone_covers_water_and_lava() -> None:
    made = World()
    made.have(stone=1)
    made.put("water", 0, 1)
    info = made.look()
    assert "Place Stone" in options(info)
    assert "have ground where the water is" in goal(info, "Place Stone")


def test_an_answer_has_all_sections_in_their_order() -> None:
    made = World()
    made.put("tree", 0, 1)
    made.put("cow", 1, 0)
    made.have(energy=8, wood=1)
    assert answer(made.look(), "Do") == (
        "Current Status:\n\n"
        "* Health: 9/9\n* Food: 9/9\n* Drink: 9/9\n* Energy: 8/9\n\n"
        "Resources:\n\n* Wood: 1\n\n"
        "Threats:\n\n* There are none in view.\n\n"
        "Goal:\nWhat matters most to me now is to gather wood from the tree in front of me.\n\n"
        "Action Options:\n\n"
        "0. Noop: wait for a step.\n"
        "1. Move West: step onto the grass in the west.\n"
        "2. Move East: turn to the cow in the east, which blocks the way.\n"
        "3. Move North: step onto the grass in the north.\n"
        "4. Do: cut wood from the tree.\n"
        "5. Sleep: rest; the energy is 8/9.\n\n"
        'Action Choice:\n"Do"'
    )


@pytest.mark.parametrize("parser", [ActionParser, CrafterGPTParser])
def test_the_choice_of_an_answer_is_read(parser: Any) -> None:
    made = World()
    made.put("table", 1, 1)
    made.put("furnace", -1, 1)
    made.have(energy=8, **dict.fromkeys(ITEMS[4:], 9))
    info = made.look()
    read = parser(ACTION_NAMES)
    for number, action in enumerate(ACTION_NAMES):
        said = read.parse(answer(info, action))
        assert (said.action, said.stage) == (number, "quoted")
    assert SmartPlayParser(ACTION_NAMES).parse(answer(info, "Do")).action == 0  # the first named


def test_an_action_that_does_nothing_has_no_answer() -> None:
    info = World().look()
    with pytest.raises(ValueError, match="expected an action that does something now, one of Noop"):
        answer(info, "Place Table")
