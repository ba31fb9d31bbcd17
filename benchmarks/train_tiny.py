"""Train the model in the box: a small language model that learns from scripted experts.

    python benchmarks/train_tiny.py [--work runs/tiny]      # goes on where it was stopped
    python benchmarks/train_tiny.py --smoke

The experts of three games (``textenvs.agents.experts``) play first, now and then led astray by a
random action; an untrained model of two million parameters learns what they answer. Then, round
by round, the model plays and the expert says what it would have done in each state that the model
came to (DAgger: Ross, Gordon and Bagnell, AISTATS 2011, arXiv:1011.0686), and the model learns
that too. All rounds begin with the weights of the last; the last one lowers the learning rate.

Every round leaves ``rows.jsonl.gz`` and a model in ``--work``. The last model is written to
``--out`` in bfloat16, with checksums, and ``training.json``: data, seeds, curves. Which seeds are
played is fixed, and none of them is one that ``textenvs eval`` gives with seeds of 0 to 9.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from textenvs.llm.backends.hf import HFModel
from textenvs.llm.backends.tiny import FOLDER, SUMS
from textenvs.traces import replace_file
from tiny.making import make_model
from tiny.playing import Outcome, Row, Task, play
from tiny.training import targets, train

SEED = 20_261_121
FIRST_SEED = 5_000_000_000  # those of `textenvs eval` are below 2**32
_SEEDS_OF_A_TASK = 1_000_000
_TOKENIZER_ROWS = 8_000
_WIDTH, _LAYERS = 192, 4
_AT_ONCE = 64

NETHACK = {"character": "@", "no_progress_timeout": 150, "skip_more": True}
TASKS = (
    Task("GoToLocal", "BabyAI-Text-GoToLocal-v0", share=1),
    Task("PickupLoc", "BabyAI-Text-PickupLoc-v0", share=2),
    *(
        Task(kind, "BabyAI-Text-MixedTrainLocal-v0", {"kind": kind}, share=share)
        for kind, share in (
            ("goto", 1),
            ("pickup", 1),
            ("open", 2),
            ("putnext", 3),
            ("pick_up_seq_go_to", 2),
        )
    ),
    Task("Crafter", "Crafter-Text-v0", max_steps=2000, share=12),
    Task("NetHack", "NetHack-Text-Challenge-v0", NETHACK, max_steps=3000, share=10),
)


@dataclass(frozen=True)
class Round:
    """A round of playing and learning.

    Attributes:
        rows: how many states the expert judges.
        games: which are played.
        by_model: whether the model plays; else the expert.
        expert_share: the share of steps in which the expert acts in the model's place.
        stray_share: the share of steps in which a random action is played.
        older: rows of earlier rounds that are learned again, as a multiple of ``rows``.
        epochs: how often its rows are learned.
        learning_rate: the highest.
        batch_size: rows in a step.
        schedule: how it goes on, as transformers names it.
    """

    rows: int
    by_model: bool
    games: tuple[str, ...] = ("BabyAI", "Crafter", "NetHack")
    expert_share: float = 0.0
    stray_share: float = 0.0
    older: float = 0.0
    epochs: float = 1.0
    learning_rate: float = 1e-3
    batch_size: int = 32
    schedule: str = "constant_with_warmup"


ROUNDS = (
    Round(200_000, by_model=False, stray_share=0.08),
    Round(60_000, by_model=True, expert_share=0.3, older=1.0),
    Round(60_000, by_model=True, older=1.0),
    Round(80_000, by_model=True, older=2.0, schedule="linear"),
)
SMOKE = (
    Round(600, by_model=False, stray_share=0.08),
    Round(200, by_model=True, older=1.0, schedule="linear"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Go through the rounds that are not done yet."""
    args = _parser().parse_args(arguments)
    rounds = SMOKE if args.smoke else ROUNDS
    args.work.mkdir(parents=True, exist_ok=True)
    base = args.work / "untrained"
    first = _rows(args.work / "round-0", rounds[0], 0, None, rounds[0].rows)
    if not base.exists():
        make_model(_sample_texts(first), base, SEED, _WIDTH, _LAYERS)
    model = base
    for number, stage in enumerate(rounds):
        model = _learn(args.work, number, rounds, model)
    export(model, args.work, len(rounds), args.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("runs/tiny"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="the model's place")
    parser.add_argument("--smoke", action="store_true", help="a minute of it, to see that it runs")
    return parser


def _learn(work: Path, number: int, rounds: Sequence[Round], model: Path) -> Path:
    """A round: play, unless it was played, and learn, from where that was stopped."""
    stage, folder = rounds[number], work / f"round-{number}"
    done = folder / "model"
    if done.exists():
        return done
    rows = _rows(folder, stage, number, model if stage.by_model else None, stage.rows)
    random = np.random.default_rng([SEED, number])
    held_out = [rows.pop(i) for i in sorted(random.choice(len(rows), 500, False))[::-1]]
    earlier = [row for i in range(number) for row in _read(work / f"round-{i}" / _ROWS)]
    wanted = min(int(stage.older * len(rows)), len(earlier))
    mixed = [*rows, *(earlier[i] for i in random.choice(len(earlier), wanted, False))]
    started = time.monotonic()

    def show(progress: Mapping[str, Any]) -> None:
        print(f"round {number}, {time.monotonic() - started:.0f} s: {dict(progress)}", flush=True)

    checkpoint = train(
        model,
        folder / "checkpoints",
        targets(model, [(row.prompt, row.answer) for row in mixed]),
        targets(model, [(row.prompt, row.answer) for row in held_out]),
        learning_rate=stage.learning_rate,
        schedule=stage.schedule,
        batch_size=stage.batch_size,
        epochs=stage.epochs,
        seed=SEED + number,
        on_progress=show,
    )
    _copy_model(checkpoint, done)
    history = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    record = {**asdict(stage), "rows_learned": len(mixed), "history": history}
    replace_file(folder / "learned.json", json.dumps(record, indent=1) + "\n")
    return done


_ROWS = "rows.jsonl.gz"


def _rows(folder: Path, stage: Round, number: int, model: Path | None, n_rows: int) -> list[Row]:
    """The rows of a round; played, if they were not."""
    path = folder / _ROWS
    if path.exists():
        return _read(path)
    folder.mkdir(parents=True, exist_ok=True)
    player = None if model is None else HFModel(str(model), dtype="float32", batch_size=_AT_ONCE)
    tasks = [task for task in TASKS if task.game in stage.games]
    whole = sum(task.share for task in tasks)
    rows: list[Row] = []
    report = {}
    for task in tasks:
        first = FIRST_SEED + (number * len(TASKS) + TASKS.index(task)) * _SEEDS_OF_A_TASK
        started, outcomes, found = time.monotonic(), [], []
        for what in play(
            task,
            range(first, first + _SEEDS_OF_A_TASK),
            model=player,
            expert_share=stage.expert_share,
            stray_share=stage.stray_share,
            at_once=_AT_ONCE,
            rows=int(n_rows * task.share / whole),
        ):
            (found if isinstance(what, Row) else outcomes).append(what)
        rows += found
        report[task.name] = {
            "rows": len(found),
            "episodes": len(outcomes),
            "first_seed": first,
            "last_seed": max((each.seed for each in outcomes), default=first),
            "seconds": round(time.monotonic() - started, 1),
            **_summary(outcomes),
        }
        print(f"round {number}, {task.name}: {report[task.name]}", flush=True)
    replace_file(folder / "played.json", json.dumps(report, indent=1) + "\n")
    _write(path, rows)
    return rows


def _summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The means of what the games tell of themselves."""
    found: dict[str, float] = {}
    for key in ("success", "progress"):
        values = [float(each.info[key]) for each in outcomes if key in each.info]
        if values:
            found[key] = round(float(np.mean(values)), 4)
    return found


def _write(path: Path, rows: Sequence[Row]) -> None:
    fresh = path.with_name(path.name + ".new")
    with gzip.open(fresh, "wt", encoding="utf-8", compresslevel=3) as file:
        for row in rows:
            file.write(json.dumps([row.task, row.prompt, row.answer]) + "\n")
    fresh.replace(path)


def _read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [Row(*json.loads(line)) for line in file]


def _sample_texts(rows: Sequence[Row]) -> Iterator[str]:
    """Texts for the tokenizer, of every task as many as of the others."""
    for task in TASKS:
        own = [row for row in rows if row.task == task.name]
        step = max(1, len(own) * len(TASKS) // _TOKENIZER_ROWS)
        yield from (f"{row.prompt}\n{row.answer}" for row in own[::step])


_OF_MODELS = ("config.json", "generation_config.json", "model.safetensors")
_OF_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def _copy_model(checkpoint: Path, folder: Path) -> None:
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in (*_OF_MODELS, *_OF_TOKENIZERS):
        if (checkpoint / name).exists():
            shutil.copy2(checkpoint / name, fresh / name)
    fresh.replace(folder)


def export(model: Path, work: Path, rounds: int, out: Path) -> None:
    """Write the model in bfloat16, its checksums, and how it was trained."""
    out.mkdir(parents=True, exist_ok=True)
    found = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    found.save_pretrained(out)
    transformers.AutoTokenizer.from_pretrained(model).save_pretrained(out)
    sums = {
        name: hashlib.sha256((out / name).read_bytes()).hexdigest()
        for name in (*_OF_MODELS, *_OF_TOKENIZERS)
        if (out / name).exists()
    }
    replace_file(out / SUMS, "".join(f"{value}  {name}\n" for name, value in sums.items()))
    history: list[Any] = []
    for number in range(rounds):
        folder = work / f"round-{number}"
        played = json.loads((folder / "played.json").read_text())
        history.append({"played": played, **json.loads((folder / "learned.json").read_text())})
    replace_file(work / "training.json", json.dumps(history, indent=1) + "\n")


if __name__ == "__main__":
    main()
