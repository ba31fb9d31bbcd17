"""What a rollout comes to: means with their intervals, as data and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.loop import Episode
from textenvs.metrics import Interval, bootstrap_mean, wilson
from textenvs.traces import replace_file

__all__ = ["achievement_counts", "read_summary", "summarize", "write_summary"]


def summarize(episodes: Sequence[Episode]) -> dict[str, dict[str, Any]]:
    """Sum up episodes by environment.

    Returns:
        id -> ``episodes`` (their number), and for ``return``, ``length`` and ``success`` or
        ``progress``, as far as the game has them, ``{"mean", "low", "high"}`` with a 95 % interval:
        Wilson's for success, the bootstrap's for the others.
    """
    by_env: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_env.setdefault(episode.env_id, []).append(episode)
    return {env_id: _summarize_one(played) for env_id, played in by_env.items()}


def _summarize_one(played: Sequence[Episode]) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "episodes": len(played),
        "return": bootstrap_mean([episode.episode_return for episode in played])._asdict(),
        "length": bootstrap_mean([episode.length for episode in played])._asdict(),
    }
    successes = [episode.success for episode in played if episode.success is not None]
    progress = [episode.progress for episode in played if episode.progress is not None]
    if successes:
        summary["success"] = wilson(sum(successes), len(successes))._asdict()
    if progress:
        summary["progress"] = bootstrap_mean(progress)._asdict()
    return summary


def achievement_counts(episodes: Sequence[Episode]) -> dict[str, int]:
    """In how many of some episodes each achievement was unlocked, the most frequent first."""
    counts: dict[str, int] = {}
    for episode in episodes:
        for name, times in (episode.achievements or {}).items():
            counts[name] = counts.get(name, 0) + bool(times)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_summary(path: Path, summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Add a summary to a JSON file, replaced as a whole; other environments' entries stay.

    Raises:
        TraceError: if the file that is there is no summary.
        OSError: if the file cannot be written.
    """
    merged = {**read_summary(path), **summary}
    replace_file(path, json.dumps(merged, indent=2) + "\n")


def read_summary(path: Path) -> dict[str, Any]:
    """Read a summary file; empty if there is none.

    Raises:
        TraceError: if it is none.
    """
    if not path.exists():
        return {}
    content = path.read_text(encoding="utf-8", errors="replace")
    try:
        summary = json.loads(content)
    except json.JSONDecodeError:
        summary = None
    if not isinstance(summary, dict):
        raise TraceError(f"{path}: expected a summary (a JSON object), got {content[:60]!r}")
    return summary


def format_interval(interval: Mapping[str, float] | Interval, *, percent: bool = False) -> str:
    """An interval as "1.20 [0.85, 1.60]", or in percent as "12.0 % [8.1, 17.4]"."""
    mean, low, high = interval.values() if isinstance(interval, Mapping) else interval
    if percent:
        return f"{100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"
