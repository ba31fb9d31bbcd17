"""Whether a caption is good news: what a language model is asked, and what its answer says.

The structure is ONI's (facebookresearch/oni, f0f86e8: knowledge, an analysis, one of two labels, a
few examples); the words are our own. The last label in an answer counts.
"""

from __future__ import annotations

import json
import re

from textenvs.llm.model import Message
from textenvs.motif.prompts import GAMES

__all__ = ["ask_helpful", "parse_helpful"]

_SYSTEM = """\
You are an expert on games who judges single messages of a game for what they mean to the player. \
You stick to what you are shown and to what you know for certain."""

_QUESTION = """\
Somebody plays {game} and reads the message below. Does it tell of something that helps the \
player on?{goal}

Recall in a sentence or two what matters in {game}. Then say what the message means for the \
player. Most messages are routine: call one helpful only if it tells of a clear gain or success. \
Close with exactly one of these forms:
("helpful": yes)
("helpful": no)
{examples}
{message}"""

_EXAMPLES = """
Some examples, each with its last line:
"You finish off the goblin." ("helpful": yes)
"There is a wall in the way." ("helpful": no)
"It seems that nothing happens." ("helpful": no)
"You feel more experienced." ("helpful": yes)
"""

_ANSWER = re.compile(r"(?<![a-z])helpful\W+(?:is\W+)?(yes|no)\b", re.IGNORECASE)


def ask_helpful(caption: str, *, goal: str, game: str, examples: bool = False) -> list[Message]:
    """A question.

    Args:
        caption: what is judged.
        goal: what :func:`textenvs.motif.prompts.goal_text` says.
        game: a key of :data:`textenvs.motif.prompts.GAMES`.
        examples: whether a few of NetHack are shown; beside a goal that wants gold alone, or
            another game, they would mislead.
    """
    content = _QUESTION.format(
        game=GAMES[game],
        goal=f" {goal}" if goal else "",
        examples=_EXAMPLES if examples else "",
        message=json.dumps({"message": caption}, ensure_ascii=False),
    )
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": content}]


def parse_helpful(answer: str) -> int | None:
    """1 for helpful, 0 for not; None if the answer says neither.

    Example:
        >>> parse_helpful('The forms are ("helpful": yes)... so ("helpful": no)')
        0
    """
    found = _ANSWER.findall(answer)
    return int(found[-1].lower() == "yes") if found else None
