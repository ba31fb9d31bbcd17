"""SmartPlay's two questions about Crafter (microsoft/SmartPlay 9dec5f2), in our words.

The first question lets the model think, the second one makes an action of it; both have their own
form of answer, so that the caller's is left out.
"""

from __future__ import annotations

from textenvs.prompts.crafter_facts import ACHIEVEMENTS, ACTIONS
from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["SMARTPLAY", "messages"]

_ROLE = "You are the player of a game. What follows tells you all that you need for your next move."

_HINTS = """\
- The world is a map of cells seen from above, with grass, forests, lakes, mountains and caves.
- Health, food, drink and energy begin at 9, which is their maximum, and fall while you play.
- Cows and ripe plants are food, water is drink, sleep brings energy.
- Health comes back while the other three are above 0, and is lost while one of them is 0.
- Zombies live on grass and come in greater numbers at night; skeletons live in caves and shoot.
- A sleeping player is hit harder: close yourself in with stones before you sleep.
- Wood comes from trees; stone, coal, iron and diamonds are mined with better and better pickaxes.
- Stones can bridge water and lava; walking into lava is death.
- A sapling, taken from grass, is planted on grass and must be guarded until it is ripe."""


def _lines(table: dict[str, str]) -> str:
    return "\n".join(f"- {name}: requires {needs}" for name, needs in table.items())


_MANUAL = f"""\
What is known about the game:
{_HINTS}

The objectives:
{_lines(ACHIEVEMENTS)}

The actions:
{_lines(ACTIONS)}"""

_QUESTION = (
    "Which action is the best one to take next? Think about it step by step and give your reasons."
)


def messages(situation: Situation, how: str = "", layout: str = "window") -> list[Message]:
    """System messages with the role, the manual, the past and the present, then the question."""
    number = len(situation.turns)
    past = [f"Step {k}:\n{turn.observation}" for k, turn in enumerate(situation.turns)]
    head = f"What the player observed in the game in the {number} most recent steps, in order:"
    now = "\n".join(filter(None, (situation.status, situation.observation)))
    texts = [
        _ROLE,
        _MANUAL,
        *(["\n\n".join([head, *past])] if past else []),
        f"What the player observes in the current step:\n\n{now}",
    ]
    return [
        *({"role": "system", "content": text} for text in texts),
        {"role": "user", "content": _QUESTION},
    ]


SMARTPLAY = Prompt(
    name="smartplay",
    messages=messages,
    games=("Crafter",),
    turns=2,
    style="smartplay",
    feedback="",  # the caption names what was played
    follow_up=(
        "These are all actions of the game:\n{actions}\n\n"
        "Pick the best of them that can be carried out now, and write its exact name."
    ),
)
"""SmartPlay, https://github.com/microsoft/SmartPlay: a question to think, one to choose."""
