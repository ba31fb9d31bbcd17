"""Words for actions that are no names of actions: "Drink" for Crafter's "Do". Off by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["SYNONYMS", "synonyms_of"]

SYNONYMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # Crafter's achievements are what models ask for. "Wake Up" stays without an action: nothing
    # wakes the player. No word here is one that an explanation is full of ("get closer to").
    "Do": {
        "Do": ("drink", "eat", "attack", "collect", "interact", "hit", "mine", "chop", "defeat"),
        "Noop": ("do nothing", "wait"),
        "Move North": ("move up", "go north"),
        "Move South": ("move down", "go south"),
        "Move West": ("move left", "go west"),
        "Move East": ("move right", "go east"),
        "Place Plant": ("place sapling", "plant sapling"),
        "Place Table": ("make table", "place crafting table"),
        "Place Furnace": ("make furnace",),
    },
    "toggle": {
        "turn left": ("rotate left",),
        "turn right": ("rotate right",),
        "go forward": ("walk forward", "step forward", "move forward", "go straight"),
        "pick up": ("grab", "take"),
        "drop": ("put down", "put", "release"),
        "toggle": ("open", "unlock", "close"),
    },
    "far north": {
        "fight": ("attack",),
        "wait": ("rest",),
        "wield": ("equip",),
        "quaff": ("drink",),
        "down": ("descend",),
        "up": ("ascend",),
        "esc": ("escape", "cancel"),
        "more": ("continue",),
        "pickup": ("take", "grab"),
    },
}
"""For each game, told by an action that no other has: action -> the words for it."""


def synonyms_of(names: Sequence[str]) -> dict[str, int]:
    """The synonyms of a game's actions: word -> action.

    Args:
        names: the text of each action; of a game that is not known there are no synonyms.
    """
    return {
        word: names.index(name)
        for game, table in SYNONYMS.items()
        if game in names
        for name, words in table.items()
        if name in names
        for word in words
        if word not in names
    }
