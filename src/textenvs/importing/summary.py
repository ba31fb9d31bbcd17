"""Imported games in numbers: each model's, beside the published ones, and two by two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from textenvs.evaluation.records import Record
from textenvs.evaluation.report import METRICS, episode_values
from textenvs.importing.games import Published
from textenvs.metrics import (
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    holm,
    standard_error_balrog,
    wilson,
)
from textenvs.metrics.comparisons import independent_permutation_test

__all__ = ["Pair", "Row", "compare_models", "summarize"]

_LEVEL = 0.05
Key = tuple[str, str]  # player, env_id


@dataclass(frozen=True)
class Row:
    """A model's games in an environment; None for what is not known of all of them.

    Attributes:
        player, env_id: whose, and which.
        episodes: how many have results.
        unfinished: how many have not.
        without_steps: how many of those with results lack steps.
        progress: its mean, from 0 to 1.
        standard_error: of it, as BALROG has it.
        interval: of it, 95 %: Wilson's where it is success, the bootstrap's otherwise.
        episode_return: mean, with the bootstrap's interval.
        steps: mean of an episode.
        invalid: the share of the steps whose answer named no action, with the bootstrap's interval.
        tokens: of a step, in and out, with the bootstrap's interval.
        published: what was published of the games.
        equal: whether that is what comes out here; None if it is of more games than are here.
        remark: what is not equal, or missing.
    """

    player: str
    env_id: str
    episodes: int
    unfinished: int
    without_steps: int
    progress: float | None
    standard_error: float | None
    interval: Interval | None
    episode_return: Interval
    steps: float
    invalid: Interval | None
    tokens: Interval | None
    published: Published | None
    equal: bool | None
    remark: str


@dataclass(frozen=True)
class Pair:
    """Two models in an environment, which played other episodes of it.

    Attributes:
        env_id, metric: of what.
        first, second: which.
        episodes: of each.
        difference: the second's mean less the first's.
        p: of the permutation test for independent samples, two-sided; ``p_adjusted`` for all pairs
            of the environment (Holm).
    """

    env_id: str
    metric: str
    first: str
    second: str
    episodes: tuple[int, int]
    difference: float
    p: float
    p_adjusted: float

    @property
    def separated(self) -> bool:
        """Whether the two differ for certain enough."""
        return self.p_adjusted < _LEVEL


def summarize(
    records: Mapping[Key, Sequence[Record]],
    unfinished: Mapping[Key, int],
    published: Sequence[Published],
) -> list[Row]:
    """A row for each model and environment that has results.

    Args:
        records: the episodes with results.
        unfinished: how many have none.
        published: what the source says itself.
    """
    said = {(row.player, row.env_id): row for row in published}
    return [
        _row(key, found, unfinished.get(key, 0), said.get(key))
        for key, found in records.items()
        if found
    ]


def _row(key: Key, records: Sequence[Record], unfinished: int, published: Published | None) -> Row:
    progress = episode_values(records, "progress")
    returns = [record.episode_return for record in records]
    lengths = [record.length for record in records]
    mean = error = interval = None
    if progress is not None:
        mean, error = math.fsum(progress) / len(progress), standard_error_balrog(progress)
        only_success = all(record.progress is None for record in records)
        interval = (
            wilson(round(sum(progress)), len(progress))
            if only_success
            else bootstrap_mean(progress)
        )
    read = [record.stages.total() for record in records]
    tokens = [record.usage.total for record in records]
    row = Row(
        player=key[0],
        env_id=key[1],
        episodes=len(records),
        unfinished=unfinished,
        without_steps=sum(record.recorded < record.length for record in records),
        progress=mean,
        standard_error=error,
        interval=interval,
        episode_return=bootstrap_mean(returns),
        steps=math.fsum(lengths) / len(lengths),
        # Of answers that are known of some steps only there is no share of all steps.
        invalid=(
            bootstrap_ratio([record.invalid for record in records], lengths)
            if read == lengths
            else None
        ),
        tokens=bootstrap_ratio(tokens, lengths) if all(tokens) else None,
        published=published,
        equal=None,
        remark="",
    )
    equal, remark = _compare(row, returns)
    return Row(**{**row.__dict__, "equal": equal, "remark": remark})


def _compare(row: Row, returns: Sequence[float]) -> tuple[bool | None, str]:
    """Whether a row is what was published, and what is to be said of it."""
    remarks = []
    if row.without_steps:
        remarks.append(f"{row.without_steps} without steps")
    if row.unfinished:
        remarks.append(f"{row.unfinished} without results")
    published = row.published
    if published is None:
        return None, "; ".join([*remarks, "nothing published"])
    if published.episodes != row.episodes:
        remarks.append(f"{row.episodes} of {published.episodes} published episodes")
        if published.returns is not None:
            among = _among(returns, published.returns)
            remarks.append(f"their returns are {'' if among else 'not '}among the published")
        return None, "; ".join(remarks)
    pairs: list[tuple[str, float | None, float | None]] = [
        ("progress", _percent(row.progress), published.progress),
        ("standard error", _percent(row.standard_error), published.standard_error),
        ("steps", row.steps, published.steps),
    ]
    differing = [
        f"{name} {said} published"
        for name, got, said in pairs
        if said is not None
        and (got is None or not math.isclose(got, said, rel_tol=1e-9, abs_tol=1e-9))
    ]
    if published.returns is not None and not _among(returns, published.returns):
        differing.append("other returns published")
    return not differing, "; ".join([*remarks, *differing])


def _among(returns: Sequence[float], published: Sequence[float]) -> bool:
    """Whether the returns are some of the published ones, each of which counts once."""
    left = [round(value, 6) for value in published]
    for value in returns:
        if round(value, 6) not in left:
            return False
        left.remove(round(value, 6))
    return True


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def compare_models(records: Mapping[Key, Sequence[Record]]) -> list[Pair]:
    """Compare every two models in each environment.

    By progress, or where that is not known of all by return. They did not play the same episodes,
    so that the test is for independent samples.
    """
    pairs: list[Pair] = []
    for env_id in dict.fromkeys(env_id for _, env_id in records):
        players = {player: found for (player, its), found in records.items() if its == env_id}
        known = all(episode_values(found, "progress") is not None for found in players.values())
        metric = "progress" if known else "return"
        values = {
            player: [value for record in found if (value := METRICS[metric](record)) is not None]
            for player, found in players.items()
            if found
        }
        tested = [
            (first, second, independent_permutation_test(values[first], values[second]))
            for first, second in combinations(values, 2)
        ]
        adjusted = holm([p for _, _, p in tested])
        for (first, second, p), corrected in zip(tested, adjusted, strict=True):
            a, b = values[first], values[second]
            pairs.append(
                Pair(
                    env_id=env_id,
                    metric=metric,
                    first=first,
                    second=second,
                    episodes=(len(a), len(b)),
                    difference=math.fsum(b) / len(b) - math.fsum(a) / len(a),
                    p=p,
                    p_adjusted=corrected,
                )
            )
    return pairs
