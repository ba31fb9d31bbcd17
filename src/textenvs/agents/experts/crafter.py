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
_TOOLS = {
    "tree": "",
    "stone": "wood pickaxe",
    "coal": "wood pickaxe",
    "iron": "stone pickaxe",
    "diamond": "iron pickaxe",
}
"""What can be taken, and the tool that it takes ("" for none)."""

# What it costs to pass by a side, counted in steps; the numbers are those that played best.
_MINE, _BRIDGE, _WAIT = 1.0, 3.0, 1.0
_FELL = {"cow": 3.0, "zombie": 2.0, "skeleton": 1.0}
_TURNED_BACK = 2.0  # for each time that one stood there lately
_SHOT_AT = 2.0  # for each skeleton that one would be in line with
_KEPT_ON = 0.5  # what is gained by going on in the same direction

_ANYWHERE = 98  # within so many steps: as far as anything is remembered
_SHELTER = re.compile(r"shelter (east|west) (north|south) (\d), (\d) left")
_WALLS = 8  # stones that a shelter takes in the open
_TIRED_BY_NIGHT, _TIRED, _WEAK = 4, 2, 5  # when a shelter is sought: energy, energy, health
_WELL = 8  # health with which one goes out by night


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

    def todo(self, name: str) -> bool:
        """Whether something was not achieved yet."""
        return name in self.facts.todo

    def has(self, *items: str) -> bool:
        """Whether all of these are carried."""
        return all(map(self.now.count, items))


Rule = Callable[[Scene], Decision | None]


# Going about.


def _can_take(now: Reading, kind: str) -> bool:
    tool = _TOOLS.get(kind)
    return tool is not None and (not tool or now.count(tool) > 0)


def _cost(now: Reading, side: str) -> float | None:
    """What it costs to pass, in steps; None where one cannot."""
    thing = now.sides[side]
    if thing in FREE:
        return 0.0
    if _can_take(now, thing):
        return _MINE
    if thing == "water" and now.count("stone") and now.count("wood pickaxe"):
        return _BRIDGE
    return _WAIT if thing == "arrow" else _FELL.get(thing)


def _toward(place: Place) -> list[str]:
    """The sides, the one that leads to a place best first."""
    dx, dy = place
    vertical = ["south", "north"] if dy > 0 else ["north", "south"]
    horizontal = ["east", "west"] if dx > 0 else ["west", "east"]
    first, second = (vertical, horizontal) if abs(dy) > abs(dx) else (horizontal, vertical)
    return [first[0], second[0], second[1], first[1]]


def _step(scene: Scene, place: Place) -> str | None:
    """The side to go to on the way to a place: nearer, free, and not where one has just been."""
    now, been = scene.now, scene.facts.been
    skeletons = [(x, y) for kind, x, y in now.things if kind == "skeleton"]
    best, least = None, float("inf")
    for side in _toward(place):
        cost = _cost(now, side)
        if cost is None:
            continue
        dx, dy = STEPS[side]
        cost += abs(place[0] - dx) + abs(place[1] - dy) + _TURNED_BACK * been.get(side, 0)
        cost += _SHOT_AT * sum(_in_line(x - dx, y - dy) for x, y in skeletons)
        if scene.thought.endswith(side):
            cost -= _KEPT_ON
        if cost < least:
            best, least = side, cost
    return best


def _in_line(dx: int, dy: int) -> bool:
    return (not dx or not dy) and abs(dx) + abs(dy) <= 5  # as far as skeletons shoot


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
    if side is None:
        return _go(scene, f"{goal}: {kind}", place)
    action = "Do" if scene.now.facing == side else _move(side)
    return Decision(f"{goal}: {kind} {describe(place)}, {side}", action)


def _go(scene: Scene, goal: str, place: Place) -> Decision | None:
    """Go to a place."""
    side = _step(scene, place)
    if side is None:
        return None
    return Decision(f"{goal} {describe(place)}, {side}", _pass(scene.now, side))


def _get(scene: Scene, goal: str, kind: str, within: int = _ANYWHERE) -> Decision | None:
    """Go to the nearest thing of a kind that is known, if it is near enough, and use it."""
    place = scene.place(kind)
    if place is None or scene.steps(kind) > within:
        return None
    return _use(scene, goal, kind, place)


def _seek(scene: Scene, goal: str, kind: str) -> Decision | None:
    """Get a thing of a kind, or look for one."""
    return _get(scene, goal, kind) or _explore(scene, goal)


