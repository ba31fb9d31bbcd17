"""``textenvs train-preference``: a potential from preferences."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textenvs.cli.arguments import positive, positive_number, seed
from textenvs.cli.consoles import result_console
from textenvs.cli.run_options import CountBar

__all__ = ["add", "run"]

_EXAMPLES = """\
  textenvs train-preference --dataset knowledge/preference --out knowledge/model
  textenvs train-preference --dataset ready --env minigrid --input text --out knowledge/text"""


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "train-preference",
        run,
        "learn from preferences which states are good",
        _EXAMPLES,
    )
    parser.add_argument(
        "--dataset",
        required=True,
        metavar="D",
        help="a folder of `textenvs label-preference`; ready: the package's",
    )
    parser.add_argument("--env", metavar="GAME", help="minigrid or crafter, of ready labels")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the model goes")
    parser.add_argument(
        "--input", default="state", metavar="I", help="state or text: what is read (state)"
    )
    parser.add_argument("--epochs", type=positive, default=20, metavar="N", help="(20)")
    parser.add_argument("--batch-size", type=positive, default=32, metavar="N", help="pairs (32)")
    parser.add_argument(
        "--learning-rate", type=positive_number, default=3e-4, metavar="X", help="(0.0003)"
    )
    parser.add_argument("--seed", type=seed, default=42, metavar="S", help="(42)")


def run(options: argparse.Namespace) -> int:
    """Learn, and print how well held-out pairs are told."""
    from textenvs.errors import require

    require("stable_baselines3", extra="rl", needed_by="textenvs train-preference")
    from textenvs.shaping.preference_training import PreferenceTraining, train_preference

    training = PreferenceTraining(
        input=options.input,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    with CountBar(options.epochs, "epochs") as show:
        told = train_preference(
            options.dataset, Path(options.out), training, game=options.env, on_progress=show
        )
    result_console().print(
        f"{options.out}: epoch {told['best_epoch']} of {options.epochs}, accuracy "
        f"{told['train_accuracy']:.3f} of {told['pairs']['learned']} learned and "
        f"{told['held_out_accuracy']:.3f} of {told['pairs']['held_out']} held-out pairs"
    )
    return 0
