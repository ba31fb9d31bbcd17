"""Motif's agent by RLlib's APPO, the paper's algorithm: NetHack, paid by messages, many workers.

    python benchmarks/motif_rllib.py --smoke
    python benchmarks/motif_rllib.py --task Score --workers 2 --envs-per-worker 2 --steps 20000
    python benchmarks/motif_rllib.py --published --out runs/motif_published   # 480 games, 2e9 steps

The environment, its wrappers and the parts of the network are those of ``textenvs train --algo
recurrent_ppo --encoder nethack``; the memory is the published one, a GRU of 512. OUT gets
``progress.jsonl``, a line for each iteration, and ``checkpoint/STEPS`` in RLlib's format. The same
command goes on from the checkpoint, with more ``--steps`` too. Runs do not repeat one another:
what is learned from depends on which worker is the fastest.

``--published`` is what :data:`PUBLISHED` says (Klissarov et al., arXiv:2310.00166; their code at
51b5f47, sample-factory's APPO): 24 workers with 20 games each, so 25 cores, and a GPU for the
learner if there is one. Two workers, without a GPU, are what was tried.

It needs ``pip install "textenvs[nethack,rl,ray]"``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import common
import textenvs  # noqa: F401  # registers the ids
from motivated.rllib_files import keep_until, newest, save
from motivated.rllib_game import GAME_RETURN, PUBLISHED, id_of, make_game, note_game_return
from textenvs.cli.arguments import positive
from textenvs.errors import require
from textenvs.motif.presets import motif_preset
from textenvs.traces import replace_file

NAME = "motif_rllib"
_CHECKPOINT_EVERY = 600.0  # seconds
_ITERATION = 10.0  # seconds that an iteration lasts at least
_SMOKE = {"workers": 2, "envs_per_worker": 2, "steps": 512, "batch": 128}
_SMOKE_LONGEST = 30  # steps of a game


def main(argv: Sequence[str] | None = None) -> None:
    """Train, or go on."""
    args = _arguments(argv)
    _check_settings(args)
    require("ray", extra="ray", needed_by="a training by RLlib")
    train(args)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="Score", metavar="T", help="of NetHack-Text-T-v0 (Score)")
    parser.add_argument("--workers", type=positive, metavar="N", help="processes that play (2)")
    parser.add_argument("--envs-per-worker", type=positive, metavar="N", help="games of each (2)")
    parser.add_argument("--steps", type=positive, metavar="N", help="of all games together (20000)")
    parser.add_argument("--batch", type=positive, metavar="N", help="steps of an update (4096)")
    parser.add_argument(
        "--reward-dir",
        default="ready",
        metavar="DIR",
        help="of `textenvs train-reward`, or the reward that came with the package (ready)",
    )
    parser.add_argument(
        "--extrinsic-coef", type=float, metavar="X", help="as published: 0.1 for Score, else 10"
    )
    parser.add_argument(
        "--intrinsic-coef", type=float, default=PUBLISHED["intrinsic_coef"], metavar="X"
    )
    parser.add_argument("--beta", type=float, default=PUBLISHED["beta"], metavar="X")
    parser.add_argument("--quantile", type=float, default=PUBLISHED["quantile"], metavar="X")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"runs/{NAME}, of a smoke run away")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--smoke", action="store_true", help="a few steps: does it run at all?")
    size.add_argument("--published", action="store_true", help="24 workers x 20 games, 2e9 steps")
    args = parser.parse_args(argv)
    usual = {"workers": 2, "envs_per_worker": 2, "steps": 20_000, "batch": PUBLISHED["batch"]}
    for name, value in (PUBLISHED if args.published else _SMOKE if args.smoke else usual).items():
        if name in usual and getattr(args, name) is None:
            setattr(args, name, value)
    if args.extrinsic_coef is None:
        args.extrinsic_coef = motif_preset(id_of(args.task), "both")["extrinsic_coef"]
    if args.out is None:
        here = Path(tempfile.mkdtemp(prefix="textenvs-smoke-")) if args.smoke else Path("runs")
        args.out = here / NAME
    return args


# The training


def train(args: argparse.Namespace) -> None:
    """Train from the last checkpoint until so many steps were played."""
    import ray
    import ray.rllib

    found = newest(args.out)
    steps = 0 if found is None else int(found.name)
    if steps >= args.steps:
        print(f"{steps} steps were played already: {found}")
        return
    keep_until(args.out / "progress.jsonl", steps)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for name in ("ray", "ray.rllib"):
        logging.getLogger(name).setLevel(logging.ERROR)  # warnings are of what is meant to be so
    ray.init(
        "local",
        num_cpus=args.workers + 1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        algorithm = _config(args).build_algo()
        try:
            if found is not None:
                algorithm.restore_from_path(str(found.resolve()))
            _learn(algorithm, args, steps)
        finally:
            algorithm.stop()
            shutil.rmtree(algorithm.logdir, ignore_errors=True)  # empty, in ~/ray_results
    finally:
        ray.shutdown()


def _learn(algorithm: Any, args: argparse.Namespace, steps: int) -> None:
    saved, kept = time.monotonic(), steps
    with (args.out / "progress.jsonl").open("a", encoding="utf-8") as progress:
        while steps < args.steps:
            begun = time.monotonic()
            told = _progress(algorithm, algorithm.train(), steps, begun)
            steps = told["steps"]
            progress.write(json.dumps(told) + "\n")
            progress.flush()
            print(line(told), flush=True)
            if time.monotonic() - saved > _CHECKPOINT_EVERY:
                save(algorithm, args.out, steps)
                saved, kept = time.monotonic(), steps
    if steps > kept:
        save(algorithm, args.out, steps)


def _config(args: argparse.Namespace) -> Any:
    """RLlib's configuration."""
    import torch
    from ray.rllib.algorithms.appo import APPOConfig
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.tune.registry import register_env

    from motivated.recurrent_policy import BootstrapByValue, RecurrentPolicy

    register_env(NAME, make_game)
    rollout = PUBLISHED["rollout"]
    return (
        APPOConfig()
        .environment(NAME, env_config=_game_settings(args))
        .env_runners(
            num_env_runners=args.workers,
            num_envs_per_env_runner=args.envs_per_worker,
            rollout_fragment_length=rollout,
        )
        # The learner is in this process: workers wait for it, as published, where a process of its
        # own would drop what it has no time for.
        .learners(
            num_learners=0,
            num_gpus_per_learner=int(torch.cuda.is_available()),
            learner_connector=lambda *_: BootstrapByValue(),
        )
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=RecurrentPolicy,
                # A row is a fragment and the step that RLlib appends to it.
                model_config={"memory": PUBLISHED["memory"], "max_seq_len": rollout + 1},
            )
        )
        .training(
            gamma=PUBLISHED["gamma"],
            lr=PUBLISHED["learning_rate"],
            grad_clip=PUBLISHED["max_grad_norm"],
            grad_clip_by="global_norm",
            train_batch_size_per_learner=args.batch,
            num_epochs=PUBLISHED["epochs"],
            vtrace_clip_rho_threshold=PUBLISHED["vtrace_rho"],
            vtrace_clip_pg_rho_threshold=PUBLISHED["vtrace_rho"],
            clip_param=PUBLISHED["clip_ratio"],
            vf_loss_coeff=2 * PUBLISHED["value_coef"],  # RLlib's loss has a half before its square
            entropy_coeff=PUBLISHED["entropy_coef"],
            # Every batch once, in its order. Both numbers are in the target network's period too,
            # 2 x 1 x 1 batches.
            use_circular_buffer=False,
            circular_buffer_num_batches=1,
            circular_buffer_iterations_per_batch=1,
            timeout_s_sampler_manager=0.05,  # seconds to wait for fragments; 0 is a busy loop
        )
        .callbacks(on_episode_end=note_game_return)
        .reporting(
            min_time_s_per_iteration=1.0 if args.smoke else _ITERATION,
            min_sample_timesteps_per_iteration=args.batch,
        )
        .fault_tolerance(restart_failed_env_runners=False)  # an error is told, not repeated
    )


