"""What is remembered of an episode of Crafter: a map of what was seen, and what was achieved."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from textenvs.agents.experts.crafter_reading import FREE, SIDES, STEPS, Reading, read

__all__ = ["CrafterRecollection", "Facts", "Place", "Plant", "describe"]

Place = tuple[int, int]
"""A place as (dx, dy) from the player."""

# The start is the middle of the world, 32 steps from its northern and its western edge.
_START, _SIZE = 32, 64
_BLOCK = 8  # the map is explored in squares of so many steps
_VIEW = (4, 3)  # how far one sees to the west and east, and to the north and south
_LATELY = 40  # for so many steps it is remembered where one walked
_REACH = 18  # plants grow while they are less than so many steps away
_RIPE = 305  # steps in reach after which a plant is taken to be ripe
_NEAR, _FAR = 15, 40  # a young plant matters within so many steps, a ripe one within so many
_MOST = 9  # visits beyond that many are not told apart
_DAY, _DUSK, _SOON = 300, 147, 60  # the nights begin 147 steps into each 300

_ROCK = frozenset(("stone", "coal", "iron", "diamond", "path", "lava"))
_MOVING = frozenset(("cow", "zombie", "skeleton", "arrow"))
_PLANTS = frozenset(("young plant", "ripe plant"))
_MEMORABLE = frozenset(
    ("water", "tree", "stone", "coal", "iron", "diamond", "table", "furnace", "cow", "skeleton")
)
_SOLID = (
    frozenset(("water", "tree", "stone", "coal", "iron", "diamond", "table", "furnace", "lava"))
    | _PLANTS
    | {"edge of the world"}
)
_HEALTH = {"zombie": 5, "skeleton": 3, "cow": 3}
_VIEWED = tuple(
    sorted(
        (
            (dx, dy)
            for dx in range(-_VIEW[0], _VIEW[0] + 1)
            for dy in range(-_VIEW[1], _VIEW[1] + 1)
            if dx or dy
        ),
        key=lambda place: (abs(place[0]) + abs(place[1]), place),
    )
)
_RANK = {place: rank for rank, place in enumerate(_VIEWED)}
"""The places in view in the caption's order: of a kind, the one of lowest rank is named."""

GOALS = (
    *("sapling", "plant", "drink", "cow", "sleep", "zombie", "stone"),
    *("furnace", "skeleton", "fruit"),
)
"""What the inventory does not tell whether it was achieved."""


class Plant(NamedTuple):
    """A plant of one's own: where it stands, whether it is ripe, and which sides stand open."""

    place: Place
    ripe: bool
    open: tuple[str, ...]


class Facts(NamedTuple):
    """What is worth knowing beside the last observation.

    Attributes:
        todo: which of :data:`GOALS` were not achieved yet.
        seen: kind -> the nearest place out of view.
        unseen: the nearest ground that never was in view, beside grass if there is such; None
            also if it is that of ``rock``.
        rock: the nearest such ground beside rock.
        been: side -> how often one stood there lately.
        plant: the plant that is best fenced, if it is near or ripe.
        night: in how many steps it will be night, in tens; 0 if not soon.
    """

    todo: tuple[str, ...]
    seen: Mapping[str, Place]
    unseen: Place | None
    rock: Place | None
    been: Mapping[str, int]
    plant: Plant | None
    night: int


def describe(place: Place) -> str:
    """Write a place as the caption does: "2 north 4 west"."""
    dx, dy = place
    parts = []
    if dy:
        parts.append(f"{abs(dy)} {'north' if dy < 0 else 'south'}")
    if dx:
        parts.append(f"{abs(dx)} {'west' if dx < 0 else 'east'}")
    return " ".join(parts) or "here"


