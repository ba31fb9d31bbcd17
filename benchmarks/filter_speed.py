"""How long a filter takes over a million steps of traces, and how much memory.

    python benchmarks/filter_speed.py [--steps 1000000] [--rounds 3] [--threads 2] [--prompts]

A few episodes of Crafter are played by the random agent and written again and again, under other
numbers and seeds, into a temporary folder. Then they are filtered, and re-counted by a loop in
plain Python with ``json``, each in a process of its own; the two take turns. Printed are the times,
the largest resident memory, and the ratios of the rounds; and that both keep the same episodes.
With ``--prompts`` every step has a prompt of 4,000 characters, as traces of models have.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from textenvs import rollout
from textenvs.agents import RandomAgent
from textenvs.cli.arguments import positive

ENV_ID = "Crafter-Text-v0"
PLAYED = 12
LIMIT_SECONDS, LIMIT_MB = 10, 1000
MIN_ACHIEVEMENTS, MIN_REWARD, MAX_TURNS = 3, 2.0, 200
PROMPT = "You are the player of a game. What do you do now? " * 80


def main() -> None:
    """Make traces, filter and count them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--steps", type=positive, default=1_000_000, help="of all traces (1000000)")
    parser.add_argument(
        "--rounds", type=positive, default=3, help="how often each side is timed (3)"
    )
    parser.add_argument("--threads", type=positive, default=2, help="of DuckDB (2)")
    parser.add_argument("--prompts", action="store_true", help="steps have prompts")
    parser.add_argument("--side", choices=("filter", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        _measure(options.side, options.folder, options.threads)
        return
    with tempfile.TemporaryDirectory(prefix="textenvs-filter-speed-") as folder:
        episodes, steps, size = _make(Path(folder), options.steps, options.prompts)
        print(f"{steps:,} steps, {episodes:,} traces, {size / 1e6:,.0f} MB\n")
        rounds = [
            {side: _run(side, Path(folder), options.threads) for side in ("filter", "plain")}
            for _ in range(options.rounds)
        ]
    _print(rounds)


def _make(folder: Path, steps: int, prompts: bool) -> tuple[int, int, int]:
    """Write traces with so many steps; return how many, with how many steps and bytes."""
    played = folder / "played"
    games = rollout(ENV_ID, RandomAgent(), episodes=PLAYED, seed=1, directory=played)
    texts = []
    for path in sorted(played.rglob("episode-*.jsonl")):
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        if prompts:
            rest = [f'{line[:-1]},"prompt":{json.dumps(PROMPT)}}}' for line in rest[:-1]] + rest[
                -1:
            ]
        texts.append((json.loads(first), "\n".join([*rest, ""])))
        path.unlink()
    out = folder / "traces" / ENV_ID
    out.mkdir(parents=True)
    number = total = size = 0
    while total < steps:
        header, rest_of_it = texts[number % PLAYED]
        first = json.dumps({**header, "episode": number, "seed": number}, separators=(",", ":"))
        content = f"{first}\n{rest_of_it}"
        (out / f"episode-{number:05d}.jsonl").write_text(content, encoding="utf-8")
        total += games[number % PLAYED].length
        size += len(content)
        number += 1
    return number, total, size


def _run(side: str, folder: Path, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder / "traces")]
    done = subprocess.run(
        [*command, "--threads", str(threads)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(side: str, folder: Path, threads: int) -> None:
    """Time one side in this process."""
    start = time.perf_counter()
    kept = _filter(folder, threads) if side == "filter" else _plain(folder)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory_mb = memory / (1e6 if sys.platform == "darwin" else 1e3)
    print(json.dumps({"seconds": seconds, "mb": memory_mb, "kept": kept}))


def _filter(folder: Path, threads: int) -> int:
    from textenvs.finetuning.filtering import Criteria, filter_traces

    criteria = Criteria(
        min_achievements=MIN_ACHIEVEMENTS, min_reward=MIN_REWARD, max_turns=MAX_TURNS
    )
    return len(filter_traces([folder], criteria, threads=threads).kept)


def _plain(folder: Path) -> int:
    kept = 0
    for path in sorted(folder.rglob("episode-*.jsonl")):
        steps = 0
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record["kind"] == "step":
                    assert record["t"] == steps
                    steps += 1
        unlocked = sum(n > 0 for n in record["achievements"].values())
        kept += (
            unlocked >= MIN_ACHIEVEMENTS
            and record["return"] >= MIN_REWARD
            and steps == record["length"] <= MAX_TURNS
        )
    return kept


def _print(rounds: list[dict[str, dict[str, float]]]) -> None:
    print("| | seconds, median | most | resident memory, MB | kept |")
    print("|---|---|---|---|---|")
    for side, name in (("filter", "textenvs filter"), ("plain", "plain Python")):
        times = [each[side]["seconds"] for each in rounds]
        memory = max(each[side]["mb"] for each in rounds)
        kept = int(rounds[0][side]["kept"])
        print(
            f"| {name} | {statistics.median(times):.2f} | {max(times):.2f} | {memory:.0f} | "
            f"{kept:,} |"
        )
    ratios = [each["filter"]["seconds"] / each["plain"]["seconds"] for each in rounds]
    print(
        f"\nratio of the times: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )
    if {each[side]["kept"] for each in rounds for side in each} != {rounds[0]["filter"]["kept"]}:
        sys.exit("the two sides keep different episodes")
    times = [each["filter"]["seconds"] for each in rounds]
    memory = max(each["filter"]["mb"] for each in rounds)
    held = statistics.median(times) < LIMIT_SECONDS and memory < LIMIT_MB
    print(f"under {LIMIT_SECONDS} s and {LIMIT_MB} MB: {'yes' if held else 'no'}")


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Shows the module's text as it stands."""


if __name__ == "__main__":
    main()
