"""What a language model is asked about two captions, and what its answer says.

The structure is Motif's (``rlaif/prompts.py``, 51b5f47: what it knows of the game and its goal,
each text alone, a comparison, a verdict in a fixed form); the words are our own. Unlike there, the
last verdict in an answer counts, since what comes before may repeat the form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from textenvs.errors import UnknownName, choose
from textenvs.llm.model import Message
from textenvs.motif.pairs import FIRST, SECOND, TIE

__all__ = [
    "GAMES",
    "GOALS",
    "VERSIONS",
    "ask",
    "ask_again",
    "family_of",
    "game_of",
    "goal_text",
    "parse_verdict",
]

GAMES: Mapping[str, str] = {
    "nethack": "NetHack",
    "crafter": "Crafter, a game of survival in a world of blocks",
    "babyai": "a game of small rooms on a grid, in which an instruction is to be followed",
}
"""What the games are called in a question."""

VERSIONS = ("default", "reworded")
"""Of the question."""

_DEFAULT_GOALS = {
    "nethack": "Whoever gets more points is better, say by killing monsters, by gold, or by going "
    "down to deeper levels.",
    "crafter": "Whoever gets further through the game is better: who gathers, builds tools, eats, "
    "drinks, and stays alive.",
    "babyai": "Whoever is nearer to what the instruction says is better, and who wastes no step.",
}

GOALS: Mapping[str, str] = {
    "defaultgoal": "",
    "zeroknowledge": "",
    "combat": "Whoever fights and kills monsters is better. Gold, and going down to deeper levels, "
    "are never to be preferred.",
    "gold": "Whoever gets more gold is better. Other ways to points, such as fighting, and going "
    "down to deeper levels, are never to be preferred.",
    "stairs": "Whoever goes down to deeper levels is better. Points for fighting, and gold, are "
    "never to be preferred.",
}
"""By name; any other text is a goal as it stands. ``defaultgoal`` depends on the game, and
``zeroknowledge`` is none at all."""

_SYSTEM = """\
You are an expert on games who judges fairly how well somebody plays. You stick to what you are \
shown and to what you know for certain, and say so where you are not sure."""

_DEFAULT = """\
Below are two short descriptions, each of one moment in somebody's game of {game}. Either may be \
empty.

Begin with what you know about {game} and what its aim is.{goal} Then take each description for \
itself: what does it mean, judging by its own words and your knowledge of the game alone? Then \
weigh them against each other, step by step. Finally name the one that more likely shows progress \
towards the aim, in exactly one of these forms:
("best_description": 1)
("best_description": 2)
("best_description": None)
The last one is for two descriptions of which neither is better.

{first}
{second}"""

_REWORDED = """\
Below are two messages, each of which a player of {game} has just seen. Either may be empty.

First recall how {game} is played and won. Then put in your own words what each message means and \
what follows from it for the player, without guessing. Then compare the two, and say how sure you \
are.{goal} Which of the messages is the better news in this respect? Close with exactly one of \
these forms, and with None only if you really cannot tell:
("best_message": 1)
("best_message": 2)
("best_message": None)

{first}
{second}"""

_AGAIN = """\
Which one is it? Answer with nothing but one of these three:
("{word}": 1)
("{word}": 2)
("{word}": None)"""

_WORDS = {"default": "best_description", "reworded": "best_message"}
_VERDICT = re.compile(r"best[_ ]?(?:description|message)\W+(?:\w+\W+)?(1|2|none)\b", re.IGNORECASE)
_LABELS = {"1": FIRST, "2": SECOND, "none": TIE}


_FAMILIES = {"Crafter": "crafter", "BabyAI": "babyai", "MiniGrid": "babyai", "NetHack": "nethack"}


def game_of(env_id: str) -> str:
    """The key of :data:`GAMES` that an id is of.

    Raises:
        UnknownName: if it is of none.
    """
    choose("game", env_id.partition("-")[0], _FAMILIES)
    return family_of(env_id)


def family_of(env_id: str) -> str:
    """The key of :data:`GAMES` that an id is of; the id's first word if it is of none."""
    family = env_id.partition("-")[0]
    return _FAMILIES.get(family, family)


def goal_text(goal: str, game: str) -> str:
    """What a goal says: one of :data:`GOALS` by name, or itself.

    Args:
        goal: a name, or a text of more than one word.
        game: a key of :data:`GAMES`.

    Raises:
        UnknownName: for a single word that is no name.
    """
    if goal == "defaultgoal":
        return _DEFAULT_GOALS[game]
    if goal not in GOALS and " " in goal.strip():
        return goal.strip()
    if goal not in GOALS:
        names = ", ".join(map(repr, GOALS))
        raise UnknownName(f"unknown goal {goal!r}: expected one of {names}, or a sentence")
    return GOALS[goal]


def ask(first: str, second: str, *, version: str, goal: str, game: str) -> list[Message]:
    """A question.

    Args:
        first: the caption that is called 1.
        second: the one that is called 2.
        version: one of :data:`VERSIONS`.
        goal: what :func:`goal_text` says.
        game: a key of :data:`GAMES`.
    """
    noun = "message" if version == "reworded" else "description"
    content = (_REWORDED if version == "reworded" else _DEFAULT).format(
        game=GAMES[game],
        goal=f" {goal}" if goal else "",
        first=json.dumps({f"{noun}_1": first}, ensure_ascii=False),
        second=json.dumps({f"{noun}_2": second}, ensure_ascii=False),
    )
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": content}]


def ask_again(question: list[Message], answer: str, version: str) -> list[Message]:
    """The question after an answer in which no verdict was found."""
    return [
        *question,
        {"role": "assistant", "content": answer},
        {"role": "user", "content": _AGAIN.format(word=_WORDS[version])},
    ]


def parse_verdict(answer: str) -> int | None:
    """The label that an answer gives; None if there is none in it.

    Example:
        >>> parse_verdict('The forms are ("best_description": 1)... so ("best_description": 2)')
        1
    """
    found = _VERDICT.findall(answer)
    return _LABELS[found[-1].lower()] if found else None
