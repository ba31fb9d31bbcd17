"""How often the intervals contain what they should, by simulation.

    python benchmarks/interval_coverage.py [--samples 1000] [--out docs/results]

A 95 % interval should contain the true value in 95 % of cases. With few episodes it does not: this
draws episodes of an agent that is known, takes the intervals of :mod:`textenvs.metrics` and counts.
Writes ``interval_coverage.json`` and ``interval_coverage.md``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from textenvs.cli.arguments import positive
from textenvs.metrics import (
    CRAFTER_ACHIEVEMENTS,
    bootstrap_crafter_score,
    bootstrap_mean,
    crafter_score,
)
from textenvs.traces import replace_file

ROOT = Path(__file__).resolve().parent.parent
EPISODES = (5, 10, 50, 100)

# In how many percent of the episodes each achievement is unlocked, in the order of
# CRAFTER_ACHIEVEMENTS: 160 episodes of 16 language models on BALROG's leaderboard until 2025-07,
# and 100 of human experts (danijar/crafter e04542a).
RATES = {
    "language models": (
        *(19, 1, 55, 10, 58, 34, 81, 11, 41, 45, 0, 2, 0, 19, 8, 53, 28, 9, 40, 18, 67, 38),
    ),
    "human experts": (
        *(86, 12, 92, 53, 67, 100, 100, 31, 84, 89, 8, 26, 22, 78, 78, 100, 45, 32, 24, 90, 100),
        *(73,),
    ),
}


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--samples", type=positive, default=1000, help="of each row (1000)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    options = parser.parse_args()
    rows = [normal_row(n, options.samples) for n in EPISODES]
    for who, percent in RATES.items():
        rates = np.array(percent) / 100
        rows += [crafter_row(who, rates, n, options.samples) for n in EPISODES]
    page = _page(rows, options.samples)
    print(page)
    replace_file(options.out / "interval_coverage.json", json.dumps(rows, indent=2) + "\n")
    replace_file(options.out / "interval_coverage.md", page)


def normal_row(episodes: int, samples: int) -> dict[str, Any]:
    """The mean of normal values, with the percentile bootstrap."""
    random = np.random.default_rng(0)
    found = [bootstrap_mean(random.normal(size=episodes).tolist(), 2000) for _ in range(samples)]
    inside = sum(interval.low <= 0 <= interval.high for interval in found)
    return {
        "what": "mean of normal values",
        "episodes": episodes,
        "true": 0.0,
        "average": float(np.mean([interval.mean for interval in found])),
        "covered": inside / samples,
    }


def crafter_row(who: str, rates: Any, episodes: int, samples: int) -> dict[str, Any]:
    """The Crafter score of an agent that unlocks each achievement independently at its rate."""
    random = np.random.default_rng(0)
    true = crafter_score(dict(zip(CRAFTER_ACHIEVEMENTS, rates.tolist(), strict=True)))
    found = []
    for _ in range(samples):
        unlocked = (random.random((episodes, len(rates))) < rates).astype(int).tolist()
        counts = [dict(zip(CRAFTER_ACHIEVEMENTS, row, strict=True)) for row in unlocked]
        found.append(bootstrap_crafter_score(counts, 1000))
    inside = sum(interval.low <= true <= interval.high for interval in found)
    return {
        "what": f"Crafter score, {who}",
        "episodes": episodes,
        "true": true,
        "average": float(np.mean([interval.mean for interval in found])),
        "covered": inside / samples,
    }


def _page(rows: list[dict[str, Any]], samples: int) -> str:
    table = "\n".join(
        f"| {row['what']} | {row['episodes']} | {row['true']:.2f} | {row['average']:.2f} | "
        f"{100 * row['covered']:.1f} |"
        for row in rows
    )
    return f"""# How often the intervals contain the truth

Written by `python benchmarks/interval_coverage.py`: {samples} simulated runs a row. A 95 % interval
should contain the true value in 95 % of them.

| what | episodes | true value | average estimate | covered, % |
|---|---|---|---|---|
{table}

The mean: percentile bootstrap. The Crafter score: basic bootstrap of its logarithm; an agent
unlocks each achievement independently, at the rates of 160 published games of language models
(BALROG's leaderboard until 2025-07) or of 100 games of human experts (danijar/crafter e04542a).
"""


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    main()
