"""Rules of NetHack's expert for the questions that the game asks."""

from __future__ import annotations

import re

from textenvs.agents.experts.expert import Decision
from textenvs.agents.experts.nethack_fighting import fire, may_hunt, shoot, zap
from textenvs.agents.experts.nethack_going import take, visit
from textenvs.agents.experts.nethack_reading import STEPS
from textenvs.agents.experts.nethack_scene import (
    SECOND_BOW,
    WAND_OF_SLEEP,
    Scene,
    digger_of,
    food_of,
    letter_of,
    missile_of,
    potion_of,
)

__all__ = ["answer", "answer_with_few_keys"]

_KEYS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *("apply", "southwest", "close", "drop", "eat", "fire", "rush", "west", "inventory"),
            *("south", "north", "east", "move", "southeast", "open", "pay", "quaff", "read"),
            *("search", "throw", "northeast", "versionshort", "wield", "swap", "northwest", "zap"),
            *("takeoffall", "far southwest", "call", "droptype", "engrave", "fight", "rush2"),
            *("far west", "inventtype", "far south", "far north", "far east", "movefar"),
            *("far southeast", "options", "puton", "quiver", "remove", "save", "takeoff"),
            *("far northeast", "history", "wear", "twoweapon", "far northwest", "cast"),
        ),
        strict=True,
    )
)
_YES, _NO = _KEYS["y"], _KEYS["n"]
_CHOICE = re.compile(r"\[[^\]]*\](?: \(.\))?(?: .)?$")  # how a question ends, and an answer
_LINE = re.compile(r"\b(?:Call|name)\b[^.!?]*:(?: \S*)?$")  # a question that takes words
_MENU_DIGGER = re.compile(
    r"\b([a-zA-Z]) ([-+]) (?:(?!\b[a-zA-Z] [-+] )[^(])*?(?:pick-axe|mattock|broad pick)"
)
_MENU_PAGE = re.compile(r"\((\d+) of (\d+)\)")


def answer(scene: Scene) -> Decision | None:
    """Answer questions; what the question is about is in the thought that led to it."""
    message = scene.now.message
    if scene.facts.jumps >= 0:
        return None
    if "Pick up what?" in message:
        return _choose(message)
    if "Really attack" in message:
        if "attack the dwarf?" in message and may_hunt(scene.now):
            return Decision("attack: yes", _YES)
        return Decision("leave the peaceful one", "esc")
    if "want to pray?" in message:
        return Decision("pray: yes", _YES)
    if "who are you?" in message:
        return Decision("leave the question", "esc")
    if "eat it?" in message or "eat one?" in message:
        is_fresh = scene.facts.fresh is not None and scene.facts.fresh.name in message
        return Decision("eat: yes", _YES) if is_fresh else Decision("eat: no", _NO)
    if "In what direction" in message:
        return _direction(scene)
    if _CHOICE.search(message):
        return _letter(scene)
    if scene.now.covered:
        return Decision("leave the page", "esc")
    if _LINE.search(message) or (message.endswith("?") and "You read" not in message):
        return Decision("leave the question", "esc")
    return None


def answer_with_few_keys(scene: Scene) -> Decision | None:
    """Say where to kick, and turn down whatever else the game asks."""
    now = scene.now
    if not now.alive or now.covered or _CHOICE.search(now.message):
        return Decision("leave the question", "more")
    if "In what direction" in now.message:
        kick = _direction(scene)
        return kick if kick.action in STEPS else Decision("leave the question", "more")
    return None


def _direction(scene: Scene) -> Decision:
    """Say where to: the rule that asked for it still holds, as no turn has passed since."""
    verb = scene.thought.partition(":")[0].partition(" ")[0]
    if verb == "dig":
        return Decision("dig: down", "down")
    rules = {"kick": (take, visit), "throw": (shoot,), "fire": (fire,), "zap": (zap,)}
    for rule in rules.get(verb, ()):
        again = rule(scene._replace(thought=""))
        if again is not None and again.thought.startswith(verb):
            return Decision(again.thought, again.thought.split()[-1])
    return Decision("leave the question", "esc")


def _choose(menu: str) -> Decision:
    """Mark what can dig in a menu, page by page, and close it."""
    found = _MENU_DIGGER.search(menu)
    if found is None:
        pages = _MENU_PAGE.search(menu)
        is_last = pages is None or pages[1] == pages[2]
        return Decision("take: nothing", "esc") if is_last else Decision("take: next page", "down")
    letter, mark = found.groups()
    if mark == "+":
        return Decision("take: letter marked", "more")
    return Decision(f"take: letter {letter}", _KEYS[letter])


def _letter(scene: Scene) -> Decision:
    message, thought = scene.now.message, scene.thought
    if "to use or apply" in message and (digger := digger_of(scene.now)):
        return Decision(f"dig: letter {digger}", _KEYS[digger])
    if "want to eat" in message and (food := food_of(scene.now)):
        return Decision(f"eat: letter {food}", _KEYS[food])
    if "want to drink" in message and (potion := potion_of(scene.now)):
        return Decision(f"drink: letter {potion}", _KEYS[potion])
    if "want to throw" in message and (missile := missile_of(scene.now)):
        return Decision(scene.thought, _KEYS[missile])
    if "want to wield" in message and (bow := letter_of(scene.now, SECOND_BOW)):
        return Decision(f"wield: letter {bow}", _KEYS[bow])
    if "want to zap" in message and (wand := letter_of(scene.now, WAND_OF_SLEEP)):
        return Decision(thought, _KEYS[wand])
    if "want to drop" in message:
        return Decision("drop gold", "dollar")
    if "Continue?" in message and scene.thought.startswith("take"):
        return Decision("take: yes", _YES)
    return Decision("leave the question", "esc")
