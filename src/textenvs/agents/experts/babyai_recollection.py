"""What a BabyAI episode's texts told: where things lie, in a frame that turns with the agent."""

from __future__ import annotations

from textenvs.agents.experts.babyai_reading import (
    Clause,
    Noun,
    Place,
    Seen,
    Thing,
    clauses,
    place_words,
    read,
)

__all__ = ["BabyAIRecollection"]

_HEADINGS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # clockwise, from where the agent first looked
_HALF, _DEPTH = 3, 6  # Minigrid's view: 3 cells to each side, 6 ahead
_SIDES = {"left": (0, -1), "right": (0, 1), "front": (1, 1), "behind": (1, -1)}
_NAMED = 3  # places of a noun that are told
_ROOM = 8  # how far a wall that was not seen yet may be


class BabyAIRecollection:
    """A map of one room, from dead reckoning: turns and steps that the text shows to be possible.

    Attributes:
        seen: the last observation.
        done: how many clauses of the mission have been done, as far as the texts tell.
    """

    def __init__(self) -> None:
        self.seen = Seen("", "", (), (), "")
        self.done = 0
        self._at = (0, 0)
        self._heading = 0
        self._things: dict[tuple[int, int], str] = {}
        self._known: set[tuple[int, int]] = set()
        # The walls' coordinates: left, right, behind and ahead of where the episode began.
        self._bounds = [-_ROOM, _ROOM, -_ROOM, _ROOM]

    def see(self, text: str, action: str) -> None:
        """Move on the map as the action did, then enter what is in view."""
        self._move(action)
        self.seen = read(text)
        self._look()
        self._count()

    def _move(self, action: str) -> None:
        if action == "turn right":
            self._heading = (self._heading + 1) % 4
        elif action == "turn left":
            self._heading = (self._heading - 1) % 4
        elif action == "go forward" and self.is_free(self.seen.front):
            self._at = self._cell(Place(0, 1))

    @staticmethod
    def is_free(front: str) -> bool:
        """Whether one can step onto a cell that holds this."""
        return front in ("free", "goal") or front.startswith("open ")

    def _look(self) -> None:
        for right in range(-_HALF, _HALF + 1):
            for ahead in range(_DEPTH + 1):
                cell = self._cell(Place(right, ahead))
                self._known.add(cell)
                self._things.pop(cell, None)
        for thing in self.seen.things:
            self._things[self._cell(thing.place)] = thing.name
        for side, cells in self.seen.walls:
            offset = {"ahead": 0, "right": 1, "left": 3}[side]
            dx, dy = _HEADINGS[(self._heading + offset) % 4]
            x, y = self._at[0] + dx * cells, self._at[1] + dy * cells
            bound = (1 if dx > 0 else 0) if dx else (3 if dy > 0 else 2)
            self._bounds[bound] = x if dx else y

    def _count(self) -> None:
        """See whether the clause that is due is done; the last one ends the episode."""
        parts = clauses(self.seen.goal)
        while self.done < len(parts) - 1 and self._is_done(parts[self.done]):
            self.done += 1

    def _is_done(self, clause: Clause) -> bool:
        if clause.verb == "pick":
            return bool(self.seen.carried) and clause.noun.names(self.seen.carried)
        in_front = self._things.get(self._cell(Place(0, 1)), "")
        if clause.verb == "go":
            return bool(in_front) and clause.noun.names(in_front)
        if clause.verb == "open":
            return in_front.startswith("open ") and clause.noun.names(in_front)
        return False

    def clause(self) -> Clause:
        """The part of the mission that is due."""
        parts = clauses(self.seen.goal)
        return parts[min(self.done, len(parts) - 1)]

    def nouns(self) -> tuple[Noun, ...]:
        """What is of use for that part: a locked door's key before the door."""
        clause = self.clause()
        if clause.verb == "open":
            doors = self.find(clause.noun)
            if doors and doors[0].name.startswith("locked "):
                key = Noun(doors[0].name.split()[1], "key")
                return (clause.noun,) if key.names(self.seen.carried) else (key, clause.noun)
        return (clause.noun,) if clause.to is None else (clause.noun, clause.to)

    def find(self, noun: Noun) -> list[Thing]:
        """Things of a noun that were seen, in view or not, the nearest first."""
        found = [
            Thing(name, self._place(cell))
            for cell, name in self._things.items()
            if noun.names(name) and self._began_at(cell, noun.side)
        ]
        return sorted(found, key=lambda t: (abs(t.place.right) + abs(t.place.ahead), t.place))

    @staticmethod
    def _began_at(cell: tuple[int, int], side: str) -> bool:
        if not side:
            return True
        axis, sign = _SIDES[side]
        return cell[axis] * sign > 0

    def thing_at(self, place: Place) -> str:
        """What a place holds: a thing's name, "wall", or nothing that is known ("")."""
        x, y = cell = self._cell(place)
        left, right, behind, ahead = self._bounds
        name = self._things.get(cell, "")
        return name or ("" if left < x < right and behind < y < ahead else "wall")

    def unseen(self) -> Place | None:
        """The nearest cell that was not in view yet; None if there is none.

        Of the room, and where the mission speaks of a door of its walls too.
        """
        left, right, behind, ahead = self._bounds
        walls = int(self.clause().verb == "open" or self.clause().noun.kind == "door")
        hidden = [
            self._place((x, y))
            for x in range(left + 1 - walls, right + walls)
            for y in range(behind + 1 - walls, ahead + walls)
            if (x, y) not in self._known and not (x in (left, right) and y in (behind, ahead))
        ]
        return min(hidden, key=lambda p: (abs(p.right) + abs(p.ahead), p), default=None)

    def text(self) -> str:
        """Where the things are that are of use now, in view or not, and what was not seen yet."""
        lines = [f"Done: {self.done}."] if self.done else []
        for noun in self.nouns():
            found = self.find(noun)[:_NAMED]
            if found:
                places = ", ".join(f"{t.name} {place_words(*t.place)}" for t in found)
                lines.append(f"Named: {places}.")
            elif (unseen := self.unseen()) is not None:
                lines.append(f"Not seen yet: {place_words(*unseen)}.")
                break
        return "\n".join(lines)

    def _cell(self, place: Place) -> tuple[int, int]:
        ax, ay = _HEADINGS[self._heading]
        rx, ry = _HEADINGS[(self._heading + 1) % 4]
        x, y = self._at
        return (
            x + ax * place.ahead + rx * place.right,
            y + ay * place.ahead + ry * place.right,
        )

    def _place(self, cell: tuple[int, int]) -> Place:
        ax, ay = _HEADINGS[self._heading]
        rx, ry = _HEADINGS[(self._heading + 1) % 4]
        dx, dy = cell[0] - self._at[0], cell[1] - self._at[1]
        return Place(dx * rx + dy * ry, dx * ax + dy * ay)
