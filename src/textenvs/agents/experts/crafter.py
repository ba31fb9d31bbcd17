"""A scripted expert for Crafter that sees no more than the default caption tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from textenvs.agents.experts.crafter_reading import FREE, SIDES, STEPS, Reading, read
from textenvs.agents.experts.crafter_recollection import (
    CrafterRecollection,
    Facts,
    Place,
    Plant,
    describe,
)
from textenvs.agents.experts.expert import Decision, Expert

__all__ = ["CrafterExpert"]

_OPPOSITE = {"north": "south", "east": "west", "south": "north", "west": "east"}
_TOOL = {
    "tree": None,
    "stone": "wood pickaxe",
    "coal": "wood pickaxe",
    "iron": "stone pickaxe",
    "diamond": "iron pickaxe",
}
"""What can be taken, and the tool that it takes."""
_CREATURES = {"cow": 3.0, "zombie": 2.0, "skeleton": 1.0}
_TURNED_BACK = 2.0  # a place where one was lately counts for so many steps


@dataclass(frozen=True)
class Scene:
    """What a decision is made from."""

    now: Reading
    facts: Facts
    thought: str

    def place(self, kind: str) -> Place | None:
        """The nearest place of a kind, in view or remembered."""
        return self.now.nearest.get(kind) or self.facts.seen.get(kind)

    def steps(self, kind: str) -> int:
        """How far that is; far for what is not known."""
        place = self.place(kind)
        return 99 if place is None else abs(place[0]) + abs(place[1])

    def seen_steps(self, kind: str) -> int:
        """How far the nearest in view is."""
        dx, dy = self.now.nearest.get(kind, (99, 0))
        return abs(dx) + abs(dy)

    def todo(self, name: str) -> bool:
        """Whether something was not achieved yet."""
        return name in self.facts.todo

    def has(self, *items: str) -> bool:
        """Whether all of these are carried."""
        return all(map(self.now.count, items))


Rule = Callable[[Scene], Decision | None]


def _can_take(now: Reading, kind: str) -> bool:
    if kind not in _TOOL:
        return False
    tool = _TOOL[kind]
    return tool is None or now.count(tool) > 0


def _cost(now: Reading, side: str) -> float | None:
    """What it costs to pass, in steps; None where one cannot."""
    thing = now.sides[side]
    if thing in FREE:
        return 0.0
    if _can_take(now, thing):
        return 1.0
    if thing == "water" and now.count("stone") and now.count("wood pickaxe"):
        return WATER
    if thing in _CREATURES:
        return _CREATURES[thing]
    return 1.0 if thing == "arrow" else None


def _toward(place: Place) -> list[str]:
    """The sides, the one that leads to a place best first."""
    dx, dy = place
    vertical = ["south", "north"] if dy > 0 else ["north", "south"]
    horizontal = ["east", "west"] if dx > 0 else ["west", "east"]
    first, second = (vertical, horizontal) if abs(dy) > abs(dx) else (horizontal, vertical)
    return [first[0], second[0], second[1], first[1]]


def _step(scene: Scene, place: Place) -> str | None:
    """The side to go to on the way to a place: nearer, free, and not where one has just been."""
    best, least = None, float("inf")
    for side in _toward(place):
        cost = _cost(scene.now, side)
        if cost is None:
            continue
        dx, dy = STEPS[side]
        after = abs(place[0] - dx) + abs(place[1] - dy)
        score = after + cost + _TURNED_BACK * scene.facts.been.get(side, 0)
        if scene.thought.endswith(side):
            score -= 0.5
        if AVOID or Z:
            for kind, x, y in scene.now.things:
                if kind == "skeleton" and (x == dx or y == dy) and abs(x - dx) + abs(y - dy) <= 5:
                    score += AVOID
                if kind == "zombie" and abs(x - dx) + abs(y - dy) <= 2:
                    score += Z
        if score < least:
            best, least = side, score
    return best


def _pass(now: Reading, side: str) -> str:
    """The action that goes to a side, or clears the way."""
    thing = now.sides[side]
    if thing in FREE or now.facing != side:
        return _move(side)
    if thing == "water":
        return "Place Stone"
    return "Noop" if thing == "arrow" else "Do"


def _move(side: str) -> str:
    return f"Move {side.capitalize()}"


def _side_of(place: Place) -> str | None:
    """The side that a place beside the player is on."""
    for side, step in STEPS.items():
        if step == place:
            return side
    return None


def _use(scene: Scene, goal: str, kind: str, place: Place) -> Decision | None:
    """Go to a place, face it and use what is there."""
    side = _side_of(place)
    if side is not None:
        action = "Do" if scene.now.facing == side else _move(side)
    else:
        side = _step(scene, place)
        if side is None:
            return None
        action = _pass(scene.now, side)
    return Decision(f"{goal}: {kind} {describe(place)}, {side}", action)


def _go(scene: Scene, goal: str, place: Place) -> Decision | None:
    """Go to a place."""
    side = _step(scene, place)
    if side is None:
        return None
    return Decision(f"{goal}: {describe(place)}, {side}", _pass(scene.now, side))


def _get(scene: Scene, goal: str, kind: str, within: int = 98) -> Decision | None:
    place = scene.place(kind)
    if place is None or scene.steps(kind) > within:
        return None
    return _use(scene, goal, kind, place)


# The rules, in their order.


def _sleep_on(scene: Scene) -> Decision | None:
    if not scene.now.asleep:
        return None
    match = _SHELTER.search(scene.thought)
    return Decision(f"{match[0]}: rest" if match else "sleep", "Sleep")


def _fight(scene: Scene) -> Decision | None:
    now = scene.now
    for kind in ("zombie", "skeleton"):
        sides = [side for side in SIDES if now.sides[side] == kind]
        if sides:
            side = now.facing if now.facing in sides else sides[0]
            action = "Do" if side == now.facing else _move(side)
            match = _SHELTER.search(scene.thought)
            kept = f", {match[0]}" if match else ""
            return Decision(f"fight: {kind} {side}{kept}", action)
    return None


def _shield(scene: Scene) -> Decision | None:
    """Put a stone between oneself and what shoots."""
    now = scene.now
    if now.health > SHIELD_HEALTH or not now.count("stone") or now.front not in FREE:
        return None
    sx, sy = STEPS[now.facing]
    for kind, dx, dy in now.things:
        if kind in ("skeleton", "arrow") and dx * sy == dy * sx and dx * sx + dy * sy > 1:
            return Decision(f"shield: {kind} {now.facing}", "Place Stone")
    return None


SHIELD_HEALTH = 0
HUNT = 5
EAT = 0
DRINK = 0
EXPLORE_FOOD = 5
AVOID = 0.0
Z = 0.0
NEED = 8


def _survive(scene: Scene) -> Decision | None:
    """Drink and eat when it is urgent."""
    now = scene.now
    if _SHELTER.search(scene.thought) and now.night and (now.health > 3 or now.food and now.drink):
        return None
    if now.drink <= 2:
        return _drink(scene)
    return _eat(scene) if now.food <= 2 else None


def _drink(scene: Scene) -> Decision | None:
    drink = scene.now.drink - (1 if scene.facts.night else 0) - DRINK
    if scene.now.drink == 9 and not scene.todo("drink"):
        return None
    beside = scene.seen_steps("water") == 1
    limit = 98 if drink <= 3 else 20 if drink <= 5 else 5 if drink <= 7 else 0
    if beside and scene.now.drink < 9 and (scene.thought.startswith("drink") or drink <= 7):
        limit = 1
    if scene.todo("drink"):
        limit = max(limit, 8)
    found = _get(scene, "drink", "water", limit)
    if found is None and scene.now.drink <= 3:
        return _explore(scene, "drink")
    return found


def _eat(scene: Scene) -> Decision | None:
    now = scene.now
    food = now.food - (1 if scene.facts.night else 0) - EAT
    limit = 98 if food <= 4 else 25 if food <= 5 else 8 if food <= 6 else 0
    if scene.todo("cow") and food <= 7:
        limit = max(limit, 8)
    plant = scene.facts.plant
    ripe = now.nearest.get("ripe plant")
    if ripe is not None and (food <= 6 or scene.todo("fruit")):
        return _use(scene, "fruit", "ripe plant", ripe)
    if plant is not None and plant.ripe:
        return _use(scene, "fruit", "ripe plant", plant.place)
    found = _get(scene, "eat", "cow", limit)
    if found is None and now.food <= EXPLORE_FOOD and not now.night:
        return _explore(scene, "eat")
    return found


def _nap(scene: Scene) -> Decision | None:
    """Sleep for the first time, in the open, by day."""
    now = scene.now
    safe = not now.night and now.health >= 5 and not {"zombie", "skeleton"} & now.nearest.keys()
    if scene.todo("sleep") and now.energy < 9 and safe:
        return Decision("sleep", "Sleep")
    return None


def _shelter(scene: Scene) -> Decision | None:
    """Wall in a square of four cells and stay there, asleep if possible.

    One walks round the square and back, and places a stone wherever one comes to face an open
    cell outside of it. The thought tells which square it is (where it lies from the cell in which
    one began) and how many of the eight steps are done.
    """
    now = scene.now
    match = _SHELTER.search(scene.thought)
    exposed = bool(now.nearest.keys() & {"grass", "zombie"})
    if match is not None and not _is_rested(now, exposed):
        return _wall_in(scene, match[1], match[2], int(match[3]) % 8, int(match[4]))
    tired = now.energy <= (NIGHT_ENERGY if now.night else DAY_ENERGY)
    weak = now.health <= (WEAK_NIGHT if now.night else WEAK_DAY)
    if not (tired or weak):
        return None
    if not scene.has("wood pickaxe"):
        return None
    if now.count("stone") < NEED:
        found = _get(scene, "stone", "stone", 20)
        if found is not None or now.count("stone") < 6:
            return found
    return _wall_in(scene, *_square(now), 0, 8)


STOCK = 20
NIGHT_ENERGY, DAY_ENERGY, WEAK_NIGHT, WEAK_DAY, OUT = 4, 2, 5, 5, 8
WATER = 3.0


def _is_rested(now: Reading, exposed: bool) -> bool:
    if now.energy < 9:
        return False
    return now.health >= (OUT if now.night and exposed else 5)


_SHELTER = re.compile(r"shelter (east|west) (north|south) (\d), (\d) left")


def _square(now: Reading) -> tuple[str, str]:
    """Where a shelter is best dug: into the rock, which needs no walls."""
    h = min(("east", "west"), key=lambda side: _openness(now, side))
    v = min(("south", "north"), key=lambda side: _openness(now, side))
    return h, v


def _openness(now: Reading, side: str) -> int:
    if _cost(now, side) is None:
        return 3
    thing = now.sides[side]
    return 2 if thing == "water" else 1 if thing in FREE else 0


def _wall_in(scene: Scene, h: str, v: str, corner: int, left: int) -> Decision | None:
    """Go on walling in; the square lies to the sides h and v of the cell where one began."""
    now = scene.now
    i, j = _OPPOSITE[h], _OPPOSITE[v]
    way = (h, v, i, j, v, h, j, i)[corner]
    outside = ((i, j), (h, j), (h, v), (i, v), (i, j), (i, v), (h, v), (h, j))[corner]
    square = f"shelter {h} {v}"
    if scene.thought.startswith("fight"):
        left = 8
    goal = f"{square} {corner}, {left} left"
    if now.facing in outside:
        if now.front in FREE and now.count("stone"):
            return Decision(f"{goal}: wall {now.facing}", "Place Stone")
        if now.front == "arrow":
            return Decision(f"{goal}: wait", "Noop")
    if not left:
        if any(now.sides[side] in FREE for side in outside):
            return _get(scene, "stone", "stone", 20)
        return Decision(f"{goal}: rest", "Sleep" if now.energy < 9 else "Noop")
    if now.sides[way] in FREE:
        return Decision(f"{square} {(corner + 1) % 8}, {left - 1} left: go {way}", _move(way))
    if _cost(now, way) is None:
        h, v = _square(now)
        return Decision(f"shelter {h} {v} 0, 8 left: elsewhere", "Noop")
    return Decision(f"{goal}: clear {way}", _pass(now, way))


def _stock(scene: Scene) -> Decision | None:
    """Have enough stones before the night."""
    if (
        0 < scene.facts.night <= STOCK
        and scene.has("wood pickaxe")
        and scene.now.count("stone") < 9
    ):
        return _get(scene, "stone", "stone", 20)
    return None


def _sapling(scene: Scene) -> Decision | None:
    """Get a sapling from the grass, and plant it."""
    now = scene.now
    if scene.has("sapling") and (scene.todo("plant")):
        if now.front == "grass":
            return Decision(f"plant: grass {now.facing}", "Place Plant")
        return _get(scene, "plant", "grass", 5)
    if scene.todo("sapling") and now.front == "grass":
        return Decision(f"sapling: grass {now.facing}", "Do")
    return None


def _garden(scene: Scene) -> Decision | None:
    """Plant a sapling and put stones on its four sides."""
    now, plant = scene.now, scene.facts.plant
    if not scene.todo("fruit") or not scene.has("stone pickaxe") or now.night:
        return None
    if plant is not None:
        if not plant.open:
            return None
        if not now.count("stone"):
            return _get(scene, "stone", "stone", 15)
        return _fence(scene, plant)
    if now.count("stone") < 5 or now.nearest.keys() & {"cow", "zombie", "skeleton"}:
        return None
    kind = "plant" if scene.has("sapling") else "sapling"
    if now.front == "grass":
        return Decision(f"{kind}: grass {now.facing}", "Place Plant" if kind == "plant" else "Do")
    return _go_to(scene, kind, "grass", 6)


def _fence(scene: Scene, plant: Plant) -> Decision | None:
    """Put a stone on the nearest open side of a plant: it must be faced, but not walked on."""
    now = scene.now
    places = {side: (plant.place[0] + STEPS[side][0], plant.place[1] + STEPS[side][1])
        for side in plant.open}
    side, place = min(
        places.items(), key=lambda item: (item[1] == (0, 0), abs(item[1][0]) + abs(item[1][1]))
    )
    goal = f"fence: {side} of plant {describe(place)}"
    beside = _side_of(place)
    if beside is not None and now.facing == beside:
        return Decision(f"{goal}, {beside}", "Place Stone" if now.front in FREE else "Do")
    if beside is not None and now.sides[beside] not in FREE:
        return Decision(f"{goal}, {beside}", _move(beside))
    if beside is not None or place == (0, 0):
        ways = [_OPPOSITE[beside]] if beside else [side]
        ways += [way for way in SIDES if way not in (*ways, beside)]
        for way in ways:
            if now.sides[way] in FREE or (_cost(now, way) is not None and way == ways[0]):
                return Decision(f"{goal}, {way}", _pass(now, way))
        return None
    way = _step(scene, place)
    return None if way is None else Decision(f"{goal}, {way}", _pass(now, way))


def _go_to(scene: Scene, goal: str, kind: str, within: int) -> Decision | None:
    """Go to a place to stand before it."""
    place = scene.place(kind)
    if place is None or scene.steps(kind) > within:
        return None
    side = _side_of(place) or _step(scene, place)
    if side is None:
        return None
    return Decision(f"{goal}: {kind} {describe(place)}, {side}", _pass(scene.now, side))


def _is_here(scene: Scene, kind: str) -> bool:
    """Whether something is in one of the eight cells around."""
    dx, dy = scene.now.nearest.get(kind, (9, 9))
    return max(abs(dx), abs(dy)) <= 1


def _craft(scene: Scene) -> Decision | None:
    if not _is_here(scene, "table"):
        return None
    for material, extra in (("wood", ()), ("stone", ("stone",)), ("iron", ("coal", "iron"))):
        if material == "iron" and not _is_here(scene, "furnace"):
            break
        for tool in ("pickaxe", "sword"):
            if not scene.has(f"{material} {tool}") and scene.has("wood", *extra):
                name = f"Make {material.capitalize()} {tool.capitalize()}"
                return Decision(f"make: {material} {tool}", name)
    return None


def _at_table(scene: Scene, goal: str, near: int = 10) -> Decision | None:
    """Go to the table, or place one."""
    if scene.steps("table") <= near:
        return _get(scene, goal, "table")
    if scene.now.count("wood") >= 2:
        return _put(scene, goal, "table", "Place Table")
    return None


def _put(scene: Scene, goal: str, thing: str, action: str) -> Decision | None:
    """Place something in front, making room if need be."""
    now = scene.now
    if now.front in FREE:
        return Decision(f"{goal}: place {thing} {now.facing}", action)
    if _can_take(now, now.front):
        return Decision(f"{goal}: room {now.facing}", "Do")
    for side in SIDES:
        if _cost(now, side) is not None and side != now.facing:
            return Decision(f"{goal}: room {side}", _pass(now, side))
    return None


def _wood_tools(scene: Scene) -> Decision | None:
    missing = 2 - scene.has("wood pickaxe") - scene.has("wood sword")
    if not missing:
        return None
    table = scene.steps("table") <= 15
    if scene.now.count("wood") >= missing + (0 if table else 2):
        return _at_table(scene, "table", 15)
    return _get(scene, "wood", "tree") or _explore(scene, "wood")


def _more_wood(scene: Scene) -> Decision | None:
    if scene.has("iron pickaxe", "iron sword"):
        return None
    missing = 4 - sum(
        scene.has(f"{m} {t}") for m in ("stone", "iron") for t in ("pickaxe", "sword")
    )
    wood = scene.now.count("wood")
    if wood < missing + 4:
        return _get(scene, "wood", "tree", 6)
    return None


def _stone_tools(scene: Scene) -> Decision | None:
    now = scene.now
    missing = 2 - scene.has("stone pickaxe") - scene.has("stone sword")
    if scene.todo("stone") and now.count("stone") and now.front in FREE | {"water"}:
        return Decision(f"stone: place {now.facing}", "Place Stone")
    furnace = 4 if scene.todo("furnace") else 0
    if not missing:
        return None
    if now.count("stone") < missing + furnace:
        return _get(scene, "stone", "stone") or _explore(scene, "stone")
    if now.count("wood") < missing + (0 if scene.steps("table") <= 10 else 2):
        return _get(scene, "wood", "tree") or _explore(scene, "wood")
    return _at_table(scene, "table")


def _furnace(scene: Scene) -> Decision | None:
    if not scene.todo("furnace"):
        return None
    if scene.now.count("stone") < 4:
        return _get(scene, "stone", "stone")
    return _put(scene, "furnace", "furnace", "Place Furnace")


def _iron_tools(scene: Scene) -> Decision | None:
    now = scene.now
    missing = 2 - scene.has("iron pickaxe") - scene.has("iron sword")
    if not missing or not scene.has("stone pickaxe"):
        return None
    if not now.count("coal"):
        return (
            _get(scene, "coal", "coal")
            or (_get(scene, "iron", "iron", 8) if now.count("iron") < missing else None)
            or _explore(scene, "coal")
        )
    if not now.count("iron"):
        return _get(scene, "iron", "iron") or _explore(scene, "iron")
    if now.count("iron") < missing:
        found = _get(scene, "iron", "iron", 12)
        if found:
            return found
    table = scene.steps("table") <= 12
    if now.count("wood") < 1 + (0 if table else 2):
        return _get(scene, "wood", "tree") or _explore(scene, "wood")
    if not _is_here(scene, "table"):
        return _at_table(scene, "table", 12)
    if scene.steps("furnace") <= 6:
        return _get(scene, "furnace", "furnace")
    if now.count("stone") < 4:
        return _get(scene, "stone", "stone")
    return _put(scene, "furnace", "furnace", "Place Furnace")


def _ore(scene: Scene) -> Decision | None:
    """Take what is in view on the way."""
    now = scene.now
    if scene.has("iron pickaxe") and not scene.has("diamond"):
        found = _get(scene, "diamond", "diamond")
        if found:
            return found
    tools = 2 - scene.has("iron pickaxe") - scene.has("iron sword")
    for kind in ("iron", "coal"):
        if _can_take(now, kind) and now.count(kind) < tools and scene.seen_steps(kind) <= 6:
            return _get(scene, kind, kind)
    if scene.has("wood pickaxe") and scene.seen_steps("stone") == 1:
        if now.count("stone") < (9 if now.front == "stone" else 6):
            side = now.facing if now.front == "stone" else None
            return _use(scene, "stone", "stone", STEPS[side] if side else now.nearest["stone"])
    return None


def _hunt(scene: Scene) -> Decision | None:
    now = scene.now
    if now.health < HUNT:
        return None
    if scene.todo("zombie") and "zombie" in now.nearest and scene.has("wood sword"):
        return _get(scene, "zombie", "zombie")
    if scene.todo("skeleton") and scene.has("stone sword"):
        return _get(scene, "skeleton", "skeleton", 30)
    return None


def _explore(scene: Scene, goal: str = "explore") -> Decision | None:
    """Go where nothing has been seen yet."""
    facts = scene.facts
    rocky = goal in ("explore", "coal", "iron", "stone", "diamond")
    place = facts.rock if rocky else facts.unseen
    place = place or facts.unseen or facts.rock
    if place is None:
        return None
    return _go(scene, goal + " unseen", place)


def _wait(scene: Scene) -> Decision | None:
    return Decision("wait", "Noop")


RULES: tuple[Rule, ...] = (
    _sleep_on,
    _fight,
    _shield,
    _survive,
    _shelter,
    _drink,
    _eat,
    _nap,
    _stock,
    _sapling,
    _craft,
    _hunt,
    _ore,
    _wood_tools,
    _more_wood,
    _stone_tools,
    _furnace,
    _iron_tools,
    _garden,
    _explore,
    _wait,
)
"""What is thought of, the most pressing first; the first rule that has an answer decides."""


class CrafterExpert(Expert):
    """Plays ``Crafter-Text-v0`` by rules, from its default caption."""

    name = "crafter"
    games = ("Crafter-Text-v0",)

    def recollection(self) -> CrafterRecollection:
        """A recollection of an episode that begins."""
        return CrafterRecollection()

    def decide(self, text: str, recollection: CrafterRecollection, thought: str) -> Decision:
        """Decide what to do: the first rule that has an answer."""
        scene = Scene(read(text), recollection.facts, thought)
        for rule in RULES:
            decision = rule(scene)
            if decision is not None:
                return decision
        raise AssertionError("the last rule always has an answer")
