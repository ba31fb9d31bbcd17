"""BALROG's protocol on Crafter, BabyAI and NetHack, beside its leaderboard.

    python benchmarks/balrog.py --llm openai:NAME@http://HOST:PORT/v1 [--agent naive]
    python benchmarks/balrog.py                 # random play and Minigrid's bot only
    python benchmarks/balrog.py --smoke

Crafter: 10 episodes of at most 2000 steps. BabyAI: 10 of each of five tasks, without distractors.
NetHack: 5 games of a random hero, at most 100,000 steps, 150 of them without a turn of the game.
Every episode has a seed of its own, which follows from ``--seed``. The published rows R01 to R31
are in ``balrog_leaderboard.json``, those that are not verified marked as such.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import common
import result_rows
from balrog_protocol.page import figure, page
from balrog_protocol.playing import AGENTS, play_baseline, play_model
from balrog_protocol.tasks import GAMES, TASKS
from textenvs.cli.arguments import positive

LEADERBOARD = pathlib.Path(__file__).with_name("balrog_leaderboard.json")


def main(argv: Sequence[str] | None = None) -> None:
    """Play what was asked for, and write the results."""
    parser = common.options(
        __doc__, "of each task (10 of Crafter and of BabyAI's five, 5 of NetHack; smoke 1)"
    )
    parser.add_argument("--agent", default="naive", choices=AGENTS, help="who is asked (naive)")
    parser.add_argument(
        "--games", nargs="+", default=GAMES, choices=GAMES, metavar="GAME", help=", ".join(GAMES)
    )
    parser.add_argument(
        "--strict", action="store_true", help="play what BALROG's own parser reads, not ours"
    )
    parser.add_argument(
        "--temperature", type=float, default=1.0, metavar="T", help="as BALROG today (1)"
    )
    parser.add_argument(
        "--answer-tokens", type=positive, default=8192, metavar="N", help="as BALROG today (8192)"
    )
    args = common.read_arguments(parser, "balrog", argv)
    board = json.loads(LEADERBOARD.read_text(encoding="utf-8"))
    _, rows = common.read_results(args)
    tasks = [task for task in TASKS if task.game in args.games]
    new = play_model(args, tasks) if args.llm is not None or args.smoke else []
    new += [play_baseline(args, task, "random", rows) for task in tasks]
    new += [play_baseline(args, task, "bot", rows) for task in tasks if task.game == "babyai"]
    rows = result_rows.merge(rows, new)
    common.write_results(args, rows, {}, page(args, rows, board), figure(rows, board))


if __name__ == "__main__":
    common.guarded(main)
