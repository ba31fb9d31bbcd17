"""Where a hero could go on a level of NetHack: the nearest of each kind of place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textenvs.agents.experts.nethack_facts import Target
from textenvs.agents.experts.nethack_reading import STEPS, Reading, Spot
from textenvs.agents.experts.nethack_ways import (
    ALL_STEPS,
    DOORS,
    ORTHOGONAL,
    WORD_OF,
    Level,
    Ways,
    add,
    minus,
)

__all__ = ["DIGGERS", "DIGGING", "MOST_KICKS", "TRIES", "Lookout", "searched_around"]

DIGGERS = ("pick-axe", "mattock", "broad pick")
DIGGING = frozenset({"dwarf", "dwarf lord", "dwarf king"})  # many carry a pick-axe
MOST_KICKS = 14  # at a locked door before it is given up
TRIES = 4  # times that a place is travelled to in vain before it is given up
_LISTED = 3
_PATIENCE = 40  # looks at a target as the nearest one before it is given up
_FRESH = 30  # turns for which a corpse may be eaten
_STUCK = 12  # actions without a turn of the game after which a place counts as tried
_BEHIND = 8  # cells behind a wall that are looked at
_COLUMNS, _ROWS = 79, 21


@dataclass(frozen=True)
class Lookout:
    """Finds targets; of those that are looked at in vain it keeps count in the level.

    Attributes:
        level: what is known of the level.
        now: the last observation.
        ways: from where the hero stands.
        idle: actions without a turn of the game.
        is_steering: whether the cursor of the travel command is being moved.
    """

    level: Level
    now: Reading
    ways: Ways
    idle: int
    is_steering: bool

    def fresh(self) -> Target | None:
        """The nearest corpse that lies where something was killed a few turns ago."""
        level, now = self.level, self.now
        corpses = {add(now.position, s.spot): s.name for s in now.objects}
        best: Target | None = None
        for cell, (name, turn) in level.kills.items():
            here = cell == now.position
            if now.turn - turn > _FRESH or not (here or corpses.get(cell) == f"{name} corpse"):
                continue
            target = Target(f"{name} corpse", minus(cell, now.position), self.ways.way(cell))
            if target.way != "travel" and (best is None or self.ways.cost(cell) < 5):
                best = target
        return best

    def prey(self) -> Target | None:
        """The nearest dwarf to whom a short way leads."""
        here = self.now.position
        found: list[tuple[int, Target]] = []
        for sight in self.now.creatures:
            cell = add(here, sight.spot)
            beside = [add(cell, step) for step in ALL_STEPS if self.ways.is_near(add(cell, step))]
            if sight.name not in DIGGING or not beside:
                continue
            nearest = min(beside, key=self.ways.cost)
            way = WORD_OF[sight.spot] if sight.is_adjacent else self.ways.way(nearest)
            if way != "travel":
                found.append((self.ways.cost(nearest), Target(sight.name, sight.spot, way)))
        return min(found)[1] if found else None

    def nearest(self, cells: Iterable[Spot]) -> Target | None:
        """The nearest of some cells, and what is known to be there."""
        found = sorted((self.ways.cost(cell), cell) for cell in cells)
        if not found:
            return None
        cell = found[0][1]
        level = self.level
        name = level.tools.get(cell) or level.places.get(cell) or "things"
        tried = level.untaken.get(cell, 0) if name in DIGGERS else 0
        return Target(name, minus(cell, self.now.position), self.ways.way(cell), tried)

    def unvisited(self) -> tuple[Target, ...]:
        """Up to three doors and places of corridors that were not visited, the nearest first.

        It counts as a look at the first, unless the cursor is being moved: after many of them the
        place is given up.
        """
        level, here = self.level, self.now.position
        found: list[tuple[int, Spot, str]] = []
        for cell, name in level.places.items():
            if name in DOORS and cell not in level.been and cell != here:
                kicks = level.locked.get(cell, -1)
                if kicks < MOST_KICKS:
                    label = "locked door" if kicks >= 0 and name == "closed door" else name
                    extra = 30 if label == "locked door" else 4 if name == "closed door" else 0
                    found.append((self.ways.cost(cell) + extra, cell, label))
        found += [(self.ways.cost(c), c, "corridor end") for c in level.ends if c not in level.been]
        found += [
            (self.ways.cost(cell) + 2, cell, "corridor")
            for cell in level.passages - level.ends - level.been.keys()
        ]
        kept = []
        for cost, cell, name in found:
            if level.looks.get(cell, 0) < _PATIENCE and level.tries.get(cell, 0) < TRIES:
                kept.append((cost, cell, name))
        kept.sort()
        if kept:
            first = kept[0][1]
            level.looks[first] = level.looks.get(first, 0) + (not self.is_steering)
        return tuple(
            Target(
                name,
                minus(cell, here),
                self.ways.way(cell),
                level.locked.get(cell, 0) if name == "locked door" else 0,
            )
            for _, cell, name in kept[:_LISTED]
        )

    def search(self) -> Target | None:
        """The place to search: dead ends first, then what lies beside walls; the least searched.

        Where one has been idle for long, it counts as a try in vain.
        """
        level, here = self.level, self.now.position
        best: tuple[int, Spot, str] | None = None
        for cell in level.walk:
            dead_end = cell in level.dead_ends
            sides = 0 if dead_end else self._blank_sides(cell)
            if not dead_end and not sides:
                continue
            turns = searched_around(level.searched, cell)
            cost = self.ways.cost(cell) + (turns * 2 if dead_end else turns * 4 + 40 - 5 * sides)
            cost += 100 * level.tries.get(cell, 0)
            if best is None or (cost, cell) < best[:2]:
                best = (cost, cell, "dead end" if dead_end else "wall")
        for cell in level.boulders:
            cost = self.ways.cost(cell) + 20 + 100 * level.tries.get(cell, 0)
            if self.ways.is_near(cell) and (best is None or (cost, cell) < best[:2]):
                best = (cost, cell, "boulder")
        if best is None:
            return None
        _, cell, name = best
        if self.idle and self.idle % _STUCK == 0:
            level.tries[cell] = level.tries.get(cell, 0) + 1
        return Target(
            name, minus(cell, here), self.ways.way(cell), searched_around(level.searched, cell)
        )

    def _blank_sides(self, cell: Spot) -> int:
        """On how many sides a wall is near behind which nothing is known."""
        x, y = cell
        passable = self.ways.passable
        sides = 0
        for dx, dy in ORTHOGONAL:
            if (x + dx, y + dy) in passable:
                continue
            behind = [(x + dx * n, y + dy * n) for n in range(1, _BEHIND + 1)]
            inside = all(0 < i < _COLUMNS - 1 and 0 < j < _ROWS - 1 for i, j in behind[:4])
            if inside and not any(spot in passable for spot in behind):
                sides += 1
        wide = sum((x + dx, y + dy) in passable for dx, dy in STEPS.values())
        return sides if wide >= 3 else 0


def searched_around(counts: dict[Spot, int], cell: Spot) -> int:
    """The greatest count on a cell or beside it."""
    x, y = cell
    return max(counts.get((x + dx, y + dy), 0) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