def _game_settings(args: argparse.Namespace) -> dict[str, Any]:
    names = ("task", "reward_dir", "extrinsic_coef", "intrinsic_coef", "beta", "quantile")
    shorter = {"max_episode_steps": _SMOKE_LONGEST} if args.smoke else {}
    return {
        **{name: getattr(args, name) for name in names},
        "game": {**motif_preset(id_of(args.task), "both")["env"], **shorter},
    }


def _progress(
    algorithm: Any, result: Mapping[str, Any], before: int, begun: float
) -> dict[str, Any]:
    """What an iteration has to tell; ``game_return`` is the mean of the games that ended in it."""
    played = result["env_runners"]
    steps, ended = int(played["num_env_steps_sampled_lifetime"]), int(played["num_episodes"])
    policy = result.get("learners", {}).get("default_policy", {})
    return {
        "steps": steps,
        "episodes": int(played["num_episodes_lifetime"]),
        "game_return": _rounded(played[GAME_RETURN] / ended) if ended else None,
        "entropy": _rounded(policy.get("entropy")),
        "workers": algorithm.env_runner_group.num_healthy_remote_workers(),
        "steps_per_second": round((steps - before) / (time.monotonic() - begun), 1),
    }


def _rounded(value: Any) -> float | None:
    """None of what an iteration does not have: RLlib says NaN, or nothing."""
    return None if value is None or np.isnan(value) else round(float(value), 4)


def line(told: Mapping[str, Any]) -> str:
    """A line of the progress, to be read.

    Example:
        >>> line({"steps": 1000, "episodes": 2, "game_return": 7.5, "steps_per_second": 90.2})
        '1000 steps, 2 episodes, mean game return 7.50, 90 steps/s'
    """
    mean = "-" if told["game_return"] is None else f"{told['game_return']:.2f}"
    return (
        f"{told['steps']} steps, {told['episodes']} episodes, mean game return {mean}, "
        f"{told['steps_per_second']:.0f} steps/s"
    )


def _check_settings(args: argparse.Namespace) -> None:
    """Keep what is learned in the folder; once it was learned from, a run goes on with it alone."""
    gymnasium.spec(id_of(args.task))  # an unknown task leaves no folder
    path = args.out / "settings.json"
    wanted = {**_game_settings(args), "batch": args.batch}
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else wanted
    if known != wanted and newest(args.out) is not None:
        raise ValueError(
            f"{args.out} has a run with other settings: expected {json.dumps(known)}, or "
            "another folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(wanted) + "\n")


if __name__ == "__main__":
    common.guarded(main)
