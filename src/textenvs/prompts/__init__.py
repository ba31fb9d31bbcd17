"""Prompts: pure functions from a situation to messages, chosen by name."""

from __future__ import annotations

from textenvs.errors import choose
from textenvs.prompts.asking import ASK
from textenvs.prompts.balrog import BALROG
from textenvs.prompts.bare import BARE
from textenvs.prompts.craftergpt import CRAFTERGPT
from textenvs.prompts.default import DEFAULT
from textenvs.prompts.glam import GLAM
from textenvs.prompts.react import REACT, interact_tool
from textenvs.prompts.roles import alternating
from textenvs.prompts.situation import HISTORIES, LAYOUTS, Message, Prompt, Situation, Turn
from textenvs.prompts.smartplay import SMARTPLAY

__all__ = [
    "ASK",
    "HISTORIES",
    "LAYOUTS",
    "PROMPTS",
    "Message",
    "Prompt",
    "Situation",
    "Turn",
    "alternating",
    "get_prompt",
    "interact_tool",
]

PROMPTS: dict[str, Prompt] = {
    prompt.name: prompt for prompt in (DEFAULT, BALROG, CRAFTERGPT, SMARTPLAY, GLAM, REACT, BARE)
}
"""The prompts by name."""


def get_prompt(name: str) -> Prompt:
    """Find a prompt by its name.

    Raises:
        UnknownName: naming the prompts there are.
    """
    choose("prompt", name, PROMPTS)
    return PROMPTS[name]
