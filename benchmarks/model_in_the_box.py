"""The model in the box beside its teachers, random play and the published rows.

    python benchmarks/model_in_the_box.py               # all of it: hours on two cores
    python benchmarks/model_in_the_box.py --tasks GoToLocal PickupLoc
    python benchmarks/model_in_the_box.py --demo        # a minute: watch it play, then a table
    python benchmarks/model_in_the_box.py --smoke

``--llm tiny`` was trained on games of scripted experts in these very games, with other seeds; the
experts read the same texts. It is asked by agent ``recall`` with the prompt ``bare``, which tells
it what earlier texts showed. Crafter has BALROG's limit of 2,000 steps and NetHack one of 3,000
(BALROG's is 100,000); BabyAI's five kinds are played with GLAM's eight distractors and with
BALROG's none.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.markup import escape

import common
import players
import result_rows
import textenvs  # noqa: F401  # registers the ids
from result_rows import Row
from textenvs.evaluation import Settings
from textenvs.llm import LanguageModel, get_model
from textenvs.llm.names import TINY_TEMPERATURE
from textenvs.traces import read_trace

TRAINING = pathlib.Path(__file__).parents[1] / "docs" / "results" / "tiny_training.json"
LEADERBOARD = pathlib.Path(__file__).with_name("balrog_leaderboard.json")
KINDS = ("goto", "pickup", "open", "putnext", "pick_up_seq_go_to")
PLAYERS = {"tiny": "model", "expert": "expert", "random": "random"}
# Task -> episodes and steps of a demonstration.
_DEMO: dict[str, tuple[int, int | None]] = {
    "goto": (8, None),
    "putnext": (8, None),
    "Crafter": (4, 400),
    "NetHack": (4, 250),
}
_SHOWN = 3  # steps of each game
_SMOKE_STEPS = 5
_AT_ONCE = 16


@dataclass(frozen=True)
class Task:
    """What is played.

    Attributes:
        name: of the row.
        env_id: the environment's.
        episodes: how many.
        metric: what is told of an episode.
        env: arguments of the environment.
        max_steps: a limit in place of the id's own; None for that.
        game: the leaderboard's column that it is comparable with; empty for none.
    """

    name: str
    env_id: str
    episodes: int
    metric: str = "success"
    env: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int | None = None
    game: str = ""


_MIXED = "BabyAI-Text-MixedTrainLocal-v0"
TASKS = (
    Task("GoToLocal", "BabyAI-Text-GoToLocal-v0", 500),
    Task("PickupLoc", "BabyAI-Text-PickupLoc-v0", 500),
    *(Task(kind, _MIXED, 100, env={"kind": kind}) for kind in KINDS),
    *(
        Task(f"{kind} alone", _MIXED, 20, env={"kind": kind, "num_dists": 0}, game="babyai")
        for kind in KINDS
    ),
    Task("Crafter", "Crafter-Text-v0", 50, "progress", max_steps=2000, game="crafter"),
    Task(
        "NetHack",
        "NetHack-Text-Challenge-v0",
        50,
        "progress",
        env={"character": "@", "no_progress_timeout": 150, "skip_more": True},
        max_steps=3000,
        game="nethack",
    ),
)
# Rows that are several tasks together, and the leaderboard's column of each.
POOLED = {
    "MixedTrainLocal": (KINDS, ""),
    "MixedTrainLocal without distractors": (tuple(f"{kind} alone" for kind in KINDS), "babyai"),
}


def play(
    args: argparse.Namespace, task: Task, player: str, model: LanguageModel | None
) -> tuple[Row, float]:
    """A player's row of a task, and the actions a second of what was played now."""
    episodes, limit = args.episodes or task.episodes, task.max_steps
    if args.demo:
        episodes, limit = _DEMO[task.name]
    elif args.smoke:
        episodes, limit = 1, _SMOKE_STEPS
    asks = PLAYERS[player] == "model"
    settings = Settings(
        ids=(task.env_id,),
        agent="recall" if asks else player,
        llm=args.llm if asks else "",
        prompt="bare" if asks else None,
        episodes=episodes,
        seed=args.seed * len(TASKS) + TASKS.index(task),
        max_steps=limit,
        env=task.env,
        temperature=TINY_TEMPERATURE if asks else 0.0,
        answer_tokens=40 if asks else 1024,
        keep_prompts=False,
    )
    folder = args.runs / player / task.name.replace(" ", "-")
    started = time.perf_counter()
    row = players.play(
        settings,
        folder,
        player=player,
        kind=PLAYERS[player],
        game=task.name,
        model=model,
        concurrency=args.concurrency,
    )
    summary = json.loads((folder / "summary.json").read_text())
    rate = summary["actions_per_second"] or 0.0
    print(f"{player}, {task.name}: {time.perf_counter() - started:.0f} s", flush=True)
    return row, rate


