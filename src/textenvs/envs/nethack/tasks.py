"""The tasks of NetHack: what each rewards and when it is done.

``Score``, ``Gold``, ``Eat``, ``Scout`` and ``Challenge`` are NLE's (the reward is the change of a
quantity, and a small penalty for steps in which the game's time stands still). ``Staircase``,
``StaircaseLvl3``, ``StaircaseLvl4``, ``Oracle`` and ``OracleSober`` are Motif's: a success pays
``success_reward`` and ends the episode; the ``Continual`` ones pay once and go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["TASKS", "State", "Task"]

_DESCENT = "You descend the stairs"
_BLANK_GLYPH = 2359  # NLE's GLYPH_CMAP_OFF: nothing known of a cell


class State(NamedTuple):
    """What the rewards look at.

    Attributes:
        score, gold, time, depth, experience_level: blstats' entries.
        nutrition: how far from hunger the hero is (NLE's internal[7]).
        level: (dungeon number, level in that dungeon).
        hallucinating: whether what is seen cannot be trusted.
        messages: the pages of text of the step that led here.
        playing: False after the end, when NLE's numbers are all zero.
        position: (x, y) of the hero.
        glyphs: (21, 79) int16, the map; the game's own buffer, so that of the newest state only.
    """

    score: int
    gold: int
    time: int
    depth: int
    experience_level: int
    nutrition: int
    level: tuple[int, int]
    hallucinating: bool
    messages: Sequence[str]
    playing: bool
    position: tuple[int, int]
    glyphs: NDArray[Any]


def _score(before: State, after: State, best: dict[tuple[int, int], int]) -> float:
    return after.score - before.score


def _gold(before: State, after: State, best: dict[tuple[int, int], int]) -> float:
    return after.gold - before.gold


def _nutrition(before: State, after: State, best: dict[tuple[int, int], int]) -> float:
    return max(0, after.nutrition - before.nutrition)


def _explored(before: State, after: State, best: dict[tuple[int, int], int]) -> float:
    """The glyphs that came into view on this level, against the last visit to it."""
    seen = int(np.count_nonzero(after.glyphs != _BLANK_GLYPH))
    gain = seen - best.get(after.level, 0)
    best[after.level] = seen
    return gain


def _descended_to(level: int) -> Callable[[State, int], bool]:
    """Success: took stairs down to this level of a dungeon (falling does not count)."""

    def success(after: State, oracle: int) -> bool:
        took_stairs = any(_DESCENT in page for page in after.messages)
        return took_stairs and after.level[1] == level

    return success


def _beside_oracle(after: State, oracle: int) -> bool:
    x, y = after.position
    around = after.glyphs[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
    return bool(np.any(around == oracle))


def _beside_oracle_sober(after: State, oracle: int) -> bool:
    return not after.hallucinating and _beside_oracle(after, oracle)


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        mission: the task in words; empty where there is none but to play.
        gain: (before, after, explored so far by level) -> the reward of a step that is no success.
        success: (after, glyph of the Oracle) -> whether the task is done; None where it never is.
        continual: whether the episode goes on after a success, which is then paid once.
        penalty_step: what a step in which the game's time stands still costs (negative).
        always_penalised: whether that is due after the end of the game as well.
        everything: NLE's Challenge: all keys, a random hero, nothing dismissed or declined.
    """

    mission: str = ""
    gain: Callable[[State, State, dict[tuple[int, int], int]], float] | None = None
    success: Callable[[State, int], bool] | None = None
    continual: bool = False
    penalty_step: float = -0.01
    always_penalised: bool = False
    everything: bool = False


def _staircase(level: int, continual: bool) -> Task:
    return Task(
        mission=f"take the stairs down to level {level} of the dungeon",
        success=_descended_to(level),
        continual=continual,
        penalty_step=0.0,
    )


TASKS: dict[str, Task] = {
    "Score": Task(gain=_score, always_penalised=True),
    "Staircase": _staircase(2, continual=False),
    "StaircaseLvl3": _staircase(3, continual=False),
    "StaircaseLvl4": _staircase(4, continual=False),
    "StaircaseContinual": _staircase(2, continual=True),
    "StaircaseLvl3Continual": _staircase(3, continual=True),
    "StaircaseLvl4Continual": _staircase(4, continual=True),
    "Oracle": Task("stand beside the Oracle", success=_beside_oracle, penalty_step=0.0),
    "OracleSober": Task(
        "stand beside the Oracle, without hallucinating",
        success=_beside_oracle_sober,
        penalty_step=0.0,
    ),
    "Gold": Task("collect gold", gain=_gold),
    "Eat": Task("eat", gain=_nutrition),
    "Scout": Task("explore the dungeon", gain=_explored),
    "Challenge": Task(gain=_score, always_penalised=True, penalty_step=0.0, everything=True),
}
"""The tasks by the middle of their ids: ``NetHack-Text-<task>-v0``."""
