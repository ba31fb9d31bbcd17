"""BALROG's prompts (balrog-ai/BALROG af7d1f1): the same contents in the same order, in our words.

What is wrong in the published contents is kept, since results are compared under them: "pick up"
takes what lies below the agent (it takes what lies in front), "drop" does not say that the cell in
front must be free, and a tip recommends "toggle" to interact with whatever is in front. Our own
prompt, :mod:`textenvs.prompts.default`, says what is true.
"""

from __future__ import annotations

from collections.abc import Mapping

from textenvs.prompts.crafter_facts import ACHIEVEMENTS
from textenvs.prompts.nethack_facts import COMMANDS, DIGITS
from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["BALROG", "NETHACK_ACTIONS", "instruction", "messages"]

_WINDOW = 32  # observations and actions together, the current observation among them

_TABLE, _FURNACE = "with a table nearby", "with a table and a furnace nearby"
_CRAFTER = {
    "Noop": "let the step pass",
    **{
        f"Move {side}": f"go {side.lower()} where the ground is flat"
        for side in ("West", "East", "North", "South")
    },
    "Do": "serves many ends: collect a material, drink from a lake, hit the creature in front",
    "Sleep": "sleep while your energy is not at its maximum",
    "Place Stone": "put a stone in front of you",
    "Place Table": "put down a table",
    "Place Furnace": "put down a furnace",
    "Place Plant": "put down a plant",
    **{
        f"Make {material} {tool}": f"craft it {place}, from {needs} in the inventory"
        for tool in ("Pickaxe", "Sword")
        for material, place, needs in (
            ("Wood", _TABLE, "wood"),
            ("Stone", _TABLE, "wood and stone"),
            ("Iron", _FURNACE, "wood, coal and iron"),
        )
    },
}

_BABYAI = {
    "turn left": "turn to your left",
    "turn right": "turn to your right",
    "go forward": "go one step ahead",
    "pick up": "take the object below you",
    "drop": "put down the object that you hold",
    "toggle": "operate the object in front of you",
}

_NETHACK = {
    str(DIGITS.index(word)) if word in DIGITS else word: meaning
    for word, meaning in COMMANDS.items()
}
# As published; but no key of NLE's actions is "{".
_NETHACK["travel"] = _NETHACK["travel"].replace(", > or _", ", >, { or _")

NETHACK_ACTIONS = tuple(_NETHACK)
"""The 80 actions of the published prompt, in its order; the digits stand for themselves."""

_CRAFTER_GOALS = "\n".join(f"{n}. {name}" for n, name in enumerate(ACHIEVEMENTS, 1))

_BABYAI_TIPS = """\
Tips:
- When the object that you are after is in front of you, toggle can be used to interact with it.
- An action that leaves the observation as it was is not worth repeating."""

_NETHACK_TIPS = """\
Tips:
- A question that asks you to complete a command wants the one character of an item.
  - For example, "What do you want to eat? [bfk or ?*]" can be answered with b, f or k.
- A question for a direction wants one of the directions.
- Where --More-- closes the message, go on with more.
- Look around in the dungeon until you find the stairs that lead down.
- Before you choose, read carefully what the last message says.
- Whoever keeps walking one way comes to an end, and is told "It's a wall" or "It's solid stone": \
then turn another way.
- Before you move, read the language observation and look at the map or the image.
- Monsters are fought by walking into them."""

_PLAY = "Now play."


def instruction(situation: Situation) -> str:
    """The first message: the role, the actions, what is to be known of the game, the call to play.

    Actions that BALROG's game does not have (an id of another task) are listed without a
    description.
    """
    game, mission = situation.game, situation.mission
    listed = f"{_list(situation)}."
    if game == "Crafter":
        aim = _aim(mission, "Your aim is to get as far as you can by unlocking every achievement.")
        parts = [
            "You are the agent in a game of Crafter. You have these actions and no others, told "
            f"in a few words each:\n\n{listed}",
            f"There are achievements to unlock:\n{_CRAFTER_GOALS}",
            f"What you did and observed so far comes next, step by step. {aim}",
        ]
    elif game == "NetHack":
        aim = _aim(mission, "Your aim is to get as far in the game as you can.")
        parts = [
            "You are the agent in a game of NetHack. You can choose among these actions, told in a "
            f"few words each:\n\n{listed}",
            _NETHACK_TIPS,
            f"What you did and observed so far comes next, step by step. {aim}",
        ]
    else:
        parts = [
            "You are the agent in a simple game of finding your way, and what you have to do is: "
            f"{mission}. You can choose among these actions, told in a few words each:"
            f"\n\n{listed}",
            "An observation comes next.",
            _BABYAI_TIPS,
        ]
    return "\n\n".join([*parts, _PLAY])


def messages(situation: Situation, how: str, layout: str) -> list[Message]:
    """One user message with the instruction, then the past, then the current observation.

    As published, the window holds as many actions as observations, so that its oldest entry is an
    action once it is full; and an empty answer leaves no message behind, so that two of the user's
    follow each other.
    """
    events = _events(situation)
    now = "\n".join(filter(None, (situation.status, situation.observation)))
    now = "\n\n".join(filter(None, (f"Current Observation:\n{now}", how)))
    head = instruction(situation)
    if layout == "text":
        past = [f"Action:\n{text}" if who == "assistant" else text for who, text in events]
        return [_message("user", "\n\n".join([head, *past, now]))]
    return [_message("user", head), *(_message(*event) for event in events), _message("user", now)]


def _events(situation: Situation) -> list[tuple[str, str]]:
    """The past as (role, text), the oldest first."""
    events = []
    for turn in situation.turns:
        events.append(("user", f"Observation:\n{turn.observation}"))
        if turn.answer:
            events.append(("assistant", turn.answer))
    window = max(_WINDOW, 2 * len(situation.turns))
    return events[-(window - 1) :]


def _list(situation: Situation) -> str:
    games: dict[str, Mapping[str, str]] = {"Crafter": _CRAFTER, "NetHack": _NETHACK}
    known = games.get(situation.game, _BABYAI)
    actions = set(situation.actions)
    if all(action in actions or _spelt(action) in actions for action in known):
        return ",\n".join(f"{action}: {meaning}" for action, meaning in known.items())
    return ",\n".join(
        f"{action}: {known[action]}" if action in known else action for action in situation.actions
    )


def _spelt(action: str) -> str:
    return DIGITS[int(action)] if action.isdigit() else action


def _aim(mission: str, published: str) -> str:
    """The published aim, or the task of an id that BALROG does not have."""
    return f"Your aim: {mission}." if mission else published


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


BALROG = Prompt(
    name="balrog",
    messages=messages,
    turns=16,
    sliding=True,
    style="balrog",
    # The header of the observation that follows is part of what BALROG says.
    feedback=(
        "\n\nNone of the valid actions was in your last output, so that the default action was "
        "taken: {action}\n\nObservation:"
    ),
)
"""BALROG, https://github.com/balrog-ai/BALROG: 16 past turns as chat messages."""
