"""Our caption of NetHack without what the model in the box does not need."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["shortened"]

_STATUS = re.compile(r"^Status: (HP \S+),.*(Dlvl \d+) at \(\d+, \d+\)(.*)$")
_WHO = re.compile(r"^(You: [^,]*, [^,]*), .*$")
# Where places and objects lie is told by the recollection, with the way there.
_LEFT_OUT = ("Objects: ", "Places: ")
_USEFUL = re.compile(
    r"food|ration|lembas|tripe|pie|candy|cookie|pancake|apple|orange|pear|melon|banana|carrot"
    r"|garlic|sprig|egg|mold|kelp|jelly|meat|chunk|\btins?\b|pick-axe|mattock|bow\b|arrow|dagger"
    r"|dart|shuriken|spear|knife|bolt|\bya\b|flint|\brocks?\b|healing|wand of"
)
_MENU = "Pick up what?"
_OF_MENUS = re.compile(rf"{re.escape(_MENU)}|{_USEFUL.pattern}|^\((?:end|\d+ of \d+)\)$")
_LONGEST_TEXT = 240  # characters of messages


@lru_cache(maxsize=256)
def shortened(observation: str) -> str:
    """Keep the message, health, depth and troubles, the free steps, creatures, and useful items."""
    told, status, rest = observation.partition("Status: ")
    if not status:
        return observation[:_LONGEST_TEXT]
    if _MENU in told:
        told = "\n".join(line for line in told.split("\n") if _OF_MENUS.search(line))
    message = told[:_LONGEST_TEXT].rstrip("\n")
    kept = [message] if message else []
    in_inventory = False
    for line in (status + rest).split("\n"):
        if in_inventory and not _USEFUL.search(line):
            continue
        in_inventory = in_inventory or line == "Inventory:"
        if line.startswith(_LEFT_OUT):
            continue
        line = _WHO.sub(r"\1", _STATUS.sub(r"Status: \1, \2\3", line))
        kept.append(line)
    return "\n".join(kept)
