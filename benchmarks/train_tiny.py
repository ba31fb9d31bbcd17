"""Train the model in the box: a small language model that learns from scripted experts.

    python benchmarks/train_tiny.py [--work runs/tiny-training]      # goes on where it was stopped
    python benchmarks/train_tiny.py --smoke

The experts of three games (``textenvs.agents.experts``) play first, now and then led astray by a
random action; an untrained model of two million parameters learns what they answer. Then, round
by round, the model plays and the expert says what it would have done in each state that the model
came to (DAgger: Ross, Gordon and Bagnell, AISTATS 2011, arXiv:1011.0686), and the model learns
that too. All rounds begin with the weights of the last; late ones may add layers to them.

Every round leaves ``rows.jsonl.gz`` and a model in ``--work``. The last model is written to
``--out`` in bfloat16, with checksums; data, seeds and curves to ``--report``. Which seeds are
played is fixed, and none of them is one that ``textenvs eval`` gives with seeds of 0 to 9.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
import transformers
from matplotlib import pyplot

from textenvs import __version__
from textenvs.llm.backends.hf import HFModel
from textenvs.llm.backends.tiny import FOLDER, SUMS
from textenvs.traces import replace_file
from tiny.making import deepen, make_model
from tiny.playing import Outcome, Row, Task, play
from tiny.training import targets, train

SEED = 20_261_121
FIRST_SEED = 5_000_000_000  # those of `textenvs eval` are spread over 53 bits, and far above
_SEEDS_OF_A_TASK = 1_000_000
_TOKENIZER_ROWS = 8_000
_WIDTH, _LAYERS = 192, 4
_AT_ONCE = 32
_LONGEST = 260  # tokens of a row
_SLEEPING_KEPT = 0.2  # of the rows in which the hero sleeps, which are many and all alike

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
    Task("Crafter", "Crafter-Text-v0", max_steps=2000),
    Task("NetHack", "NetHack-Text-Challenge-v0", NETHACK, max_steps=3000),
)


@dataclass(frozen=True)
class Round:
    """A round of playing and learning.

    Attributes:
        rows: how many states of each game the expert judges.
        by_model: the games in which the model plays; the expert plays the others.
        expert_share: the share of steps in which the expert acts in the model's place.
        stray_share: the share of steps in which a random action is played.
        older: how many rows of earlier rounds are learned again, by game.
        shares: of the tasks, within their games, where they are not those of ``TASKS``.
        layers: of the model, from this round on.
        rare: how much oftener older rows are drawn whose action is rare in their game: the exponent
            of one over its count.
        temperature: at which the model plays.
        epochs: how often its rows are learned.
        learning_rate: the highest, of embeddings, biases and scales.
        muon_rate: the highest, of the matrices.
        schedule: how it goes on, as transformers names it.
        batch_size: rows in a step.
    """

    rows: Mapping[str, int]
    by_model: tuple[str, ...] = ()
    expert_share: float = 0.0
    stray_share: float = 0.0
    older: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, int] = field(default_factory=dict)
    layers: int = _LAYERS
    rare: float = 0.0
    temperature: float = 0.0
    epochs: float = 1.0
    learning_rate: float = 1.5e-3
    muon_rate: float = 5e-3
    schedule: str = "linear"
    batch_size: int = 32


_ALL = ("BabyAI", "Crafter", "NetHack")
ROUNDS = (
    Round({"BabyAI": 40_000, "Crafter": 35_000}, stray_share=0.1, schedule="constant_with_warmup"),
    Round(
        {"BabyAI": 10_000, "Crafter": 25_000},
        by_model=_ALL,
        expert_share=0.5,
        older={"BabyAI": 20_000, "Crafter": 30_000},
    ),
    Round(
        {"BabyAI": 8_000, "Crafter": 15_000, "NetHack": 45_000},
        by_model=("BabyAI", "Crafter"),
        stray_share=0.03,
        older={"BabyAI": 10_000, "Crafter": 25_000},
    ),
    Round(
        {"BabyAI": 12_000, "Crafter": 12_000, "NetHack": 8_000},
        by_model=_ALL,
        older={"BabyAI": 14_000, "Crafter": 24_000, "NetHack": 16_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 9_000, "NetHack": 5_000},
        by_model=_ALL,
        older={"BabyAI": 10_000, "Crafter": 16_000, "NetHack": 8_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 5_000},
        by_model=_ALL,
        older={"BabyAI": 14_000, "Crafter": 10_000, "NetHack": 5_000},
    ),
    Round(
        {"BabyAI": 24_000, "Crafter": 8_000, "NetHack": 4_000},
        by_model=_ALL,
        older={"BabyAI": 24_000, "Crafter": 12_000, "NetHack": 4_000},
        shares={"GoToLocal": 2, "putnext": 6},
        layers=6,
    ),
    Round(
        {"BabyAI": 6_000, "Crafter": 5_000, "NetHack": 24_000},
        by_model=_ALL,
        older={"BabyAI": 18_000, "Crafter": 11_000, "NetHack": 12_000},
        shares={"GoToLocal": 2, "putnext": 6},
        layers=6,
        rare=0.5,
        temperature=0.5,
    ),
)
SMOKE = (
    Round({"BabyAI": 300, "Crafter": 200}, stray_share=0.1),
    Round(
        {"BabyAI": 100, "Crafter": 50},
        by_model=("BabyAI",),
        older={"BabyAI": 100},
    ),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Go through the rounds that are not done yet."""
    args = _parser().parse_args(arguments)
    torch.set_num_threads(args.threads)
    rounds = SMOKE if args.smoke else ROUNDS
    if args.smoke:
        args.work = Path(tempfile.mkdtemp())
        args.out, args.report = args.work / "tiny", args.work / "training"
    args.work.mkdir(parents=True, exist_ok=True)
    base = args.work / "untrained"
    if not base.exists():
        make_model(_texts(100 if args.smoke else _TOKENIZER_ROWS), base, SEED, _WIDTH, _LAYERS)
    model = base
    for number in range(len(rounds)):
        model = _learn(args.work, number, rounds, model)
    export(model, args.work, len(rounds), args.out, args.report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("runs/tiny-training"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="the model's place")
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("docs/results/tiny_training"),
        metavar="STEM",
        help="STEM.json and STEM.png: data, seeds and curves",
    )
    parser.add_argument(
        "--threads", type=int, default=2, metavar="N", help="the last bits depend on it"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute of it, to see that it runs")
    return parser


def _learn(work: Path, number: int, rounds: Sequence[Round], model: Path) -> Path:
    """A round: play, unless it was played, and learn, from where that was stopped."""
    stage, folder = rounds[number], work / f"round-{number}"
    done = folder / "model"
    if done.exists():
        return done
    rows = _rows(folder, stage, number, model)
    random = np.random.default_rng([SEED, number])
    kept_out = sorted(random.choice(len(rows), min(400, len(rows) // 4), False))
    held_out = [rows.pop(i) for i in kept_out[::-1]]
    mixed = [*rows, *_older(work, number, stage, random)]
    deeper = folder / "deeper"
    if not deeper.exists():
        deepen(model, deeper, SEED + number, stage.layers)
    started = time.monotonic()

    def show(progress: Mapping[str, Any]) -> None:
        print(f"round {number}, {time.monotonic() - started:.0f} s: {dict(progress)}", flush=True)

    checkpoint = train(
        deeper,
        folder / "checkpoints",
        targets(model, [(row.prompt, row.answer) for row in mixed], _LONGEST),
        targets(model, [(row.prompt, row.answer) for row in held_out], _LONGEST),
        learning_rate=stage.learning_rate,
        muon_rate=stage.muon_rate,
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


def _older(work: Path, number: int, stage: Round, random: np.random.Generator) -> list[Row]:
    """Rows of earlier rounds, each but once."""
    wanted = stage.older
    game_of = {task.name: task.game for task in TASKS}
    by_game: dict[str, dict[Row, None]] = {game: {} for game in wanted}
    for i in range(number if wanted else 0):
        for row in _read(work / f"round-{i}" / _ROWS):
            if game_of[row.task] in by_game:
                by_game[game_of[row.task]].setdefault(row)
    found: list[Row] = []
    for game, kept in by_game.items():
        rows = list(kept)
        count = min(wanted[game], len(rows))
        actions = [row.answer.rpartition("ACTION:")[2] for row in rows]
        often = Counter(actions)
        weights = np.array([often[action] ** -stage.rare for action in actions])
        chances = weights / weights.sum() if stage.rare else None
        found += [rows[i] for i in random.choice(len(rows), count, False, chances)]
    return found


_ROWS = "rows.jsonl.gz"


def _rows(folder: Path, stage: Round, number: int, model: Path) -> list[Row]:
    """The rows of a round; played, if they were not."""
    path = folder / _ROWS
    if path.exists():
        return _read(path)
    folder.mkdir(parents=True, exist_ok=True)
    player = HFModel(str(model), dtype="float32", batch_size=_AT_ONCE)
    tasks = [task for task in TASKS if task.game in stage.rows]
    rows: list[Row] = []
    report = {}
    random = np.random.default_rng([SEED, number])
    for task in tasks:
        first = FIRST_SEED + (number * len(TASKS) + TASKS.index(task)) * _SEEDS_OF_A_TASK
        started = time.monotonic()
        outcomes: list[Outcome] = []
        found: list[Row] = []
        for what in play(
            task,
            range(first, first + _SEEDS_OF_A_TASK),
            model=player if task.game in stage.by_model else None,
            expert_share=stage.expert_share,
            stray_share=stage.stray_share,
            at_once=_AT_ONCE,
            temperature=stage.temperature,
            rows=int(stage.rows[task.game] * _share(task, stage.shares)),
        ):
            if isinstance(what, Row):
                found.append(what)
            else:
                outcomes.append(what)
        found = [row for row in found if not _sleeps(row) or random.random() < _SLEEPING_KEPT]
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


def _sleeps(row: Row) -> bool:
    return "You are asleep." in row.prompt


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


def _share(task: Task, shares: Mapping[str, int]) -> float:
    """A task's share of its game's rows."""
    share_of = {
        each.name: shares.get(each.name, each.share) for each in TASKS if each.game == task.game
    }
    return share_of[task.name] / sum(share_of.values())


def _texts(rows: int) -> Iterator[str]:
    """Prompts and answers of experts, for the tokenizer: of each game as many."""
    for number, task in enumerate(TASKS):
        first = FIRST_SEED - (number + 1) * _SEEDS_OF_A_TASK
        wanted = int(rows * _share(task, {}))
        for what in play(task, range(first, first + rows), model=None, rows=wanted):
            if isinstance(what, Row):
                yield f"{what.prompt}\n{what.answer}"


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


def export(model: Path, work: Path, rounds: int, out: Path, report: Path) -> None:
    """Write the model in bfloat16, its checksums, and how it was trained."""
    out.mkdir(parents=True, exist_ok=True)
    found = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    found.config.use_cache = found.generation_config.use_cache = True  # the trainer needs none
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
    record = {"textenvs": __version__, "seed": SEED, "parameters": found.num_parameters()}
    replace_file(
        report.with_suffix(".json"), json.dumps({**record, "rounds": history}, indent=1) + "\n"
    )
    _draw(history, report.with_suffix(".png"))


def _draw(rounds: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the loss, and the share of held-out answers that are right, over all rounds."""
    matplotlib.use("Agg")
    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(8, 5), sharex=True, layout="constrained"
    )
    before = 0
    for number, each in enumerate(rounds):
        for axes, key in ((above, "loss"), (below, "held_out")):
            points = [(before + x["step"], x[key]) for x in each["history"] if key in x]
            axes.plot(*zip(*points, strict=True), color=f"C{number}", label=f"round {number}")
        before += max(x["step"] for x in each["history"])
    above.set_yscale("log")
    above.set_ylabel("loss a token")
    above.legend()
    below.set_ylabel("held-out answers to the letter")
    below.set_xlabel("steps")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
