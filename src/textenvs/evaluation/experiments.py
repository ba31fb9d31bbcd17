"""Named experiments side by side: what each comes to, and what it is better by than the first.

Everything that is measured is a number of an episode, of which the mean over episodes is taken, so
that every episode counts the same. Experiments that played the same worlds are compared on the
episodes that all of them have; others, as independent samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from textenvs.errors import TraceError, choose
from textenvs.evaluation.records import Record, read_record
from textenvs.metrics import (
    Interval,
    bootstrap_mean,
    holm,
    independent_permutation_test,
    paired_bootstrap,
    permutation_test,
    wilson,
)
from textenvs.metrics.samples import BLOCK, checked

__all__ = ["ACTIONS", "METRICS", "UNLOCKS", "Experiments", "Measure", "compare_experiments"]

_LEVEL = 0.05
_LEAST_PAIRS = 2
_MANY_ACHIEVEMENTS = 3
_MOST_ACTIONS = 5  # of each experiment
_RESAMPLES = 10_000
_NOTHING = Interval(0.0, 0.0, 0.0)

METRICS = ("achievement_rate", "average_reward", "efficiency", "success_rate")
UNLOCKS, ACTIONS = "unlock_rates", "actions"
"""The groups of measures beside the metrics."""

_RATES = ("achievement_rate", "success_rate")

Key = tuple[str, int | None]  # id and seed
_Function = Callable[[Record], float | None]


@dataclass(frozen=True)
class Measure:
    """Something measured of an experiment's episodes of an environment.

    Attributes:
        env_id: the environment.
        group: ``"metrics"``, :data:`UNLOCKS` or :data:`ACTIONS`.
        name: the metric, the achievement or the action.
        experiment: whose.
        episodes: how many were measured.
        value: the mean over them, with its 95 % interval: Wilson's of what is yes or no, the
            bootstrap's of the rest.
        paired: whether the difference is that of pairs, of the same seed.
        difference: this one's mean minus the first's, with its 95 % interval (bootstrap); None
            for the first itself.
        relative: the difference as a share of the first's mean; None where that is not above 0.
        p: of a permutation test, two-sided; ``p_adjusted`` for all tests of the group (Holm).
    """

    env_id: str
    group: str
    name: str
    experiment: str
    episodes: int
    value: Interval
    paired: bool = True
    difference: Interval | None = None
    relative: float | None = None
    p: float | None = None
    p_adjusted: float | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is a share, which is shown in percent."""
        return self.group != "metrics" or self.name in _RATES

    @property
    def separated(self) -> bool:
        """Whether it differs from the first's for certain enough."""
        return self.p_adjusted is not None and self.p_adjusted < _LEVEL


