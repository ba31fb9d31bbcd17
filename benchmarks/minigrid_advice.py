"""Ways to take a language model's advice, compared: in5490's comparison in MiniGrid.

    python benchmarks/minigrid_advice.py                                # goes on where it stopped
    python benchmarks/minigrid_advice.py --worlds empty --presets published
    python benchmarks/minigrid_advice.py --worlds nethack --presets mended
    python benchmarks/minigrid_advice.py --worlds empty --presets mended --llm hf:PATH --out STEM
    python benchmarks/minigrid_advice.py --smoke

PPO without advice, with advice that pays, with advice in the policy, and with both, each with
eight seeds: in Empty-16x16, DoorKey-8x8 and UnlockPickup, as published (``published``: a
configuration for each set of data, see ``advised/presets.py``), and with one configuration of ours
(``mended``), with which it is made in MultiRoom and NetHack, too. Advice is recorded: the real
answers of Llama-2-7B-chat that the project published for DoorKey (they are taken from
``TEXTENVS_DATA``), those in ``benchmarks/answers`` for the others; or it is any model's, by
``--llm``. Afterwards what was learned in one environment is played in the others.

It needs ``pip install "textenvs[babyai,nethack,advice,rl,plot]"``.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import common
from advised.advisers import adviser_of, coverage
from advised.page import draw, page
from advised.presets import CONDITIONS, PRESETS, WORLDS, Run, settings_of
from advised.results import Result, read_result
from advised.transfer import play_elsewhere, play_randomly
from textenvs.advice import DEFAULT_EMBEDDINGS
from textenvs.cli.arguments import not_negative, positive
from textenvs.errors import require
from textenvs.traces import replace_file
from trainings import check_packages, train_all

NAME = "minigrid_advice"
_PAGE = common.ROOT / "docs" / "results" / NAME
_MEASURED = ("random", "advisers", "transfer")  # beside the runs
_RANDOM_EPISODES = 100
_TRANSFER_EPISODES = 20
_COVERAGE_STEPS = 20_000
_SMOKE_STEPS, _SMOKE_EPISODES, _SMOKE_LONGEST = 600, 3, 50


def main(argv: Sequence[str] | None = None) -> None:
    """Train what is not trained, play what was learned elsewhere, write the page."""
    args = _arguments(argv)
    check_packages()
    runs = _runs(args)
    for name in _worlds_of(runs):
        world = WORLDS[name]
        package, extra = ("minigrid", "babyai") if world.is_grid else ("nle", "nethack")
        require(package, extra=extra, needed_by=world.env_id)
    results = _read(args.out)
    _check_page(args, results)
    for number, (run, now) in enumerate(train_all(runs, args.work, args.workers), 1):
        if now:
            print(f"{number} of {len(runs)}: {run.folder(Path())}", flush=True)
    more = {key: dict(_read(args.out).get(key, {})) for key in _MEASURED}
    _measure(args, runs, more)
    results = _read(args.out)  # again: another process may have written what it found
    more = {key: results.get(key, {}) | more[key] for key in _MEASURED}
    found = {_key(r): r for r in (Result(**each) for each in results.get("runs", []))}
    found |= {_key(r): r for r in (read_result(run, args.work) for run in runs) if r is not None}
    ordered = sorted(found.values(), key=_order)
    curves = _published_curves()
    told = {"smoke": args.smoke, "strength": args.strength, **more}
    told["runs"] = [asdict(each) for each in ordered]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    common.write_json(args.out.with_suffix(".json"), told)
    figure = args.out.with_suffix(".png")
    text = page(ordered, more, curves, args.smoke, _command(args), figure.name)
    replace_file(args.out.with_suffix(".md"), text)
    common.draw_figure(lambda pyplot: draw(pyplot, ordered, curves), figure, args.smoke)
    print(f"Written: {args.out}.json, .md, .png")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, choices, default in (
        ("worlds", list(WORLDS), list(WORLDS)),
        ("presets", list(PRESETS), list(PRESETS)),
        ("conditions", list(CONDITIONS), list(CONDITIONS)),
    ):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            choices=choices,
            default=default,
            metavar=name[0].upper(),
            help=f"of {', '.join(choices)} ({' '.join(default)})",
        )
    parser.add_argument(
        "--seeds", type=positive, default=8, metavar="N", help="0 to N - 1 of each (8)"
    )
    parser.add_argument(
        "--first-seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="leave those before it to others (0)",
    )
    parser.add_argument("--workers", type=positive, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--llm", metavar="M", help="who advises (default: recorded answers)")
    parser.add_argument("--label", metavar="NAME", help="what the tables call that model")
    parser.add_argument(
        "--strength", type=float, metavar="F", help="of advice in the policy (the preset's)"
    )
    parser.add_argument(
        "--embeddings", default=DEFAULT_EMBEDDINGS, metavar="M", help="all-MiniLM-L6-v2"
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where runs are kept (runs/STEM; of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="STEM",
        help="STEM.json, .md and .png (docs/results/minigrid_advice; of a smoke run away from it)",
    )
    parser.add_argument("--smoke", action="store_true", help="a few steps: does it run at all?")
    args = parser.parse_args(argv)
    if args.smoke:
        args.work = common.temporary(args.work, "runs")
        args.out = common.temporary(args.out, NAME)
        args.seeds, args.first_seed = 1, 0
    if not 0 <= args.first_seed < args.seeds:
        parser.error(
            f"expected --first-seed from 0 to --seeds less one, {args.seeds - 1}: "
            f"got {args.first_seed}"
        )
    args.out = args.out or _PAGE
    if args.out.resolve() == _PAGE:
        args.out = _PAGE
        if args.strength is not None:
            parser.error("expected another --out with --strength: a page of its own")
    args.work = args.work or Path("runs") / args.out.name
    return args


def _command(args: argparse.Namespace) -> str:
    """The command of a page; of another one than the project's, with what sets it apart."""
    found = ["python", f"benchmarks/{NAME}.py"]
    if args.out != _PAGE and not args.smoke:
        for name in ("worlds", "presets", "conditions"):
            found += [f"--{name}", *getattr(args, name)]
        for name in ("seeds", "llm", "label", "strength", "embeddings", "out"):
            if getattr(args, name) not in (None, DEFAULT_EMBEDDINGS):
                found += [f"--{name}", str(getattr(args, name))]
    return shlex.join(found)


