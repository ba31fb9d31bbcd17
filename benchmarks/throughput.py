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
    """A line of the table: two sides, in units a second, and their ratio by round."""

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


class SeededNLE(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Raw NLE with the seeds that ours draws, so that both sides play the same games."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the seeds of NetHack's two generators, and begin a game from them."""
        if seed is not None:
            self._random, _ = gymnasium.utils.seeding.np_random(seed)
        core, display = self._random.integers(2**63 - 1, size=2).tolist()
        game: Any = self.env.unwrapped
        game.seed(core, display, reseed=False)
        return self.env.reset(options=options)


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
                    steps_per_second(gymnasium.make(level, disable_env_checker=True), steps),
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
        raw = SeededNLE(
            gymnasium.make("NetHackScore-v0", observation_keys=NLE_KEYS, disable_env_checker=True)
        )
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
    """Crafter-Text and its parts against crafter as installed."""
    steps = min(steps, 1000)  # of the peer, which is slow
    rows = [
        compare(name, ours(steps), peer(steps), "steps/s", rounds)
        for name, ours, peer in (
            ("Crafter-Text-v0 / crafter.Env", _crafter_text, _crafter_env),
            ("Crafter-Text-v0 / crafter.Env without rendering", _crafter_text, _crafter_unrendered),
            ("Crafter's engine, no text / crafter.Env", _crafter_engine, _crafter_env),
            ("Crafter-Text-v0, 8 in a vector / crafter.Env", _crafter_vector, _crafter_env),
            ("the same / 8 in a SyncVectorEnv", _crafter_vector, _crafter_sync_vector),
        )
    ]
    rows.append(
        compare(
            "a reset of Crafter-Text-v0 / of crafter.Env",
            _crafter_reset,
            _published_reset,
            "/s",
            rounds,
        )
    )
    return rows + _captions(rounds)


def _actions(steps: int) -> list[int]:
    return np.random.default_rng(0).integers(17, size=steps).tolist()


def _timed_steps(
    reset: Callable[[int], Any], step: Callable[[int], bool], steps: int
) -> Callable[[], float]:
    """Random steps a second, the same ones each time, resets left out."""
    actions = _actions(steps)

    def play() -> float:
        seed, spent = 0, 0.0
        reset(seed)
        start = time.process_time()
        for action in actions:
            if step(action):
                spent += time.process_time() - start
                seed += 1
                reset(seed)
                start = time.process_time()
        return steps / (spent + time.process_time() - start)

    return play


def _crafter_text(steps: int) -> Callable[[], float]:
    env = gymnasium.make("Crafter-Text-v0")

    def step(action: int) -> bool:
        _, _, terminated, truncated, _ = env.step(action)
        return terminated or truncated

    return _timed_steps(lambda seed: env.reset(seed=seed), step, steps)


def _crafter_engine(steps: int) -> Callable[[], float]:
    from textenvs.envs.crafter.env import CrafterTextEnv

    env = CrafterTextEnv()
    game = env.game
    play, inventory = game.play, lambda: game.inventory

    def step(action: int) -> bool:
        _, over = play(action)
        return over or not inventory()["health"]

    return _timed_steps(lambda seed: env.reset(seed=seed), step, steps)


def _published(unrendered: bool, steps: int) -> Callable[[], float]:
    import crafter as published

    games: list[Any] = []

    def reset(seed: int) -> None:
        games[:] = [published.Env(seed=seed)]
        if unrendered:
            games[0].render = lambda *size: None
        games[0].reset()

    return _timed_steps(reset, lambda action: games[0].step(action)[2], steps)


def _crafter_env(steps: int) -> Callable[[], float]:
    return _published(False, steps)


def _crafter_unrendered(steps: int) -> Callable[[], float]:
    return _published(True, steps)


_VECTOR = 8


def _vector_steps(mode: str, steps: int) -> Callable[[], float]:
    envs = gymnasium.make_vec("Crafter-Text-v0", num_envs=_VECTOR, vectorization_mode=mode)
    actions = np.random.default_rng(0).integers(17, size=(steps, _VECTOR))

    def play() -> float:
        envs.reset(seed=0)
        start = time.process_time()
        for action in actions:
            envs.step(action)
        return steps * _VECTOR / (time.process_time() - start)

    return play


def _crafter_vector(steps: int) -> Callable[[], float]:
    return _vector_steps("vector_entry_point", steps)


def _crafter_sync_vector(steps: int) -> Callable[[], float]:
    return _vector_steps("sync", steps)


def _crafter_reset() -> float:
    return _resets_per_second(lambda env, seed: env.reset(seed=seed), 20)


def _resets_per_second(reset: Callable[[Any, int], Any], n: int) -> float:
    env = gymnasium.make("Crafter-Text-v0")
    env.reset(seed=0)  # the geometry of the noise, once a process
    start = time.process_time()
    for seed in range(n):
        reset(env, seed)
    return n / (time.process_time() - start)


def _published_reset() -> float:
    import crafter as published

    game = published.Env(seed=0)
    start = time.process_time()
    game.reset()
    return 1 / (time.process_time() - start)


def _captions(rounds: int) -> list[Row]:
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
            return len(infos) / (time.process_time() - start)

        return measure

    return [
        compare(
            f"a caption of Crafter, {name} / scanning the view",
            rate(caption),
            rate(scanned_caption),
            "/s",
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
    """``import textenvs`` against ``import gymnasium``, in fresh processes; below 1 is slower."""

    def seconds(module: str) -> Callable[[], float]:
        code = (
            f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
        )

        def measure() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            return 1 / float(done.stdout)

        return measure

    return [
        compare(
            "import textenvs / import gymnasium",
            seconds("textenvs"),
            seconds("gymnasium"),
            "/s",
            2 * rounds,
        )
    ]


HEADER = (
    "| ours / peer | ours | peer | unit | ratio | ratios of the rounds |\n|---|---|---|---|---|---|"
)
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


def main() -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--out", type=pathlib.Path, metavar="DIR", help="write performance.md and .png here"
    )
    args = parser.parse_args()
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
    main()