@dataclass
class Experiments:
    """A comparison.

    Attributes:
        names: the experiments, of which the first is what the others are compared with.
        folders: name -> where its traces are.
        measures: all that was measured.
        warnings: what is to be said of episodes that are missing, or not paired.
    """

    names: list[str]
    folders: dict[str, str]
    measures: list[Measure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def never_unlocked(self, env_id: str) -> list[str]:
        """The achievements of an environment that no experiment unlocked in any episode."""
        rates: dict[str, float] = {}
        for measure in self.group(UNLOCKS):
            if measure.env_id == env_id:
                best = max(rates.get(measure.name, 0.0), measure.value.mean)
                rates[measure.name] = best
        return [name for name, rate in rates.items() if not rate]

    def shown(self, group: str, env_id: str) -> list[Measure]:
        """The measures of a group and an environment, without what nobody unlocked."""
        never = self.never_unlocked(env_id) if group == UNLOCKS else []
        return [m for m in self.group(group) if m.env_id == env_id and m.name not in never]

    def group(self, group: str, name: str | None = None) -> list[Measure]:
        """The measures of a group, or of one name in it."""
        return [m for m in self.measures if m.group == group and name in (None, m.name)]


def compare_experiments(folders: Mapping[str, Path | str], goal: Sequence[str] = ()) -> Experiments:
    """Measure the experiments, and compare each with the first.

    The metrics: ``achievement_rate``, the share of episodes with three achievements or more (of a
    game without achievements, its success rate); ``average_reward``, the sum of an episode's
    rewards; ``efficiency``, that sum by the episode's steps; ``success_rate``, of a game that has
    success, or for a ``goal``. Beside them in which share of the episodes each achievement was
    unlocked, and which share of an episode's steps the most common actions have. A metric that
    does not apply to all episodes of an environment is left out.

    Args:
        folders: name -> the folder with the experiment's traces.
        goal: achievements; an episode that unlocked them all is a success.

    Raises:
        TraceError: if a folder has no complete episodes, or the same episode twice, or they have
            no environment in common.
        UnknownName: for a goal that is no achievement of an environment that has achievements.
        ValueError: if no experiment is given, or a goal for games without achievements.
    """
    if not folders:
        raise ValueError("expected an experiment or more to compare, got none")
    found = Experiments(list(folders), {name: str(path) for name, path in folders.items()})
    runs = {name: _read(name, Path(path), found) for name, path in folders.items()}
    env_ids = list(dict.fromkeys(record.env_id for run in runs.values() for record in run))
    for env_id in env_ids:
        of_env = {name: [r for r in run if r.env_id == env_id] for name, run in runs.items()}
        lacking = [name for name, records in of_env.items() if not records]
        if lacking:
            found.warnings.append(f"{env_id}: left out, {', '.join(lacking)} did not play it")
            continue
        chosen, paired = _align(env_id, of_env, found)
        found.measures += _measure(env_id, chosen, paired, goal)
    if not found.measures:
        raise TraceError(
            f"expected experiments with an environment in common, got {', '.join(env_ids)}, none "
            "of which all played"
        )
    if goal and not found.group(UNLOCKS):
        raise ValueError(f"expected a goal in a game with achievements, got {goal[0]!r}")
    found.measures = _adjusted(found.measures)
    return found


def _read(name: str, folder: Path, found: Experiments) -> list[Record]:
    paths = sorted(folder.rglob("episode-*.jsonl"))
    if not paths:
        raise TraceError(f"{folder}: expected traces (episode-*.jsonl), found none")
    records: list[Record] = []
    where: dict[Key, Path] = {}
    for path in paths:
        record = read_record(path)
        if record is None:
            continue
        key = (record.env_id, record.seed)
        if record.seed is not None and key in where:
            raise TraceError(
                f"{path}: expected one episode an id and seed in an experiment, got {key[0]} with "
                f"the seed {key[1]} in {where[key]} too"
            )
        where[key] = path
        records.append(record)
    if not records:
        raise TraceError(f"{folder}: expected episodes that came to their end, found none")
    if len(records) < len(paths):
        found.warnings.append(
            f"{name}: {len(paths) - len(records)} of {len(paths)} episodes did not come to their "
            "end and are left out"
        )
    return records


def _align(
    env_id: str, of_env: Mapping[str, list[Record]], found: Experiments
) -> tuple[dict[str, list[Record]], bool]:
    """The episodes that all have, in one order; or all episodes, where they share none."""
    if len(of_env) == 1:
        return dict(of_env), True
    by_seed = [
        {record.seed: record for record in records if record.seed is not None}
        for records in of_env.values()
    ]
    shared = [seed for seed in by_seed[0] if all(seed in seeds for seeds in by_seed)]
    if len(shared) < _LEAST_PAIRS:
        found.warnings.append(
            f"{env_id}: {len(shared)} episodes of the same seed in all experiments: compared as "
            "independent samples, which separate less; play all with the same --seed"
        )
        return dict(of_env), False
    for name, records in of_env.items():
        if len(records) > len(shared):
            found.warnings.append(
                f"{env_id}: {len(records) - len(shared)} of {len(records)} episodes of {name} are "
                "left out, which not all experiments have"
            )
    return {
        name: [seeds[seed] for seed in shared] for name, seeds in zip(of_env, by_seed, strict=True)
    }, True


def _measure(
    env_id: str, runs: Mapping[str, list[Record]], paired: bool, goal: Sequence[str]
) -> list[Measure]:
    everything = [record for run in runs.values() for record in run]
    unlocked = [record.achievements for record in everything if record.achievements is not None]
    has_achievements = len(unlocked) == len(everything)
    names = sorted({name for counts in unlocked for name in counts}) if has_achievements else []
    measured: list[tuple[str, str, _Function, bool]] = []
    if has_achievements:
        measured.append(("metrics", "achievement_rate", _has_many, True))
        for each in goal:
            choose("achievement", each, names)
    else:
        measured.append(("metrics", "achievement_rate", _success, True))
    measured.append(("metrics", "average_reward", lambda r: r.episode_return, False))
    measured.append(("metrics", "efficiency", _efficiency, False))
    if has_achievements and goal:
        measured.append(("metrics", "success_rate", partial(_has_all, names=goal), True))
    else:
        measured.append(("metrics", "success_rate", _success, True))
    for name in names:
        measured.append((UNLOCKS, name, partial(_has_all, names=[name]), True))
    for name in _most_common(runs):
        measured.append((ACTIONS, name, partial(_share, action=name), False))
    found: list[Measure] = []
    for group, name, function, is_yes_or_no in measured:
        values = {run: [function(record) for record in records] for run, records in runs.items()}
        known = {run: [v for v in each if v is not None] for run, each in values.items()}
        if all(len(known[run]) == len(values[run]) for run in runs):
            found += _compared(env_id, group, name, known, paired, is_yes_or_no)
    return found


def _has_many(record: Record) -> float:
    return float(sum(map(bool, (record.achievements or {}).values())) >= _MANY_ACHIEVEMENTS)


def _has_all(record: Record, names: Sequence[str]) -> float:
    return float(all((record.achievements or {}).get(name) for name in names))


def _success(record: Record) -> float | None:
    return None if record.success is None else float(record.success)


def _efficiency(record: Record) -> float | None:
    return record.episode_return / record.length if record.length else None


def _share(record: Record, action: str) -> float | None:
    # Of an imported trace the actions of some steps may not be known.
    if not record.length or record.actions.total() != record.length:
        return None
    return record.actions[action] / record.length


def _most_common(runs: Mapping[str, list[Record]]) -> list[str]:
    """The most common actions of each experiment, those that are common in any first."""
    shares: dict[str, float] = {}
    for records in runs.values():
        played = {action for record in records for action in record.actions}
        means = {
            action: sum(_share(record, action) or 0.0 for record in records) / len(records)
            for action in played
        }
        for action in sorted(means, key=lambda each: (-means[each], each))[:_MOST_ACTIONS]:
            shares[action] = max(shares.get(action, 0.0), means[action])
    return sorted(shares, key=lambda action: (-shares[action], action))


def _compared(
    env_id: str,
    group: str,
    name: str,
    values: Mapping[str, list[float]],
    paired: bool,
    is_yes_or_no: bool,
) -> list[Measure]:
    """A measure of every experiment; of all but the first with the difference to it."""
    (first, base), *others = values.items()

    def measure(experiment: str, numbers: list[float]) -> Measure:
        interval = (
            wilson(round(sum(numbers)), len(numbers)) if is_yes_or_no else bootstrap_mean(numbers)
        )
        return Measure(env_id, group, name, experiment, len(numbers), interval, paired)

    found = [measure(first, base)]
    for experiment, numbers in others:
        difference = (
            paired_bootstrap(base, numbers) if paired else _independent_bootstrap(base, numbers)
        )
        p = (
            permutation_test(base, numbers)
            if paired
            else independent_permutation_test(base, numbers)
        )
        mean = found[0].value.mean
        found.append(
            replace(
                measure(experiment, numbers),
                difference=difference,
                # Of a mean of 0 or below, a share of it says nothing.
                relative=difference.mean / mean if mean > 0 else None,
                p=p,
                p_adjusted=p,
            )
        )
    return found


def _independent_bootstrap(a: Sequence[float], b: Sequence[float]) -> Interval:
    """By how much b's mean is greater than a's, each resampled by itself (percentiles).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 8.3 and 13.3.
    """
    samples = checked(a, "to compare"), checked(b, "to compare")
    random = np.random.default_rng(0)
    means = []
    for data in samples:
        block = max(1, BLOCK // len(data))
        sizes = [min(block, _RESAMPLES - done) for done in range(0, _RESAMPLES, block)]
        drawn = [data[random.integers(len(data), size=(n, len(data)))].mean(1) for n in sizes]
        means.append(np.concatenate(drawn))
    low, high = np.quantile(means[1] - means[0], (0.025, 0.975))
    return Interval(float(samples[1].mean() - samples[0].mean()), float(low), float(high))


def _adjusted(measures: Sequence[Measure]) -> list[Measure]:
    """Holm's correction, over all tests of a group; the metrics are one family, and so on.

    Where all differences are 0, whatever the data could have been given their sizes, p is 1: such
    tests cannot err, and do not count (Tarone, Biometrics 46 (1990), 515-522).
    """
    adjusted: dict[tuple[object, ...], float] = {}
    for group in dict.fromkeys(measure.group for measure in measures):
        tests = {
            _test(m): m.p
            for m in measures
            if m.group == group and m.p is not None and m.difference != _NOTHING
        }
        adjusted |= dict(zip(tests, holm(list(tests.values())), strict=True))
    return [
        replace(m, p_adjusted=None if m.p is None else adjusted.get(_test(m), 1.0))
        for m in measures
    ]


def _test(measure: Measure) -> tuple[object, ...]:
    """What identifies a test: both rates of a game without achievements are one and the same."""
    rate = measure.group == "metrics" and measure.name in _RATES
    name = (measure.value, measure.difference) if rate else measure.name
    return measure.env_id, measure.group, measure.experiment, name
