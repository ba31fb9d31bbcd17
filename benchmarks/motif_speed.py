"""How fast Motif's parts are: annotation, an epoch of the reward, a step with a known caption.

    python benchmarks/motif_speed.py
    python benchmarks/motif_speed.py --traces TRACES... --pairs 500000

Annotation is by a model that answers at once, in as many processes as there are cores; the reward
is learned by as many threads. Pairs come from games that random play and the expert play for it,
or from traces, and are drawn over different messages, so that hardly any comes twice. A reward is
learned from them, and from as many pairs in which no message comes twice.

It needs ``pip install "textenvs[nethack,rl]"``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import common
import result_rows
from textenvs import rollout
from textenvs.agents import get_agent
from textenvs.cli.arguments import positive
from textenvs.llm import Gateway, Messages, Sampling
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.motif import Pairs
from textenvs.motif.annotating import ModelAnnotator, annotate
from textenvs.motif.collecting import pairs_from_traces
from textenvs.motif.pairs import write_pairs
from textenvs.traces import replace_file
from textenvs.wrappers import MotifReward

NAME = "motif_speed"
_ID = "NetHack-Text-Score-v0"
_STEPS = 100_000  # of the wrapper
_MESSAGES = ("You see here a newt corpse.", "It's a wall.")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    args = _arguments(argv)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        pairs, told = _draw(args, Path(folder))
        seconds, asked = _annotate(pairs.directory, cores)
        epochs = _learn(pairs, Path(folder) / "reward", cores, epochs=2)
        others = _all_different(pairs, Path(folder))
        different = _learn(others, Path(folder) / "other", cores, epochs=1)
    bare, known = (min(_step_time(wrapped) for _ in range(5)) for wrapped in (False, True))
    results = {
        "cores": cores,
        "pairs": len(pairs),
        "different_captions": told["different"],
        "asked": asked,
        "annotation_seconds": round(seconds, 3),
        "epoch_seconds": [round(each, 2) for each in epochs],
        "epoch_seconds_all_different": [round(each, 2) for each in different],
        "wrapper_microseconds": round(1e6 * (known - bare), 2),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    common.write_json(args.out.with_suffix(".json"), results)
    replace_file(args.out.with_suffix(".md"), _page(results))
    print(_page(results))


def _page(results: dict[str, Any]) -> str:
    seconds, pairs = results["annotation_seconds"], results["pairs"]
    rows = [
        (
            f"annotation, {results['cores']} processes",
            f"{results['asked'] / seconds:,.0f} pairs/s",
        ),
        (
            f"an epoch of the reward, {results['cores']} threads",
            f"{min(results['epoch_seconds']):.1f} s",
        ),
        (
            f"the same, of {2 * pairs:,} different messages",
            f"{min(results['epoch_seconds_all_different']):.1f} s",
        ),
        (
            "`MotifReward`, a step whose caption is known",
            f"{results['wrapper_microseconds']:.1f} microseconds",
        ),
    ]
    return (
        "# How fast Motif's parts are\n\n"
        f"{pairs:,} pairs of {results['different_captions']:,} different messages of NetHack; "
        f"{results['asked']:,} different pairs of different messages were asked about, others are "
        "the same in either order, or equal messages, and do not count. The model "
        "answers at once; an epoch has the numbers after it, training and held-out, in its time.\n"
        "\n    python benchmarks/motif_speed.py\n\n"
        f"{result_rows.table(('what', 'how fast'), rows)}\n"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", nargs="+", type=Path, metavar="DIR", help="of NetHack")
    parser.add_argument(
        "--episodes", type=positive, default=20, metavar="N", help="of each agent (20)"
    )
    parser.add_argument("--pairs", type=positive, default=100_000, metavar="N", help="(100000)")
    parser.add_argument(
        "--out", type=Path, metavar="STEM", help=f"STEM.json and .md (docs/results/{NAME})"
    )
    args = parser.parse_args(argv)
    args.out = args.out or common.ROOT / "docs" / "results" / NAME
    return args


def _draw(args: argparse.Namespace, folder: Path) -> tuple[Pairs, dict[str, Any]]:
    traces = args.traces
    if not traces:
        traces = [folder / "traces" / name for name in ("random", "expert")]
        for each in traces:
            rollout(_ID, get_agent(each.name), episodes=args.episodes, directory=each)
    out = folder / "pairs"
    told = pairs_from_traces(traces, out, count=args.pairs, caption="message", distinct=True)
    return Pairs(out), told


def _all_different(pairs: Pairs, folder: Path) -> Pairs:
    """As many pairs with the same labels, of messages that come once each."""
    texts = [
        f"{2 * row + side} {text}"
        for row in range(len(pairs))
        for side, text in enumerate(pairs.captions(row))
    ]
    chosen = np.arange(len(texts)).reshape(len(pairs), 2, 1)
    write_pairs(folder / "different", texts, chosen, {}, pairs.messages.shape[3], {})
    found = Pairs(folder / "different")
    labels = found.labels("scripted", "r+")
    labels[:] = pairs.labels("scripted")
    labels.flush()  # type: ignore[attr-defined]
    return found


def answer(messages: Messages) -> str:
    """Stands for a model: the first one is always better."""
    return '("best_description": 1)'


def annotate_chunk(directory: Path, chunk: int, chunks: int, begin: Any, asked: Any) -> None:
    """Annotate a chunk, when all processes are there."""
    asker = ModelAnnotator(Gateway(ScriptedModel(answer)), Sampling())
    begin.wait()
    told = annotate(Pairs(directory), "scripted", asker, chunk=chunk, chunks=chunks)
    asked.put(told["asked"])


def _annotate(directory: Path, cores: int) -> tuple[float, int]:
    """Seconds of annotating all pairs, a process a core, and how many pairs were asked about."""
    context = multiprocessing.get_context("spawn")
    begin, asked = context.Barrier(cores + 1), context.Queue()
    workers = [
        context.Process(target=annotate_chunk, args=(directory, i, cores, begin, asked))
        for i in range(cores)
    ]
    for worker in workers:
        worker.start()
    begin.wait()
    begun = time.perf_counter()
    total = sum(asked.get() for _ in workers)
    seconds = time.perf_counter() - begun
    for worker in workers:
        worker.join()
    return seconds, total


def _learn(pairs: Pairs, out: Path, cores: int, epochs: int) -> list[float]:
    """Seconds of each epoch."""
    import torch

    from textenvs.motif.reward_training import RewardTraining, train_reward

    torch.set_num_threads(cores)
    times: list[float] = []
    begun = time.perf_counter()
    train_reward(
        pairs,
        "scripted",
        out,
        RewardTraining(epochs=epochs),
        on_progress=lambda done, said: times.append(time.perf_counter()),
    )
    return np.diff([begun, *times]).tolist()


class _Still(gymnasium.Env[Any, Any]):
    """A game that takes no time, to see what is around it."""

    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        return 0, {"messages": _MESSAGES}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        return 0, 0.0, False, False, {"messages": _MESSAGES}


def _step_time(wrapped: bool) -> float:
    """Seconds of a step."""
    env: gymnasium.Env[Any, Any] = MotifReward(_Still()) if wrapped else _Still()
    env.reset()
    env.step(0)
    begun = time.perf_counter()
    for _ in range(_STEPS):
        env.step(0)
    return (time.perf_counter() - begun) / _STEPS


if __name__ == "__main__":
    common.guarded(main)
