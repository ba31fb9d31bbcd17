"""Asking for a call of a tool, as in the workflow that fine-tunes a model for Crafter.

A model is shown the current observation alone, and answers by a call of ``interact`` with one to
five actions, which are played one after the other, and its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textenvs.prompts import default
from textenvs.prompts.situation import Message, Situation

__all__ = ["ASK_INTERACT", "MOST_ACTIONS", "REACT", "interact_tool", "messages"]

MOST_ACTIONS = 5
"""How many actions a call may have."""

ASK_INTERACT = (
    "Look at the state of the game, then call the tool `interact` once: say in `reasoning` what "
    f"you want to reach, and give in `actions` one to {MOST_ACTIONS} of the actions, as they are "
    "written in the list. They are played in that order before you see the game again."
)
"""How to answer, for an agent that offers the tool."""


def interact_tool(actions: Sequence[str]) -> dict[str, Any]:
    """The tool in OpenAI's format.

    Args:
        actions: the texts of the actions, which are all that a call may name.
    """
    return {
        "type": "function",
        "function": {
            "name": "interact",
            "description": "Play actions in the game, one after the other.",
            "parameters": {
                "type": "object",
                "properties": {
                    "actions": {
                        "type": "array",
                        "items": {"type": "string", "enum": list(actions)},
                        "minItems": 1,
                        "maxItems": MOST_ACTIONS,
                        "description": "The actions, in the order in which to play them.",
                    },
                    "reasoning": {
                        "type": "string",
                        "description": "Why these actions, in a sentence or two.",
                    },
                },
                "required": ["actions", "reasoning"],
                "additionalProperties": False,
            },
        },
    }


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """Our own messages, which ask for the tool unless they are told how to answer."""
    return default.messages(situation, how or ASK_INTERACT, layout)


# The published agent sends no history.
REACT = replace(default.DEFAULT, name="react", messages=messages, turns=0, sliding=True)
"""For an agent that calls tools, in every game."""
