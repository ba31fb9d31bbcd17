"""Situations to ask about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from textenvs.envs.babyai.env import ACTION_NAMES as GRID
from textenvs.envs.crafter.tasks import ACTION_NAMES as CRAFTER
from textenvs.envs.nethack.actions import TASK_ACTION_NAMES as NETHACK
from textenvs.prompts import Situation, Turn

ACTIONS = {"Crafter": CRAFTER, "BabyAI": GRID, "MiniGrid": GRID, "NetHack": NETHACK}


@pytest.fixture
def situation_after() -> Callable[..., Situation]:
    """(game, number of turns played, first turn that is still shown) -> a situation."""

    def make(game: str, played: int, first: int = 0, status: str = "") -> Situation:
        actions = ACTIONS[game]
        turns = [Turn(f"seen {n}", f"answer {n}", actions[n % len(actions)]) for n in range(played)]
        mission = "go to the red ball" if game in ("BabyAI", "MiniGrid") else ""
        return Situation(
            game, actions, f"seen {played}", tuple(turns[first:]), status=status, mission=mission
        )

    return make
