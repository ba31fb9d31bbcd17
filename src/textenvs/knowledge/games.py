"""What is said of each game, and what code is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textenvs.errors import choose

__all__ = ["GAMES", "INVENTORY", "Game", "game_of", "game_seen"]

INVENTORY = (
    *("health", "food", "drink", "energy", "sapling", "wood", "stone", "coal", "iron", "diamond"),
    *("wood_pickaxe", "stone_pickaxe", "iron_pickaxe", "wood_sword", "stone_sword", "iron_sword"),
)
"""What the entries of Crafter's ``inventory`` are called, in its order."""


@dataclass(frozen=True)
class Game:
    """What a language model is told of a game.

    Attributes:
        name: a key of :data:`GAMES`.
        families: how the ids begin whose games these are.
        style: the caption that is shown, which does not tell the mission.
        description: the rules, in words.
        encoding: what code is given, in words.
        arrays: keys of the observation that code is given.
        inventory: what the entries of ``inventory`` are called, if there is one.
    """

    name: str
    families: tuple[str, ...]
    style: str
    description: str
    encoding: str
    arrays: tuple[str, ...]
    inventory: tuple[str, ...] = ()


_MINIGRID = """\
The player stands in a room of square cells with walls around it and sees the 7 x 7 cells ahead \
of it: three to the left, three to the right and six in front, nothing behind. Balls, boxes and \
keys of six colours (red, green, blue, purple, yellow, grey) lie about, and there may be doors, \
which are open, closed, or locked and want a key of their colour. What is told is seen from where \
the player stands: forward is where it looks, left and right are beside it.

A step is one action: {actions}. Turning changes the direction by 90 degrees and nothing else. \
Going forward moves by one cell, unless an object or a wall is there. Picking up takes what lies \
in the cell right in front, if nothing is carried; dropping puts it there, if it is empty; \
toggling opens or closes the door or the box there. Everything else changes nothing.

In every episode there is a task which is not known here: to go to some object (to stand right in \
front of it and look at it), to pick one up, to do so with several in an order. It is over after \
a few hundred steps, and the sooner the better."""

_CRAFTER = """\
The player lives in a large two-dimensional world, seen from above, of which the 9 x 7 cells \
around it are told: left, right, up and down are directions of the map. There are grass, sand, \
paths, trees, water, stone, lava (deadly), coal, iron and diamonds; cows to eat, and zombies (on \
grass, more in the dark) and skeletons (in caves, with arrows) that do harm.

Health, food, drink and energy are between 0 and 9. Food, drink and energy fall with time; health \
falls while one of them is 0 or when something hits, and comes back while none is. At health 0 \
the episode ends. Eating a cow, drinking water and sleeping restore them. Sleeping lasts until \
the energy is full or something attacks.

A step is one action: {actions}. A move turns the player in its direction, and moves it there if \
the cell is free. Eat, drink, attack and collect all do the same: they use what is in the cell \
that is faced. A tree gives wood; water is drunk; a cow is eaten; grass gives a sapling now and \
then; stone and coal want a wood pickaxe, iron a stone pickaxe, diamonds an iron pickaxe. A \
crafting table costs 2 wood, a furnace 4 stones (near a table), a plant a sapling (on grass), a \
stone can be laid down. Near a table: a wood pickaxe or sword for 1 wood; one of stone for 1 wood \
and 1 stone; one of iron for 1 wood, 1 coal and 1 iron, with a furnace near too.

In every episode there is a task which is not known here: to reach some of those things for the \
first time (a drink, a meal, wood, a table, tools, ores, a fight won)."""

_MINIGRID_ENCODING = """\
An observation is a numpy array of integers of shape (7, 7, 3), indexed [x, y, channel]. x runs \
from 0 (left) to 6 (right), y from 0 (farthest) to 6 (nearest); the player is at x = 3, y = 6 and \
looks towards smaller y, so that the cell right in front of it is [3, 5].
Channel 0, what is there: 0 not visible, 1 empty, 2 wall, 3 floor, 4 door, 5 key, 6 ball, 7 box, \
8 goal, 9 lava. Channel 1, its colour: 0 red, 1 green, 2 blue, 3 purple, 4 yellow, 5 grey. \
Channel 2, of a door: 0 open, 1 closed, 2 locked; else 0.
The cell [3, 6] shows what is carried: its kind and colour, or 1 for nothing.
`past_observations` has shape (5, 7, 7, 3): the five observations before this one, the oldest \
first. `past_actions` has shape (5,): the action taken at each of them, the last one leading to \
`observation`. Actions: {numbered}. Before the first step of an episode the past is filled with \
its first observation, and with -1 for the actions."""

_CRAFTER_ENCODING = """\
An observation is a dict:
`local_view`: a numpy array of integers of shape (9, 7), indexed [x, y], x from left to right, y \
from top to bottom, the player at [4, 3]. 0 beyond the map, 1 water, 2 grass, 3 stone, 4 path, 5 \
sand, 6 tree, 7 lava, 8 coal, 9 iron, 10 diamond, 11 table, 12 furnace, 13 the player, 14 cow, 15 \
zombie, 16 skeleton, 17 arrow, 18 plant.
`inventory`: a dict of counts from 0 to 9 with the keys {inventory}.
`facing`: a pair (dx, dy), (0, 1) is down; the cell that is faced is [4 + dx, 3 + dy].
`sleeping`: True or False. `daylight`: from 0 (night) to 1.
`past_observations` is a list of the five observations before this one, the oldest first. \
`past_actions` is a numpy array of shape (5,): the action taken at each of them, the last one \
leading to `observation`. Actions: {numbered}. Before the first step of an episode the past is \
filled with its first observation, and with -1 for the actions."""

GAMES: Mapping[str, Game] = {
    "minigrid": Game(
        "minigrid",
        ("BabyAI-Text-", "MiniGrid-Text-"),
        "background_knowledge",
        _MINIGRID,
        _MINIGRID_ENCODING,
        ("image",),
    ),
    "crafter": Game(
        "crafter",
        ("Crafter-Text-",),
        "background_knowledge",
        _CRAFTER,
        _CRAFTER_ENCODING,
        ("local_view", "inventory", "facing", "sleeping", "daylight"),
        INVENTORY,
    ),
}
"""The games of which knowledge can be asked for."""


def game_of(env_id: str) -> Game:
    """The game that an id is of.

    Raises:
        UnknownName: if it is none of :data:`GAMES`.
    """
    for game in GAMES.values():
        if env_id.startswith(game.families):
            return game
    families = [family.rstrip("-") for game in GAMES.values() for family in game.families]
    choose("game", env_id, [f"{family}-..." for family in families])
    raise AssertionError("unreachable")


def game_seen(observation_space: Any) -> str | None:
    """The name of the game whose arrays are observed; None where they are not.

    Args:
        observation_space: of an environment.
    """
    seen = set(getattr(observation_space, "keys", tuple)())
    return next((game.name for game in GAMES.values() if set(game.arrays) <= seen), None)
