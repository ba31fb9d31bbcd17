"""An agent that is told what the episode's texts have shown before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium

from textenvs.agents.experts.recollections import recollection_of
from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.memory import Memory
from textenvs.llm.model import Completion, LanguageModel
from textenvs.prompts import Situation

__all__ = ["RecallAgent"]


class RecallAgent(LanguageAgent):
    """Thinks aloud and keeps its thoughts; the recollection of the episode is kept for it.

    A recollection holds facts that the texts told (where things were seen, what was done), found by
    dead reckoning and never from the game's state; it is the same that the experts use
    (:mod:`textenvs.agents.experts`). It stands in place of a summary of the past, beside as many
    turns as the prompt shows, in which the answers are kept with their thoughts.

    Args:
        model: who answers.
        **kwargs: as :class:`LanguageAgent`, but for ``ask``.

    Raises:
        UnknownName: at the first episode of a game that has no recollection.
    """

    def __init__(self, model: LanguageModel, **kwargs: Any) -> None:
        super().__init__(model, ask="cot", **kwargs)
        self.name = "recall"

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Forget all of earlier episodes."""
        super().begin(episode, env, seed)
        memory = self._memories[episode]
        memory.recollection = recollection_of(memory.game)

    def _situation(self, memory: Memory) -> Situation:
        situation = super()._situation(memory)
        recollection = memory.recollection
        return replace(situation, summary=recollection.text() if recollection else "")

    def _take(self, memory: Memory, answer: Completion) -> None:
        thought, _, _ = answer.text.rpartition("\nACTION:")
        kept = thought.strip().replace("{", "{{").replace("}", "}}")
        memory.form = f"{kept}\nACTION: {{action}}"
        super()._take(memory, answer)
