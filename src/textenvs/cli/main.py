"""The parser of the command line, and the one place where its errors are printed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import gymnasium

import textenvs
from textenvs.agents import AGENTS
from textenvs.cli import (
    collect,
    compare,
    doctor,
    evaluate,
    filter_traces,
    finetune,
    import_games,
    label,
    list_ids,
    pairs,
    play,
    replay,
    rollout,
    sft_human,
    train,
    train_preference,
    train_reward,
    validate,
)
from textenvs.cli.arguments import key_value, not_negative, positive, seed
from textenvs.errors import BudgetExhausted
from textenvs.registration import GAMES

__all__ = ["main"]

_USAGE_ERROR = 2
_BUDGET_SPENT = 3
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, 2 for what the user got wrong, 3 where a budget is spent, 130 after
        Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except BrokenPipeError:
        # Whoever reads our output has seen enough (`textenvs list | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BudgetExhausted as error:
        print(f"textenvs {options.command}: {_one_line(error)}", file=sys.stderr)
        return _BUDGET_SPENT
    except (gymnasium.error.Error, ValueError, OSError) as error:
        print(f"textenvs {options.command}: error: {_one_line(error)}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        print(f"textenvs {options.command}: stopped", file=sys.stderr)
        return _INTERRUPTED


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="textenvs", description="Crafter, BabyAI/MiniGrid and NetHack in words.")
    parser.add_argument("--version", action="version", version=f"textenvs {textenvs.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_list(commands)
    _add_play(commands)
    _add_rollout(commands)
    evaluate.add(_add, commands)
    compare.add(_add, commands)
    filter_traces.add(_add, commands)
    validate.add(_add, commands)
    finetune.add(_add, commands)
    train.add(_add, commands)
    collect.add(_add, commands)
    label.add(_add, commands)
    train_preference.add(_add, commands)
    pairs.add_pairs(_add, commands)
    pairs.add_annotate(_add, commands)
    train_reward.add(_add, commands)
    import_games.add(_add, commands)
    sft_human.add(_add, commands)
    _add_replay(commands)
    _add_doctor(commands)
    return parser


def _add(
    commands: Any, name: str, run: Any, summary: str, examples: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_env_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="seed (default: 0)")
    parser.add_argument(
        "--style", metavar="STYLE", help="style of caption; `textenvs list` names them"
    )
    parser.add_argument(
        "--set",
        type=key_value,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a further argument of the environment, the value as JSON; may be repeated",
    )


def _add_list(commands: Any) -> None:
    parser = _add(
        commands,
        "list",
        list_ids.run,
        "show the ids, the actions and the styles of caption",
        "  textenvs list\n  textenvs list nethack",
    )
    parser.add_argument(
        "game", nargs="?", default="", metavar="GAME", help=f"one of {', '.join(GAMES)}"
    )


def _add_play(commands: Any) -> None:
    parser = _add(
        commands,
        "play",
        play.run,
        "play a game yourself, in words",
        "  textenvs play Crafter-Text-v0 --map\n"
        "  textenvs play NetHack-Text-Score-v0 --seed 7\n"
        "Type an action (? shows them, an empty line repeats the last one, exit leaves).",
    )
    parser.add_argument("id", metavar="ID", help="what to play; `textenvs list` shows the ids")
    _add_env_options(parser)
    parser.add_argument("--map", action="store_true", help="show the map beside the text")
    parser.add_argument("--out", metavar="DIR", help="record the game as a trace in DIR")


def _add_rollout(commands: Any) -> None:
    parser = _add(
        commands,
        "rollout",
        rollout.run,
        "let an agent play, and sum it up",
        "  textenvs rollout Crafter-Text-v0 --episodes 3 --out runs/crafter\n"
        "  textenvs rollout BabyAI-Text-MixedTrainLocal-v0 --agent bot --set kind=putnext\n"
        "  textenvs rollout NetHack-Text-Score-v0 BabyAI-Text-GoToLocal-v0 --show 2\n"
        "The same command resumes a run that was stopped.",
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="what to play")
    parser.add_argument(
        "--agent",
        default="random",
        metavar="AGENT",
        help=f"who plays: {', '.join(AGENTS)} (default: random)",
    )
    parser.add_argument(
        "--episodes", type=positive, default=10, metavar="N", help="of each id (default: 10)"
    )
    _add_env_options(parser)
    parser.add_argument(
        "--num-envs", type=positive, default=1, metavar="N", help="episodes at once (default: 1)"
    )
    parser.add_argument(
        "--out", metavar="DIR", help="write traces to DIR/ID and a summary to DIR/summary.json"
    )
    parser.add_argument(
        "--show",
        type=not_negative,
        default=0,
        metavar="N",
        help="print N steps of each first episode",
    )


def _add_replay(commands: Any) -> None:
    parser = _add(
        commands,
        "replay",
        replay.run,
        "step through a recorded game",
        "  textenvs replay runs/crafter/Crafter-Text-v0/episode-00000.jsonl\n"
        "  textenvs replay TRACE --check",
    )
    parser.add_argument("trace", metavar="TRACE", help="an episode-*.jsonl")
    parser.add_argument(
        "--check",
        action="store_true",
        help="play the actions again and compare every text and reward with the trace",
    )
    parser.add_argument(
        "--all", action="store_true", help="print all steps without waiting for a key"
    )


def _add_doctor(commands: Any) -> None:
    _add(
        commands,
        "doctor",
        doctor.run,
        "show what is installed, what is missing, and the line that installs it",
        "  textenvs doctor",
    )
