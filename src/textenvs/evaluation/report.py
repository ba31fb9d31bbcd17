"""What a run comes to: every metric with its interval, from the traces alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.evaluation.records import Record, read_record
from textenvs.evaluation.settings import Settings
from textenvs.llm.model import Usage
from textenvs.metrics import (
    Interval,
    bootstrap_crafter_score,
    bootstrap_mean,
    bootstrap_ratio,
    interquartile_mean,
    smartplay_score,
    wilson,
)
from textenvs.traces import replace_file

__all__ = ["METRICS", "SUMMARY_FILE", "episode_values", "report", "write_report"]

SUMMARY_FILE = "summary.json"
_MOST_UNREAD = 10


def _progress(record: Record) -> float | None:
    """BALROG's: the game's own progress, or else whether the task was done."""
    if record.progress is not None:
        return record.progress
    return None if record.success is None else float(record.success)


def _smartplay(record: Record) -> float | None:
    # An imported trace may know the achievements, and not when each was unlocked.
    if record.achievements is None or len(record.unlocked) != record.length:
        return None
    return float(smartplay_score(record.unlocked))


def _unlocked(record: Record) -> float | None:
    if record.achievements is None:
        return None
    return float(sum(map(bool, record.achievements.values())))


METRICS: dict[str, Callable[[Record], float | None]] = {
    "return": lambda record: record.episode_return,
    "length": lambda record: float(record.length),
    "success": lambda record: None if record.success is None else float(record.success),
    "progress": _progress,
    "achievements": _unlocked,
    "smartplay_score": _smartplay,
    "invalid_action_rate": lambda record: (
        record.invalid / record.stages.total() if record.stages else None
    ),
}
"""What can be said of a single episode, by name; None where it does not apply."""


def episode_values(records: Sequence[Record], metric: str) -> list[float] | None:
    """A metric of each of some episodes; None if it does not apply to all of them."""
    values = [METRICS[metric](record) for record in records]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def report(folder: Path, settings: Settings) -> dict[str, Any]:
    """Sum up the episodes of a run that came to their end.

    Returns:
        ``environments``: id -> ``episodes`` (their number), ``unfinished`` (those that are still to
        be played), the metrics as ``{"mean", "low", "high"}`` with 95 % intervals, the same of
        ``tokens_per_step`` and ``usd_per_step``, how often each ``parse_stages`` and
        ``answer_statuses`` occurred, and the most frequent ``unread_answers``. Beside it the sums
        over all episodes: ``tokens``, ``input_tokens``, ``output_tokens``, ``cached_input_tokens``,
        ``reasoning_tokens`` and ``usd`` (None if not known of all), and the settings.
    """
    environments = {}
    everything: list[Record] = []
    for env_id in settings.ids:
        records = [
            record
            for episode in range(settings.episodes)
            if (record := _read(folder / env_id / f"episode-{episode:05d}.jsonl")) is not None
        ]
        environments[env_id] = _environment(records, settings.episodes)
        everything += records
    usage = sum((record.usage for record in everything), Usage())
    costs = [record.usd for record in everything]
    return {
        "agent": settings.agent,
        "model": next((record.model for record in everything), settings.llm),
        "seed": settings.seed,
        "settings": settings.in_traces(),
        "environments": environments,
        **_tokens(usage),
        "usd": None if None in costs else sum(cost or 0.0 for cost in costs),
    }


def write_report(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary, the file as a whole.

    Raises:
        OSError: if it cannot be written.
    """
    replace_file(path, json.dumps(summary, indent=2) + "\n")


def read_report(path: Path) -> dict[str, Any]:
    """Read a summary; empty if there is none.

    Raises:
        TraceError: if the file is none.
    """
    if not path.exists():
        return {}
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        summary = None
    if not isinstance(summary, dict) or "environments" not in summary:
        raise TraceError(f"{path}: expected the summary of an evaluation, got something else")
    return summary


def _read(path: Path) -> Record | None:
    return read_record(path) if path.exists() else None


def _environment(records: Sequence[Record], wanted: int) -> dict[str, Any]:
    summary: dict[str, Any] = {"episodes": len(records), "unfinished": wanted - len(records)}
    lacking = sum(record.recorded < record.length for record in records)
    if lacking:
        summary["without_all_steps"] = lacking
    if not records:
        return summary
    lengths = [record.length for record in records]
    for metric in METRICS:
        values = episode_values(records, metric)
        if values is None:
            continue
        if metric == "success":
            interval = wilson(round(sum(values)), len(values))
        elif metric == "progress" and all(record.progress is None for record in records):
            interval = wilson(round(sum(values)), len(values))  # it is success
        elif metric == "invalid_action_rate":
            read = [record.stages.total() for record in records]
            interval = bootstrap_ratio([record.invalid for record in records], read)
        else:
            interval = bootstrap_mean(values)
        summary[metric] = interval._asdict()
    summary["return_iqm"] = interquartile_mean([r.episode_return for r in records])._asdict()
    achievements = [record.achievements for record in records if record.achievements is not None]
    if len(achievements) == len(records):
        summary["crafter_score"] = bootstrap_crafter_score(achievements)._asdict()
        summary["unlocked"] = _unlock_rates(achievements)
    if any(record.statuses or record.usage.total for record in records):
        summary |= _answers(records, lengths)
    return summary


def _answers(records: Sequence[Record], lengths: Sequence[int]) -> dict[str, Any]:
    """What the model's answers took, and how they were read."""
    found: dict[str, Any] = {}
    if all(record.usage.counted for record in records):
        tokens = [record.usage.total for record in records]
        found["tokens_per_step"] = bootstrap_ratio(tokens, lengths)._asdict()
    costs = [record.usd for record in records if record.usd is not None]
    if len(costs) == len(records):
        found["usd_per_step"] = bootstrap_ratio(costs, lengths)._asdict()
    found["answer_statuses"] = _sum(record.statuses for record in records)
    found["parse_stages"] = _sum(record.stages for record in records)
    unread = _sum(record.unread for record in records)
    most = sorted(unread.items(), key=lambda item: (-item[1], item[0]))[:_MOST_UNREAD]
    found["unread_answers"] = dict(most)
    return found


def _tokens(usage: Usage) -> dict[str, int | None]:
    """The sums of tokens; None for all of them if somebody did not count."""
    sums = {
        "tokens": usage.total,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
    return {name: number if usage.counted else None for name, number in sums.items()}


def _sum(counters: Any) -> dict[str, int]:
    return dict(sorted(sum(counters, Counter[str]()).items()))


def _unlock_rates(achievements: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """In which share of the episodes each achievement was unlocked."""
    names = sorted({name for counts in achievements for name in counts})
    return {
        name: sum(bool(counts.get(name)) for counts in achievements) / len(achievements)
        for name in names
    }


def format_metric(metric: str, interval: Mapping[str, float] | Interval) -> str:
    """An interval as a table shows it."""
    mean, low, high = interval.values() if isinstance(interval, Mapping) else interval
    if metric in ("success", "progress", "invalid_action_rate"):
        return f"{100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    digits = 6 if metric == "usd_per_step" else 2
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
