"""What a prompt is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["HISTORIES", "LAYOUTS", "Message", "Prompt", "Situation", "Turn"]

Message = dict[str, Any]
"""A chat message: ``role`` ("system", "user", "assistant") and ``content``, as OpenAI's API."""

LAYOUTS = ("window", "text")
"""How the past is shown: as chat messages, or as text within the last message."""

HISTORIES = ("window", "text", "summary")
"""How the past is kept: as chat messages; as text within the last message; as messages, and before
them a summary, which the model itself writes, of what was left out."""


@dataclass(frozen=True)
class Turn:
    """A step that was played.

    Attributes:
        observation: what the model saw, without what held for that moment only.
        answer: what it said.
        action: what was played, in words; several, if it chose several, joined by ", ".
        invalid: whether its answer named no action, so that another one was played.
    """

    observation: str
    answer: str
    action: str
    invalid: bool = False


@dataclass(frozen=True)
class Situation:
    """All that a prompt may tell a model.

    Attributes:
        game: "Crafter", "BabyAI", "MiniGrid" or "NetHack".
        actions: the texts of the actions.
        observation: what is seen now.
        turns: the past, the oldest first, as far as it is to be shown.
        status: what holds for this moment only and is not kept in the past (BALROG's short-term
            context: vitals and inventory); empty where the observation has it all.
        mission: the task in words; empty where the game has none.
        summary: what was summed up of the past before ``turns``; empty if nothing was.
    """

    game: str
    actions: tuple[str, ...]
    observation: str
    turns: tuple[Turn, ...] = ()
    status: str = ""
    mission: str = ""
    summary: str = ""


@dataclass(frozen=True)
class Prompt:
    """A way to ask, chosen by its name.

    Attributes:
        name: how it is chosen.
        messages: (situation, how to answer, layout of the past) -> the messages. A pure function.
            A published prompt with questions or a format of its own reads the situation only.
        games: the games that it can ask about.
        turns: how many past turns it shows unless told otherwise.
        sliding: whether every step drops the oldest turn, as the published systems do; otherwise
            turns are dropped in blocks, so that the messages before the last stay a prefix of the
            next prompt, which servers can reuse.
        style: the caption it was published with; None for the environment's own.
        follow_up: a second question, which is asked after the answer to the first; empty for none.
            ``{actions}`` in it stands for the texts of the actions, one a line.
        feedback: what a model is told after an answer without a valid action, with ``{action}`` for
            what was played instead, on the lines before the next observation; empty for nothing.
        histories: which of :data:`HISTORIES` it can show.
        is_text: whether the only message is a text to go on with, and not a part of a chat.
    """

    name: str
    messages: Callable[[Situation, str, str], list[Message]]
    games: tuple[str, ...] = ("Crafter", "BabyAI", "MiniGrid", "NetHack")
    turns: int = 16
    sliding: bool = True
    style: str | None = None
    follow_up: str = ""
    feedback: str = (
        "Your last answer named none of the actions, so {action} was played instead of it."
    )
    histories: tuple[str, ...] = ("window",)
    is_text: bool = False
