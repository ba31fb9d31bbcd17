"""What Crafter's expert decides from, and how it goes about: costs, sides, ways to things."""

from __future__ import annotations

from dataclasses import dataclass

from textenvs.agents.experts.crafter_reading import FREE, SIDES, STEPS, Reading
from textenvs.agents.experts.crafter_recollection import Facts, Place, describe
from textenvs.agents.experts.expert import Decision

__all__ = [
    "ANYWHERE",
    "Scene",
    "can_take",
    "cost_of",
    "explore",
    "get",
    "go",
    "move",
    "pass_by",
    "put",
    "seek",
    "side_of",
    "use",
]

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

ANYWHERE = 98  # within so many steps: as far as anything is remembered


@dataclass(frozen=True)
class Scene:
    """What a decision is made from.

    Attributes:
        now: the last observation.
        facts: what is known from earlier ones.
        thought: what was thought last; empty at the beginning.
    """

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


def can_take(now: Reading, kind: str) -> bool:
    """Whether a thing of a kind can be taken with the tools at hand."""
    tool = _TOOLS.get(kind)
    return tool is not None and (not tool or now.count(tool) > 0)


def cost_of(now: Reading, side: str) -> float | None:
    """What it costs to pass, in steps; None where one cannot."""
    thing = now.sides[side]
    if thing in FREE:
        return 0.0
    if can_take(now, thing):
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
        cost = cost_of(now, side)
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


def pass_by(now: Reading, side: str) -> str:
    """The action that goes to a side, or clears the way."""
    thing = now.sides[side]
    if thing in FREE or now.facing != side:
        return move(side)
    if thing == "water":
        return "Place Stone"
    return "Noop" if thing == "arrow" else "Do"


def move(side: str) -> str:
    """The action that goes or turns to a side."""
    return f"Move {side.capitalize()}"


def side_of(place: Place) -> str | None:
    """The side that a place beside the player is on."""
    for side, step in STEPS.items():
        if step == place:
            return side
    return None


def use(scene: Scene, goal: str, kind: str, place: Place) -> Decision | None:
    """Go to a place, face it and use what is there."""
    side = side_of(place)
    if side is None:
        return go(scene, f"{goal}: {kind}", place)
    action = "Do" if scene.now.facing == side else move(side)
    return Decision(f"{goal}: {kind} {describe(place)}, {side}", action)


def go(scene: Scene, goal: str, place: Place) -> Decision | None:
    """Go to a place."""
    side = _step(scene, place)
    if side is None:
        return None
    return Decision(f"{goal} {describe(place)}, {side}", pass_by(scene.now, side))


def get(scene: Scene, goal: str, kind: str, within: int = ANYWHERE) -> Decision | None:
    """Go to the nearest thing of a kind that is known, if it is near enough, and use it."""
    place = scene.place(kind)
    if place is None or scene.steps(kind) > within:
        return None
    return use(scene, goal, kind, place)


def seek(scene: Scene, goal: str, kind: str) -> Decision | None:
    """Get a thing of a kind, or look for one."""
    return get(scene, goal, kind) or explore(scene, goal)


def explore(scene: Scene, goal: str = "explore") -> Decision | None:
    """Go where nothing has been seen yet, beside rock unless the goal grows elsewhere."""
    rock, unseen = scene.facts.rock, scene.facts.unseen
    off_rock = goal in ("drink", "eat", "wood")
    place = (unseen or rock) if off_rock else (rock or unseen)
    return None if place is None else go(scene, f"{goal}: unseen", place)


def put(scene: Scene, thing: str) -> Decision | None:
    """Place something in front, making room if need be."""
    now = scene.now
    if now.front in FREE:
        return Decision(f"{thing}: place {now.facing}", f"Place {thing.capitalize()}")
    if can_take(now, now.front):
        return Decision(f"{thing}: room {now.facing}", "Do")
    for side in SIDES:
        if side != now.facing and cost_of(now, side) is not None:
            return Decision(f"{thing}: room {side}", pass_by(now, side))
    return None
