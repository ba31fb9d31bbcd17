"""Crafter's worlds: all noise first, in whole fields, then the draws in the published order."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.difficulty import Difficulty
from textenvs.envs.crafter.noise import Field, gradient_table
from textenvs.envs.crafter.words import WorldRandom

__all__ = ["World", "generate"]

_SEEDS = 2**31 - 1

WATER, GRASS, STONE, PATH, SAND, TREE, LAVA, COAL, IRON, DIAMOND = (
    NAMES.index(name)
    for name in (
        *("water", "grass", "stone", "path", "sand", "tree", "lava", "coal", "iron", "diamond"),
    )
)
COW, ZOMBIE, SKELETON = (NAMES.index(name) for name in ("cow", "zombie", "skeleton"))

# What may come of a cell, for which a number is drawn.
_MAYBE_TREE, _MAYBE_COAL, _MAYBE_IRON, _MAYBE_DIAMOND, _LAVA_ELSE = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class World:
    """A new world.

    Attributes:
        materials: ids, one a cell, x * height + y.
        creatures: (kind, x, y) in the order in which they come into the world.
    """

    materials: bytearray
    creatures: list[tuple[int, int, int]]


class _Fields:
    """The noise fields of an area, and the distances from where the player begins."""

    def __init__(self, width: int, height: int) -> None:
        x, y = np.indices((width, height)).astype(np.float64)

        def field(z: float, size: float) -> Field:
            return Field(x / size, y / size, z)

        self.start = field(8, 3)
        self.water = field(3, 15), field(3, 5)
        self.mountain = field(0, 15), field(0, 5)
        self.cave = field(6, 7)
        self.horizontal = Field(2 * x / 3, y / 5 / 3, 7)
        self.vertical = Field(x / 5 / 3, 2 * y / 3, 7)
        self.coal = field(1, 8)
        self.iron = field(2, 6)
        self.lava = field(6, 5)
        self.sand = field(4, 9)
        self.tree = field(5, 7)
        self.distance = np.sqrt((x - width // 2) ** 2 + (y - height // 2) ** 2)


@lru_cache(maxsize=8)
def _fields(width: int, height: int) -> _Fields:
    return _Fields(width, height)


def generate(
    width: int, height: int, random: WorldRandom, difficulty: Difficulty, walkable: tuple[bool, ...]
) -> World:
    """Make the world that crafter makes from the same numbers.

    Args:
        width: of the area, in cells.
        height: of the area, in cells.
        random: the world's numbers, fresh from its seed.
        difficulty: how likely things are.
        walkable: by material id.
    """
    fields = _fields(width, height)
    materials, draws, tunnels = _terrain(fields, gradient_table(random.randint(_SEEDS)))
    _draw_materials(materials, draws, random, difficulty)
    creatures = _draw_creatures(materials, tunnels, fields, height, random, difficulty, walkable)
    return World(materials, creatures)


def _terrain(
    fields: _Fields, table: tuple[list[int], NDArray[np.float64]]
) -> tuple[bytearray, NDArray[np.int64], NDArray[np.bool_]]:
    """What no number is drawn for: the materials, the cells that want draws, and the tunnels."""
    start = 4 - fields.distance
    start += 2 * fields.start.values(table)
    start = 1 / (1 + np.exp(-start))
    water = (1 * fields.water[0].values(table) + 0.15 * fields.water[1].values(table)) + 0.1
    water -= 2 * start
    mountain = 1 * fields.mountain[0].values(table) + 0.3 * fields.mountain[1].values(table)
    mountain /= 1 + 0.3
    mountain -= 4 * start + 0.3 * water
    start, water, mountain = start.ravel(), water.ravel(), mountain.ravel()

    meadow = start > 0.5
    hill = ~meadow & (mountain > 0.15)
    lowland = ~meadow & ~hill
    materials = np.full(len(start), GRASS, np.uint8)
    draws = np.zeros(len(start), np.int64)
    tunnels = np.zeros(len(start), bool)

    cells = np.flatnonzero(hill)
    height = mountain[cells]
    cave = (fields.cave.values(table, cells) > 0.15) & (height > 0.3)
    tunnel = (fields.horizontal.values(table, cells) > 0.4) | (
        fields.vertical.values(table, cells) > 0.4
    )
    tunnels[cells] = tunnel & ~cave
    is_open = cave | tunnel
    materials[cells] = np.where(is_open, PATH, STONE)
    rock, height = cells[~is_open], height[~is_open]
    draws[rock] = (
        _MAYBE_COAL * (fields.coal.values(table, rock) > 0)
        + _MAYBE_IRON * (fields.iron.values(table, rock) > 0.4)
        + _MAYBE_DIAMOND * (height > 0.18)
        + _LAVA_ELSE * ((height > 0.3) & (fields.lava.values(table, rock) > 0.35))
    )

    shore = np.flatnonzero(lowland & (water > 0.25) & (water <= 0.35))
    sandy = shore[fields.sand.values(table, shore) > -0.2]
    materials[lowland & (water > 0.3)] = WATER
    materials[sandy] = SAND
    grass = np.flatnonzero(lowland & (materials == GRASS))
    draws[grass] = _MAYBE_TREE * (fields.tree.values(table, grass) > 0)
    return bytearray(materials.tobytes()), draws, tunnels


def _threshold(published: float, multiplier: float) -> float:
    """The number that a draw must exceed, for a thing that is so many times as likely."""
    return published if multiplier == 1 else 1 - (1 - published) * multiplier


def _draw_materials(
    materials: bytearray, draws: NDArray[np.int64], random: WorldRandom, difficulty: Difficulty
) -> None:
    tree = _threshold(0.8, difficulty.tree)
    coal = _threshold(0.85, difficulty.coal)
    iron = _threshold(0.75, difficulty.iron)
    diamond = _threshold(0.994, difficulty.diamond)
    cells = np.flatnonzero(draws)
    numbers, words = random.take(3 * len(cells))
    number = iter(numbers)
    for cell, maybe in zip(cells.tolist(), draws[cells].tolist(), strict=True):
        if maybe & _MAYBE_TREE:
            if next(number) > tree:
                materials[cell] = TREE
        elif maybe & _MAYBE_COAL and next(number) > coal:
            materials[cell] = COAL
        elif maybe & _MAYBE_IRON and next(number) > iron:
            materials[cell] = IRON
        elif maybe & _MAYBE_DIAMOND and next(number) > diamond:
            materials[cell] = DIAMOND
        elif maybe & _LAVA_ELSE:
            materials[cell] = LAVA
    random.give_back(words, len(numbers) - operator.length_hint(number))


def _draw_creatures(
    materials: bytearray,
    tunnels: NDArray[np.bool_],
    fields: _Fields,
    height: int,
    random: WorldRandom,
    difficulty: Difficulty,
    walkable: tuple[bool, ...],
) -> list[tuple[int, int, int]]:
    cow = _threshold(0.985, difficulty.cow)
    zombie = _threshold(0.993, difficulty.zombie)
    skeleton = _threshold(0.95, difficulty.skeleton)
    ids = np.frombuffer(bytes(materials), np.uint8)
    distance = fields.distance.ravel()
    is_walkable = np.array(walkable)[ids]
    # One number for what may begin here: bit 0 a cow, bit 1 a zombie, bit 2 a skeleton.
    maybe = (
        1 * ((ids == GRASS) & (distance > 3)) + 2 * (distance > 10) + 4 * ((ids == PATH) & tunnels)
    ) * is_walkable
    cells = np.flatnonzero(maybe)
    numbers, words = random.take(3 * len(cells))
    number = iter(numbers)
    creatures = []
    for cell, bits in zip(cells.tolist(), maybe[cells].tolist(), strict=True):
        if bits & 1 and next(number) > cow:
            creatures.append((COW, *divmod(cell, height)))
        elif bits & 2 and next(number) > zombie:
            creatures.append((ZOMBIE, *divmod(cell, height)))
        elif bits & 4 and next(number) > skeleton:
            creatures.append((SKELETON, *divmod(cell, height)))
    random.give_back(words, len(numbers) - operator.length_hint(number))
    return creatures
