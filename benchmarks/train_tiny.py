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

It needs ``pip install "textenvs[crafter,babyai,nethack,hf,finetune,plot]"``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import common
from textenvs.cli.arguments import positive
from textenvs.errors import require
from textenvs.llm.backends.tiny import FOLDER

_PACKAGES = {"torch": "hf", "transformers": "hf", "accelerate": "finetune", "matplotlib": "plot"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or go on with a training that was stopped."""
    args = _parser().parse_args(arguments)
    for package, extra in _PACKAGES.items():
        require(package, extra=extra, needed_by="the training of the model in the box")
    import torch

    from tiny.stages import go_through

    torch.set_num_threads(args.threads)
    if args.smoke:
        args.work = common.temporary(args.work, "tiny-training")
        args.out, args.report = args.work / "tiny", args.work / "training"
    args.work = args.work or Path("runs/tiny-training")
    go_through(args.work, args.out, args.report, args.smoke)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where rounds are kept (runs/tiny-training; of a smoke run a temporary folder, which "
        "gets the model and the report, too)",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="the model's place")
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("docs/results/tiny_training"),
        metavar="STEM",
        help="STEM.json and STEM.png: data, seeds and curves",
    )
    parser.add_argument(
        "--threads", type=positive, default=2, metavar="N", help="the last bits depend on it"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute of it, to see that it runs")
    return parser


if __name__ == "__main__":
    common.guarded(main)
