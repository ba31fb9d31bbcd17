"""Two runs on the same episodes: is one better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from textenvs.errors import TraceError
from textenvs.evaluation.records import Record, read_records
from textenvs.evaluation.report import METRICS
from textenvs.metrics import Interval, episodes_needed, holm, paired_bootstrap, permutation_test

__all__ = ["Comparison", "compare"]

_Key = tuple[str, str, int | None]  # id, rules, seed

_LEVEL = 0.05
_LEAST_PAIRS = 2


@dataclass(frozen=True)
class Comparison:
    """A metric of two runs, on the episodes that both played.

    Attributes:
        env_id, metric: what is compared.
        first, second: the runs.
        pairs: episodes of the same seed.
        unpaired: episodes that one of them lacks.
        first_mean, second_mean: over the pairs.
        difference: second minus first, with its 95 % interval (paired bootstrap).
        p: of a paired permutation test, two-sided; ``p_adjusted`` for all tests of the comparison
            (Holm).
        needed: about how many episodes would separate a difference of this size (power 0.8 at 5 %);
            None if it is 0.
    """

    env_id: str
    metric: str
    first: str
    second: str
    pairs: int
    unpaired: int
    first_mean: float
    second_mean: float
    difference: Interval
    p: float
    p_adjusted: float
    needed: int | None

    @property
    def separated(self) -> bool:
        """Whether the two differ for certain enough."""
        return self.p_adjusted <= _LEVEL

    @property
    def warning(self) -> str:
        """What to say where so few episodes cannot separate them; empty where they can."""
        if self.separated or self.needed is None:
            return ""
        return (
            f"{self.pairs} episodes do not separate them: a difference of this size takes about "
            f"{self.needed}"
        )


def compare(
    folders: Sequence[Path | str], metrics: Sequence[str] = tuple(METRICS)
) -> list[Comparison]:
    """Compare each run with the first, on the episodes of the same id and seed.

    Args:
        folders: the runs' folders, two or more; they are named after the folders.
        metrics: which metrics.

    Raises:
        TraceError: if a folder has no complete episodes, or two have none in common.
        ValueError: if there are fewer than two folders.
    """
    if len(folders) < 2:
        raise ValueError(f"expected two or more folders to compare, got {len(folders)}")
    runs = [_by_episode(Path(folder)) for folder in folders]
    names = [str(folder) for folder in folders]
    found: list[Comparison] = []
    for name, run in zip(names[1:], runs[1:], strict=True):
        found += _compare_two(names[0], runs[0], name, run, metrics)
    if not found:
        raise TraceError(
            f"expected {_LEAST_PAIRS} or more episodes that share id and seed, and have any of "
            f"{', '.join(metrics)}, found none"
        )
    adjusted = holm([comparison.p for comparison in found])
    return [
        replace(comparison, p_adjusted=p) for comparison, p in zip(found, adjusted, strict=True)
    ]


def _by_episode(folder: Path) -> dict[_Key, Record]:
    found: dict[_Key, Record] = {}
    for record in read_records(folder):
        key = (record.env_id, record.rules, record.seed)
        if record.seed is not None and key in found:
            raise TraceError(
                f"{folder}: expected one run, got several: {record.env_id} with the seed "
                f"{record.seed} is there twice; name the folder of one run"
            )
        found[key] = record
    if not found:
        raise TraceError(f"{folder}: expected episodes that came to their end, found none")
    return found


def _compare_two(
    first: str, a: dict[_Key, Record], second: str, b: dict[_Key, Record], metrics: Sequence[str]
) -> list[Comparison]:
    shared = [key for key in a if key in b and key[2] is not None]
    if not shared:
        worlds = ({(key[0], key[2]) for key in run if key[2] is not None} for run in (a, b))
        but_for_rules = set.intersection(*worlds)
        why = (
            "they were played with other arguments or limits of steps"
            if but_for_rules
            else "play both with the same ids and --seed"
        )
        raise TraceError(
            f"expected episodes of the same game and seed in {first} and {second}, found none; "
            f"{why}"
        )
    found = []
    for env_id in dict.fromkeys(key[0] for key in shared):
        keys = [key for key in shared if key[0] == env_id]
        all_of_both = {key for key in [*a, *b] if key[0] == env_id}
        for metric in metrics:
            pairs = [(METRICS[metric](a[key]), METRICS[metric](b[key])) for key in keys]
            known = [(x, y) for x, y in pairs if x is not None and y is not None]
            if len(known) != len(pairs) or len(known) < _LEAST_PAIRS:
                continue
            old, new = [x for x, _ in known], [y for _, y in known]
            p = permutation_test(old, new)
            found.append(
                Comparison(
                    env_id=env_id,
                    metric=metric,
                    first=first,
                    second=second,
                    pairs=len(known),
                    unpaired=len(all_of_both) - len(keys),
                    first_mean=sum(old) / len(old),
                    second_mean=sum(new) / len(new),
                    difference=paired_bootstrap(old, new),
                    p=p,
                    p_adjusted=p,
                    needed=episodes_needed([y - x for x, y in known]),
                )
            )
    return found
