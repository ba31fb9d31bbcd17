"""How fast the environments are, as ratios measured side by side in one run.

    python benchmarks/throughput.py [--steps 4000] [--rounds 5] [--out docs] [WHAT ...]

crafter   Crafter-Text with the default caption, its engine alone, a reset, and eight games in a
          vector environment, against crafter.Env as installed, with and without its rendering; and
          a caption against a straightforward one, which measures the distance to every cell
babyai    BabyAI-Text against the raw Minigrid environment, resets included
nethack   NetHack-Text with the five texts, and with the default one, against raw NLE with the same
          observation keys
import    ``import textenvs`` against ``import gymnasium``

The two sides of a ratio take turns, round by round, on the same actions and seeds; the median of
the rounds' ratios is quoted, with the smallest and the largest. Absolute numbers are the machine's.
With ``--out`` they are written there as a page with a bar chart (matplotlib, the extra ``plot``).
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
from collections.abc import Sequence

import common
from speeds.babyai import babyai
from speeds.comparing import HEADER, Row
from speeds.crafter import crafter
from speeds.importing import imports
from speeds.nethack import nethack
from textenvs.cli.arguments import positive
from textenvs.errors import require

PAGE = """# Performance

Written by `python benchmarks/throughput.py --rounds {rounds} --out docs` (the chart needs the
extra `plot`), on a shared machine with two cores. Each row is one comparison: both sides take
turns, round by round, on the same actions, and the median of the rounds' ratios is quoted with
their range. Both sides play the same games: raw NLE, whose `reset` cannot be seeded, is given the
seeds that ours uses. Gymnasium's environment checker is off on both. Times are the process's own.
Absolute numbers are the machine's; ratios hardly depend on it.

{table}

![ratios](performance.png)

- `crafter.Env` is crafter 1.8.3 as installed; steps leave resets out. Without rendering it is not
  the same game, since its pictures draw from the world's numbers.
- The rows of eight games count the steps of all games, resets included.
- A caption "scanning the view" is a straightforward one, which measures the distance to every cell
  of a kind with NumPy.
- NetHack's peers are asked for the same arrays.
"""

MEASUREMENTS = {"crafter": crafter, "babyai": babyai, "nethack": nethack, "import": imports}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--steps", type=positive, default=4000)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument(
        "--out", type=pathlib.Path, metavar="DIR", help="write performance.md and .png here"
    )
    args = parser.parse_args(argv)
    unknown = [each for each in args.what if each not in MEASUREMENTS]
    if unknown:
        parser.error(f"expected of {', '.join(MEASUREMENTS)}, got {', '.join(unknown)}")
    if args.out:
        require("matplotlib", extra="plot", needed_by="--out")  # before any work
        args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print(HEADER)
    for name in args.what or MEASUREMENTS:
        for row in MEASUREMENTS[name](args.steps, args.rounds):
            print(row.line(), flush=True)
            rows.append(row)
    if args.out:
        draw(rows, args.out / "performance.png")
        table = "\n".join([HEADER, *(row.line() for row in rows)])
        (args.out / "performance.md").write_text(
            PAGE.format(table=table, rounds=args.rounds), encoding="utf-8"
        )


def draw(rows: list[Row], path: pathlib.Path) -> None:
    """A bar chart of the ratios, on a logarithmic scale, with the spread of the rounds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 0.4 * len(rows) + 1), layout="constrained")
    middles = [statistics.median(row.ratios) for row in rows]
    spread = [
        [middle - min(row.ratios) for middle, row in zip(middles, rows, strict=True)],
        [max(row.ratios) - middle for middle, row in zip(middles, rows, strict=True)],
    ]
    places = range(len(rows), 0, -1)
    axes.barh(places, middles, xerr=spread, color="tab:blue", ecolor="black", capsize=2)
    axes.set_yticks(places, [row.name for row in rows], fontsize=8)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("speed of ours / speed of the peer (median and range of the rounds)")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    common.guarded(main)