def _put(scene: Scene, thing: str) -> Decision | None:
    """Place something in front, making room if need be."""
    now = scene.now
    if now.front in FREE:
        return Decision(f"{thing}: place {now.facing}", f"Place {thing.capitalize()}")
    if _can_take(now, now.front):
        return Decision(f"{thing}: room {now.facing}", "Do")
    for side in SIDES:
        if side != now.facing and _cost(now, side) is not None:
            return Decision(f"{thing}: room {side}", _pass(now, side))
    return None


def _is_here(scene: Scene, kind: str) -> bool:
    """Whether something is in one of the eight cells around."""
    dx, dy = scene.now.nearest.get(kind, (9, 9))
    return max(abs(dx), abs(dy)) <= 1


def _missing(scene: Scene, material: str) -> int:
    """How many of the two tools of a material are missing."""
    return 2 - scene.has(f"{material} pickaxe") - scene.has(f"{material} sword")


# The rules, in their order.


def _sleep_on(scene: Scene) -> Decision | None:
    """Asleep, nothing else can be done."""
    if not scene.now.asleep:
        return None
    match = _SHELTER.search(scene.thought)
    return Decision(f"{match[0]}: rest" if match else "sleep", "Sleep")


def _fight(scene: Scene) -> Decision | None:
    """Hit what stands beside one; a shelter that is being built is kept in mind."""
    now = scene.now
    for kind in ("zombie", "skeleton"):
        sides = [side for side in SIDES if now.sides[side] == kind]
        if sides:
            side = now.facing if now.facing in sides else sides[0]
            match = _SHELTER.search(scene.thought)
            kept = f", {match[0]}" if match else ""
            action = "Do" if side == now.facing else _move(side)
            return Decision(f"fight: {kind} {side}{kept}", action)
    return None


def _survive(scene: Scene) -> Decision | None:
    """Drink and eat when it is urgent; a shelter is left by night only in need."""
    now = scene.now
    in_need = now.health <= 3 and not (now.food and now.drink)
    if _SHELTER.search(scene.thought) and now.night and not in_need:
        return None
    if now.drink <= 2:
        return _drink(scene)
    return _eat(scene) if now.food <= 2 else None


def _drink(scene: Scene) -> Decision | None:
    """Drink, the thirstier the farther off; more before a night, and all one can once there."""
    now = scene.now
    if now.drink == 9 and not scene.todo("drink"):
        return None
    drink = now.drink - bool(scene.facts.night)
    within = _ANYWHERE if drink <= 3 else 20 if drink <= 5 else 5 if drink <= 7 else 0
    if scene.thought.startswith("drink") or drink <= 7:
        within = max(within, 1)
    if scene.todo("drink"):
        within = max(within, 8)
    found = _get(scene, "drink", "water", within)
    if found is None and now.drink <= 3:
        return _explore(scene, "drink")
    return found


def _eat(scene: Scene) -> Decision | None:
    """Eat a ripe plant or a cow, the hungrier the farther off; more before a night."""
    now, plant = scene.now, scene.facts.plant
    food = now.food - bool(scene.facts.night)
    ripe = now.nearest.get("ripe plant")
    if ripe is None and plant is not None and plant.ripe:
        ripe = plant.place
    if ripe is not None and (food <= 6 or scene.todo("fruit")):
        return _use(scene, "fruit", "ripe plant", ripe)
    within = _ANYWHERE if food <= 4 else 25 if food <= 5 else 8 if food <= 6 else 0
    if scene.todo("cow") and food <= 7:
        within = max(within, 8)
    found = _get(scene, "eat", "cow", within)
    if found is None and now.food <= 5 and not now.night:
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
    """Wall in a square of four cells when tired or weak, and stay there, asleep if possible.

    One walks round the square and back, and places a stone wherever one comes to face an open
    cell outside of it. The thought tells which square it is (the sides of the cell where one
    began), which of the eight steps round it comes next, and how many are left: all eight again
    after a fight, since it turns one away from a wall that is not there yet.
    """
    now = scene.now
    match = _SHELTER.search(scene.thought)
    if match is not None and not _is_rested(now):
        return _wall_in(scene, match[1], match[2], int(match[3]) % 8, int(match[4]))
    tired = now.energy <= (_TIRED_BY_NIGHT if now.night else _TIRED)
    if not (tired or now.health <= _WEAK) or not scene.has("wood pickaxe"):
        return None
    if now.count("stone") < _WALLS:
        found = _get(scene, "stone", "stone", 20)
        if found is not None or now.count("stone") < _WALLS - 2:
            return found
    return _wall_in(scene, *_square(now), 0, 8)


