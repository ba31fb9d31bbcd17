"""A potential that a language model wrote as code."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.sandbox import CodeError, Limits, Outcome, Sandbox
from textenvs.shaping.potential import History

__all__ = ["HORIZON", "CodePotential", "arrays_of"]

HORIZON = 5
"""How many earlier observations the code is shown."""

_NOTHING_DONE = -1
_HALTS = ("too long", "died")
_SHARE = 8  # states that are worth a further process
_MOST = 4
_GIVEN_UP = 20  # calls in a row that end so before the code is not asked any more

logger = logging.getLogger(__name__)


class CodePotential:
    """What code says of a state, asked in a sandbox.

    Where the code raises, returns what is not finite, or takes too long, the potential is NaN,
    which the wrappers count as 0; that is counted in ``faults`` and told in the log. Code that took
    too long, or whose process died, twenty times in a row is not asked again, and counted as
    ``"given up"``. Many states at once are shared among processes.

    Args:
        path: a folder of ``textenvs label-code``, or ``"ready"`` for what came with the package
            for ``game``.
        game: a key of :data:`textenvs.knowledge.games.GAMES`; None for that of the folder.
        limits: of time and memory.
        processes: sandboxes, at most one for every eight states that are asked about at once;
            None for as many as there are cores, but no more than four.

    Attributes:
        faults: kind of fault -> how many states.
        about: what the knowledge is of.

    Raises:
        TraceError: if there is no such knowledge.
        CodeError: if the code cannot be loaded.
    """

    horizon = HORIZON

    def __init__(
        self,
        path: Path | str,
        game: str | None = None,
        limits: Limits | None = None,
        processes: int | None = None,
    ) -> None:
        from textenvs.knowledge.folder import find_knowledge
        from textenvs.knowledge.games import GAMES

        folder, self.about = find_knowledge(path, "code", game)
        self._game = GAMES[self.about["game"]]
        code = (folder / "code.py").read_text(encoding="utf-8")
        # A further process starts when a batch is large enough for it, so that one game has one.
        self._another = partial(Sandbox, code, limits=limits, inventory=self._game.inventory)
        self._sandboxes = [self._another()]
        self._most = min(os.cpu_count() or 1, _MOST) if processes is None else processes
        self.faults: Counter[str] = Counter()
        self._in_a_row = 0

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """What the code says of each state: (n,), NaN where it fails."""
        if self._in_a_row >= _GIVEN_UP:
            self.faults["given up"] += len(histories)
            return np.full(len(histories), np.nan)
        outcomes = self._ask(histories)
        for each in outcomes:
            if each.fault:
                self._note(each.fault, each.why)
            self._in_a_row = self._in_a_row + 1 if each.fault in _HALTS else 0
        return np.array([each.value for each in outcomes], np.float64)

    def _ask(self, histories: Sequence[History]) -> list[Outcome]:
        """The outcomes, by all processes side by side."""
        observations, actions = arrays_of(histories, self._game.arrays, self.horizon)
        count = max(1, min(self._most, len(actions) // _SHARE))
        while len(self._sandboxes) < count:
            try:
                self._sandboxes.append(self._another())
            except CodeError as error:  # no room for another process: those that are there do it
                self._most = count = len(self._sandboxes)
                logger.warning("potential as code: %d sandboxes, no further one: %s", count, error)
        parts = list(zip(self._sandboxes, pieces(len(actions), count), strict=False))
        for sandbox, part in parts:
            sandbox.ask({key: each[part] for key, each in observations.items()}, actions[part])
        return [outcome for sandbox, _ in parts for outcome in sandbox.answers()]

    def _note(self, fault: str, why: str) -> None:
        self.faults[fault] += 1
        count = self.faults[fault]
        if str(count).strip("0") == "1":  # 1, 10, 100, ...
            logger.warning("potential as code: %s (%d so far), counted as 0: %s", fault, count, why)
        if fault in _HALTS and self._in_a_row == _GIVEN_UP - 1:
            logger.warning("potential as code: given up, and 0 from now on")

    def close(self) -> None:
        """End the sandboxes."""
        for sandbox in self._sandboxes:
            sandbox.close()


def pieces(count: int, parts: int) -> list[slice]:
    """A range in parts that are as equal as can be.

    Example:
        >>> pieces(5, 2)
        [slice(0, 2, None), slice(2, 5, None)]
    """
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(low, high) for low, high in pairwise(ends)]


def arrays_of(
    histories: Sequence[History], keys: Sequence[str], horizon: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int16]]:
    """Histories as arrays; one that is short is filled with its first state and no actions.

    Args:
        histories: n of them, of observations that are dicts.
        keys: what is taken of the observations.
        horizon: how many earlier observations.

    Returns:
        key -> (n, horizon + 1, ...), and the actions, (n, horizon), -1 for none.

    Raises:
        ValueError: if an observation lacks a key.
    """
    for key in keys:
        if histories and key not in histories[0].observations[-1]:
            raise ValueError(
                f"expected observations with {', '.join(keys)}, got one without {key!r}: make the "
                'environment with obs="dict"'
            )
    whole = [history.filled(horizon, _NOTHING_DONE) for history in histories]
    arrays = {
        key: np.array([[o[key] for o in each.observations] for each in whole]) for key in keys
    }
    actions = np.array([each.actions for each in whole], np.int16)
    return arrays, actions.reshape(len(whole), horizon)
