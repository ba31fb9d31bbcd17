"""CrafterGPT again: its two agents on our Crafter, and its recorded games replayed.

    python benchmarks/crafter_gpt.py --llm hf:BASE [--episodes 10]
    python benchmarks/crafter_gpt.py --llm hf:BASE --fine-tuned "hf:BASE?adapter=DIR"
    python benchmarks/crafter_gpt.py --replay DIR
    python benchmarks/crafter_gpt.py --smoke

The agent is asked with the prompt ``craftergpt`` (status, resources, threats, goal, options and
choice in one answer), is read by CrafterGPT's own parser, and sampled as published: temperature
0.9, top_p 0.6, 1000 tokens. Its second agent (``--fine-tuned``) is the same with another model, as
``textenvs sft-human`` and ``textenvs finetune`` make one, on the same episodes. ``--replay`` needs
no model: it plays the recorded CSV files of DIR (techandy42/CrafterGPT) through our environment and
parser, compares every row and recomputes the published reward log. Random play and the expert
humans (``--data``, danijar/crafter) stand beside. Of all whose actions are known the page says
whether their play collapses to one action, as CrafterGPT's fine-tuned agent's did.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import common
import result_rows
from craftergpt_parts.page import figure, page
from craftergpt_parts.playing import GAME, agents_of, human_row, model_row, random_row
from textenvs.errors import require


def main(argv: Sequence[str] | None = None) -> None:
    """Play or replay what was asked for, and write the results."""
    parser = common.options(__doc__, "10; of a smoke run 2")
    parser.add_argument(
        "--fine-tuned",
        metavar="M",
        help="the model of the second agent, such as hf:BASE?adapter=DIR; of --max-usd each agent "
        "has its own",
    )
    parser.add_argument(
        "--fine-tuned-label",
        metavar="NAME",
        help="what the tables call it, before '(fine-tuned)' (default: its name)",
    )
    parser.add_argument(
        "--replay", type=pathlib.Path, metavar="DIR", help="replay the recorded games in DIR"
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        default=common.data_folder(),
        metavar="DIR",
        help="the published data, for the human experts (TEXTENVS_DATA or ../shared/data)",
    )
    args = common.read_arguments(parser, "crafter_gpt", argv)
    agents = agents_of(args)
    results, rows = common.read_results(args)
    replay = results.get("replay") if args.replay is None else _replay(args.replay)
    episodes = args.episodes or (2 if args.smoke else 10)
    new = [model_row(args, episodes, agent) for agent in agents]
    stored = result_rows.stored_episodes(rows, "random", GAME, args.seed)
    new.append(random_row(args, max(episodes, stored)))
    human = human_row(args.data)
    rows = result_rows.merge(rows, new if human is None else [*new, human])
    more = {} if replay is None else {"replay": replay}
    common.write_results(args, rows, more, page(args, rows, replay), figure(rows))


def _replay(folder: pathlib.Path) -> dict[str, Any]:
    """The recorded games, played again; it needs crafter itself."""
    require("crafter", extra="crafter", needed_by="--replay")
    from craftergpt_parts.replay import replay_folder

    return replay_folder(folder)


if __name__ == "__main__":
    common.guarded(main)
