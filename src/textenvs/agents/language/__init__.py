"""Agents that ask a language model."""

from textenvs.agents.language.few_shot import FewShotAgent
from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.making import LANGUAGE_AGENTS, make_language_agent
from textenvs.agents.language.react import ReactAgent
from textenvs.agents.language.recall import RecallAgent
from textenvs.agents.language.score import ScoreAgent

__all__ = [
    "LANGUAGE_AGENTS",
    "FewShotAgent",
    "LanguageAgent",
    "ReactAgent",
    "RecallAgent",
    "ScoreAgent",
    "make_language_agent",
]
