"""Rows of results: what one player did in one game, compared and shown in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textenvs.metrics import Interval, bootstrap_mean, paired_bootstrap, permutation_test, wilson

__all__ = ["Row", "against", "difference", "find", "merge", "shown", "stored_episodes", "table"]


@dataclass(frozen=True)
class Row:
    """What one player did in one game.

    Attributes:
        player: the name in the tables.
        kind: "model", "untrained", "random" or "expert".
        game: which game or task.
        seed: of the run; None for what was not played here.
        values: metric -> a value for each episode, in their order; players of the same game and
            seed played the same episodes.
        settings: what the player's episodes follow from, as traces say it.
        more: what is no value of single episodes.
    """

    player: str
    kind: str
    game: str
    seed: int | None
    values: dict[str, list[float]]
    settings: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What makes it the same row as an earlier one."""
        return self.player, self.game, self.seed

    @property
    def episodes(self) -> int:
        """How many there are."""
        return max((len(values) for values in self.values.values()), default=0)

    def interval(self, metric: str) -> Interval | None:
        """The mean of a metric with its 95 % interval; None if it has none."""
        values = self.values.get(metric)
        if not values:
            return None
        if metric == "success" or (metric == "progress" and "success" in self.values):
            return wilson(round(sum(values)), len(values))
        return bootstrap_mean(values)


_FEWEST_PAIRS = 2
_LEAST_P = 0.001  # what 20,000 flips can tell from 0


def merge(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """All rows, the new ones in place of those of the same player, game and seed."""
    rows = {row.key: row for row in old}
    return list({**rows, **{row.key: row for row in new}}.values())


def find(rows: Sequence[Row], kind: str, game: str, seed: int | None) -> Row | None:
    """The row of a kind of player."""
    return next((r for r in rows if (r.kind, r.game, r.seed) == (kind, game, seed)), None)


def stored_episodes(rows: Sequence[Row], player: str, game: str, seed: int) -> int:
    """How many episodes a row has already, so that a shorter run does not replace a longer one."""
    return next((row.episodes for row in rows if row.key == (player, game, seed)), 0)


def against(row: Row, baseline: Row | None, metric: str, percent: bool = False) -> str:
    """What a row has more than another one on the same episodes, "-" where there is no such."""
    if baseline is None or row.key == baseline.key or row.seed != baseline.seed:
        return "-"
    if row.seed is None:
        return "-"
    theirs, mine = baseline.values.get(metric, ()), row.values.get(metric, ())
    return difference(list(zip(theirs, mine, strict=False)), percent)  # the shorter run decides


def difference(pairs: Sequence[tuple[float, float]], percent: bool = False) -> str:
    """What the second of each pair has more than the first, "-" of fewer than two pairs."""
    if len(pairs) < _FEWEST_PAIRS:
        return "-"
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    p = permutation_test(old, new)
    said = "p < 0.001" if p < _LEAST_P else f"p = {p:.3f}"
    return f"{shown(paired_bootstrap(old, new), percent)}, {said} ({len(pairs)} pairs)"


def shown(interval: Interval | Mapping[str, float] | None, percent: bool = False) -> str:
    """An interval as a table shows it."""
    if interval is None:
        return "-"
    mean, low, high = interval.values() if isinstance(interval, Mapping) else interval
    scale, digits = (100, 1) if percent else (1, 2)
    return f"{scale * mean:.{digits}f} [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"


def table(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    cells = [columns, ["---"] * len(columns), *lines]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in cells)
