"""Our own prompt: rules that are true, every action described, and a prefix that stays.

The system message is the same in every step, and every step adds two messages behind the others,
so that a server can reuse what it has read. For that, the current observation has no heading.
"""

from __future__ import annotations

from collections.abc import Mapping

from textenvs.errors import choose
from textenvs.prompts import crafter_facts, nethack_facts
from textenvs.prompts.situation import HISTORIES, Message, Prompt, Situation

__all__ = ["DEFAULT", "messages", "system"]

_GRID_ACTIONS = {
    "turn left": "turn to the left on the spot",
    "turn right": "turn to the right on the spot",
    "go forward": "step to the cell in front, if it is free",
    "pick up": "take the object in the cell in front, if you carry nothing",
    "drop": "put what you carry on the cell in front, which must be free",
    "toggle": "open or close the door in front; a box that is opened is gone",
}
_DONE = {
    "BabyAI": "does nothing useful",
    "MiniGrid": "declare the mission fulfilled, which only a few levels ask for",
}
_GRID_RULES = """\
You are an agent in a grid of rooms and see what lies ahead of you and to your sides. Fulfil the \
mission, in as few steps as you can.
- You act on the one cell in front of you: to pick something up, open it or reach it, stand beside \
it and look at it. Nothing is picked up by standing on it.
- You carry one object at a time. Drop it only where the cell in front is free; where it is not, \
turn first. To put an object next to another, drop it on a free cell beside that other one.
- A locked door opens only while you carry a key of its colour. Walls, objects and closed doors \
block the way; lava kills. A goal is reached by stepping onto it.
- If an action changed nothing, it failed: do something else."""

_GAMES: dict[str, tuple[str, Mapping[str, str]]] = {
    "Crafter": (crafter_facts.RULES, crafter_facts.DEEDS),
    **{game: (_GRID_RULES, {**_GRID_ACTIONS, "done": meaning}) for game, meaning in _DONE.items()},
    "NetHack": (
        nethack_facts.RULES,
        {**nethack_facts.COMMANDS, **nethack_facts.FURTHER_COMMANDS},
    ),
}


def system(situation: Situation, how: str) -> str:
    """The rules, the task, the actions and how to answer: what does not change in an episode.

    Raises:
        UnknownName: if the game is not known.
    """
    choose("game", situation.game, _GAMES)
    rules, meanings = _GAMES[situation.game]
    if situation.game == "NetHack" and nethack_facts.ONLY_IN_FULL in situation.actions:
        rules = f"{rules}\n{nethack_facts.ANSWERS}"
    actions = "\n".join(
        f"- {action}: {meanings[action]}" if action in meanings else f"- {action}"
        for action in situation.actions
    )
    task = f"Your task: {situation.mission}." if situation.mission else ""
    return "\n\n".join(filter(None, (rules, task, f"The actions:\n{actions}", how)))


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """The system message, then the past and the present.

    In the layout "window" a past turn is an observation of the user's and an answer of the
    assistant's (the action, where the answer is empty); in "text" all of it is one user message.
    """
    seen = _observations(situation)
    summary = f"What happened before, in short:\n{situation.summary}" if situation.summary else ""
    head = {"role": "system", "content": system(situation, how)}
    if layout == "text":
        past = [
            f"Observation:\n{observation}\n\nAction: {turn.action}"
            for observation, turn in zip(seen, situation.turns, strict=False)
        ]
        now = f"{'Now:' if past or summary else 'Observation:'}\n{seen[-1]}"
        return [head, _user("\n\n".join(filter(None, (summary, *past, now))))]
    # With the first observation rather than in a message of its own: some chat formats refuse two
    # messages of one role in a row.
    seen[0] = "\n\n".join(filter(None, (summary, seen[0])))
    chat = [head]
    for observation, turn in zip(seen, situation.turns, strict=False):
        chat += [_user(observation), {"role": "assistant", "content": turn.answer or turn.action}]
    return [*chat, _user(seen[-1])]


def _observations(situation: Situation) -> list[str]:
    """What was and is seen, the oldest first."""
    status, observation = situation.status, situation.observation
    now = observation if status in observation else f"{status}\n{observation}"
    return [*(turn.observation for turn in situation.turns), now]


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


DEFAULT = Prompt(name="default", messages=messages, turns=16, sliding=False, histories=HISTORIES)
"""Ours, for every game and every style of caption."""
