"""How close sixteen games come to what a server's delay allows.

    python benchmarks/concurrency.py [--games 16] [--delay 0.1] [--out docs/results]

A server answers every request after a fixed delay. With N games, each of which waits for its own
answer, no more than N / delay actions a second are possible. Two ways to play are measured on the
same episodes, round by round in turns: each game in a thread of its own, as ``textenvs eval`` plays
with a server, and all games in lockstep, a batch of requests a step, as loops over vector
environments do. Writes ``concurrency.json`` and ``concurrency.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium

from textenvs import rollout
from textenvs.agents import LanguageAgent
from textenvs.cli.arguments import positive
from textenvs.llm import Cache, Gateway, get_model
from textenvs.loop import Event
from textenvs.traces import replace_file
from textenvs.wrappers import ParseTextAction

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "tests" / "llm" / "server.py"
LEVEL = "BabyAI-Text-BossLevel-v0"  # which random answers never solve: all episodes are as long


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--games", type=positive, default=16, help="at once (16)")
    parser.add_argument("--delay", type=float, default=0.1, help="of the server, in seconds (0.1)")
    parser.add_argument("--steps", type=positive, default=60, help="of an episode (60)")
    parser.add_argument("--rounds", type=positive, default=3, help="of each way to play (3)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    options = parser.parse_args()
    ideal = options.games / options.delay
    server = subprocess.Popen(
        [sys.executable, str(SERVER), "--delay", str(options.delay)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        llm = f"openai:delayed@http://127.0.0.1:{int(server.stdout.readline())}/v1"
        rates: dict[str, list[float]] = {"apart": [], "lockstep": []}
        for _ in range(options.rounds):
            for way, found in rates.items():
                found.append(measure(llm, way == "apart", options.games, options.steps))
                print(f"{way}: {found[-1]:.1f} actions/s, {found[-1] / ideal:.3f} of the ideal")
    finally:
        server.kill()
    result = {
        "games": options.games,
        "delay": options.delay,
        "ideal": ideal,
        "actions_per_second": rates,
        "share_of_ideal": {way: statistics.median(found) / ideal for way, found in rates.items()},
    }
    replace_file(options.out / "concurrency.json", json.dumps(result, indent=2) + "\n")
    replace_file(options.out / "concurrency.md", _page(result))


def measure(llm: str, apart: bool, games: int, steps: int) -> float:
    """Actions a second of two episodes a game, with a cache that is empty at first."""
    actions = 0

    def count(event: Event) -> None:
        nonlocal actions
        actions += 1

    with tempfile.TemporaryDirectory() as folder:
        model = Gateway(get_model(llm), cache=Cache(Path(folder) / "cache"), concurrency=games)
        agent = LanguageAgent(model)
        agent.independent = apart
        start = time.perf_counter()
        rollout(
            lambda: ParseTextAction(gymnasium.make(LEVEL, max_episode_steps=steps)),
            agent,
            episodes=2 * games,
            num_envs=games,
            directory=Path(folder) / "traces",
            on_step=count,
        )
        seconds = time.perf_counter() - start
        model.close()
    return actions / seconds


def _page(result: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| {way} | {statistics.median(found):.1f} | {min(found):.1f} to {max(found):.1f} | "
        f"{result['share_of_ideal'][way]:.3f} |"
        for way, found in result["actions_per_second"].items()
    )
    return f"""# Games that wait for a server

Written by `python benchmarks/concurrency.py`. A server answers after {result["delay"]:g} s;
{result["games"]} games of `{LEVEL}` are played at once, so that at most {result["ideal"]:g} actions
a second are possible. History, cache and traces are on.

| each game | actions/s (median) | of the rounds | share of the ideal |
|---|---|---|---|
{rows}

`apart`: in a thread of its own, as `textenvs eval` plays with a server. `lockstep`: all of them a
batch of requests a step.
"""


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    main()
