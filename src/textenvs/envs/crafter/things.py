"""What is in a world of Crafter: creatures, arrows, plants, and the player."""

from __future__ import annotations

from typing import Any

from textenvs.captioners.crafter import NAMES

__all__ = ["ARROW", "COW", "PLANT", "PLAYER", "SKELETON", "SLOT", "ZOMBIE", "Thing", "is_ripe"]

PLAYER, COW, ZOMBIE, SKELETON, ARROW, PLANT = (
    NAMES.index(name) for name in ("player", "cow", "zombie", "skeleton", "arrow", "plant")
)
SLOT = {ZOMBIE: 0, SKELETON: 1, COW: 2}
"""Where a chunk keeps its creatures, by kind."""

_HEALTH = {PLAYER: 9, COW: 3, ZOMBIE: 5, SKELETON: 3, ARROW: 0, PLANT: 1}
_RIPE = 300


class Thing:
    """A creature, an arrow, a plant or the player.

    Attributes:
        kind: its id.
        x, y: where it is.
        health: what is left; a creature at 0 goes at its next turn.
        timer: a zombie's cooldown, a skeleton's reload, how long a plant has grown.
        dx, dy: where an arrow flies.
        creation: how many things there were before it.
        removed: whether it has left the world.
    """

    __slots__ = ("creation", "dx", "dy", "health", "kind", "removed", "timer", "x", "y")

    def __init__(self, kind: int, x: int, y: int, creation: int, dx: int = 0, dy: int = 0) -> None:
        self.kind = kind
        self.x = x
        self.y = y
        self.health = _HEALTH[kind]
        self.timer = 0
        self.dx = dx
        self.dy = dy
        self.creation = creation
        self.removed = False

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.kind, self.x, self.y, self.creation, self.dx, self.dy)
        return _restore_thing, (*fields, self.health, self.timer, self.removed)


def is_ripe(plant: Thing) -> bool:
    """Whether a plant can be eaten."""
    return plant.timer > _RIPE


def _restore_thing(
    kind: int,
    x: int,
    y: int,
    creation: int,
    dx: int,
    dy: int,
    health: int,
    timer: int,
    removed: bool,
) -> Thing:
    thing = Thing(kind, x, y, creation, dx, dy)
    thing.health, thing.timer, thing.removed = health, timer, removed
    return thing
