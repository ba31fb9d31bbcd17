"""Language agents by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textenvs.agents.language.few_shot import FewShotAgent
from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.react import ReactAgent
from textenvs.agents.language.recall import RecallAgent
from textenvs.agents.language.score import ScoreAgent
from textenvs.errors import UnknownName, choose
from textenvs.llm.model import LanguageModel

__all__ = ["LANGUAGE_AGENTS", "default_prompt", "make_language_agent"]

LANGUAGE_AGENTS: dict[str, tuple[Callable[..., LanguageAgent], Mapping[str, Any]]] = {
    "naive": (LanguageAgent, {"ask": "naive"}),
    "cot": (LanguageAgent, {"ask": "cot"}),
    "robust": (LanguageAgent, {"ask": "robust"}),
    "robust_cot": (LanguageAgent, {"ask": "robust_cot"}),
    "react": (ReactAgent, {}),
    "score": (ScoreAgent, {}),
    "few_shot": (FewShotAgent, {}),
    "recall": (RecallAgent, {}),
}
"""The agents by name: what makes them, and with what."""

_PROMPTS = {"react": "react", "score": "glam"}


def default_prompt(name: str) -> str:
    """The prompt of an agent that is told none."""
    return _PROMPTS.get(name, "default")


def make_language_agent(name: str, model: LanguageModel, **settings: Any) -> LanguageAgent:
    """Make an agent by its name.

    Args:
        name: one of :data:`LANGUAGE_AGENTS`.
        model: who answers.
        **settings: what the agent's class takes.

    Raises:
        UnknownName: if there is no such agent, or it does not take a setting.
    """
    choose("agent", name, LANGUAGE_AGENTS)
    make, own = LANGUAGE_AGENTS[name]
    try:
        return make(model, **{"prompt": default_prompt(name), **own, **settings})
    except TypeError as error:
        said = str(error).partition("__init__() ")[2] or str(error)
        raise UnknownName(f"agent {name!r}: {said}") from error
