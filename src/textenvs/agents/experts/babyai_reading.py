"""Our caption of BabyAI read back: the goal, what is in front, what lies where."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Clause", "Noun", "Place", "Seen", "Thing", "clauses", "place_words", "read"]

_KEPT = 8192


class Place(NamedTuple):
    """Cells to the right of the agent and ahead of it; negative to the left and behind."""

    right: int
    ahead: int


class Thing(NamedTuple):
    """An object and where it lies."""

    name: str
    place: Place


class Seen(NamedTuple):
    """An observation.

    Attributes:
        goal: the mission.
        front: what is in the cell in front: "free", "wall", or a thing's name.
        walls: (side, cells) of the nearest walls ahead, left and right.
        things: what lies in view, the nearest first.
        carried: what the agent carries; empty for nothing.
    """

    goal: str
    front: str
    walls: tuple[tuple[str, int], ...]
    things: tuple[Thing, ...]
    carried: str


class Noun(NamedTuple):
    """What a mission speaks of.

    Attributes:
        color: empty for any.
        kind: "ball", "box", "key", "door"; empty for any object.
        side: where it lay when the episode began: "left", "right", "front", "behind"; empty for
            anywhere.
    """

    color: str
    kind: str
    side: str = ""

    def names(self, name: str) -> bool:
        """Whether a thing of the caption ("red ball", "closed red door") is such a one."""
        words = name.split()
        of_kind = self.kind in words if self.kind else "door" not in words
        return of_kind and (not self.color or self.color in words)


class Clause(NamedTuple):
    """A part of a mission: "go", "pick", "open" or "put" an object, which is put next to ``to``."""

    verb: str
    noun: Noun
    to: Noun | None = None


_GOAL = re.compile(r"^Goal: (.*)\.$", re.MULTILINE)
_FRONT = re.compile(r"In front of you: (?:an? )?(.*?)\.")
_WALL = re.compile(r"(\d+) (ahead|left|right)")
_WALLS = re.compile(r"Walls: ([^.]*)\.")
_SEE = re.compile(r"^You see: (.*)\.$", re.MULTILINE)
_CARRY = re.compile(r"^You carry an? (.*)\.$", re.MULTILINE)
_THING = re.compile(r"([a-z ]+?)(?: (\d+) ahead)?(?: (\d+) (left|right))?(?:, |$)")
_NOUN = r"(?:the|a|an) ((?:(?:red|green|blue|purple|yellow|grey) )?(?:ball|box|key|door|object))"
_CLAUSE = re.compile(
    rf"(?:(go) to|(pick) up|(open)|(put)) {_NOUN}"
    r"(?: (on your left|on your right|in front of you|behind you))?"
    rf"(?: next to {_NOUN})?"
)
_SIDES = {
    "": "",
    "on your left": "left",
    "on your right": "right",
    "in front of you": "front",
    "behind you": "behind",
}


@lru_cache(maxsize=_KEPT)
def read(text: str) -> Seen:
    """Read an observation."""
    goal, front, walls = _GOAL.search(text), _FRONT.search(text), _WALLS.search(text)
    see, carry = _SEE.search(text), _CARRY.search(text)
    return Seen(
        goal.group(1) if goal else "",
        front.group(1) if front else "",
        tuple((side, int(n)) for n, side in _WALL.findall(walls.group(1))) if walls else (),
        tuple(map(_thing, _THING.findall(see.group(1)))) if see else (),
        carry.group(1) if carry else "",
    )


def _thing(found: tuple[str, str, str, str]) -> Thing:
    name, ahead, aside, side = found
    right = int(aside or 0) * (-1 if side == "left" else 1)
    return Thing(name, Place(right, int(ahead or 0)))


@lru_cache(maxsize=_KEPT)
def clauses(goal: str) -> tuple[Clause, ...]:
    """The parts of a mission, in the order in which they are to be done."""
    first, after, second = goal.partition(" after you ")
    parts = (second, first) if after else goal.split(", then ")
    return tuple(_clause(part) for text in parts for part in text.split(" and "))


def _clause(text: str) -> Clause:
    found = _CLAUSE.match(text)
    if found is None:
        return Clause("go", Noun("", "nothing"))
    *verbs, noun, side, to = found.groups()
    verb = next(verb for verb in verbs if verb)
    return Clause(verb, _noun(noun, _SIDES[side or ""]), _noun(to) if to else None)


def _noun(words: str, side: str = "") -> Noun:
    *color, kind = words.split()
    return Noun("".join(color), "" if kind == "object" else kind, side)


@lru_cache(maxsize=1024)
def place_words(right: int, ahead: int) -> str:
    """A place as the caption writes it: "2 ahead 1 left"; "here" for the agent's own."""
    along = f"{abs(ahead)} {'ahead' if ahead > 0 else 'behind'}" if ahead else ""
    aside = f"{abs(right)} {'right' if right > 0 else 'left'}" if right else ""
    return " ".join(filter(None, (along, aside))) or "here"
