"""``textenvs train-reward``: a reward from preferences between captions."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textenvs.cli.arguments import positive, positive_number, seed
from textenvs.cli.consoles import result_console, status_console
from textenvs.cli.run_options import CountBar

__all__ = ["add", "run"]

_LOOKED_AT = 10_000  # pairs, to see whether captions are long

_EXAMPLES = """\
  textenvs train-reward --dataset-dir pairs/nethack \\
      --annotator gpt-4o-mini_msg_defaultgoal_default --batch-size 1024 --reward-lr 1e-5 \\
      --num-epochs 10 --seed 777 --out rewards/nethack
The same command goes on where it was stopped."""


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "train-reward", run, "learn a reward from labelled pairs of captions", _EXAMPLES
    )
    parser.add_argument("--dataset-dir", required=True, metavar="D", help="of pairs")
    parser.add_argument("--annotator", required=True, metavar="NAME", help="whose labels")
    parser.add_argument("--out", metavar="R", help="where the reward goes (D/rewards/NAME)")
    parser.add_argument(
        "--encoder", default="cnn", metavar="E", help="cnn, or transformer for long captions (cnn)"
    )
    parser.add_argument(
        "--batch-size", type=positive, default=1024, metavar="N", help="pairs (1024)"
    )
    parser.add_argument(
        "--reward-lr", type=positive_number, default=1e-5, metavar="X", help="of Adam (0.00001)"
    )
    parser.add_argument("--num-epochs", type=positive, default=10, metavar="N", help="(10)")
    parser.add_argument("--seed", type=seed, default=777, metavar="S", help="(777)")
    parser.add_argument("--device", default="cpu", metavar="D", help="cpu or cuda (cpu)")


def run(options: argparse.Namespace) -> int:
    """Learn, and print how well held-out pairs are told."""
    from textenvs.errors import require

    require("torch", extra="rl", needed_by="textenvs train-reward")
    from textenvs.motif.pairs import UNKNOWN, Pairs
    from textenvs.motif.reward_model import CNN_WIDTH
    from textenvs.motif.reward_training import RewardTraining, train_reward

    training = RewardTraining(
        encoder=options.encoder,
        epochs=options.num_epochs,
        batch_size=options.batch_size,
        learning_rate=options.reward_lr,
        seed=options.seed,
        device=options.device,
    )
    pairs = Pairs(options.dataset_dir)
    labels = pairs.labels(options.annotator)
    out = Path(options.out or pairs.directory / "rewards" / options.annotator)
    if options.encoder == "cnn" and pairs.messages[:_LOOKED_AT, :, :, CNN_WIDTH:].any():
        status_console().print(
            f"{options.dataset_dir}: of captions longer than {CNN_WIDTH} bytes the cnn reads the "
            "beginning: --encoder transformer reads more"
        )
    with CountBar(options.num_epochs, "epochs") as show:
        told = train_reward(
            pairs,
            options.annotator,
            out,
            training,
            on_progress=show,
        )
    said = (
        f"{out}: epoch {told['epoch']} of {options.num_epochs}, {(labels != UNKNOWN).sum()}"
        f" of {len(pairs)} pairs labelled, accuracy {told['train_accuracy']:.3f} learned and "
        f"{told['held_out_accuracy']:.3f} held out"
    )
    if not math.isnan(told["agrees_with_score"]):
        said += f", agreement with the score {told['agrees_with_score']:.3f}"
    result_console().print(said)
    return 0
