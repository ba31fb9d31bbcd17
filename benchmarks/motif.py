"""Motif in NetHack: pairs of messages, a reward, an agent, in one command.

    python benchmarks/motif.py                              # small: two cores, a few hours at most
    python benchmarks/motif.py --groups steering annotators
    python benchmarks/motif.py --llm openai:gpt-4o-mini     # annotated anew, with steering by goals
    python benchmarks/motif.py --paper --llm vllm:meta-llama/Llama-2-70b-chat-hf   # as published
    python benchmarks/motif.py --smoke

Without a model the reward is learned from the labels that came with the package; other wishes are
rules over words, and labels of the same pairs (``benchmarks/answers``). The same command goes on
where it stopped.

It needs ``pip install "textenvs[nethack,rl,plot]"``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import common
import players
from motivated.page import draw, page
from motivated.results import Result, play_randomly, read_result
from motivated.rewards import make_rewards, quantiles_of
from motivated.sizes import CONDITIONS, GROUPS, SIZES, TASKS, Run, Size, runs_of
from textenvs.cli.arguments import positive
from textenvs.llm import bare_name
from textenvs.traces import replace_file
from trainings import check_packages, train_all

NAME = "motif"
_RANDOM_EPISODES = 100


def main(argv: Sequence[str] | None = None) -> None:
    """Do what is not done, and write the page."""
    args, size = _arguments(argv)
    check_packages()
    groups = tuple(args.groups)
    teacher, rewards, labels = make_rewards(size, groups, args.llm, args.label, args.work)
    tasks, conditions = tuple(args.tasks), tuple(args.conditions)
    runs = runs_of(size, groups, tasks, conditions, rewards, teacher, quantiles_of(rewards))
    alone = list({run.folder(args.work): run for run in runs}.values())
    for number, (run, now) in enumerate(train_all(alone, args.work, args.workers), 1):
        if now:
            print(f"{number} of {len(alone)}: {run.folder(Path())}", flush=True)
    known = args.out.with_suffix(".json")
    about = _about(size, runs)
    before = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    if before.get("about") != about:  # of another size: nothing of it belongs on this page
        before = {}
    found = {_key(each): each for each in _results(before, labels)}
    found |= {_key(each): each for each in (read_result(r, args.work) for r in runs) if each}
    random = dict(before.get("random", {}))
    for task in dict.fromkeys(run.task for run in runs):
        if task not in random:
            random[task] = play_randomly(
                task, 2 if args.smoke else _RANDOM_EPISODES, size.max_steps
            )
    ordered = sorted(found.values(), key=_order)
    told = {
        "smoke": args.smoke,
        "about": about,
        "labels": before.get("labels", {}) | labels,
        "runs": [asdict(each) for each in ordered],
        "random": random,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    common.write_json(known, told)
    replace_file(
        args.out.with_suffix(".md"),
        page(ordered, random, about, args.smoke, f"{args.out.name}.png"),
    )
    common.draw_figure(
        lambda pyplot: draw(pyplot, ordered), args.out.with_suffix(".png"), args.smoke
    )
    print(f"Written: {args.out}.json, .md, .png")


def _results(before: Mapping[str, Any], labels: Mapping[str, str]) -> list[Result]:
    """The results of a page, without those of other labels that have the same name."""
    known = before.get("labels", {})
    found = [Result(**each) for each in before.get("runs", [])]
    return [r for r in found if labels.get(r.annotator) in (None, known.get(r.annotator))]


def _about(size: Size, runs: Sequence[Run]) -> str:
    limit = "the task's own limit" if size.max_steps is None else f"{size.max_steps:,} steps"
    hyper = ", ".join(f"{key} {value:g}" for key, value in runs[0].settings.hyper.items())
    return (
        f"{size.steps:,} steps a run in {size.games} games of {limit}, the eat fix included; an "
        f"LSTM of {runs[0].settings.policy['lstm_hidden_size']}; {hyper}."
    )


def _arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, Size]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = parser.add_mutually_exclusive_group()
    for name, said in (
        ("smoke", "minutes, and no result: does it run at all?"),
        ("small", "what two cores can do (the default)"),
        ("paper", "as published: 2e9 steps a run"),
    ):
        sizes.add_argument(f"--{name}", action="store_true", help=said)
    for name, choices in (("groups", GROUPS), ("tasks", TASKS), ("conditions", CONDITIONS)):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            choices=choices,
            metavar=name[0].upper(),
            help=f"of {', '.join(choices)}",
        )
    parser.add_argument("--seeds", type=positive, metavar="N", help="of each run (5)")
    parser.add_argument("--steps", type=positive, metavar="N", help="of each run")
    parser.add_argument("--llm", metavar="M", help="who annotates (default: recorded labels)")
    parser.add_argument("--label", metavar="NAME", help="what it is called (its own name)")
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="processes (2)")
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help=f"runs/{NAME}_SIZE; of a smoke run a temporary folder",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="STEM",
        help=f"STEM.json, .md and .png (docs/results/{NAME}, with _paper of that size; of a smoke "
        "run away from it)",
    )
    args = parser.parse_args(argv)
    for name in ("seeds", "steps"):
        given = getattr(args, name)
        if given is not None and given < 1:
            parser.error(f"expected --{name} of 1 or more, got {given}")
    name = "smoke" if args.smoke else "paper" if args.paper else "small"
    size = SIZES[name]
    if args.llm and not args.label:
        args.label = players.folder_name(bare_name(args.llm))
    size = replace(size, seeds=args.seeds or size.seeds, steps=args.steps or size.steps)
    args.groups = args.groups or (list(GROUPS) if args.smoke else ["main"])
    args.tasks = args.tasks or list(size.tasks)
    args.conditions = args.conditions or list(CONDITIONS)
    if args.smoke:
        args.work = common.temporary(args.work, "work")
        args.out = common.temporary(args.out, NAME)
    args.work = args.work or Path("runs") / f"{NAME}_{name}"
    args.out = args.out or common.ROOT / "docs" / "results" / (
        NAME if name == "small" else f"{NAME}_{name}"
    )
    return args, size


def _key(result: Result) -> tuple[str, ...]:
    known = (result.group, result.task, result.condition, result.annotator, str(result.seed))
    return known


def _order(result: Result) -> tuple[int, int, int, str, int]:
    return (
        GROUPS.index(result.group),
        TASKS.index(result.task),
        CONDITIONS.index(result.condition),
        result.annotator,
        result.seed,
    )


if __name__ == "__main__":
    common.guarded(main)
