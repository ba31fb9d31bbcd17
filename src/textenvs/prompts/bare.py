"""A prompt without a word of explanation: for models that were trained on it."""

from __future__ import annotations

import re

from textenvs.prompts.bare_nethack import shortened
from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["BARE", "messages", "without_places"]

_SIDES = "ahead|behind|left|right|northeast|northwest|southeast|southwest|north|south|east|west"
_PLACE = re.compile(rf"(?<=[a-z]) \d+ (?:{_SIDES})\b")


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """One message: the thought of the last answer, what is remembered, what is seen.

    How to answer is not said, and the past is told by the recollection alone
    (:class:`textenvs.agents.RecallAgent`), so that a prompt takes some sixty tokens. The thought
    is shown without its places, which were true a step ago, and NetHack's caption without what
    it takes most tokens for: objects, attributes, most of the inventory.
    """
    answer = situation.turns[-1].answer if situation.turns else ""
    thought = without_places(answer.rpartition("\nACTION:")[0])
    seen = situation.observation
    if situation.game == "NetHack":
        seen = shortened(seen)
    parts = (f"Thought: {thought}" if thought else "", situation.summary, seen)
    return [{"role": "user", "content": "\n".join(filter(None, parts))}]


def without_places(thought: str) -> str:
    """A thought without the places in it, which are relative and hold for their moment only.

    Example:
        >>> without_places("wood: tree 2 north 4 west, north")
        'wood: tree, north'
    """
    return _PLACE.sub("", _PLACE.sub("", thought))


BARE = Prompt(name="bare", messages=messages, turns=1, feedback="")
"""The prompt of the model in the box."""
