"""Crafter's rules as tables and sentences, which its prompts are made from.

The numbers are those of crafter 1.8.3, ``data.yaml`` and ``objects.py``.
"""

from __future__ import annotations

__all__ = ["ACHIEVEMENTS", "ACTIONS", "DEEDS", "RULES"]

ACTIONS = {
    "Noop": "nothing",
    "Move West": "flat ground (grass, sand or path) to the west",
    "Move East": "flat ground (grass, sand or path) to the east",
    "Move North": "flat ground (grass, sand or path) to the north",
    "Move South": "flat ground (grass, sand or path) to the south",
    "Do": "something usable in front of the player: a material, with the tool that it needs, "
    "water, a ripe plant or a creature",
    "Sleep": "an energy below its maximum",
    "Place Stone": "1 stone in the inventory",
    "Place Table": "2 wood in the inventory",
    "Place Furnace": "4 stones in the inventory",
    "Place Plant": "1 sapling in the inventory and grass in front",
    "Make Wood Pickaxe": "a table nearby and 1 wood",
    "Make Stone Pickaxe": "a table nearby, 1 wood and 1 stone",
    "Make Iron Pickaxe": "a table and a furnace nearby, 1 wood, 1 coal and 1 iron",
    "Make Wood Sword": "a table nearby and 1 wood",
    "Make Stone Sword": "a table nearby, 1 wood and 1 stone",
    "Make Iron Sword": "a table and a furnace nearby, 1 wood, 1 coal and 1 iron",
}
"""Action -> what it requires, in the game's order."""

ACHIEVEMENTS = {
    "Collect Wood": "a tree in front; no tool is needed",
    "Place Table": "2 wood",
    "Eat Cow": "a cow in front, hit until it is eaten",
    "Collect Sapling": "grass in front; one try in ten succeeds",
    "Collect Drink": "water in front",
    "Make Wood Pickaxe": "a table nearby and 1 wood",
    "Make Wood Sword": "a table nearby and 1 wood",
    "Place Plant": "a sapling, and grass in front",
    "Defeat Zombie": "a zombie in front, hit until it falls",
    "Collect Stone": "a wood pickaxe",
    "Place Stone": "1 stone",
    "Eat Plant": "a sapling that was placed and left to ripen",
    "Defeat Skeleton": "a skeleton in front, hit until it falls; they live in caves",
    "Make Stone Pickaxe": "a table nearby, 1 wood and 1 stone",
    "Make Stone Sword": "a table nearby, 1 wood and 1 stone",
    "Wake Up": "a sleep that lasts until the energy is full",
    "Place Furnace": "4 stones",
    "Collect Coal": "a wood pickaxe",
    "Collect Iron": "a stone pickaxe",
    "Make Iron Pickaxe": "a table and a furnace nearby, 1 wood, 1 coal and 1 iron",
    "Make Iron Sword": "a table and a furnace nearby, 1 wood, 1 coal and 1 iron",
    "Collect Diamond": "an iron pickaxe",
}
"""Achievement -> what it requires, in the order in which BALROG lists them."""

_PLACING = {
    "stone": "lay 1 stone in front of you, on grass, sand, path, water or lava",
    "table": "put a table in front of you (2 wood)",
    "furnace": "put a furnace in front of you (4 stones)",
    "plant": "plant a sapling on the grass in front of you",
}
_TOOLS = {
    f"Make {material} {tool}": f"craft it at a table{furnace} ({costs})"
    for tool in ("Pickaxe", "Sword")
    for material, furnace, costs in (
        ("Wood", "", "1 wood"),
        ("Stone", "", "1 wood, 1 stone"),
        ("Iron", " and a furnace", "1 wood, 1 coal, 1 iron"),
    )
}

DEEDS = {
    "Noop": "wait for one step",
    **{
        f"Move {direction}": f"turn {direction.lower()}, and step there if the way is free"
        for direction in ("West", "East", "North", "South")
    },
    "Do": "use what you face: collect it, drink it, eat it or hit it",
    "Sleep": "sleep, if your energy is below 9",
    **{f"Place {name.capitalize()}": deed for name, deed in _PLACING.items()},
    **_TOOLS,
    # The twenty of background-knowledge-rl, of which four do what Do does.
    "do nothing": "wait for one step",
    **{
        f"move {word}": f"turn {direction} ({word}), and step there if the way is free"
        for word, direction in (
            *(("left", "west"), ("right", "east")),
            *(("up", "north"), ("down", "south")),
        )
    },
    **{
        word: "use what you face (eat, drink, attack and collect all do the same)"
        for word in ("eat", "drink", "attack", "collect")
    },
    "sleep": "sleep, if your energy is below 9",
    "place crafting table": _PLACING["table"],
    **{f"place {name}": _PLACING[name] for name in ("stone", "furnace", "plant")},
    **{name.lower(): deed for name, deed in _TOOLS.items()},
}
"""Action -> what it does, in any of the names that our ids have."""

_GOALS = "\n".join(f"- {name}: {needs}" for name, needs in ACHIEVEMENTS.items())

RULES = f"""\
You play Crafter, a survival game on a map of square cells. Unlock as many achievements as you \
can, each counts once, and stay alive: at health 0 the game is over.
The achievements and what they take:
{_GOALS}
"Nearby" means in one of the eight cells around you. What you place comes to the cell you face. \
You carry at most 9 of a kind.
Needs: food, drink and energy fall with time. While one of them is 0 your health falls; while none \
is, it comes back slowly. A cow gives 6 food, a ripe plant 4, water 1 drink at a time. Asleep you \
cannot act until the energy is full or something hurts you.
Dangers: zombies walk on grass and hit for 2, for 7 while you sleep, so wall yourself in with \
stones before you sleep. Skeletons shoot arrows in dark caves. Walking into lava kills at once.
Cows and skeletons have 3 health, zombies 5; a better sword takes more of it at a blow. A sapling \
ripens in a little more than 300 steps, while you are within 17 steps of it; an unripe one gives \
nothing, and a creature that stands beside it can destroy it."""
"""What is true of the game, in short."""
