"""The two files of an episode in a submission to BALROG, checked against one another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textenvs.errors import TraceError
from textenvs.importing.games import number
from textenvs.metrics import crafter_progress

__all__ = ["DEFAULT_ACTIONS", "Rows", "check_result", "check_rows"]

DEFAULT_ACTIONS = {"crafter": "Noop", "babyai": "go forward", "nle": "esc"}
"""BALROG's name of a game -> what is played for an answer that names no action."""


@dataclass
class Rows:
    """The CSV of an episode.

    Attributes:
        table: its rows, column -> text.
        rewards: of each row.
        done: of each row, whether the game was over.
        executed: whether its actions are what was played, and not what the model answered.
    """

    table: list[dict[str, str]]
    rewards: list[float]
    done: list[bool]
    executed: bool

    def __len__(self) -> int:
        return len(self.table)


def check_result(game: str, result: dict[str, Any]) -> None:
    """Check an episode's JSON.

    Raises:
        TraceError: if something that a trace needs is not there, or contradicts itself.
    """
    steps = result.get("num_steps")
    if not isinstance(steps, int) or steps < 1:
        raise TraceError(f"expected 1 or more as num_steps, got {str(steps)[:60]!r}")
    number(result, "episode_return")
    progress = number(result, "progression")
    invalid = result.get("failed_candidates")
    if not isinstance(invalid, list) or not all(isinstance(text, str) for text in invalid):
        raise TraceError(f"expected failed_candidates, texts, got {str(invalid)[:60]!r}")
    if len(invalid) > steps:
        raise TraceError(f"expected {steps} failed_candidates at most, got {len(invalid)}")
    for name in ("input_tokens", "output_tokens"):
        tokens = result.get(name, 0)
        if not isinstance(tokens, int) or tokens < 0:
            raise TraceError(f"expected 0 or more as {name}, got {str(tokens)[:60]!r}")
    expected = progress
    if game == "babyai":
        expected = float(result["episode_return"] > 0)
    elif game == "crafter":
        counts = result.get("achievements")
        if not isinstance(counts, dict) or not all(type(n) is int for n in counts.values()):
            raise TraceError(f"expected achievements, counts, got {str(counts)[:60]!r}")
        try:
            expected = crafter_progress(counts)
        except ValueError as error:
            raise TraceError(str(error)) from error
    if progress != expected or not 0 <= progress <= 1:
        raise TraceError(f"expected the progression {expected}, got {progress}")


def check_rows(game: str, rows: Rows, result: Mapping[str, Any]) -> None:
    """Check the steps of an episode against its results.

    Raises:
        TraceError: if they are not those of the same game.
    """
    if len(rows) != result["num_steps"]:
        raise TraceError(f"expected {result['num_steps']} rows, as num_steps says, got {len(rows)}")
    total = math.fsum(rows.rewards)
    if not math.isclose(total, result["episode_return"], rel_tol=1e-6, abs_tol=1e-6):
        raise TraceError(
            f"expected rewards of {result['episode_return']}, as episode_return says, got {total}"
        )
    refused = result["failed_candidates"]
    played = Counter(row["Action"] for row in rows.table)
    if not rows.executed:
        missed = Counter(refused)
        if any(played[answer] != times for answer, times in missed.items()):
            raise TraceError("expected the failed_candidates among the actions, got others")
        played -= missed
        played[DEFAULT_ACTIONS[game]] += len(refused)
    frequency = result.get("action_frequency")
    if frequency is not None and +played != frequency:
        raise TraceError("expected the actions of action_frequency, got others")
