"""An expert for BabyAI's single rooms, which reads and remembers."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from textenvs.agents.experts.babyai_reading import Noun, Place, Thing, place_words
from textenvs.agents.experts.babyai_recollection import BabyAIRecollection
from textenvs.agents.experts.expert import Decision, Expert

__all__ = ["BabyAIExpert"]

_BESIDE = (Place(0, 1), Place(1, 0), Place(0, -1), Place(-1, 0))
_MOST_POSES = 1500  # a room has 36 cells, and four headings in each


class _Pose(NamedTuple):
    """A cell, and the heading there: quarter turns to the right of now."""

    cell: Place
    turns: int

    @property
    def front(self) -> Place:
        step = _BESIDE[self.turns]
        return Place(self.cell.right + step.right, self.cell.ahead + step.ahead)


class BabyAIExpert(Expert):
    """Goes to, picks up, opens and puts what the mission names, by the shortest way it knows.

    For levels of one room. Minigrid's own bot (:class:`textenvs.agents.BabyAIBotAgent`) plays the
    others too; it plans on the level's state instead of the text.
    """

    name = "expert"
    games = ("BabyAI", "MiniGrid")

    def recollection(self) -> BabyAIRecollection:
        """A map of the room."""
        return BabyAIRecollection()

    def decide(self, text: str, recollection: BabyAIRecollection, thought: str) -> Decision:
        """Do the clause that is due; look for what it names where that was not seen yet."""
        clause, carried = recollection.clause(), recollection.seen.carried
        if clause.verb == "put" and clause.to is not None and clause.noun.names(carried):
            return _put(recollection, carried, clause.to)
        noun = recollection.nouns()[0]
        verb = clause.verb if noun == clause.noun and clause.verb != "put" else "get"
        if carried and verb in ("pick", "get"):
            return _drop(recollection, carried)
        act = {"go": "done", "open": "toggle"}.get(verb, "pick up")
        ways = [
            (len(way), number, thing, way)
            for number, thing in enumerate(recollection.find(noun))
            if (way := _way(recollection, thing.place)) is not None
        ]
        if not ways:
            return _search(recollection)
        # The fewest actions, not the fewest cells: on the way there they only get fewer, so that
        # the expert does not waver between two things.
        _, _, thing, way = min(ways)
        return Decision(f"{verb} {_told(thing)}", way[0] if way else act)


def _told(thing: Thing) -> str:
    return f"{thing.name} {place_words(*thing.place)}"


def _search(recollection: BabyAIRecollection) -> Decision:
    unseen = recollection.unseen()
    if unseen is not None:
        way = _way(recollection, unseen, through=True)
        if way:
            return Decision(f"look {place_words(*unseen)}", way[0])
    return Decision("look around", "turn right")


def _drop(recollection: BabyAIRecollection, carried: str) -> Decision:
    """Get rid of something, in front or to a side."""
    front = recollection.thing_at(Place(0, 1))
    return Decision(f"drop {carried}", "turn right" if front else "drop")


def _put(recollection: BabyAIRecollection, carried: str, to: Noun) -> Decision:
    """Drop what is carried on a free cell beside an object."""
    ways = []
    for number, thing in enumerate(recollection.find(to)):
        for step in _BESIDE:
            cell = Place(thing.place.right + step.right, thing.place.ahead + step.ahead)
            if recollection.thing_at(cell) or cell == Place(0, 0):
                continue
            way = _way(recollection, cell)
            if way is not None:
                ways.append((len(way), number, step, cell, thing, way))
    if not ways:
        return _search(recollection)
    *_, cell, thing, way = min(ways)
    thought = f"put {_told(thing)} at {place_words(*cell)}"
    return Decision(thought, way[0] if way else "drop")


def _way(
    recollection: BabyAIRecollection, target: Place, *, through: bool = False
) -> list[str] | None:
    """The fewest actions after which a place is in front; straight ahead rather than turning.

    Args:
        recollection: the map.
        target: the place.
        through: whether the way may end on the place itself.
    """
    start = _Pose(Place(0, 0), 0)
    came: dict[_Pose, tuple[_Pose, str] | None] = {start: None}
    queue = deque([start])
    while queue and len(came) < _MOST_POSES:
        pose = queue.popleft()
        if pose.front == target or (through and pose.cell == target):
            return _actions(came, pose)
        for action, following in _moves(recollection, pose, target):
            if following not in came:
                came[following] = (pose, action)
                queue.append(following)
    return None


def _moves(recollection: BabyAIRecollection, pose: _Pose, target: Place) -> list[tuple[str, _Pose]]:
    moves = [
        ("turn left", _Pose(pose.cell, (pose.turns - 1) % 4)),
        ("turn right", _Pose(pose.cell, (pose.turns + 1) % 4)),
    ]
    held = recollection.thing_at(pose.front)
    if not held or held.startswith("open "):
        moves.insert(0, ("go forward", _Pose(pose.front, pose.turns)))
    return moves


def _actions(came: dict[_Pose, tuple[_Pose, str] | None], pose: _Pose) -> list[str]:
    actions: list[str] = []
    while (step := came[pose]) is not None:
        pose, action = step
        actions.append(action)
    return actions[::-1]
