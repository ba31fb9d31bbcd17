"""Rules of Crafter's expert for plants: a sapling, and a fence of stones around it."""

from __future__ import annotations

from textenvs.agents.experts.crafter_going import Scene, cost_of, get, go, move, pass_by, side_of
from textenvs.agents.experts.crafter_reading import FREE, OPPOSITE, SIDES, STEPS
from textenvs.agents.experts.crafter_recollection import Place, Plant, describe
from textenvs.agents.experts.expert import Decision

__all__ = ["garden", "sapling"]


def sapling(scene: Scene) -> Decision | None:
    """Take a sapling from the grass, and plant it."""
    now = scene.now
    if scene.has("sapling") and scene.todo("plant"):
        if now.front == "grass":
            return Decision(f"plant: grass {now.facing}", "Place Plant")
        return get(scene, "plant", "grass", 5)
    if scene.todo("sapling") and now.front == "grass":
        return Decision(f"sapling: grass {now.facing}", "Do")
    return None


def garden(scene: Scene) -> Decision | None:
    """Plant a sapling and put stones on its four sides."""
    now, plant = scene.now, scene.facts.plant
    if not scene.todo("fruit") or not scene.has("stone pickaxe") or now.night:
        return None
    if plant is not None:
        if not plant.open:
            return None
        if not now.count("stone"):
            return get(scene, "stone", "stone", 15)
        return _fence(scene, plant)
    if now.count("stone") < 5 or now.nearest.keys() & {"cow", "zombie", "skeleton"}:
        return None
    goal, action = ("plant", "Place Plant") if scene.has("sapling") else ("sapling", "Do")
    if now.front == "grass":
        return Decision(f"{goal}: grass {now.facing}", action)
    grass = scene.place("grass")
    if grass is None or scene.steps("grass") > 6:
        return None
    return go(scene, f"{goal}: grass", grass)


def _fence(scene: Scene, plant: Plant) -> Decision | None:
    """Put a stone on the nearest open side of a plant: one must face it, but not stand on it."""
    now = scene.now
    x, y = plant.place
    places = {side: (x + STEPS[side][0], y + STEPS[side][1]) for side in plant.open}
    side, place = min(places.items(), key=lambda item: _steps_to_face(item[1]))
    goal = f"fence: {side} of plant"
    beside = side_of(place)
    if beside is None and place != (0, 0):
        return go(scene, goal, place)
    goal += f" {describe(place)}"
    if beside is not None and now.facing == beside:
        return Decision(f"{goal}, {beside}", "Place Stone" if now.front in FREE else "Do")
    if beside is not None and now.sides[beside] not in FREE:
        return Decision(f"{goal}, {beside}", move(beside))
    # Step away, so that one faces it when one comes back.
    away = side if beside is None else OPPOSITE[beside]
    ways = [away, *(way for way in SIDES if way not in (away, beside))]
    for way in ways:
        if now.sides[way] in FREE or (way == away and cost_of(now, way) is not None):
            return Decision(f"{goal}, {way}", pass_by(now, way))
    return None


def _steps_to_face(place: Place) -> int:
    return abs(place[0]) + abs(place[1]) or 99  # where one stands oneself comes last
