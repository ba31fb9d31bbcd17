"""Our own caption of Crafter."""

from __future__ import annotations

from functools import lru_cache

from textenvs.captioners.crafter_view import (
    KEPT,
    NAMES,
    PLAYER,
    VITALS,
    Info,
    Window,
    nearest_first,
    sorted_by_distance,
    view_of,
)

__all__ = ["default"]

_PLANT = NAMES.index("plant")
_RIPE_PLANT = len(NAMES)  # an id of our own: `semantic` does not tell ripe plants from young ones
_THREATS = frozenset(map(NAMES.index, ("zombie", "skeleton", "arrow")))
_COMPASS = {"north": (0, -1), "east": (1, 0), "south": (0, 1), "west": (-1, 0)}
_NIGHT = 0.5  # crafter darkens and blurs its picture below this daylight


@lru_cache(maxsize=2048)
def _default_item(kind: int, dx: int, dy: int) -> str:
    north_south = f" {abs(dy)} {'north' if dy < 0 else 'south'}" if dy else ""
    west_east = f" {abs(dx)} {'west' if dx < 0 else 'east'}" if dx else ""
    return f"{_DEFAULT_NAMES[kind]}{north_south}{west_east}"


_UNCOUNTED = frozenset(("wood", "stone", "coal", "iron"))


@lru_cache(maxsize=256)
def _count(name: str, n: int) -> str:
    plural = "" if n == 1 or name in _UNCOUNTED else "s"
    return f"{n} {name.replace('_', ' ')}{plural}"


_DEFAULT_NAMES = (*NAMES[:_PLANT], "young plant", "ripe plant")
_FACING = {step: name for name, step in _COMPASS.items()}


def default(info: Info) -> str:
    """Ours: what lies in front and on each side, what else is near, the vitals and the inventory.

    Steps are given along both axes ("tree 2 north 1 east"), all zombies, skeletons and arrows in
    view are listed and of every other kind that is not beside the player the nearest one. The
    map's edge is named as such, ripe plants are told from young ones, and darkness is mentioned.

    Args:
        info: the state, see the module.
    """
    window = view_of(info, blind_at_edges=False)
    assert window is not None
    near, _ = sorted_by_distance(_mark_ripe_plants(info, window))
    facing = _FACING[int(info["player_facing"][0]), int(info["player_facing"][1])]
    inventory = info["inventory"]
    lines = [
        _surroundings(near, window.cells.shape, window.center, facing),
        _carried(tuple(inventory), tuple(inventory.values())),
    ]
    if info["dead"]:
        lines.insert(0, "You are dead.")
    elif info["sleeping"]:
        lines.insert(0, "You are asleep.")
    if info.get("daylight", 1.0) < _NIGHT:
        lines.append("It is night.")
    return "\n".join(lines)


def _mark_ripe_plants(info: Info, window: Window) -> Window:
    """Give ripe plants an id of their own (a plant is young unless ``ripe`` names its place)."""
    ripe = info.get("ripe", ())
    if not ripe:
        return window
    cells = window.cells.copy()
    (px, py), (cx, cy) = info["player_pos"], window.center
    for x, y in ripe:
        i, j = x - int(px) + cx, y - int(py) + cy
        if 0 <= i < cells.shape[0] and 0 <= j < cells.shape[1]:
            cells[i, j] = _RIPE_PLANT
    return Window(cells, window.center)


@lru_cache(maxsize=KEPT)
def _surroundings(near: bytes, shape: tuple[int, int], center: tuple[int, int], facing: str) -> str:
    """What is in front, beside and further off; ``near`` are the ids in order of distance."""
    sides = [
        (name, "edge of the world" if place is None else _DEFAULT_NAMES[near[place]])
        for name, place in _sides(shape, center, facing)
    ]
    front, *others = sides
    beside = ", ".join([f"{name} {thing}" for name, thing in others])
    lines = f"You face {facing}: {front[1]}. Beside you: {beside}."
    further = _further(near, nearest_first(shape, center)[1], {thing for _, thing in sides})
    return f"{lines}\nSteps away: {', '.join(further)}." if further else lines


@lru_cache(maxsize=1024)
def _sides(
    shape: tuple[int, int], center: tuple[int, int], facing: str
) -> tuple[tuple[str, int | None], ...]:
    """Where the four sides stand among the nearest cells, the front first; None off the map."""
    _, offsets = nearest_first(shape, center)
    names = [facing, *(name for name in _COMPASS if name != facing)]
    steps = [_COMPASS[name] for name in names]
    places = [offsets.index(step) if step in offsets else None for step in steps]
    return tuple(zip(names, places, strict=True))


def _further(near: bytes, offsets: tuple[tuple[int, int], ...], beside: set[str]) -> list[str]:
    """The things that are not beside the player, the nearest first."""
    kinds = dict.fromkeys(near)  # in the order of their nearest cells
    del kinds[PLAYER]
    if _THREATS.isdisjoint(kinds):
        found = [(near.find(k), k) for k in kinds if _DEFAULT_NAMES[k] not in beside]
    else:
        single = [k for k in kinds if k not in _THREATS and _DEFAULT_NAMES[k] not in beside]
        found = [(near.find(k), k) for k in single]
        found += [
            (i, k)
            for i, k in enumerate(near)
            if k in _THREATS and abs(offsets[i][0]) + abs(offsets[i][1]) > 1
        ]
        found.sort()
    return [_default_item(kind, *offsets[place]) for place, kind in found]


@lru_cache(maxsize=KEPT)
def _carried(names: tuple[str, ...], counts: tuple[int, ...]) -> str:
    inventory = dict(zip(names, counts, strict=True))
    vitals = ", ".join([f"{name} {inventory[name]}" for name in VITALS])
    items = [_count(name, n) for name, n in inventory.items() if n and name not in VITALS]
    return f"{vitals.capitalize()} (of 9). You carry {', '.join(items) or 'nothing'}."
