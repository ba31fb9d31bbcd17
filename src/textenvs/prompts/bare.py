"""A prompt without a word of explanation: for models that were trained on it."""

from __future__ import annotations

import re

from textenvs.prompts.bare_crafter import sorted_text
from textenvs.prompts.bare_nethack import shortened
from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["BARE", "kept_thought", "messages"]

_SIDES = "ahead|behind|left|right|northeast|northwest|southeast|southwest|north|south|east|west"
_PLANS = re.compile(r"(?:dig|kick|throw|fire|zap|take|rest|wield|fight asleep)\b")
_PLACE = re.compile(rf"(?<=[a-z]) \d+ (?:{_SIDES})\b")


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """One message: the thought of the last answer, what is remembered, what is seen.

    How to answer is not said, and the past is told by the recollection alone
    (:class:`textenvs.agents.RecallAgent`), so that prompts stay short. Of the
    thought only what :func:`kept_thought` keeps is shown, Crafter's caption sorted,
    and NetHack's without what it takes most tokens for: objects, attributes, most of the
    inventory.
    """
    answer = situation.turns[-1].answer if situation.turns else ""
    thought = kept_thought(situation.game, answer.rpartition("\nACTION:")[0])
    summary, seen = situation.summary, situation.observation
    if situation.game == "NetHack":
        seen = shortened(seen)
    elif situation.game == "Crafter":
        summary, seen = "", sorted_text(seen, summary)
    parts = (f"Thought: {thought}" if thought else "", summary, seen)
    return [{"role": "user", "content": "\n".join(filter(None, parts))}]


def kept_thought(game: str, thought: str) -> str:
    """What of a thought the next decision may need: how far a plan is, or where one was going.

    Goals are left out, since they follow from what is seen: a model that is shown its last goal
    learns to repeat it. So are places, which are relative and hold for their moment only.

    Example:
        >>> kept_thought("Crafter", "wood: tree 2 north 4 west, north")
        'north'
        >>> kept_thought("Crafter", "shelter east south 3, 5 left")
        'shelter east south 3, 5 left'
        >>> kept_thought("NetHack", "dig: letter e")
        'dig'
    """
    if game == "Crafter":
        if "shelter" in thought:
            return _PLACE.sub("", _PLACE.sub("", thought))
        last = thought.rpartition(" ")[2]
        return last if last in ("north", "south", "east", "west") else ""
    if game == "NetHack":
        found = _PLANS.match(thought)
        return found.group() if found else ""
    return ""


BARE = Prompt(name="bare", messages=messages, turns=1, feedback="")
"""The prompt of the model in the box."""
