"""The tasks of Crafter: what each id sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from textenvs.envs.crafter.rules import Rules

__all__ = ["ACTION_NAMES", "BACKGROUND_ACTION_NAMES", "TASKS", "Task"]

ACTION_NAMES = (
    *("Noop", "Move West", "Move East", "Move North", "Move South", "Do", "Sleep"),
    *("Place Stone", "Place Table", "Place Furnace", "Place Plant"),
    *("Make Wood Pickaxe", "Make Stone Pickaxe", "Make Iron Pickaxe"),
    *("Make Wood Sword", "Make Stone Sword", "Make Iron Sword"),
)
"""The texts of crafter's 17 actions, in its order, as SmartPlay and BALROG name them."""

BACKGROUND_ACTION_NAMES = (
    *("do nothing", "move left", "move right", "move up", "move down"),
    *("eat", "drink", "attack", "collect", "sleep"),
    *("place stone", "place crafting table", "place furnace", "place plant"),
    *("make wood pickaxe", "make stone pickaxe", "make iron pickaxe"),
    *("make wood sword", "make stone sword", "make iron sword"),
)
"""The 20 actions of background-knowledge-rl, in its order."""

_BACKGROUND_DEEDS = (
    *("noop", "move_left", "move_right", "move_up", "move_down"),
    *("do", "do", "do", "do", "sleep"),
    *("place_stone", "place_table", "place_furnace", "place_plant"),
    *("make_wood_pickaxe", "make_stone_pickaxe", "make_iron_pickaxe"),
    *("make_wood_sword", "make_stone_sword", "make_iron_sword"),
)
_BACKGROUND_DAMAGE = 5


def _published(rules: Rules) -> Rules:
    return rules


def _background_knowledge(rules: Rules) -> Rules:
    """The rules of background-knowledge-rl's fork (5f62882), as far as they differ.

    Four actions do what ``do`` does, a blow without a sword takes 5, and collecting what cannot be
    carried does not count.
    """
    deeds = dict(zip(rules.actions, rules.deeds, strict=True))
    return replace(
        rules,
        actions=BACKGROUND_ACTION_NAMES,
        deeds=tuple(deeds[name] for name in _BACKGROUND_DEEDS),
        unarmed_damage=_BACKGROUND_DAMAGE,
        counts_full=False,
    )


@dataclass(frozen=True)
class Task:
    """What an id sets: its caption, its rules, its reward, and how an episode begins.

    Attributes:
        style: the style of caption where none is asked for.
        strict: whether that style is reproduced to the letter.
        reward: whether crafter's reward is paid; otherwise it is 0.
        hidden_noop: whether ``reset`` plays one Noop, as the published wrappers do.
        goal: the achievement that is rewarded, alone, and ends the episode; None for crafter's own.
        ends_when_complete: whether the episode ends when every achievement is unlocked.
        action_names: the texts of the actions.
        rules: the published rules -> the task's.
    """

    style: str = "default"
    strict: bool = False
    reward: bool = True
    hidden_noop: bool = False
    goal: str | None = None
    ends_when_complete: bool = False
    action_names: tuple[str, ...] = ACTION_NAMES
    rules: Callable[[Rules], Rules] = _published


def _of_background_knowledge(goal: str | None) -> Task:
    return Task(
        style="background_knowledge",
        hidden_noop=True,
        goal=goal,
        ends_when_complete=goal is None,
        action_names=BACKGROUND_ACTION_NAMES,
        rules=_background_knowledge,
    )


TASKS = {
    "": Task(),
    "NoReward": Task(reward=False),
    "SmartPlay": Task(style="smartplay", strict=True, hidden_noop=True),
    "BALROG": Task(style="balrog", strict=True, hidden_noop=True),
    "Reward": _of_background_knowledge(None),
    "PlaceCraftingTable": _of_background_knowledge("place_table"),
    "MakeWoodPickAxe": _of_background_knowledge("make_wood_pickaxe"),
    "CollectDrink": _of_background_knowledge("collect_drink"),
    "EatCow": _of_background_knowledge("eat_cow"),
}
"""The tasks by the middle of their ids: ``Crafter-Text-v0``, ``Crafter-Text-NoReward-v0``, ..."""
