"""Agents: policies over text environments, chosen by name."""

from __future__ import annotations

from collections.abc import Callable

from textenvs.agents.agent import Agent
from textenvs.agents.babyai_bot import BabyAIBotAgent
from textenvs.agents.random import RandomAgent
from textenvs.errors import choose

__all__ = ["AGENTS", "Agent", "BabyAIBotAgent", "RandomAgent", "get_agent"]

AGENTS: dict[str, Callable[[int], Agent]] = {"random": RandomAgent, "bot": BabyAIBotAgent}
"""The agents by name; each is made from a seed."""


def get_agent(name: str, seed: int = 0) -> Agent:
    """Make an agent by its name.

    Raises:
        UnknownName: naming the agents there are.
    """
    choose("agent", name, AGENTS)
    return AGENTS[name](seed)
