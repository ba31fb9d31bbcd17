"""Whether an imported game can be played again here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium

from textenvs.errors import MissingExtra, UnknownName
from textenvs.importing.games import Game
from textenvs.wrappers import ParseTextAction

__all__ = ["played_again"]

_BABYAI_DISTRACTORS = (0, 8)
"""What BALROG played with: 8 by mistake until 2024-12-10, since then 0. No record says which."""


def played_again(game: Game) -> Game:
    """A BabyAI game of BALROG with all that it takes to play it, if its seed gives it here.

    The recorded answers are played, and every text and reward compared. If all are as recorded, the
    header has ``seed`` and ``env_spec``, so that ``textenvs replay --check`` works, and
    ``imported`` says ``replays``; without the game installed nothing is tried, and it does not.
    """
    imported = game.header["imported"]
    seed = imported.get("seed")
    texts = [step.get("action") for step in game.steps]
    if not isinstance(seed, int) or seed < 0 or not texts or None in texts:
        return game
    try:
        for env in _envs(game):
            if _same(env, seed, game):
                assert env.spec is not None
                settings = dict(game.header["settings"])
                settings["env"] = {
                    key: value for key, value in env.spec.kwargs.items() if key in _NAMED
                }
                header = {
                    **game.header,
                    "env_spec": json.loads(env.spec.to_json()),
                    "seed": seed,
                    "settings": settings,
                    "imported": {**imported, "replays": True},
                }
                return replace(game, header=header)
    except (MissingExtra, UnknownName):  # the task that a folder names may be none
        return game
    return replace(game, header={**game.header, "imported": {**imported, "replays": False}})


_NAMED = ("kind", "num_dists")


def _envs(game: Game) -> Iterator[gymnasium.Env[Any, Any]]:
    kind = game.header["settings"]["env"]["kind"]
    for distractors in _BABYAI_DISTRACTORS:
        env = gymnasium.make(
            game.header["env_id"], kind=kind, num_dists=distractors, style="balrog"
        )
        try:
            yield ParseTextAction(env, default_action="go forward", parser="balrog")
        finally:
            env.close()


def _same(env: gymnasium.Env[Any, Any], seed: int, game: Game) -> bool:
    """Whether every text and reward is as recorded."""
    observation, info = env.reset(seed=seed)
    total = 0.0
    for step in game.steps:
        if step.get("mission", info.get("mission")) != info.get("mission"):
            return False
        if step.get("observation", observation) != observation:
            return False
        observation, reward, terminated, truncated, info = env.step(step["action"])
        got = (float(reward), terminated, truncated, info["text_action"])
        if got != (step["reward"], step["terminated"], step["truncated"], step["text_action"]):
            return False
        total += float(reward)
    end = game.end or {}
    return end.get("observation") == observation and end.get("return") == total
