"""Rules of Crafter's expert for its nights: a square that it walls in."""

from __future__ import annotations

import re

from textenvs.agents.experts.crafter_going import Scene, cost_of, get, move, pass_by
from textenvs.agents.experts.crafter_reading import FREE, OPPOSITE, Reading
from textenvs.agents.experts.expert import Decision

__all__ = ["SHELTER", "shelter", "stock"]

# The part of a thought that tells the square, the step round it, and how many are left.
SHELTER = re.compile(r"shelter (east|west) (north|south) (\d), (\d) left")
_WALLS = 8  # stones that a shelter takes in the open
_TIRED_BY_NIGHT, _TIRED, _WEAK = 4, 2, 5  # when a shelter is sought: energy, energy, health
_WELL = 8  # health with which one goes out by night


def shelter(scene: Scene) -> Decision | None:
    """Wall in a square of four cells when tired or weak, and stay there, asleep if possible.

    One walks round the square and back, and places a stone wherever one comes to face an open
    cell outside of it. The thought tells which square it is (the sides of the cell where one
    began), which of the eight steps round it comes next, and how many are left: all eight again
    after a fight, since it turns one away from a wall that is not there yet.
    """
    now = scene.now
    match = SHELTER.search(scene.thought)
    if match is not None and not _is_rested(now):
        return _wall_in(scene, match[1], match[2], int(match[3]) % 8, int(match[4]))
    tired = now.energy <= (_TIRED_BY_NIGHT if now.night else _TIRED)
    if not (tired or now.health <= _WEAK) or not scene.has("wood pickaxe"):
        return None
    if now.count("stone") < _WALLS:
        found = get(scene, "stone", "stone", 20)
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
    if cost_of(now, side) is None:
        return 3
    thing = now.sides[side]
    return 2 if thing == "water" else 1 if thing in FREE else 0


def _wall_in(scene: Scene, h: str, v: str, corner: int, left: int) -> Decision | None:
    """Go on walling in; the square lies to the sides h and v of the cell where one began."""
    now = scene.now
    i, j = OPPOSITE[h], OPPOSITE[v]
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
            return get(scene, "stone", "stone", 20)
        return Decision(f"{goal}: rest", "Sleep" if now.energy < 9 else "Noop")
    if now.sides[way] in FREE:
        return Decision(f"{square} {(corner + 1) % 8}, {left - 1} left: go {way}", move(way))
    if cost_of(now, way) is None:
        h, v = _square(now)  # begin anew from here
        return Decision(f"shelter {h} {v} 0, 8 left: elsewhere", "Noop")
    return Decision(f"{goal}: clear {way}", pass_by(now, way))


def stock(scene: Scene) -> Decision | None:
    """Have enough stones when the night comes."""
    soon = 0 < scene.facts.night <= 20
    if soon and scene.has("wood pickaxe") and scene.now.count("stone") < 9:
        return get(scene, "stone", "stone", 20)
    return None
