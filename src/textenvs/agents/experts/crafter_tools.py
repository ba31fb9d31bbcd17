"""Rules of Crafter's expert for tools, and for what they are made of."""

from __future__ import annotations

from textenvs.agents.experts.crafter_going import (
    Scene,
    can_take,
    cost_of,
    explore,
    get,
    pass_by,
    put,
    seek,
    use,
)
from textenvs.agents.experts.crafter_reading import FREE, OPPOSITE, STEPS, Reading
from textenvs.agents.experts.expert import Decision

__all__ = ["craft", "furnace", "iron_tools", "more_wood", "ore", "stone_tools", "wood_tools"]


def _is_here(scene: Scene, kind: str) -> bool:
    """Whether something is in one of the eight cells around."""
    dx, dy = scene.now.nearest.get(kind, (9, 9))
    return max(abs(dx), abs(dy)) <= 1


def _missing(scene: Scene, material: str) -> int:
    """How many of the two tools of a material are missing."""
    return 2 - scene.has(f"{material} pickaxe") - scene.has(f"{material} sword")


def craft(scene: Scene) -> Decision | None:
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
                        return _leave_edge(now, OPPOSITE[edge])
                name = f"Make {material.capitalize()} {tool.capitalize()}"
                return Decision(f"make: {material} {tool}", name)
    return None


def _leave_edge(now: Reading, side: str) -> Decision | None:
    if cost_of(now, side) is None:
        return None
    return Decision(f"make: leave the edge, {side}", pass_by(now, side))


def _at_table(scene: Scene, near: int) -> Decision | None:
    """Go to the table, or place one if there is none so near."""
    if scene.steps("table") <= near:
        return get(scene, "table", "table")
    return put(scene, "table") if scene.now.count("wood") >= 2 else None


def ore(scene: Scene) -> Decision | None:
    """Take what lies near, and diamonds wherever they are."""
    now = scene.now
    if scene.has("iron pickaxe") and not scene.has("diamond"):
        found = get(scene, "diamond", "diamond")
        if found is not None:
            return found
    for kind in ("iron", "coal"):
        near = kind in now.nearest and scene.steps(kind) <= 6
        if near and can_take(now, kind) and now.count(kind) < _missing(scene, "iron"):
            return get(scene, kind, kind)
    if not scene.has("wood pickaxe"):
        return None
    if now.front == "stone" and now.count("stone") < 9:
        return use(scene, "stone", "stone", STEPS[now.facing])
    if "stone" in now.sides.values() and now.count("stone") < 6:
        return get(scene, "stone", "stone")
    return None


def wood_tools(scene: Scene) -> Decision | None:
    """Make the wood pickaxe and the wood sword."""
    missing = _missing(scene, "wood")
    if not missing:
        return None
    if scene.now.count("wood") >= missing + (0 if scene.steps("table") <= 15 else 2):
        return _at_table(scene, 15)
    return seek(scene, "wood", "tree")


def more_wood(scene: Scene) -> Decision | None:
    """Take the wood along that the other tools and two more tables need."""
    missing = _missing(scene, "stone") + _missing(scene, "iron")
    if _missing(scene, "iron") and scene.now.count("wood") < missing + 4:
        return get(scene, "wood", "tree", 6)
    return None


def stone_tools(scene: Scene) -> Decision | None:
    """Place a first stone, then make the stone pickaxe and the stone sword."""
    now = scene.now
    if scene.todo("stone") and now.count("stone") and now.front in FREE | {"water"}:
        return Decision(f"stone: place {now.facing}", "Place Stone")
    missing = _missing(scene, "stone")
    if not missing:
        return None
    if now.count("stone") < missing + (4 if scene.todo("furnace") else 0):
        return seek(scene, "stone", "stone")
    if now.count("wood") < missing + (0 if scene.steps("table") <= 10 else 2):
        return seek(scene, "wood", "tree")
    return _at_table(scene, 10)


def furnace(scene: Scene) -> Decision | None:
    """Place a first furnace."""
    if not scene.todo("furnace"):
        return None
    return _new_furnace(scene)


def _new_furnace(scene: Scene) -> Decision | None:
    if scene.now.count("stone") < 4:
        return get(scene, "stone", "stone")
    return put(scene, "furnace")


def iron_tools(scene: Scene) -> Decision | None:
    """Make the iron pickaxe and the iron sword, at a table and a furnace nearby or new ones."""
    now = scene.now
    missing = _missing(scene, "iron")
    if not missing or not scene.has("stone pickaxe"):
        return None
    if not now.count("coal"):
        found = get(scene, "coal", "coal")
        if found is None and now.count("iron") < missing:
            found = get(scene, "iron", "iron", 8)
        return found or explore(scene, "coal")
    if not now.count("iron"):
        return seek(scene, "iron", "iron")
    if now.count("iron") < missing:
        found = get(scene, "iron", "iron", 12)
        if found is not None:
            return found
    if now.count("wood") < 1 + (0 if scene.steps("table") <= 12 else 2):
        return seek(scene, "wood", "tree")
    if not _is_here(scene, "table"):
        return _at_table(scene, 12)
    if scene.steps("furnace") <= 6:
        return get(scene, "furnace", "furnace")
    return _new_furnace(scene)
