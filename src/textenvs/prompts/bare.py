"""A prompt without a word of explanation: for models that were trained on it."""

from __future__ import annotations

from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["BARE", "messages"]


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """One message: the thought of the last answer, what is remembered, what is seen.

    How to answer is not said, and the past is told by the recollection alone
    (:class:`textenvs.agents.RecallAgent`), so that a prompt takes some sixty tokens.
    """
    answer = situation.turns[-1].answer if situation.turns else ""
    thought, _, _ = answer.rpartition("\nACTION:")
    parts = (f"Thought: {thought}" if thought else "", situation.summary, situation.observation)
    return [{"role": "user", "content": "\n".join(filter(None, parts))}]


BARE = Prompt(name="bare", messages=messages, turns=1, feedback="")
"""The prompt of the model in the box."""
