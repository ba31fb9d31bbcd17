"""What the episodes of a filter come to: the statistics of the published guide, and histograms."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textenvs.finetuning.examining import SKIPPED
from textenvs.finetuning.filtering import Criteria, Episode, Filtered

__all__ = ["MANY_ACHIEVEMENTS", "describe", "histogram", "statistics"]

MANY_ACHIEVEMENTS = 3
"""How many achievements make a trace one of high quality, as the published guide has it."""

_BINS = 10
_WIDTH = 40
_NEARLY_ALL = 0.98
_VALUES: dict[str, Callable[[Episode], float | None]] = {
    "achievements": lambda episode: episode.achievements,
    "reward": lambda episode: episode.reward,
    "length": lambda episode: episode.length,
    "turns": lambda episode: episode.turns,
    "tokens": lambda episode: episode.tokens,
    "usd": lambda episode: episode.usd,
    "success": lambda episode: None if episode.success is None else float(episode.success),
}
_HISTOGRAMS = ("reward", "achievements", "length", "tokens")


def statistics(found: Filtered, criteria: Criteria) -> dict[str, Any]:
    """The numbers of a filter, of JSON types.

    ``all`` and ``kept`` have the mean of what is known, and of how many episodes it is known
    (``known``); what no episode tells is absent. ``high_quality`` are episodes with
    ``min_achievements`` achievements, or 3 where no such criterion is given; it is absent where no
    game has achievements.
    """
    least = criteria.min_achievements
    least = MANY_ACHIEVEMENTS if least is None else least
    counted = [e for e in found.episodes if e.achievements is not None]
    files = len(found.episodes) + len(found.skipped)
    result: dict[str, Any] = {
        "files": files,
        "skipped": {k: sum(s.kind == k for s in found.skipped) for k in SKIPPED},
        "total": len(found.episodes),
        "filtered": len(found.kept),
        "without_steps": sum(e.recorded == 0 for e in found.kept),
        "steps": {
            "all": sum(e.recorded for e in found.episodes),
            "kept": sum(e.recorded for e in found.kept),
        },
        "dropped": {
            name: {"episodes": dropped.episodes, "unknown": dropped.unknown}
            for name, dropped in found.dropped.items()
        },
        "all": _means(found.episodes),
        "kept": _means(found.kept),
        "histograms": {
            name: bins
            for name in _HISTOGRAMS
            if (bins := _histogram(_known(found.episodes, name), _known(found.kept, name)))
        },
    }
    if counted:
        result["high_quality"] = {
            "achievements": least,
            "episodes": sum((e.achievements or 0) >= least for e in counted),
        }
    if criteria.window is not None:
        result["windows"] = {"all": found.windows, "kept": found.kept_windows}
    return result


def describe(numbers: Mapping[str, Any]) -> str:
    """The statistics as text: the lines of the published guide, and what it leaves out."""
    total = numbers["total"]
    lines = [f"Total traces: {total}"]
    if "high_quality" in numbers:
        high = numbers["high_quality"]
        share = _share(high["episodes"], total)
        lines.append(
            f"High quality traces: {share} with {high['achievements']} or more achievements"
        )
    for name in ("achievements", "reward"):
        if name in numbers["all"]:
            mean, kept = numbers["all"][name], numbers["kept"].get(name)
            known = "" if mean["known"] == total else f" of the {mean['known']} that have any"
            filtered = "" if kept is None else f" (of the filtered: {kept['mean']:.2f})"
            lines.append(f"Average {name}: {mean['mean']:.2f}{known}{filtered}")
    lines.append(f"Filtered traces: {_share(numbers['filtered'], total)}")
    for name, dropped in numbers["dropped"].items():
        unknown = f", of {dropped['unknown']} it is not known" if dropped["unknown"] else ""
        lines.append(f"  {name}: {dropped['episodes']} do not fulfil it{unknown}")
    steps = numbers["steps"]
    lines.append(f"Steps: {steps['all']:,}, of the filtered {steps['kept']:,}")
    if numbers["without_steps"]:
        lines.append(f"  {numbers['without_steps']} filtered traces have no steps")
    if "windows" in numbers:
        windows = numbers["windows"]
        lines.append(f"Filtered windows: {_share(windows['kept'], windows['all'])}")
    skipped = {kind: n for kind, n in numbers["skipped"].items() if n}
    if skipped:
        said = ", ".join(f"{n} {kind}" for kind, n in skipped.items())
        lines.append(f"Skipped files: {sum(skipped.values())} of {numbers['files']} ({said})")
    for name, bins in numbers["histograms"].items():
        lines += ["", histogram(name, bins)]
    return "\n".join(lines)


def histogram(name: str, bins: Sequence[Mapping[str, Any]]) -> str:
    """Bars of all values, of which those that are kept are full."""
    most = max(each["all"] for each in bins)
    width = max(len(_range(each)) for each in bins)
    lines = [f"{name} (# kept, . not)"]
    for each in bins:
        bar = math.ceil(_WIDTH * each["all"] / most)
        full = math.ceil(bar * each["kept"] / each["all"]) if each["all"] else 0
        drawn = "#" * full + "." * (bar - full)
        counts = f"{each['all']} ({each['kept']})"
        lines.append(f"  {_range(each):>{width}}  {drawn}{' ' if drawn else ''}{counts}")
    return "\n".join(lines)


def _means(episodes: Sequence[Episode]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _VALUES:
        values = _known(episodes, name)
        if values:
            found[name] = {"mean": round(math.fsum(values) / len(values), 9), "known": len(values)}
    turns = sum(episode.turns for episode in episodes)
    if turns:
        reward = math.fsum(episode.reward for episode in episodes)
        found["reward_per_turn"] = {"mean": round(reward / turns, 9), "known": len(episodes)}
    return found


def _known(episodes: Sequence[Episode], name: str) -> list[float]:
    values = (_VALUES[name](episode) for episode in episodes)
    return [value for value in values if value is not None]


def _histogram(values: Sequence[float], kept: Sequence[float]) -> list[dict[str, Any]]:
    """Bins of equal width, of whole numbers where all values are; none of values that are all 0.

    What lies far above nearly all others is in a last, wider bin.
    """
    if not any(values):
        return []
    ordered = sorted(values)
    low, high, most = ordered[0], ordered[int(_NEARLY_ALL * (len(ordered) - 1))], ordered[-1]
    if most - low <= 2 * (high - low):
        high = most
    whole = all(float(value).is_integer() for value in values)
    width = (high - low + whole) / _BINS
    width = max(1, math.ceil(width)) if whole else width or 1.0
    number = int((high - low) // width) + 1 if whole else _BINS
    edges = [low + n * width for n in range(number + 1)]
    if most > edges[-1] - whole:
        edges.append(most + whole)
    counts = [[0, 0] for _ in edges[1:]]
    for which, each in enumerate((values, kept)):
        for value in each:
            # The highest belongs to the last bin.
            counts[min(bisect_right(edges, value) - 1, len(counts) - 1)][which] += 1
    return [
        {
            "from": round(edges[n], 9),
            "to": round(edges[n + 1] - whole, 9),
            "all": every,
            "kept": of_kept,
        }
        for n, (every, of_kept) in enumerate(counts)
    ]


def _range(each: Mapping[str, Any]) -> str:
    low, high = map(_shown, (each["from"], each["to"]))
    return low if low == high else f"{low} to {high}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f}%)" if whole else f"{part}"
