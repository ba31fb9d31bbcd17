"""The options of what learns, and the display of its steps: of ``train`` and ``collect``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from textenvs.cli.arguments import key_value, not_negative, positive, seed
from textenvs.cli.consoles import status_console

__all__ = ["CountBar", "StepBar", "add_run", "run_settings"]


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run."""
    group = parser.add_argument_group("the run")
    group.add_argument("--out", required=True, metavar="DIR", help="the folder of the run")
    group.add_argument(
        "--algo",
        metavar="A",
        help="ppo, ppo-rnd, a2c, dqn, recurrent_ppo, maskable_ppo, episode_ppo (ppo)",
    )
    group.add_argument(
        "--total-timesteps", type=positive, default=100_000, metavar="N", help="steps (100000)"
    )
    group.add_argument("--num-envs", type=positive, metavar="N", help="games (8; of episode_ppo 1)")
    group.add_argument("--seed", type=seed, default=0, metavar="S", help="of the run (0)")
    group.add_argument(
        "--encoder",
        metavar="E",
        help="mlp or cnn of MiniGrid's or Crafter's view, text, nethack (mlp)",
    )
    group.add_argument(
        "--tokens", type=not_negative, default=0, metavar="N", help="words of the text shown (0)"
    )
    group.add_argument("--style", metavar="STYLE", help="caption (default: the id's)")
    for name, what in (("set", "an argument of the environment"), ("hyper", "of the algorithm")):
        group.add_argument(
            f"--{name}", type=key_value, action="append", default=[], metavar="K=V", help=what
        )
    group.add_argument(
        "--checkpoint-every", type=positive, default=50_000, metavar="N", help="steps (50000)"
    )


def run_settings(
    options: argparse.Namespace, preset: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What those options say, as arguments of ``TrainSettings``.

    Args:
        options: what was given.
        preset: what holds where nothing was.
    """
    known = {"algo": "ppo", "encoder": "mlp", "num_envs": 8, **(preset or {})}
    if options.algo == "episode_ppo":
        known["num_envs"] = 1
    style = {"style": options.style} if options.style else {}
    return {
        "env_id": options.id,
        "env": {**known.get("env", {}), **dict(options.set), **style},
        "algo": options.algo or known["algo"],
        "hyper": {**known.get("hyper", {}), **dict(options.hyper)},
        "policy": known.get("policy", {}),
        "encoder": options.encoder or known["encoder"],
        "tokens": options.tokens,
        "total_timesteps": options.total_timesteps,
        "num_envs": options.num_envs or known["num_envs"],
        "seed": options.seed,
        "checkpoint_every": options.checkpoint_every,
    }


class CountBar:
    """A live display of what is done of a whole, on stderr.

    Args:
        total: the whole.
        unit: of what.
    """

    def __init__(self, total: int, unit: str) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit} {{task.fields[said]}}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=status_console(),
        )
        self._task = self._bar.add_task(unit, total=total, said="")

    def __enter__(self) -> Callable[[int, str], None]:
        self._bar.start()
        return self._show

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def _show(self, done: int, said: str) -> None:
        self._bar.update(self._task, completed=done, said=said)


class StepBar:
    """A live display of steps, and of what is known of the episodes, on stderr."""

    def __init__(self, total: int) -> None:
        self._bar = CountBar(total, "steps")

    def __enter__(self) -> Callable[[int, Mapping[str, float]], None]:
        show = self._bar.__enter__()
        return lambda steps, told: show(steps, _said(told))

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)


def _said(told: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.3g}" for key, value in told.items())
