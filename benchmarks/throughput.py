"""How fast the text is, as ratios measured side by side in one run.

    python benchmarks/throughput.py [--steps 4000] [--rounds 5] [babyai nethack crafter import]

babyai    BabyAI-Text against the raw Minigrid environment, steps a second, resets included
nethack   NetHack-Text with the five texts, and with the default one, against raw NLE with the same
          observation keys
crafter   a caption of Crafter against a straightforward one of the same text, which scans the view
          cell by cell with NumPy arithmetic as published captioners do
import    ``import textenvs`` against ``import gymnasium``

The two sides of a ratio take turns, round by round, on the same actions; the medians over the
rounds are quoted, with the smallest and the largest ratio of a round. Absolute numbers are the
machine's.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids

NLE_KEYS = (
    *("glyphs", "blstats", "tty_cursor", "inv_strs", "inv_letters", "tty_chars", "message"),
)


@dataclass(frozen=True)
class Row:
    """A line of the table: two sides, in units a second (or seconds), and their ratio by round."""

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


def babyai(steps: int, rounds: int) -> list[Row]:
    """BabyAI-Text and MiniGrid-Text against Minigrid."""
    rows = []
    for level in ("BabyAI-GoToLocal-v0", "BabyAI-BossLevel-v0", "MiniGrid-DoorKey-8x8-v0"):
        for style in ("default", "glam"):
            ours = gymnasium.make(level.replace("-", "-Text-", 1), style=style)
            rows.append(
                compare(
                    f"{ours.spec.id if ours.spec else level}, {style} / {level}",
                    steps_per_second(ours, steps),
                    steps_per_second(gymnasium.make(level), steps),
                    "steps/s",
                    rounds,
                )
            )
    return rows


def nethack(steps: int, rounds: int) -> list[Row]:
    """NetHack-Text against NLE."""
    import nle  # noqa: F401  # registers its ids

    rows = []
    for style in ("nle_language", "default"):
        ours = gymnasium.make("NetHack-Text-Score-v0", style=style)
        raw = gymnasium.make("NetHackScore-v0", observation_keys=NLE_KEYS)
        rows.append(
            compare(
                f"NetHack-Text-Score-v0, {style} / NetHackScore-v0",
                steps_per_second(ours, steps),
                steps_per_second(raw, steps),
                "steps/s",
                rounds,
            )
        )
    return rows


def crafter(steps: int, rounds: int) -> list[Row]:
    """Crafter's captions against the plain way to write one."""
    from textenvs.captioners import crafter as captioner

    env = gymnasium.make("Crafter-Text-v0")
    infos = [env.reset(seed=0)[1]]
    random = np.random.default_rng(0)
    while len(infos) < 300:
        *_, terminated, truncated, info = env.step(int(random.integers(17)))
        infos.append(info)
        if terminated or truncated:
            infos.append(env.reset()[1])

    def rate(caption: Callable[[Any], str]) -> Callable[[], float]:
        def measure() -> float:
            start = time.process_time()
            for info in infos:
                caption(info)
            return (time.process_time() - start) / len(infos) * 1e6

        return measure

    return [
        compare(
            f"Crafter caption, {name} / scanning the view",
            rate(caption),
            rate(scanned_caption),
            "µs",
            rounds,
        )
        for name, caption in {
            "smartplay": lambda info: captioner.smartplay(info, info["action"]),
            "default": captioner.default,
        }.items()
    ]


def scanned_caption(info: Any) -> str:
    """SmartPlay's list of what is seen, found by measuring the distance to every cell of a kind."""
    from textenvs.captioners.crafter import NAMES

    (px, py), (vx, vy) = info["player_pos"], info["view"]
    area = info["semantic"][
        max(px - vx // 2, 0) : px + vx // 2 + 1, max(py - vy // 2 + 1, 0) : py + vy // 2
    ]
    center = np.array([min(px, vx // 2), min(py, vy // 2 - 1)])
    lines = []
    for kind in np.unique(area):
        if NAMES[kind] == "player":
            continue
        xs, ys = np.where(area == kind)
        distances = np.abs(xs - center[0]) + np.abs(ys - center[1])
        nearest = np.argmin(distances)
        dx, dy = np.array([xs[nearest], ys[nearest]]) - center
        words = [
            ("north" if dy < 0 else "south") if dy else "",
            ("west" if dx < 0 else "east") if dx else "",
        ]
        lines.append(
            f"- {NAMES[kind]} {distances[nearest]} steps to your {'-'.join(filter(None, words))}"
        )
    vitals = [
        f"- {name}: {info['inventory'][name]}/9" for name in ("health", "food", "drink", "energy")
    ]
    items = [f"- {name}: {count}" for name, count in info["inventory"].items() if count]
    return "\n".join([*lines, *vitals, *items])


def imports(steps: int, rounds: int) -> list[Row]:
    """``import textenvs`` against ``import gymnasium``, in fresh processes."""

    def seconds(module: str) -> Callable[[], float]:
        code = (
            f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
        )

        def measure() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            return float(done.stdout) * 1e3

        return measure

    return [
        compare(
            "import textenvs / import gymnasium",
            seconds("textenvs"),
            seconds("gymnasium"),
            "ms",
            2 * rounds,
        )
    ]


MEASUREMENTS = {"babyai": babyai, "nethack": nethack, "crafter": crafter, "import": imports}


def main() -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print("| ours / peer | ours | peer | unit | ratio | ratios of the rounds |")
    print("|---|---|---|---|---|---|")
    for name in args.what or MEASUREMENTS:
        for row in MEASUREMENTS[name](args.steps, args.rounds):
            print(row.line(), flush=True)


if __name__ == "__main__":
    main()
