"""What a language model knows beforehand, as a potential: code, preferences, goals.

    python benchmarks/background_knowledge.py                     # RedBall-S20, five seeds
    python benchmarks/background_knowledge.py --groups all --steps 5000000   # all there is: days
    python benchmarks/background_knowledge.py --groups crafter --methods ppo code
    python benchmarks/background_knowledge.py --speed             # how fast each trains, alone
    python benchmarks/background_knowledge.py --smoke

Plain PPO, PPO with random network distillation, and PPO with potentials from the three ways of
Chen et al. (arXiv:2407.03964), on the registered downstream tasks. The knowledge is that of the
package, or ``--knowledge DIR`` with DIR/minigrid/code and so on, as ``textenvs label-code``,
``train-preference`` and ``label-goals`` write it. The same command goes on where it stopped.

It needs ``pip install "textenvs[babyai,crafter,advice,rl,plot]"``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import gymnasium

import common
from background.groups import GROUPS, METHODS, Run, settings_of, tasks_of
from background.page import draw, page
from background.results import Result, read_result
from background.speed import SPEED_TASKS, measure_speed
from textenvs import rollout
from textenvs.advice import DEFAULT_EMBEDDINGS
from textenvs.agents import RandomAgent
from textenvs.cli.arguments import positive
from textenvs.traces import replace_file
from trainings import check_packages, train_all

NAME = "background_knowledge"
_RANDOM_EPISODES = 100
_SMOKE_STEPS, _SMOKE_LONGEST = 512, 30


def main(argv: Sequence[str] | None = None) -> None:
    """Train what is not trained, and write the page."""
    args = _arguments(argv)
    check_packages()
    runs = [] if args.speed else _runs(args)
    for number, (run, now) in enumerate(train_all(runs, args.work, args.workers), 1):
        if now:
            print(f"{number} of {len(runs)}: {run.folder(Path())}", flush=True)
    known = args.out.with_suffix(".json")
    before = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    found = {_key(each): each for each in (Result(**r) for r in before.get("runs", []))}
    found |= {_key(each): each for each in (read_result(r, args.work) for r in runs) if each}
    random = dict(before.get("random", {}))
    for task in dict.fromkeys(run.task for run in runs):
        if task not in random:
            random[task] = _play_randomly(task, runs, 2 if args.smoke else _RANDOM_EPISODES)
    speed = before.get("speed", [])
    if args.speed:
        speed = measure_speed(SPEED_TASKS, args.methods, args.knowledge, args.embeddings)
    ordered = sorted(found.values(), key=_order)
    told = {"smoke": args.smoke, "runs": [asdict(each) for each in ordered], "random": random}
    told["speed"] = speed
    args.out.parent.mkdir(parents=True, exist_ok=True)
    common.write_json(known, told)
    replace_file(
        args.out.with_suffix(".md"),
        page(ordered, random, speed, args.smoke, f"{args.out.name}.png"),
    )
    if ordered:
        common.draw_figure(
            lambda pyplot: draw(pyplot, ordered), args.out.with_suffix(".png"), args.smoke
        )
    print(f"Written: {args.out}.json, .md, .png")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--groups",
        nargs="+",
        choices=[*GROUPS, "all"],
        default=["seen"],
        metavar="G",
        help=f"of {', '.join(GROUPS)}; or all (seen)",
    )
    parser.add_argument("--tasks", nargs="+", metavar="ID", help="single tasks, in place of groups")
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=METHODS,
        metavar="M",
        help=f"of {', '.join(METHODS)} (all)",
    )
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="of each (5)")
    parser.add_argument("--steps", type=positive, default=500_000, metavar="N", help="(500000)")
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="processes (2)")
    parser.add_argument(
        "--knowledge", type=Path, metavar="DIR", help="in place of the package's: DIR/GAME/KIND"
    )
    parser.add_argument(
        "--embeddings", default=DEFAULT_EMBEDDINGS, metavar="M", help="all-MiniLM-L6-v2"
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help=f"where runs are kept (runs/{NAME}; of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="STEM",
        help=f"STEM.json, .md and .png (docs/results/{NAME}; of a smoke run away from it)",
    )
    parser.add_argument(
        "--speed", action="store_true", help="measure how fast each trains, and nothing else"
    )
    parser.add_argument("--smoke", action="store_true", help="a few steps: does it run at all?")
    args = parser.parse_args(argv)
    args.groups = list(GROUPS) if "all" in args.groups else args.groups
    unknown = set(args.tasks or ()) - set(tasks_of(tuple(GROUPS)))
    if unknown:
        parser.error(f"expected tasks of {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}")
    if args.smoke:
        args.work = common.temporary(args.work, "runs")
        args.out = common.temporary(args.out, NAME)
        args.seeds = 1
    args.out = args.out or common.ROOT / "docs" / "results" / NAME
    args.work = args.work or Path("runs") / NAME
    return args


def _runs(args: argparse.Namespace) -> list[Run]:
    """What is to be run: seed by seed, so that what was stopped is a comparison already."""
    tasks = args.tasks or tasks_of(tuple(args.groups))
    found = []
    for seed in range(args.seeds):
        for task in tasks:
            for method in args.methods:
                settings = settings_of(
                    task, method, seed, args.steps, args.knowledge, args.embeddings
                )
                if args.smoke:
                    settings = replace(
                        settings,
                        env={**settings.env, **_short(task)},
                        total_timesteps=_SMOKE_STEPS,
                        hyper={**settings.hyper, "n_steps": 16, "n_epochs": 1},
                        eval_every=_SMOKE_STEPS // 2,
                        eval_episodes=2,
                    )
                found.append(Run(task, method, seed, settings))
    return found


def _short(task: str) -> dict[str, int]:
    return {"length" if task.startswith("Crafter") else "max_steps": _SMOKE_LONGEST}


def _play_randomly(task: str, runs: Sequence[Run], count: int) -> dict[str, list[float]]:
    settings = next(run.settings for run in runs if run.task == task)
    played = rollout(
        lambda: gymnasium.make(task, **settings.env), RandomAgent(), episodes=count, seed=0
    )
    return {
        "success": [float(bool(each.success)) for each in played],
        "return": [round(each.episode_return, 5) for each in played],
    }


def _key(result: Result) -> tuple[str, str, int, int, str]:
    return result.task, result.method, result.seed, result.total, result.knowledge


def _order(result: Result) -> tuple[int, int, int]:
    tasks = tasks_of(tuple(GROUPS))
    return tasks.index(result.task), METHODS.index(result.method), result.seed


if __name__ == "__main__":
    common.guarded(main)
