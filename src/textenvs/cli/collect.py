"""``textenvs collect``: episodes of a learner, for a language model to look at."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textenvs.cli.arguments import check_id, positive
from textenvs.cli.consoles import result_console
from textenvs.cli.run_options import StepBar, add_run, run_settings

__all__ = ["add", "run"]

_EXAMPLES = """\
  textenvs collect BabyAI-Text-GoToLocal-Pretraining-S20-v0 --algo ppo-rnd \\
      --total-timesteps 5000000 --eval-freq 500000 --episodes 50 --out data/minigrid
  textenvs collect Crafter-Text-Reward-v0 --algo ppo-rnd --num-envs 16 --out data/crafter
The same command goes on where it was stopped."""


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "collect",
        run,
        "train a learner, and keep games of several stages, with captions",
        _EXAMPLES,
    )
    parser.add_argument("id", metavar="ENV", help="what is played: an id of BabyAI or Crafter")
    add_run(parser)
    group = parser.add_argument_group("what is kept")
    group.add_argument(
        "--eval-freq", type=positive, default=50_000, metavar="N", help="steps between (50000)"
    )
    group.add_argument(
        "--episodes", type=positive, default=50, metavar="N", help="of each stage (50)"
    )


def run(options: argparse.Namespace) -> int:
    """Train and collect, and print what there is."""
    check_id(options.id)
    from textenvs.errors import require

    require("stable_baselines3", extra="rl", needed_by="textenvs collect")
    from textenvs.knowledge import Dataset
    from textenvs.knowledge.games import game_of
    from textenvs.rl.collecting import collect
    from textenvs.rl.settings import TrainSettings

    game = game_of(options.id)
    if not options.style and "style" not in dict(options.set):
        options.style = game.style
    settings = TrainSettings(**run_settings(options))
    out = Path(options.out)
    with StepBar(settings.total_timesteps) as show:
        for _ in collect(
            settings, out, every=options.eval_freq, episodes=options.episodes, on_progress=show
        ):
            pass
    data = Dataset(out)
    result_console().print(f"{out}: {len(data)} episodes, {data.steps} steps of {data.meta['env']}")
    return 0
