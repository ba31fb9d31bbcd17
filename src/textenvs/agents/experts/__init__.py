"""Scripted experts, that see no more than the text tells."""

from textenvs.agents.experts.expert import Decision, Expert, Recollection
from textenvs.agents.experts.recollections import EXPERTS, expert_of, recollection_of

__all__ = ["EXPERTS", "Decision", "Expert", "Recollection", "expert_of", "recollection_of"]
