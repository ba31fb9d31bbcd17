"""Crafter's world: three flat arrays of one entry a cell, and the things in chunks."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.things import PLANT, SLOT, Thing

__all__ = ["GRASS", "PATH", "World"]

GRASS, PATH = NAMES.index("grass"), NAMES.index("path")

_CHUNK = 12


class World:
    """Materials and things, kept consistent.

    A cell is x * height + y.

    Args:
        width: of the area, in cells.
        height: of the area, in cells.

    Attributes:
        materials: the material ids.
        seen: the ids that are seen, things above materials.
        at: the thing in each cell, or None.
        things: all that is in the world, in order of creation, the player first.
        plants: the plants among them.
        watched: those that can come near the player in the next steps.
        created: how many things there have been.
        creatures: chunk -> its zombies, skeletons and cows; the chunks in the order in which
            something first came there.
        grass, path: how many cells of grass and of path each chunk has.
        chunk_of: the chunk of each cell.
        bounds: (left, right, top, bottom) of each chunk.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.chunk_of, self.bounds = _chunks(width, height)

    def fill(self, materials: bytearray) -> None:
        """Begin anew with these materials and no things."""
        self.materials = materials
        self.seen = bytearray(materials)
        self.at: list[Thing | None] = [None] * (self.width * self.height)
        self.things: list[Thing] = []
        self.plants: list[Thing] = []
        self.watched: list[Thing] = []
        self.created = 0
        self.creatures: dict[int, tuple[list[Thing], list[Thing], list[Thing]]] = {}
        self._count_materials()

    def _count_materials(self) -> None:
        """Count grass and path by chunk: what creatures are balanced by."""
        chunk_of = np.array(self.chunk_of)
        ids = np.frombuffer(bytes(self.materials), np.uint8)
        n = len(self.bounds)
        self.grass = np.bincount(chunk_of[ids == GRASS], minlength=n).tolist()
        self.path = np.bincount(chunk_of[ids == PATH], minlength=n).tolist()

    def set_material(self, cell: int, material: int) -> None:
        """Change what a cell is made of."""
        old = self.materials[cell]
        for kind, counts in ((GRASS, self.grass), (PATH, self.path)):
            counts[self.chunk_of[cell]] += (material == kind) - (old == kind)
        self.materials[cell] = material
        if self.at[cell] is None:
            self.seen[cell] = material

    def _members(self, chunk: int) -> tuple[list[Thing], list[Thing], list[Thing]]:
        """A chunk's zombies, skeletons and cows; chunks stand in the order of their first thing."""
        members = self.creatures.get(chunk)
        if members is None:
            members = self.creatures[chunk] = ([], [], [])
        return members

    def add(self, thing: Thing) -> Thing:
        """Put a thing into the world, on a free cell, and return it."""
        cell = thing.x * self.height + thing.y
        self.created += 1
        self.things.append(thing)
        self.watched.append(thing)
        self.at[cell] = thing
        self.seen[cell] = thing.kind
        members = self._members(self.chunk_of[cell])
        if thing.kind in SLOT:
            members[SLOT[thing.kind]].append(thing)
        if thing.kind == PLANT:
            self.plants.append(thing)
        return thing

    def remove(self, thing: Thing) -> None:
        """Take a thing out of the world, if it is in it."""
        if thing.removed:
            return
        cell = thing.x * self.height + thing.y
        thing.removed = True
        self.things.remove(thing)
        if thing in self.watched:
            self.watched.remove(thing)
        self.at[cell] = None
        self.seen[cell] = self.materials[cell]
        if thing.kind in SLOT:
            self._members(self.chunk_of[cell])[SLOT[thing.kind]].remove(thing)
        if thing.kind == PLANT:
            self.plants.remove(thing)

    def move(self, thing: Thing, dx: int, dy: int, land: tuple[bool, ...]) -> bool:
        """Move by a step if the cell is free; whether it was."""
        x, y, height = thing.x + dx, thing.y + dy, self.height
        if not (0 <= x < self.width and 0 <= y < height):
            return False
        new = x * height + y
        at, materials = self.at, self.materials
        if at[new] is not None or not land[materials[new]]:
            return False
        if thing.removed:
            return True
        old = new - dx * height - dy
        at[old] = None
        at[new] = thing
        self.seen[old] = materials[old]
        self.seen[new] = thing.kind
        thing.x = x
        thing.y = y
        left, entered = self.chunk_of[old], self.chunk_of[new]
        if left != entered:
            members = self._members(entered)
            if thing.kind in SLOT:
                slot = SLOT[thing.kind]
                self._members(left)[slot].remove(thing)
                members[slot].append(thing)
        return True

    def nth_cell(self, chunk: int, material: int, n: int) -> int:
        """The n-th cell of a material in a chunk, column by column."""
        left, right, top, bottom = self.bounds[chunk]
        for x in range(left, right):
            start = x * self.height + top
            column = self.materials[start : start + bottom - top]
            here = column.count(material)
            if n < here:
                place = -1
                for _ in range(n + 1):
                    place = column.index(material, place + 1)
                return start + place
            n -= here
        raise IndexError(f"chunk {chunk} has no such cell of {NAMES[material]}")


@lru_cache(maxsize=8)
def _chunks(width: int, height: int) -> tuple[list[int], list[tuple[int, int, int, int]]]:
    """The chunk of each cell, and the bounds (left, right, top, bottom) of each chunk."""
    rows = math.ceil(height / _CHUNK)
    chunk_of = [(x // _CHUNK) * rows + y // _CHUNK for x in range(width) for y in range(height)]
    bounds = [
        (x, min(x + _CHUNK, width), y, min(y + _CHUNK, height))
        for x in range(0, width, _CHUNK)
        for y in range(0, height, _CHUNK)
    ]
    return chunk_of, bounds