def pooled(rows: Sequence[Row]) -> list[Row]:
    """The rows that are several tasks together."""
    found = list(rows)
    for name, (parts, _) in POOLED.items():
        for player in PLAYERS:
            own = [row for row in rows if row.player == player and row.game in parts]
            if len(own) == len(parts):
                values = [value for row in own for value in row.values["success"]]
                found.append(Row(player, PLAYERS[player], name, None, {"success": values}))
    return found


def _metric(game: str) -> str:
    return next((task.metric for task in TASKS if task.name == game), "success")


def page(rows: Sequence[Row], facts: Mapping[str, Any]) -> str:
    """The Markdown page."""
    both = pooled(rows)
    games = [*POOLED, *(task.name for task in TASKS)]
    lines = []
    for game in games:
        own = {row.player: row for row in both if row.game == game}
        if own:
            counts = {row.episodes for row in own.values()}
            cells = [
                result_rows.shown(own[player].interval(_metric(game)), percent=True)
                if player in own
                else "-"
                for player in PLAYERS
            ]
            lines.append([game, "/".join(map(str, sorted(counts))), *cells])
    ours = result_rows.table(["task", "episodes", *PLAYERS], lines)
    published = result_rows.table(
        ["row", "model", "date", "Crafter", "BabyAI", "NetHack"], _published_lines()
    )
    return _PAGE.format(ours=ours, published=published, **facts)


def _published_lines() -> list[list[str]]:
    """The leaderboard's rows: number, model, date, and the three games."""
    lines = []
    for row in json.loads(LEADERBOARD.read_text())["rows"]:
        cells = [
            f"{row[game]['mean']:.2f} ± {row[game]['se']:.2f} ({row[game]['episodes']})"
            for game in ("crafter", "babyai", "nethack")
        ]
        name = row["model"] + ("" if row.get("verified", True) else " (unverified)")
        lines.append([row["row"], name, row["date"], *cells])
    return lines


_PAGE = """\
# The model in the box

`tiny` was trained on games of the scripted experts in these games, with other seeds than these
([how](../tiny_model.md)); `expert` is its teacher, which reads the same texts; `random` plays
uniformly. Success and progress in %, means with 95 % intervals. Agent `recall`, prompt `bare`:
it is told what the episode's earlier texts showed. Answers are drawn at temperature {temperature}.
Crafter ends after BALROG's 2,000 steps; NetHack after 3,000 of BALROG's 100,000, which can only
lower its progress. {speed}

Seeds of its training: {seeds}. The seeds played here are spread over 53 bits, and a test checks
that none of them is one of those.

    python benchmarks/model_in_the_box.py

{ours}

MixedTrainLocal is the five kinds together, with eight distractors as GLAM trains it. GLAM's own
model of 780 million parameters: 0.89 after training by RL, 0.11 before
(Carta et al., arXiv:2302.02662).

## The published rows

Zero-shot models on BALROG's leaderboard, which were not trained on these games; progress in %,
mean ± standard error (episodes). BabyAI is played there without distractors. Our captions and
our prompt differ from BALROG's, and its dungeons in NetHack repeat their levels: the columns show
what such scores mean, not a contest under equal rules.

{published}
"""


def training_seeds() -> str:
    """The seeds that training played, lowest to highest."""
    played = [
        task
        for stage in json.loads(TRAINING.read_text())["rounds"]
        for task in stage["played"].values()
    ]
    first, last = min(t["first_seed"] for t in played), max(t["last_seed"] for t in played)
    return f"{first:,} to {last:,}, {sum(t['episodes'] for t in played):,} whole episodes"


_LOADING = """
import time, torch
started = time.perf_counter()
from textenvs.llm import Sampling, get_model
model = get_model({llm!r})
model.generate([[{{"role": "user", "content": "look"}}]], Sampling(max_tokens=1))
print(time.perf_counter() - started)
"""


def loading_seconds(llm: str) -> float:
    """Seconds from ``import torch`` to the first token, in a fresh process."""
    found = subprocess.run(
        [sys.executable, "-c", _LOADING.format(llm=llm)], check=True, capture_output=True, text=True
    )
    return float(found.stdout.split()[-1])