def _is_rested(now: Reading) -> bool:
    exposed = now.night and ("grass" in now.nearest or "zombie" in now.nearest)
    return now.energy == 9 and now.health >= (_WELL if exposed else _WEAK)


def _square(now: Reading) -> tuple[str, str]:
    """Where a shelter is best dug: into the rock, which needs no walls."""
    h = min(("east", "west"), key=lambda side: _openness(now, side))
    v = min(("south", "north"), key=lambda side: _openness(now, side))
    return h, v


def _openness(now: Reading, side: str) -> int:
    """How many walls it may take to go there."""
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
        h, v = _square(now)  # begin anew from here
        return Decision(f"shelter {h} {v} 0, 8 left: elsewhere", "Noop")
    return Decision(f"{goal}: clear {way}", _pass(now, way))


def _stock(scene: Scene) -> Decision | None:
    """Have enough stones when the night comes."""
    soon = 0 < scene.facts.night <= 20
    if soon and scene.has("wood pickaxe") and scene.now.count("stone") < 9:
        return _get(scene, "stone", "stone", 20)
    return None


def _sapling(scene: Scene) -> Decision | None:
    """Take a sapling from the grass, and plant it."""
    now = scene.now
    if scene.has("sapling") and scene.todo("plant"):
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
    goal, action = ("plant", "Place Plant") if scene.has("sapling") else ("sapling", "Do")
    if now.front == "grass":
        return Decision(f"{goal}: grass {now.facing}", action)
    grass = scene.place("grass")
    if grass is None or scene.steps("grass") > 6:
        return None
    return _go(scene, f"{goal}: grass", grass)


def _fence(scene: Scene, plant: Plant) -> Decision | None:
    """Put a stone on the nearest open side of a plant: one must face it, but not stand on it."""
    now = scene.now
    x, y = plant.place
    places = {side: (x + STEPS[side][0], y + STEPS[side][1]) for side in plant.open}
    side, place = min(places.items(), key=lambda item: _steps_to_face(item[1]))
    goal = f"fence: {side} of plant"
    beside = _side_of(place)
    if beside is None and place != (0, 0):
        return _go(scene, goal, place)
    goal += f" {describe(place)}"
    if beside is not None and now.facing == beside:
        return Decision(f"{goal}, {beside}", "Place Stone" if now.front in FREE else "Do")
    if beside is not None and now.sides[beside] not in FREE:
        return Decision(f"{goal}, {beside}", _move(beside))
    # Step away, so that one faces it when one comes back.
    away = side if beside is None else _OPPOSITE[beside]
    ways = [away, *(way for way in SIDES if way not in (away, beside))]
    for way in ways:
        if now.sides[way] in FREE or (way == away and _cost(now, way) is not None):
            return Decision(f"{goal}, {way}", _pass(now, way))
    return None


def _steps_to_face(place: Place) -> int:
    return abs(place[0]) + abs(place[1]) or 99  # where one stands oneself comes last


def _craft(scene: Scene) -> Decision | None:
    """Make what can be made."""
    now = scene.now
    if not _is_here(scene, "table"):
        return None
    for material, extra in (("wood", ()), ("stone", ("stone",)), ("iron", ("coal", "iron"))):
        if material == "iron" and not _is_here(scene, "furnace"):
            break
        for tool in ("pickaxe", "sword"):
            if not scene.has(f"{material} {tool}") and scene.has("wood", *extra):
                for edge in ("west", "north"):  # where the game finds nothing nearby
                    if now.sides[edge] == "edge of the world":
                        return _leave_edge(now, _OPPOSITE[edge])
                name = f"Make {material.capitalize()} {tool.capitalize()}"
                return Decision(f"make: {material} {tool}", name)
    return None


def _leave_edge(now: Reading, side: str) -> Decision | None:
    if _cost(now, side) is None:
        return None
    return Decision(f"make: leave the edge, {side}", _pass(now, side))


def _at_table(scene: Scene, near: int) -> Decision | None:
    """Go to the table, or place one if there is none so near."""
    if scene.steps("table") <= near:
        return _get(scene, "table", "table")
    return _put(scene, "table") if scene.now.count("wood") >= 2 else None


