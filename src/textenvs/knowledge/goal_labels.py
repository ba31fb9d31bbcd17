"""What would be worth reaching: goals suggested for many pieces of games, as a library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from textenvs.advice.goals import parse_goals
from textenvs.errors import ModelError
from textenvs.knowledge.asking import Notebook, describe
from textenvs.knowledge.dataset import Dataset
from textenvs.knowledge.folder import keep_knowledge
from textenvs.knowledge.games import GAMES
from textenvs.knowledge.prompts import goal_request
from textenvs.shaping.goal_potential import HORIZON, LIBRARY
from textenvs.traces import replace_file

__all__ = ["label_goals"]

_SHOWN = 60  # goals that are listed in a question, those suggested most often


def label_goals(
    data: Dataset,
    notebook: Notebook,
    out: Path,
    *,
    pieces: int = 500,
    batch: int = 16,
    seed: int = 42,
    on_progress: Callable[[int, str], None] = lambda done, said: None,
) -> dict[str, Any]:
    """Ask what is worth reaching, for pieces drawn at random.

    The pieces of a batch are asked about at once, and shown the goals of all batches before.
    ``out`` gets ``goals.json`` (the ``goals``; of every piece its ``texts``, the ``actions`` and
    the numbers of its ``goals``) and ``knowledge.json``.

    Args:
        data: what learners did.
        notebook: who is asked.
        out: where the library goes.
        pieces: how many.
        batch: pieces that are asked about at once.
        seed: of the pieces.
        on_progress: called with the pieces that are done.

    Returns:
        What ``knowledge.json`` says.

    Raises:
        ModelError: if no goal came.
    """
    game, names = GAMES[data.meta["game"]], data.meta["action_names"]
    segments = data.sample(HORIZON, pieces, np.random.default_rng(seed))
    numbers: dict[str, int] = {}
    times: dict[str, int] = {}
    keys: list[dict[str, Any]] = []
    for start in range(0, pieces, batch):
        histories = [data.history(each) for each in segments[start : start + batch]]
        often = sorted(times, key=lambda goal: (-times[goal], numbers[goal]))[:_SHOWN]
        prompts = [goal_request(game, names, describe(each, names), often) for each in histories]
        for history, answer in zip(histories, notebook.ask(prompts), strict=True):
            goals = parse_goals(answer)
            for goal in goals:
                numbers.setdefault(goal, len(numbers))
                times[goal] = times.get(goal, 0) + 1
            keys.append(
                {
                    "texts": [str(each["text"]) for each in history.observations],
                    "actions": list(history.actions),
                    "goals": [numbers[goal] for goal in goals],
                }
            )
        on_progress(len(keys), f"{len(numbers)} goals")
    if not numbers:
        raise ModelError(
            f"{notebook.model.name}: expected lists of goals, got none in {pieces} answers; "
            f"{out}/requests.jsonl has them"
        )
    library = {"goals": list(numbers), "pieces": keys}
    replace_file(out / LIBRARY, json.dumps(library, ensure_ascii=False, indent=1) + "\n")
    told = {
        "game": game.name,
        "env": data.meta["env"],
        "style": data.meta["style"],
        "action_names": names,
        "pieces": pieces,
        "goals": len(numbers),
        "seed": seed,
        **notebook.about(),
    }
    keep_knowledge(out, "goal", told)
    return told