def figure(rows: Sequence[Row]) -> Any:
    """Draws the three players side by side."""
    both = pooled(rows)
    games = [name for name in (*POOLED, *(t.name for t in TASKS)) if "alone" not in name]

    def draw(pyplot: Any) -> Any:
        fig, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
        for number, player in enumerate(PLAYERS):
            found = {row.game: row for row in both if row.player == player}
            label: str | None = player
            for place, game in enumerate(games):
                interval = found[game].interval(_metric(game)) if game in found else None
                if interval is None:
                    continue
                axes.bar(
                    place + 0.27 * (number - 1),
                    100 * interval.mean,
                    0.25,
                    yerr=[
                        [100 * (interval.mean - interval.low)],
                        [100 * (interval.high - interval.mean)],
                    ],
                    color=f"C{number}",
                    label=label,
                )
                label = None
        axes.set_xticks(range(len(games)), games, rotation=30, ha="right")
        axes.set_ylabel("success or progress, %")
        axes.legend()
        return fig

    return draw


def demo(args: argparse.Namespace) -> None:
    """Play a few short games, show how they begin, and print what they came to."""
    from rich.table import Table

    from textenvs.cli.consoles import result_console

    console = result_console()
    args.runs = pathlib.Path(tempfile.mkdtemp(prefix="textenvs-demo-"))
    model = get_model(args.llm)
    rows: list[Row] = []
    for task in TASKS:
        if task.name in _DEMO:
            for player in PLAYERS:
                rows.append(play(args, task, player, model if player == "tiny" else None)[0])
            _show(args.runs / "tiny" / task.name / task.env_id, console)
    ours = Table(title="Means with 95 % intervals, in %", title_justify="left")
    for column in ("task", "episodes", "steps at most", *PLAYERS):
        ours.add_column(column)
    for name, (episodes, limit) in _DEMO.items():
        found = {row.player: row.interval(_metric(name)) for row in rows if row.game == name}
        cells = [result_rows.shown(found[player], percent=True) for player in PLAYERS]
        ours.add_row(name, str(episodes), str(limit or "-"), *cells)
    console.print(ours)
    theirs = Table(
        title="Published, zero-shot, whole games (BALROG's leaderboard)", title_justify="left"
    )
    for column in ("model", "Crafter", "BabyAI", "NetHack"):
        theirs.add_column(column)
    for line in _published_lines():
        theirs.add_row(line[1], *line[3:])
    console.print(theirs)
    console.print(
        "tiny was trained on games of the experts in these games, with other seeds; the published "
        "models were not. Whole results: docs/results/tiny.md",
        soft_wrap=True,
    )


def _show(folder: pathlib.Path, console: Any) -> None:
    """How a game began: what was seen, thought and done."""
    trace = read_trace(min(folder.glob("*.jsonl")))
    for step in trace.steps[:_SHOWN]:
        seen, answer = escape(step["observation"]), escape(step["answer"])
        console.print(f"\n[dim]{seen}[/dim]\n[bold]{answer}[/bold]")
    console.print()


def main(argv: Sequence[str] | None = None) -> None:
    """Play what is not played yet, and write the results."""
    parser = common.options(__doc__, "of each task (as the table says)")
    parser.add_argument("--tasks", nargs="+", choices=[task.name for task in TASKS], metavar="T")
    parser.add_argument("--players", nargs="+", choices=list(PLAYERS), default=list(PLAYERS))
    parser.add_argument("--demo", action="store_true", help="a minute: a few short games")
    parser.set_defaults(llm="tiny", concurrency=_AT_ONCE)
    args = common.read_arguments(parser, "tiny", argv)
    if args.demo:
        demo(args)
        return
    stored, rows = common.read_results(args)
    names = args.tasks or [task.name for task in TASKS]
    model = get_model(args.llm) if "tiny" in args.players else None
    speeds = dict(stored.get("actions_per_second", {}))
    loading = loading_seconds(args.llm) if model else stored.get("loading_seconds", 0.0)
    for task in TASKS:
        if task.name not in names:
            continue
        for player in args.players:
            row, rate = play(args, task, player, model if player == "tiny" else None)
            rows = result_rows.merge(rows, [row])
            if player == "tiny":
                speeds[task.name] = rate
        said = ", ".join(f"{name} {rate:.0f}" for name, rate in speeds.items())
        speed = f"Actions a second of `tiny`, {args.concurrency} games at once: {said}. "
        speed += f"It answers {loading:.1f} s after torch was imported."
        facts = {
            "speed": speed,
            "seeds": training_seeds(),
            "temperature": TINY_TEMPERATURE,
        }
        measured = {"actions_per_second": speeds, "loading_seconds": loading}
        common.write_results(args, rows, measured, page(rows, facts), figure(rows))


if __name__ == "__main__":
    common.guarded(main)
