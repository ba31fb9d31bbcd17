"""What is known of a level of NetHack, and the ways over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from textenvs.agents.experts.nethack_reading import STEPS, Reading, Spot

__all__ = [
    "ALL_STEPS",
    "DOORS",
    "ORTHOGONAL",
    "TRAPS",
    "WAYS_DOWN",
    "WORD_OF",
    "Level",
    "Ways",
    "add",
    "between",
    "is_in_room",
    "minus",
    "span",
]

DOORS = frozenset({"doorway", "open door", "closed door", "lowered drawbridge"})
WAYS_DOWN = frozenset({"stairs down", "ladder down", "hole", "trap door"})
TRAPS = frozenset(
    {"arrow trap", "dart trap", "falling rock trap", "bear trap", "land mine", "web", "pit"}
    | {"rolling boulder trap", "sleeping gas trap", "rust trap", "fire trap", "spiked pit"}
    | {"teleportation trap", "level teleporter", "magic trap", "anti-magic field"}
    | {"polymorph trap", "statue trap", "magic portal", "squeaky board"}
)
_STRAIGHT = frozenset({"open door", "closed door"})  # cannot be passed diagonally
_CORRIDOR = 4  # in a corridor one can rarely go on in more directions
_LEGS = 3  # a way with more turns is left to the game's travel command
ALL_STEPS = tuple(sorted(STEPS.values(), key=lambda step: 0 not in step))
ORTHOGONAL = tuple(step for step in STEPS.values() if 0 in step)
WORD_OF = {step: word for word, step in STEPS.items()}


@dataclass
class Level:
    """What is known of a level; cells are (column, row).

    Attributes:
        walk: cells that can be walked on.
        soft: cells that probably can: within what rays from the hero span.
        been: cells where the hero stood -> how often.
        places: doors, stairs and other features -> their names.
        ends: ends of corridors in sight.
        passages: cells where a corridor went on.
        dead_ends: cells where it did not.
        boulders: where they are now.
        tools: something to dig with -> its name.
        spoils: where somebody was killed who may have left something to dig with.
        unread: piles that were not looked at.
        untaken: where something was to be picked up -> how often it was tried.
        kills: what was killed -> its name and the turn.
        locked: locked doors -> kicks.
        bad: cells and steps that do not work from there.
        tries: places -> how often they were travelled to in vain.
        looks: places -> how often each was the nearest to visit.
        searched: cells -> turns of searching there.
        explored_at: how much was known when nothing unexplored was left.
        hard_floor: whether the floor cannot be dug through.
    """

    walk: set[Spot] = field(default_factory=set)
    soft: set[Spot] = field(default_factory=set)
    been: dict[Spot, int] = field(default_factory=dict)
    places: dict[Spot, str] = field(default_factory=dict)
    ends: set[Spot] = field(default_factory=set)
    passages: set[Spot] = field(default_factory=set)
    dead_ends: set[Spot] = field(default_factory=set)
    boulders: set[Spot] = field(default_factory=set)
    tools: dict[Spot, str] = field(default_factory=dict)
    spoils: set[Spot] = field(default_factory=set)
    unread: set[Spot] = field(default_factory=set)
    untaken: dict[Spot, int] = field(default_factory=dict)
    kills: dict[Spot, tuple[str, int]] = field(default_factory=dict)
    locked: dict[Spot, int] = field(default_factory=dict)
    bad: set[tuple[Spot, Spot]] = field(default_factory=set)
    tries: dict[Spot, int] = field(default_factory=dict)
    looks: dict[Spot, int] = field(default_factory=dict)
    searched: dict[Spot, int] = field(default_factory=dict)
    explored_at: int = -99
    hard_floor: bool = False

    def known(self) -> int:
        """How much is known: grows with every new cell and place."""
        return len(self.walk) + len(self.places)


class Ways:
    """The ways from the hero over what is known of a level."""

    def __init__(self, level: Level, now: Reading, few_keys: bool) -> None:
        self._few_keys = few_keys
        self._level, self._here, self._free = level, now.position, now.free
        places = level.places
        passable = level.walk | level.soft
        passable |= {cell for cell, name in places.items() if name in DOORS or name in WAYS_DOWN}
        passable |= level.ends
        passable -= {cell for cell, name in places.items() if name in TRAPS}
        passable -= level.boulders
        passable -= {
            add(now.position, sight.spot)
            for sight in now.creatures
            if not sight.name.startswith("tame ")
        }
        passable.add(now.position)
        self.passable = passable
        straight = {cell for cell, name in places.items() if name in _STRAIGHT}
        if now.underfoot in _STRAIGHT:
            straight.add(now.position)
        self._in_room = is_in_room({STEPS[word] for word in now.free})
        self._distance = _flood(now.position, passable, level.boulders, straight, level.bad)
        self._straight = straight

    def cost(self, cell: Spot) -> int:
        """Steps to a cell; more if no way is known."""
        known = self._distance.get(cell)
        return known if known is not None else 10 + 2 * span(cell, self._here)

    def is_near(self, cell: Spot) -> bool:
        """Whether a way is known."""
        return cell in self._distance

    def way(self, cell: Spot) -> str:
        """The first leg of the way."""
        if cell == self._here:
            return "here"
        legs = self._legs(cell)
        if self._few_keys:
            return WORD_OF[legs[0][0] if legs else self._towards(cell)]
        if not legs or len(legs) > _LEGS:
            return "travel"
        step, count = legs[0]
        word = WORD_OF[step]
        if count == 1:
            return word
        # A run follows a corridor, and does not end where the leg does.
        if count >= self._free.get(word, 0) and self._in_room:
            return f"far {word}"
        if not self._in_room:
            count = self._until_new(step, count)
        return word if count == 1 else f"{min(count, 9)} {word}"

    def _towards(self, cell: Spot) -> Spot:
        """A step that leads nearer on an empty map and did not fail yet, if there is one."""
        x, y = self._here
        steps = sorted(ALL_STEPS, key=lambda step: _square((x + step[0], y + step[1]), cell))
        return next((step for step in steps if (self._here, step) not in self._level.bad), steps[0])

    def _until_new(self, step: Spot, count: int) -> int:
        """How far one can go before a cell where one has never stood and looked around."""
        x, y = self._here
        for n in range(1, count):
            if (x + step[0] * n, y + step[1] * n) not in self._level.been:
                return n
        return count

    def _legs(self, cell: Spot) -> list[tuple[Spot, int]]:
        """The way from the hero as legs of a direction and a length, with few turns."""
        distance = self._distance
        if cell not in distance:
            return []
        legs: list[tuple[Spot, int]] = []
        last: Spot | None = None
        while cell != self._here:
            wanted = distance[cell] - 1
            steps = [last, *ALL_STEPS] if last else ALL_STEPS
            for step in steps:
                before = (cell[0] - step[0], cell[1] - step[1])
                if distance.get(before) == wanted and self._may(before, cell, step):
                    break
            else:
                return []
            if step == last:
                legs[-1] = (step, legs[-1][1] + 1)
            else:
                legs.append((step, 1))
            last, cell = step, before
        legs.reverse()
        return legs

    def _may(self, start: Spot, end: Spot, step: Spot) -> bool:
        if (start, step) in self._level.bad:
            return False
        return 0 in step or not (start in self._straight or end in self._straight)


def _flood(
    start: Spot,
    passable: set[Spot],
    boulders: set[Spot],
    straight: set[Spot],
    bad: set[tuple[Spot, Spot]],
) -> dict[Spot, int]:
    """Count the steps to all cells; boulders are reached, but not passed."""
    distance = {start: 0}
    queue = deque([start])
    while queue:
        cell = queue.popleft()
        x, y = cell
        further = distance[cell] + 1
        for step in ALL_STEPS:
            after = (x + step[0], y + step[1])
            if after in distance or (after not in passable and after not in boulders):
                continue
            if 0 not in step and (cell in straight or after in straight):
                continue
            if bad and (cell, step) in bad:
                continue
            distance[after] = further
            if after in passable:
                queue.append(after)
    return distance


def add(cell: Spot, step: Spot) -> Spot:
    """The cell that a step leads to."""
    return cell[0] + step[0], cell[1] + step[1]


def minus(cell: Spot, start: Spot) -> Spot:
    """Where a cell is, seen from another."""
    return cell[0] - start[0], cell[1] - start[1]


def span(a: Spot, b: Spot) -> int:
    """How many steps, straight or diagonal, lie between two cells on an empty map."""
    return max(abs(a[0] - b[0]), abs(a[1] - b[1]))


def _square(a: Spot, b: Spot) -> int:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2


def is_in_room(steps: set[Spot]) -> bool:
    """Whether there is more space than in a corridor and its bends."""
    return len(steps) > _CORRIDOR


def between(start: Spot, end: Spot) -> Iterator[Spot]:
    """The cells strictly between two cells on a straight line, none if they are on none."""
    dx, dy = minus(end, start)
    if dx and dy and abs(dx) != abs(dy):
        return
    step = ((dx > 0) - (dx < 0), (dy > 0) - (dy < 0))
    cell = add(start, step)
    while cell != end:
        yield cell
        cell = add(cell, step)
