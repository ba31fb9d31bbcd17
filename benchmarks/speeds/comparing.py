"""Two sides measured in turn, round by round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

__all__ = ["HEADER", "Row", "compare", "steps_per_second"]

HEADER = (
    "| ours / peer | ours | peer | unit | ratio | ratios of the rounds |\n|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """A line of the table: two sides, in units a second, and their ratio by round."""

    name: str
    ours: float
    peer: float
    unit: str
    ratios: list[float]

    def line(self) -> str:
        """The row in Markdown."""
        ratio = statistics.median(self.ratios)
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        numbers = f"{self.ours:,.1f} | {self.peer:,.1f} | {self.unit} | {ratio:.2f} | {spread}"
        return f"| {self.name} | {numbers} |"


def compare(
    name: str, ours: Callable[[], float], peer: Callable[[], float], unit: str, rounds: int
) -> Row:
    """Measure two sides in turn; the first round warms up and does not count."""
    pairs = [(ours(), peer()) for _ in range(rounds + 1)][1:]
    return Row(
        name,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        unit,
        [a / b for a, b in pairs],
    )


def steps_per_second(env: gymnasium.Env[Any, Any], steps: int) -> Callable[[], float]:
    """A function that plays so many random steps, the same ones each time, and returns the rate.

    The time is the process's own, so that other work on the machine counts as little as it can.
    """
    n_actions = int(env.action_space.n)  # type: ignore[attr-defined]
    actions = np.random.default_rng(0).integers(n_actions, size=steps).tolist()

    def play() -> float:
        env.reset(seed=0)
        start = time.process_time()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return steps / (time.process_time() - start)

    return play