class CrafterRecollection:
    """Gathers the facts of an episode from its texts and from the actions that were done.

    Where the player is follows from the moves: one succeeds if, and only if, the text before it
    named free ground on that side, since the player moves before anything else does.

    Attributes:
        steps: how many actions were done.
    """

    def __init__(self) -> None:
        self._x = self._y = self.steps = 0
        self._last: Reading | None = None
        self._todo = dict.fromkeys(GOALS)
        self._blows = dict.fromkeys(_HEALTH, 0)
        self._kinds: dict[Place, str] = {}
        self._places: dict[str, set[Place]] = {kind: set() for kind in _MEMORABLE}
        self._plants: dict[Place, int] = {}
        self._walked: deque[Place] = deque(maxlen=_LATELY)
        self._unseen = [
            (x, y)
            for x in range(_BLOCK // 2 - _START, _SIZE - _START, _BLOCK)
            for y in range(_BLOCK // 2 - _START, _SIZE - _START, _BLOCK)
        ]
        self._rocky: set[Place] = set()
        self._grassy: set[Place] = set()
        self._facts: Facts | None = None

    def see(self, text: str, action: str) -> None:
        """Take in an observation, and the action that led to it ("" at the beginning)."""
        now, last = read(text), self._last
        if last is not None:
            self.steps += 1
            if last.asleep and last.energy < 9:
                action = "Sleep"  # whatever was wanted
            elif last.asleep:
                self._todo.pop("sleep", None)
            self._achieve(last, now, action)
            self._walk(last, action)
        for plant in self._plants:
            if abs(plant[0] - self._x) + abs(plant[1] - self._y) < _REACH:
                self._plants[plant] += 1
        self._look(now)
        self._walked.append((self._x, self._y))
        self._last = now
        self._facts = None

    def text(self) -> str:
        """Write down what is worth knowing now and is not in the last observation."""
        facts = self.facts
        parts = []
        if facts.todo:
            parts.append(f"Not yet: {', '.join(facts.todo)}.")
        if facts.seen:
            seen = [f"{kind} {describe(place)}" for kind, place in facts.seen.items()]
            parts.append(f"Seen: {', '.join(seen)}.")
        if facts.unseen:
            parts.append(f"Unseen: {describe(facts.unseen)}.")
        if facts.rock:
            parts.append(f"Unseen rock: {describe(facts.rock)}.")
        if facts.been:
            been = [f"{side} {times}" for side, times in facts.been.items()]
            parts.append(f"Been: {', '.join(been)}.")
        if facts.plant:
            plant = facts.plant
            age = "ripe" if plant.ripe else "young"
            opened = f", open {' '.join(plant.open)}" if plant.open else ""
            parts.append(f"Plant {describe(plant.place)}: {age}{opened}.")
        if facts.night:
            parts.append(f"Night in {facts.night}.")
        return " ".join(parts)

    @property
    def position(self) -> Place:
        """Where the player is, as (dx, dy) from where it began."""
        return self._x, self._y

    @property
    def facts(self) -> Facts:
        """What :meth:`text` writes, as a value."""
        if self._facts is None:
            self._facts = self._gather()
        return self._facts

    def _achieve(self, last: Reading, now: Reading, action: str) -> None:
        """Tell what an action has achieved."""
        done: list[str] = []
        front = last.front
        if action == "Do":
            if front == "water":
                done.append("drink")
            elif front == "ripe plant":
                done.append("fruit")
                self._plants[self._beside(last.facing)] = 0
            elif front in _HEALTH:
                self._blows[front] += _damage(last)
                if self._blows[front] >= _HEALTH[front]:
                    done.append(front)
                    self._blows[front] = 0
            if now.count("sapling") > last.count("sapling"):
                done.append("sapling")
        elif action == "Place Plant" and now.count("sapling") < last.count("sapling"):
            done.append("plant")
            self._plants[self._beside(last.facing)] = 0
        elif action == "Place Stone" and now.count("stone") < last.count("stone"):
            done.append("stone")
        elif action == "Place Furnace" and now.front == "furnace":
            done.append("furnace")
        for name in done:
            self._todo.pop(name, None)
        for kind in _HEALTH:
            dx, dy = now.nearest.get(kind, (9, 9))
            if abs(dx) + abs(dy) > 2:
                self._blows[kind] = 0

    def _walk(self, last: Reading, action: str) -> None:
        verb, _, side = action.lower().partition(" ")
        if verb == "move" and side in STEPS and last.sides[side] in FREE:
            self._x, self._y = self._beside(side)

    def _beside(self, side: str) -> Place:
        dx, dy = STEPS[side]
        return self._x + dx, self._y + dy

    def _look(self, now: Reading) -> None:
        """Put on the map what is in view, and strike out what is there no more."""
        x, y = self._x, self._y
        kinds, places = self._kinds, self._places
        beyond = len(_VIEWED)
        ranks = {
            kind: _RANK.get(now.nearest[kind], beyond) if kind in now.nearest else beyond
            for kind in (*_MEMORABLE, *_PLANTS)
        }
        for rank, (dx, dy) in enumerate(_VIEWED):
            cell = (x + dx, y + dy)
            kind = kinds.get(cell)
            if kind is not None and rank < ranks.get(kind, 0):
                del kinds[cell]
                if kind in places:
                    places[kind].discard(cell)
                self._plants.pop(cell, None)
        for kind in ("cow", "skeleton"):
            rank = ranks[kind]
            gone = [
                cell
                for cell in places[kind]
                if _RANK.get((cell[0] - x, cell[1] - y), beyond) < rank or cell == (x, y)
            ]
            places[kind].difference_update(gone)
        for kind, dx, dy in now.things:
            self._put(kind, (x + dx, y + dy))
        self._unseen = [
            (bx, by) for bx, by in self._unseen if abs(bx - x) > _VIEW[0] or abs(by - y) > _VIEW[1]
        ]

    def _put(self, kind: str, cell: Place) -> None:
        kinds, places = self._kinds, self._places
        if kind == "young plant" and self._plants.get(cell, 0) >= _RIPE:
            self._plants[cell] = 0  # somebody has eaten of it
        if kind == "grass":
            self._grassy.add(_block(cell))
        if kind in _MOVING:
            if kind in places:
                places[kind].add(cell)
            return
        old = kinds.get(cell)
        if old != kind:
            if old in places:
                places[old].discard(cell)
            kinds[cell] = kind
            if kind in places:
                places[kind].add(cell)
            if kind not in _PLANTS:
                self._plants.pop(cell, None)
            if kind in _ROCK:
                self._rocky.add(_block(cell))

    def _gather(self) -> Facts:
        now = self._last
        assert now is not None
        todo = tuple(self._todo)
        seen = {}
        for kind in _relevant(now, self._todo):
            if kind not in now.nearest and self._places[kind]:
                seen[kind] = self._nearest(self._places[kind])
        by_rock = [cell for cell in self._unseen if _is_by(self._rocky, cell)]
        by_grass = [cell for cell in self._unseen if _is_by(self._grassy, cell)] or self._unseen
        rock = self._nearest(by_rock) if by_rock and now.count("wood pickaxe") else None
        unseen = self._nearest(by_grass) if by_grass else None
        counts = {side: self._walked.count(self._beside(side)) for side in SIDES}
        return Facts(
            todo=todo,
            seen=seen,
            unseen=None if unseen == rock else unseen,
            rock=rock,
            been={side: min(count, _MOST) for side, count in counts.items() if count},
            plant=self._plant() if "fruit" in self._todo else None,
            night=_steps_to_night(self.steps),
        )

    def _nearest(self, cells: list[Place] | set[Place]) -> Place:
        x, y = self._x, self._y
        cx, cy = min(cells, key=lambda cell: (abs(cell[0] - x) + abs(cell[1] - y), cell))
        return cx - x, cy - y

    def _plant(self) -> Plant | None:
        """Tell of the plant that is best fenced, if it is near or ripe."""
        best: tuple[tuple[int, int, Place], Plant] | None = None
        for cell, grown in self._plants.items():
            place = cell[0] - self._x, cell[1] - self._y
            ripe = grown >= _RIPE
            if abs(place[0]) + abs(place[1]) <= (_FAR if ripe else _NEAR):
                opened = self._open_sides(cell)
                rank = len(opened), -grown, cell
                if best is None or rank < best[0]:
                    best = rank, Plant(place, ripe, opened)
        return None if best is None else best[1]

    def _open_sides(self, cell: Place) -> tuple[str, ...]:
        x, y = cell
        return tuple(
            side
            for side, (dx, dy) in STEPS.items()
            if self._kinds.get((x + dx, y + dy)) not in _SOLID
        )


def _steps_to_night(steps: int) -> int:
    left = (_DUSK - steps) % _DAY
    return -(-left // 10) * 10 if left <= _SOON else 0


def _is_by(blocks: set[Place], cell: Place) -> bool:
    bx, by = _block(cell)
    return any((bx + i, by + j) in blocks for i in (-1, 0, 1) for j in (-1, 0, 1))


def _block(cell: Place) -> Place:
    return (cell[0] + _START) // _BLOCK, (cell[1] + _START) // _BLOCK


def _damage(reading: Reading) -> int:
    for sword, damage in (("iron sword", 5), ("stone sword", 3), ("wood sword", 2)):
        if reading.count(sword):
            return damage
    return 1


def _relevant(now: Reading, todo: Mapping[str, None]) -> list[str]:
    """Which kinds are worth remembering now."""
    count = now.count
    tools = count("iron pickaxe") and count("iron sword")
    kinds = []
    if now.drink <= 6 or "drink" in todo:
        kinds.append("water")
    if now.food <= 6 or "cow" in todo:
        kinds.append("cow")
    if not tools:
        kinds += ["tree", "table"]
        if count("wood pickaxe"):
            kinds += ["furnace", "coal"]
        if count("stone pickaxe"):
            kinds.append("iron")
    if count("wood pickaxe"):
        kinds.append("stone")
    if count("iron pickaxe") and not count("diamond"):
        kinds.append("diamond")
    if "skeleton" in todo and count("stone sword"):
        kinds.append("skeleton")
    return kinds
