"""An answer of CrafterGPT's form to a state and an action: status to choice, pure functions.

Every function reads an ``info`` mapping as :mod:`textenvs.captioners.crafter` describes it. What is
possible is read off the cells of the map, by the rules of crafter 1.8.3; what is said of threats
and of things to go to is what the caption of style smartplay tells as well, the nearest of a kind,
so that an answer can be read off its prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textenvs.captioners.crafter_view import (
    NAMES,
    PLAYER,
    VITALS,
    Info,
    carried_items,
    sorted_by_distance,
    view_of,
)
from textenvs.envs.crafter.tasks import ACTION_NAMES

__all__ = [
    "CRAFTING",
    "FULL",
    "MOVES",
    "PLACING",
    "TOOL_FOR",
    "answer",
    "goal",
    "must_sleep",
    "nearby",
    "options",
    "resources",
    "seen_at",
    "status",
    "threats",
]

FULL = 9
"""How much of a vital or of an item there can be."""

MOVES = {
    "Move West": (-1, 0),
    "Move East": (1, 0),
    "Move North": (0, -1),
    "Move South": (0, 1),
}

_GROUND = ("grass", "sand", "path")

TOOL_FOR = {
    "tree": None,
    "water": None,
    "grass": None,
    "stone": "wood_pickaxe",
    "coal": "wood_pickaxe",
    "iron": "stone_pickaxe",
    "diamond": "iron_pickaxe",
}
"""What can be collected, and the tool that it takes."""


class _Placing(NamedTuple):
    item: str
    amount: int
    where: tuple[str, ...]


PLACING = {
    "Place Stone": _Placing("stone", 1, (*_GROUND, "water", "lava")),
    "Place Table": _Placing("wood", 2, _GROUND),
    "Place Furnace": _Placing("stone", 4, _GROUND),
    "Place Plant": _Placing("sapling", 1, ("grass",)),
}
"""What placing takes, and on what it can be placed."""

_COSTS = {
    "Wood": {"wood": 1},
    "Stone": {"wood": 1, "stone": 1},
    "Iron": {"wood": 1, "coal": 1, "iron": 1},
}
_STATIONS = {"Wood": ("table",), "Stone": ("table",), "Iron": ("table", "furnace")}
CRAFTING: dict[str, tuple[Mapping[str, int], tuple[str, ...]]] = {
    f"Make {material} {tool}": (_COSTS[material], _STATIONS[material])
    for tool in ("Pickaxe", "Sword")
    for material in _COSTS
}
"""What making takes: the materials, and what must be among the 3x3 cells around the player."""

_DANGERS = ("zombie", "skeleton", "arrow")
_LAVA_IS_NEAR = 2  # steps
_MOST_NAMED = 2  # things that a step leads to

_DOING = {
    "water": "drink of the water",
    "tree": "cut wood from the tree",
    "grass": "look for a sapling in the grass, which one try in ten finds",
    "stone": "break the stone",
    "coal": "dig out the coal",
    "iron": "dig out the iron",
    "diamond": "dig out the diamond",
    "cow": "hit the cow to eat it",
    "zombie": "hit the zombie",
    "skeleton": "hit the skeleton",
    "plant": "eat the plant, if it is ripe",
}
_AIMS_OF_DOING = {
    "water": "drink of the water in front of me",
    "tree": "gather wood from the tree in front of me",
    "grass": "find a sapling in the grass in front of me",
    "stone": "get the stone in front of me",
    "coal": "get the coal in front of me",
    "iron": "get the iron in front of me",
    "diamond": "get the diamond in front of me",
    "cow": "eat the cow in front of me",
    "zombie": "defeat the zombie in front of me",
    "skeleton": "defeat the skeleton in front of me",
    "plant": "eat the plant in front of me",
}
_AIMS = {
    "Noop": "stay where I am for a step and see what comes",
    "Sleep": "sleep until my energy is full again",
    "Place Table": "have a table, at which tools are made",
    "Place Furnace": "have a furnace, without which there are no iron tools",
    "Place Plant": "grow a plant, which is food once it is ripe",
    "Make Wood Pickaxe": "have a wood pickaxe, which breaks stone and coal",
    "Make Stone Pickaxe": "have a stone pickaxe, which breaks iron",
    "Make Iron Pickaxe": "have an iron pickaxe, which breaks diamonds",
    "Make Wood Sword": "have a wood sword, so that I hit harder",
    "Make Stone Sword": "have a stone sword, so that I hit harder than with wood",
    "Make Iron Sword": "have an iron sword, so that I hit as hard as anything can",
}


class _Seen(NamedTuple):
    name: str
    dx: int
    dy: int

    @property
    def steps(self) -> int:
        return abs(self.dx) + abs(self.dy)


def seen_at(info: Info, dx: int, dy: int) -> str | None:
    """The name of what is so far from the player; None beyond the edge of the world."""
    semantic = info["semantic"]
    x, y = int(info["player_pos"][0]) + dx, int(info["player_pos"][1]) + dy
    width, height = semantic.shape
    return NAMES[semantic[x, y]] if 0 <= x < width and 0 <= y < height else None


def _faced(info: Info) -> str | None:
    return seen_at(info, *_facing(info))


def _facing(info: Info) -> tuple[int, int]:
    dx, dy = info["player_facing"]
    return int(dx), int(dy)


def nearby(info: Info) -> set[str]:
    """What is among the 3x3 cells around the player, diagonals included.

    In the first column or row of the world nothing is near to crafter: its slice is empty there.
    """
    x, y = int(info["player_pos"][0]), int(info["player_pos"][1])
    if x < 1 or y < 1:
        return set()
    around = info["semantic"][x - 1 : x + 2, y - 1 : y + 2]
    return {NAMES[kind] for kind in set(around.ravel().tolist())}


def must_sleep(info: Info) -> bool:
    """Whether the player sleeps on, whatever is chosen."""
    return bool(info["sleeping"]) and info["inventory"]["energy"] < FULL


def options(info: Info) -> dict[str, str]:
    """What can be done now, with its reason: the actions that do something, in the game's order.

    A move into what blocks the way is among them where it turns the player; one into lava, which
    kills, is not. Asleep there is nothing but to sleep on.
    """
    if must_sleep(info):
        return {"Sleep": "sleep on; until the energy is full, nothing else can be done."}
    found = {"Noop": "wait for a step."}
    for action, step in MOVES.items():
        reason = _reason_to_move(info, action, step)
        if reason:
            found[action] = reason
    faced, inventory = _faced(info), info["inventory"]
    if _can_do(faced, inventory):
        found["Do"] = f"{_DOING[str(faced)]}{_need_of(faced, inventory)}."
    if inventory["energy"] < FULL:
        found["Sleep"] = f"rest; the energy is {inventory['energy']}/{FULL}."
    for action, placing in PLACING.items():
        if faced in placing.where and inventory[placing.item] >= placing.amount:
            found[action] = (
                f"put it on the {faced} in front; it takes {placing.amount} {placing.item}, and I "
                f"have {inventory[placing.item]}."
            )
    near = nearby(info)
    for action, (costs, stations) in CRAFTING.items():
        if near.issuperset(stations) and all(inventory[name] >= n for name, n in costs.items()):
            takes = _and([f"{n} {name}" for name, n in costs.items()])
            there = "are" if len(stations) > 1 else "is"
            found[action] = f"the {_and(stations)} {there} beside me, and I have {takes}."
    return {action: found[action] for action in ACTION_NAMES if action in found}


def _reason_to_move(info: Info, action: str, step: tuple[int, int]) -> str:
    target, where = seen_at(info, *step), _word(action)
    if target in _GROUND:
        return f"step onto the {target} in the {where}."
    if target == "lava" or step == _facing(info):
        return ""
    if target is None:
        return f"turn to the {where}, where the world ends."
    return f"turn to the {target} in the {where}, which blocks the way."


def _word(action: str) -> str:
    return action.removeprefix("Move ").lower()


def _can_do(faced: str | None, inventory: Mapping[str, int]) -> bool:
    tool = TOOL_FOR.get(str(faced))
    return faced in _DOING and (tool is None or inventory[tool] > 0)


def _need_of(faced: str | None, inventory: Mapping[str, int]) -> str:
    vital = {"water": "drink", "cow": "food", "plant": "food"}.get(str(faced))
    return f"; the {vital} is {inventory[vital]}/{FULL}" if vital else ""


def _and(words: list[str] | tuple[str, ...]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def status(info: Info) -> list[str]:
    """The four vitals, and whether the player sleeps."""
    lines = [f"{name.capitalize()}: {info['inventory'][name]}/{FULL}" for name in VITALS]
    return [*lines, "Asleep"] if info["sleeping"] else lines


def resources(info: Info) -> list[str]:
    """What is carried."""
    return [f"{name.replace('_', ' ').title()}: {n}" for name, n in carried_items(info)]


def threats(info: Info) -> list[str]:
    """The nearest zombie, skeleton and arrow in view, and lava that is close."""
    return [
        f"{thing.name.capitalize()}, {_steps(thing.steps)} to the {_direction(thing)}"
        for thing in _nearest(info)
        if thing.name in _DANGERS or (thing.name == "lava" and thing.steps <= _LAVA_IS_NEAR)
    ]


def _nearest(info: Info) -> list[_Seen]:
    """The nearest of each kind in view, from near to far."""
    window = view_of(info, blind_at_edges=False)
    assert window is not None  # it is None for the blind only
    near, offsets = sorted_by_distance(window)
    return [_Seen(NAMES[k], *offsets[near.find(k)]) for k in dict.fromkeys(near) if k != PLAYER]


def _steps(n: int) -> str:
    return f"{n} step" if n == 1 else f"{n} steps"


def _direction(thing: _Seen) -> str:
    north_south = "north" if thing.dy < 0 else "south" if thing.dy > 0 else ""
    west_east = "west" if thing.dx < 0 else "east" if thing.dx > 0 else ""
    return "-".join(filter(None, (north_south, west_east)))


def goal(info: Info, action: str) -> str:
    """What an action is good for in this state, as a sentence.

    Raises:
        ValueError: if it is none of :func:`options`.
    """
    _check(info, action)
    if action in MOVES:
        aim = _aim_of_move(info, action)
    elif action == "Do":
        aim = _AIMS_OF_DOING[str(_faced(info))]
    elif action == "Place Stone":
        faced = _faced(info)
        crossing = faced in ("water", "lava")
        aim = f"have ground where the {faced} is" if crossing else "have a stone in front of me"
    else:
        aim = _AIMS[action]
    return f"What matters most to me now is to {aim}."


def _aim_of_move(info: Info, action: str) -> str:
    dx, dy = MOVES[action]
    target, where = seen_at(info, dx, dy), _word(action)
    if target is None:
        return f"turn to the {where}"
    if target not in _GROUND:
        return f"have the {target} in the {where} in front of me"
    aside = (*_GROUND, "None", "lava", "arrow")
    ahead = [
        thing
        for thing in _nearest(info)
        if thing.dx * dx + thing.dy * dy > 0 and thing.name not in aside
    ][:_MOST_NAMED]
    if not ahead:
        return f"go {where} and see more of the world"
    named = _and([f"the {thing.name} ({_steps(thing.steps)} away)" for thing in ahead])
    return f"go {where}, nearer to {named}"


def _check(info: Info, action: str) -> None:
    possible = options(info)
    if action not in possible:
        raise ValueError(
            f"expected an action that does something now, one of {', '.join(possible)}, got "
            f"{action!r}"
        )


def answer(info: Info, action: str) -> str:
    """An answer that chooses an action: all of CrafterGPT's sections in their order.

    Args:
        info: the state.
        action: what is chosen, one of :func:`options`.

    Raises:
        ValueError: if it is none of them.
    """
    numbered = [f"{n}. {name}: {why}" for n, (name, why) in enumerate(options(info).items())]
    return "\n\n".join(
        (
            f"Current Status:\n\n{_list(status(info), '')}",
            f"Resources:\n\n{_list(resources(info), 'Nothing is carried.')}",
            f"Threats:\n\n{_list(threats(info), 'There are none in view.')}",
            f"Goal:\n{goal(info, action)}",
            "Action Options:\n\n" + "\n".join(numbered),
            f'Action Choice:\n"{action}"',
        )
    )


def _list(lines: list[str], nothing: str) -> str:
    return "\n".join(f"* {line}" for line in lines or [nothing])
