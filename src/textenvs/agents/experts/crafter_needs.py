"""Rules of Crafter's expert for what it needs: to win its fights, to drink, to eat, to sleep."""

from __future__ import annotations

from textenvs.agents.experts.crafter_going import ANYWHERE, Scene, explore, get, move, use
from textenvs.agents.experts.crafter_reading import SIDES
from textenvs.agents.experts.crafter_shelter import SHELTER
from textenvs.agents.experts.expert import Decision

__all__ = ["drink", "eat", "fight", "nap", "sleep_on", "survive"]


def sleep_on(scene: Scene) -> Decision | None:
    """Asleep, nothing else can be done."""
    if not scene.now.asleep:
        return None
    match = SHELTER.search(scene.thought)
    return Decision(f"{match[0]}: rest" if match else "sleep", "Sleep")


def fight(scene: Scene) -> Decision | None:
    """Hit what stands beside one; a shelter that is being built is kept in mind."""
    now = scene.now
    for kind in ("zombie", "skeleton"):
        sides = [side for side in SIDES if now.sides[side] == kind]
        if sides:
            side = now.facing if now.facing in sides else sides[0]
            match = SHELTER.search(scene.thought)
            kept = f", {match[0]}" if match else ""
            action = "Do" if side == now.facing else move(side)
            return Decision(f"fight: {kind} {side}{kept}", action)
    return None


def survive(scene: Scene) -> Decision | None:
    """Drink and eat when it is urgent; a shelter is left by night only in need."""
    now = scene.now
    in_need = now.health <= 3 and not (now.food and now.drink)
    if SHELTER.search(scene.thought) and now.night and not in_need:
        return None
    if now.drink <= 2:
        return drink(scene)
    return eat(scene) if now.food <= 2 else None


def drink(scene: Scene) -> Decision | None:
    """Drink, the thirstier the farther off; more before a night, and all one can once there."""
    now = scene.now
    if now.drink == 9 and not scene.todo("drink"):
        return None
    left = now.drink - bool(scene.facts.night)
    within = ANYWHERE if left <= 3 else 20 if left <= 5 else 5 if left <= 7 else 0
    if scene.thought.startswith("drink") or left <= 7:
        within = max(within, 1)
    if scene.todo("drink"):
        within = max(within, 8)
    found = get(scene, "drink", "water", within)
    if found is None and now.drink <= 3:
        return explore(scene, "drink")
    return found


def eat(scene: Scene) -> Decision | None:
    """Eat a ripe plant or a cow, the hungrier the farther off; more before a night."""
    now, plant = scene.now, scene.facts.plant
    food = now.food - bool(scene.facts.night)
    ripe = now.nearest.get("ripe plant")
    if ripe is None and plant is not None and plant.ripe:
        ripe = plant.place
    if ripe is not None and (food <= 6 or scene.todo("fruit")):
        return use(scene, "fruit", "ripe plant", ripe)
    within = ANYWHERE if food <= 4 else 25 if food <= 5 else 8 if food <= 6 else 0
    if scene.todo("cow") and food <= 7:
        within = max(within, 8)
    found = get(scene, "eat", "cow", within)
    if found is None and now.food <= 5 and not now.night:
        return explore(scene, "eat")
    return found


def nap(scene: Scene) -> Decision | None:
    """Sleep for the first time, in the open, by day."""
    now = scene.now
    safe = not now.night and now.health >= 5 and not {"zombie", "skeleton"} & now.nearest.keys()
    if scene.todo("sleep") and now.energy < 9 and safe:
        return Decision("sleep", "Sleep")
    return None
