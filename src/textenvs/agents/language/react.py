"""An agent that plays several actions a turn, through a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.memory import Memory
from textenvs.llm.model import Completion, LanguageModel, Sampling
from textenvs.prompts import Message
from textenvs.prompts.react import ASK_INTERACT, MOST_ACTIONS, interact_tool

__all__ = ["ReactAgent", "read_actions"]

_OBJECT = re.compile(r"\{[^{}]{0,4000}\}", re.DOTALL)


class ReactAgent(LanguageAgent):
    """Has the model call ``interact(actions, reasoning)`` with one to five actions.

    They are played one after the other; what is left of them is dropped when one of them is not an
    action. A model that writes the call as text instead of calling is understood as well.

    Args:
        model: who answers.
        **kwargs: as :class:`LanguageAgent`, but for ``ask``.
    """

    def __init__(self, model: LanguageModel, **kwargs: Any) -> None:
        super().__init__(model, ask="react", **kwargs)

    @classmethod
    def _ways_to_ask(cls) -> tuple[str, ...]:
        return ("react",)

    def _how(self) -> str:
        return ASK_INTERACT

    def _generate(
        self,
        memories: Sequence[Memory],
        prompts: Sequence[Sequence[Message]],
        purpose: str,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        if sampling is None:
            # The tool names the actions, which all episodes of a run share.
            tool = interact_tool(memories[0].actions)
            sampling = replace(self._sampling, tools=(tool,))
        return super()._generate(memories, prompts, purpose, sampling)

    def _take(self, memory: Memory, answer: Completion) -> None:
        actions = read_actions(answer)
        if actions == [answer.text]:  # nothing was called: it is read as any other answer
            super()._take(memory, answer)
        else:
            memory.answered(answer.text, actions)


def read_actions(answer: Completion) -> list[str]:
    """The actions of an answer, one at least: texts that may name none.

    They are those of a call of ``interact``, else of a JSON object with ``actions`` in the text,
    else the text itself.
    """
    called = (call.arguments for call in answer.tool_calls if call.name == "interact")
    for text in [*called, *(match[0] for match in _OBJECT.finditer(answer.text))]:
        actions = _actions(text)
        if actions:
            return actions[:MOST_ACTIONS]
    return [answer.text]


def _actions(text: str) -> list[str]:
    try:
        found = json.loads(text)["actions"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if isinstance(found, str):
        return [found]
    return (
        [action for action in found if isinstance(action, str)] if isinstance(found, list) else []
    )