def _hunt(scene: Scene) -> Decision | None:
    """Go for a first zombie and a first skeleton, with a sword."""
    if scene.todo("zombie") and "zombie" in scene.now.nearest and scene.has("wood sword"):
        return _get(scene, "zombie", "zombie")
    if scene.todo("skeleton") and scene.has("stone sword"):
        return _get(scene, "skeleton", "skeleton", 30)
    return None


def _ore(scene: Scene) -> Decision | None:
    """Take what lies near, and diamonds wherever they are."""
    now = scene.now
    if scene.has("iron pickaxe") and not scene.has("diamond"):
        found = _get(scene, "diamond", "diamond")
        if found is not None:
            return found
    for kind in ("iron", "coal"):
        near = kind in now.nearest and scene.steps(kind) <= 6
        if near and _can_take(now, kind) and now.count(kind) < _missing(scene, "iron"):
            return _get(scene, kind, kind)
    if not scene.has("wood pickaxe"):
        return None
    if now.front == "stone" and now.count("stone") < 9:
        return _use(scene, "stone", "stone", STEPS[now.facing])
    if "stone" in now.sides.values() and now.count("stone") < 6:
        return _get(scene, "stone", "stone")
    return None


def _wood_tools(scene: Scene) -> Decision | None:
    """Make the wood pickaxe and the wood sword."""
    missing = _missing(scene, "wood")
    if not missing:
        return None
    if scene.now.count("wood") >= missing + (0 if scene.steps("table") <= 15 else 2):
        return _at_table(scene, 15)
    return _seek(scene, "wood", "tree")


def _more_wood(scene: Scene) -> Decision | None:
    """Take the wood along that the other tools and two more tables need."""
    missing = _missing(scene, "stone") + _missing(scene, "iron")
    if _missing(scene, "iron") and scene.now.count("wood") < missing + 4:
        return _get(scene, "wood", "tree", 6)
    return None


def _stone_tools(scene: Scene) -> Decision | None:
    """Place a first stone, then make the stone pickaxe and the stone sword."""
    now = scene.now
    if scene.todo("stone") and now.count("stone") and now.front in FREE | {"water"}:
        return Decision(f"stone: place {now.facing}", "Place Stone")
    missing = _missing(scene, "stone")
    if not missing:
        return None
    if now.count("stone") < missing + (4 if scene.todo("furnace") else 0):
        return _seek(scene, "stone", "stone")
    if now.count("wood") < missing + (0 if scene.steps("table") <= 10 else 2):
        return _seek(scene, "wood", "tree")
    return _at_table(scene, 10)


def _furnace(scene: Scene) -> Decision | None:
    """Place a first furnace."""
    if not scene.todo("furnace"):
        return None
    return _new_furnace(scene)


def _new_furnace(scene: Scene) -> Decision | None:
    if scene.now.count("stone") < 4:
        return _get(scene, "stone", "stone")
    return _put(scene, "furnace")


def _iron_tools(scene: Scene) -> Decision | None:
    """Make the iron pickaxe and the iron sword, at a table and a furnace nearby or new ones."""
    now = scene.now
    missing = _missing(scene, "iron")
    if not missing or not scene.has("stone pickaxe"):
        return None
    if not now.count("coal"):
        found = _get(scene, "coal", "coal")
        if found is None and now.count("iron") < missing:
            found = _get(scene, "iron", "iron", 8)
        return found or _explore(scene, "coal")
    if not now.count("iron"):
        return _seek(scene, "iron", "iron")
    if now.count("iron") < missing:
        found = _get(scene, "iron", "iron", 12)
        if found is not None:
            return found
    if now.count("wood") < 1 + (0 if scene.steps("table") <= 12 else 2):
        return _seek(scene, "wood", "tree")
    if not _is_here(scene, "table"):
        return _at_table(scene, 12)
    if scene.steps("furnace") <= 6:
        return _get(scene, "furnace", "furnace")
    return _new_furnace(scene)


def _explore(scene: Scene, goal: str = "explore") -> Decision | None:
    """Go where nothing has been seen yet, beside rock unless the goal grows elsewhere."""
    rock, unseen = scene.facts.rock, scene.facts.unseen
    off_rock = goal in ("drink", "eat", "wood")
    place = (unseen or rock) if off_rock else (rock or unseen)
    return None if place is None else _go(scene, f"{goal}: unseen", place)


def _wait(scene: Scene) -> Decision | None:
    """Do nothing, for want of anything better."""
    return Decision("wait", "Noop")


RULES: tuple[Rule, ...] = (
    _sleep_on,
    _fight,
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

    name = "crafter-expert"
    games = ("Crafter",)

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
