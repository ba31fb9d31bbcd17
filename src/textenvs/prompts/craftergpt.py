"""CrafterGPT's prompt: its sections in their order, in our words.

The published block of actions is right about the costs (a table takes 2 wood, a furnace 4 stones).
The prompt asks for its own form of answer, so that the caller's is left out.
"""

from __future__ import annotations

from textenvs.prompts.crafter_facts import ACHIEVEMENTS, ACTIONS
from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["CRAFTERGPT", "messages"]

_HISTORY = 10


def _lines(table: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {needs}" for name, needs in table.items())


_BLOCKS = (
    "Crafter is a survival game on a two-dimensional map.",
    "What you are after is as much reward as possible, for which you have to stay alive.",
    "The first time that you unlock one of these 22 achievements you are given a reward of 1. "
    f"They require:\n{_lines(ACHIEVEMENTS)}",
    "You die when your health comes down to 0.",
    "Health is lost to hunger, thirst and tiredness (food, drink or energy at 0), to the blows of "
    "zombies, to the arrows of skeletons, and all of it in lava.",
    "Against hunger, eat cows and ripe plants; against thirst, drink water; against tiredness, "
    "sleep; against zombies and skeletons, fight them, keep away or put stones between you; and do "
    "not walk into lava. Then the health comes back by itself.",
    f"There are 17 actions. They require:\n{_lines(ACTIONS)}",
    "Choose an action whose requirements are met now, and that serves your survival or brings the "
    "next achievement nearer.",
)
_ENVIRONMENT = "\n\n".join(f"{number}. {block}" for number, block in enumerate(_BLOCKS, 1))

_INSTRUCTION = """\
- Say what your current status is, which resources you have and which threats there are.
- Say what your No.1 goal is at this moment.
- Go through the list below and name every action that is possible now, with its reason.
- Choose the one action that fits the goal best, and write this final choice between quotation \
marks."""


def messages(situation: Situation, how: str = "", layout: str = "text") -> list[Message]:
    """One user message; the past is a list of the last ten actions, in either layout."""
    played = [turn.action for turn in situation.turns][-_HISTORY:]
    sections = {
        "Environment Description": _ENVIRONMENT,
        "Current Observation": "\n".join(filter(None, (situation.status, situation.observation))),
        "Action History": "\n".join(f"- {action}" for action in played or [""]),
        "Instruction": _INSTRUCTION,
        "Action List": "\n".join(f"- {action}" for action in situation.actions),
    }
    text = "\n\n".join(f"{heading}:\n{section}" for heading, section in sections.items())
    return [{"role": "user", "content": text}]


CRAFTERGPT = Prompt(
    name="craftergpt",
    messages=messages,
    games=("Crafter",),
    turns=_HISTORY,
    style="smartplay",
    feedback="",  # the history and the caption name what was played
)
"""CrafterGPT: status, resources, threats, goal, options and choice in one answer."""
