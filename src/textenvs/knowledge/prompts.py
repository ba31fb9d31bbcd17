"""What a language model is asked about a game."""

from __future__ import annotations

from collections.abc import Sequence

from textenvs.knowledge.games import Game
from textenvs.llm.model import Message

__all__ = [
    "code_error",
    "code_feedback",
    "code_request",
    "goal_request",
    "preference_request",
]

_CODE = """\
You know games well, and write down in Python what you know of one, for a player that is still to \
learn it. The player learns from rewards, which are rare. What you write is its sense of how well \
things stand: a function that is called with every state and says how promising it is. A change \
for the better is then rewarded at once, one for the worse is punished.

{description}

{encoding}

Write a function

def potential(observation, past_observations, past_actions):
    ...
    return value, parts

`value` is a number between 0 and 1, higher where a sensible player would rather be whatever its \
task may be, or after doing what a sensible player would do; `parts` is a dict of the numbers that \
it is made of, for those who read along. It must be defined for every observation, depend on \
nothing but its arguments, and take less than a millisecond. numpy, math, itertools, functools and \
collections may be imported, nothing else; helper functions are welcome."""

_CODE_REQUEST = """\
Think first about what is worth knowing of this game: what brings a player nearer to most tasks, \
what is a waste of steps, what is dangerous. Then give the whole module in one block that begins \
with ```python and ends with ```."""

_CODE_FEEDBACK = """\
Your function was called with what some learners did. This is what they saw and did, and what your \
function says of the state that they were in at the end:

{samples}

Where do these numbers disagree with what an experienced player would say of those states, and are \
states told apart that should be? Say what you change, and give the whole module again in one \
```python block, also if nothing is to be changed."""

_CODE_ERROR = """\
This cannot be used: {fault}

Mend it, and give the whole module again in one ```python block."""

_PREFERENCE = """\
You are an experienced player and judge others, who are still learning, by short pieces of their \
games. You do not know their tasks.

{description}

You are shown two pieces, A and B, in the words that the players were told. Judge by what is done \
in them: whether the actions had an effect or were wasted, whether they follow a sensible plan, \
and whether the player is nearer in the end to something that most tasks want. Weigh the pieces \
in a few sentences. The last line of your answer is one of

A > B
B > A
A = B

The last one is for pieces that you cannot tell apart; do not use it more than you must."""

_PAIR = "Piece A\n{a}\n\nPiece B\n{b}"

_GOAL = """\
You are an experienced player and tell others, who are still learning, what is worth reaching.

{description}

You are shown a piece of a game in the words that the player is told. Suggest what it should reach \
next, or at some time later, from there. Write every goal as one short statement of what the \
player would be told when it is reached, in the same words and with the same pattern as what you \
are shown, so that one can see at once whether it is true. Choose goals that serve most tasks and \
are within reach of a good player; do not count steps where they do not matter, and do not name \
what holds already.

Answer with a list of one to six goals, each on a line of its own that begins with "- ", and \
nothing else. Goals that others have suggested before are listed; use their words where you mean \
the same."""

_GOALS_SO_FAR = "Suggested before:\n{goals}\n\n"


def _described(game: Game, action_names: Sequence[str]) -> dict[str, str]:
    numbered = ", ".join(f"{number} {name}" for number, name in enumerate(action_names))
    inventory = ", ".join(game.inventory)
    return {
        "description": game.description.format(actions=", ".join(action_names)),
        "encoding": game.encoding.format(numbered=numbered, inventory=inventory),
    }


def _messages(system: str, user: str) -> list[Message]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def code_request(game: Game, action_names: Sequence[str]) -> list[Message]:
    """The first question for a potential as code."""
    return _messages(_CODE.format(**_described(game, action_names)), _CODE_REQUEST)


def code_feedback(samples: Sequence[str]) -> Message:
    """What a function says of some states, and whether it should."""
    return {"role": "user", "content": _CODE_FEEDBACK.format(samples="\n\n".join(samples))}


def code_error(fault: str) -> Message:
    """Why a function cannot be used."""
    return {"role": "user", "content": _CODE_ERROR.format(fault=fault)}


def preference_request(
    game: Game, action_names: Sequence[str], first: str, second: str
) -> list[Message]:
    """Which of two pieces of games is better.

    Args:
        game: which game it is.
        action_names: what the actions are called.
        first: A, as :func:`textenvs.knowledge.asking.describe` tells it.
        second: B.
    """
    described = _described(game, action_names)["description"]
    return _messages(_PREFERENCE.format(description=described), _PAIR.format(a=first, b=second))


def goal_request(
    game: Game, action_names: Sequence[str], piece: str, goals: Sequence[str]
) -> list[Message]:
    """What is worth reaching.

    Args:
        game: which game it is.
        action_names: what the actions are called.
        piece: of a game, as :func:`textenvs.knowledge.asking.describe` tells it.
        goals: suggested before.
    """
    described = _described(game, action_names)["description"]
    before = _GOALS_SO_FAR.format(goals="\n".join(f"- {goal}" for goal in goals)) if goals else ""
    return _messages(_GOAL.format(description=described), f"{before}The piece:\n{piece}")
