"""A second exercise: to tell where things are, which every decision begins with.

An expert's answer copies one place out of a list, and the gradient of these two tokens alone makes
a small model learn to find them late: after 30,000 rows it still guessed. An answer that copies
all places of the list teaches the same within a tenth of that.
"""

from __future__ import annotations

import re

import numpy as np

from tiny.playing import Row

__all__ = ["telling"]

_SIDES = "ahead|behind|left|right|north|south|east|west"
_THING = re.compile(rf"([a-z]+(?: [a-z]+)*)((?: \d{{1,2}} (?:{_SIDES}))+)(?=[,.])")
_MOST = 8


def telling(row: Row, random: np.random.Generator) -> Row | None:
    """A row that asks where some of the things in a prompt are; None if there are fewer than two.

    Of things of one name the first is meant, which is the nearest.
    """
    seen = row.prompt[row.prompt.startswith("Thought:") and row.prompt.index("\n") + 1 :]
    places: dict[str, str] = {}
    for name, place in _THING.findall(seen):
        places.setdefault(name, place)
    if len(places) < 2:
        return None
    names = list(places)
    chosen = [names[i] for i in random.permutation(len(names))[:_MOST]]
    answer = ", ".join(f"{name}{places[name]}" for name in chosen)
    return Row(row.task, f"{seen}\nTell: {', '.join(chosen)}.", answer)
