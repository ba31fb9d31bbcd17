"""Recollections by game."""

from __future__ import annotations

import importlib

from textenvs.agents.experts.expert import Expert, Recollection
from textenvs.errors import choose

__all__ = ["EXPERTS", "expert_of", "recollection_of"]

EXPERTS = {
    "Crafter": ("crafter", "CrafterExpert"),
    "BabyAI": ("babyai", "BabyAIExpert"),
    "MiniGrid": ("babyai", "BabyAIExpert"),
    "NetHack": ("nethack", "NetHackExpert"),
}
"""The expert of each game: its module here, and its class."""


def expert_of(game: str) -> Expert:
    """Make the expert of a game.

    Raises:
        UnknownName: if it has none.
    """
    choose("game", game, EXPERTS)
    module, name = EXPERTS[game]
    expert: Expert = getattr(importlib.import_module(f"textenvs.agents.experts.{module}"), name)()
    return expert


def recollection_of(game: str) -> Recollection:
    """Begin the recollection of an episode of a game.

    Raises:
        UnknownName: if it has none.
    """
    return expert_of(game).recollection()
