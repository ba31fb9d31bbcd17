"""Agents: policies over text environments, chosen by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from textenvs.agents.agent import Agent
from textenvs.agents.babyai_bot import BabyAIBotAgent
from textenvs.agents.experts.expert_agent import ExpertAgent
from textenvs.agents.random import RandomAgent
from textenvs.errors import choose

__all__ = [
    "AGENTS",
    "Agent",
    "BabyAIBotAgent",
    "ExpertAgent",
    "FewShotAgent",
    "LanguageAgent",
    "RandomAgent",
    "ReactAgent",
    "RecallAgent",
    "ScoreAgent",
    "get_agent",
]

_LANGUAGE = ("FewShotAgent", "LanguageAgent", "ReactAgent", "RecallAgent", "ScoreAgent")

AGENTS: dict[str, Callable[[int], Agent]] = {
    "random": RandomAgent,
    "bot": BabyAIBotAgent,
    "expert": ExpertAgent,
}
"""The agents by name; each is made from a seed."""


def get_agent(name: str, seed: int = 0) -> Agent:
    """Make an agent by its name.

    Raises:
        UnknownName: naming the agents there are.
    """
    choose("agent", name, AGENTS)
    return AGENTS[name](seed)


def __getattr__(name: str) -> Any:
    """Import what asks a language model at its first use only."""
    if name in _LANGUAGE:
        return getattr(importlib.import_module("textenvs.agents.language"), name)
    raise AttributeError(f"module 'textenvs.agents' has no attribute {name!r}")