def _runs(args: argparse.Namespace) -> list[Run]:
    """What is to be run: seed by seed, so that what was stopped is a comparison already."""
    found = []
    for seed in range(args.first_seed, args.seeds):
        for preset in args.presets:
            for world in args.worlds:
                if preset == "published" and not WORLDS[world].published:
                    continue
                found += [_run(args, preset, world, each, seed) for each in args.conditions]
    return found


def _worlds_of(runs: Sequence[Run]) -> list[str]:
    return [name for name in WORLDS if any(run.world == name for run in runs)]


def _run(args: argparse.Namespace, preset: str, world: str, condition: str, seed: int) -> Run:
    adviser = adviser_of(world, args)
    settings = settings_of(
        preset, world, condition, seed, adviser.llm, args.embeddings, adviser.style
    )
    if args.strength is not None and "policy" in settings.advice:
        settings = replace(settings, strength=args.strength)
    if args.smoke:
        settings = replace(
            settings,
            max_steps=_SMOKE_LONGEST,
            total_timesteps=_SMOKE_STEPS,
            total_episodes=settings.total_episodes and _SMOKE_EPISODES,
            hyper={
                **settings.hyper,
                "n_steps": 32 if preset == "mended" else _SMOKE_LONGEST,
                "n_epochs": 1,
            },
        )
    return Run(preset, world, condition, seed, settings)


def _check_page(args: argparse.Namespace, known: Mapping[str, Any]) -> None:
    """A page has one adviser a world and one strength: results of two would be taken for one's."""
    for world in args.worlds:
        adviser = adviser_of(world, args)
        label = known.get("advisers", {}).get(world, {}).get("label")
        if label not in (None, adviser.label):
            raise ValueError(
                f"{args.out}.json has results in {world} with advice of {label}: expected another "
                f"--out for {adviser.label}"
            )
    if known.get("strength", args.strength) != args.strength:
        raise ValueError(
            f"{args.out}.json has results with --strength {known['strength']}: expected another "
            f"--out for {args.strength}"
        )


def _key(result: Result) -> tuple[str, str, str, int]:
    return result.preset, result.world, result.condition, result.seed


def _order(result: Result) -> tuple[int, int, int, int]:
    return (
        PRESETS.index(result.preset),
        list(WORLDS).index(result.world),
        CONDITIONS.index(result.condition),
        result.seed,
    )


def _measure(args: argparse.Namespace, runs: Sequence[Run], more: Mapping[str, Any]) -> None:
    """Random play, who advised, and what was learned played elsewhere; what is known stays."""
    few = args.smoke
    worlds = {
        name: replace(WORLDS[name], max_steps=_SMOKE_LONGEST) if few else WORLDS[name]
        for name in _worlds_of(runs)
    }
    for name, world in worlds.items():
        if name not in more["random"]:
            more["random"][name] = play_randomly(world, 2 if few else _RANDOM_EPISODES, seed=0)
        adviser = adviser_of(name, args)
        covered = coverage(world, adviser, 200 if few else _COVERAGE_STEPS, seed=0)
        more["advisers"][name] = {
            "label": adviser.label,
            "coverage": covered._asdict() if covered else None,
        }
    grids = [name for name in worlds if WORLDS[name].is_grid]
    for run in runs:
        key = "/".join(map(str, (run.preset, run.world, run.condition, run.seed)))
        if run.world not in grids or not (run.folder(args.work) / "model.zip").exists():
            continue
        played = more["transfer"].setdefault(key, {})
        for name in grids:
            if name not in played:
                count = 2 if few else _TRANSFER_EPISODES
                told = play_elsewhere(run, worlds[name], args.work, count)
                played[name] = round(sum(told["success"]) / count, 4)


def _published_curves() -> dict[str, Any]:
    """The published curves; none where they are not at hand."""
    path = common.data_folder() / "in5490_curves.json"
    if not path.is_file():
        print(f"without the published curves: {path} is missing", file=sys.stderr)
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def _read(stem: Path) -> dict[str, Any]:
    """What is known already."""
    path = stem.with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


if __name__ == "__main__":
    common.guarded(main)
