"""What an action did, in a few words: pure functions of what was seen before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textenvs.captioners.babyai_actions import NOTHING, action_captions

__all__ = ["crafter_transition", "minigrid_transition", "nethack_transition", "transition"]

_WITHOUT_OBJECT = (0, 1, 2, 6)  # Minigrid's turns, step, and done
_HEADINGS = {(0, -1): "north", (1, 0): "east", (0, 1): "south", (-1, 0): "west"}


def minigrid_transition(image: Any, action: int, after: Mapping[str, Any]) -> str:
    """What an action did in MiniGrid: "pick up yellow key.", "move forward.", "do nothing.".

    A step, a turn or "done" that fulfils the mission is the mission: "get to the green goal
    square.".

    Args:
        image: (n, n, 3) uint8, the view before the action; what an action does follows from it.
        action: Minigrid's.
        after: ``info`` after it.
    """
    if after.get("success") and action in _WITHOUT_OBJECT:
        return f"{after['mission']}."
    return action_captions(image)[action]


def crafter_transition(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What happened in a step of Crafter: what was achieved (again), or where the hero went.

    Args:
        before: ``info`` before the step.
        after: ``info`` after it.

    Example:
        >>> seen = {"achievements": {"collect_wood": 0}, "player_pos": (3, 3)}
        >>> seen |= {"player_facing": (0, 1), "sleeping": False}
        >>> crafter_transition(seen, {**seen, "achievements": {"collect_wood": 1}})
        'collect wood.'
    """
    earlier, later = before["achievements"], after["achievements"]
    done = [name.replace("_", " ") for name, n in later.items() if n > earlier.get(name, 0)]
    if done:
        return f"{', '.join(done)}."
    if after["sleeping"]:
        return "sleep."
    heading = _HEADINGS[tuple(after["player_facing"])]
    if tuple(after["player_pos"]) != tuple(before["player_pos"]):
        return f"move {heading}."
    if tuple(after["player_facing"]) != tuple(before["player_facing"]):
        return f"turn {heading}."
    return NOTHING


def nethack_transition(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What happened in a step of NetHack: what the game said, else the action if time passed.

    Args:
        before: ``info`` before the step.
        after: ``info`` after it.
    """
    said = " ".join(after["messages"])
    if said:
        return said
    return f"{after['text_action']}." if after["turn"] != before["turn"] else NOTHING


def transition(
    observation: Any, before: Mapping[str, Any], action: int, after: Mapping[str, Any]
) -> str:
    """What an action did, in any of the three games.

    Args:
        observation: before the action; MiniGrid's needs its ``image``.
        before: ``info`` before the action.
        action: which it was.
        after: ``info`` after it.

    Raises:
        ValueError: if the game is none of the three, or MiniGrid's view is missing.
    """
    if isinstance(observation, Mapping) and "image" in observation:
        return minigrid_transition(observation["image"], action, after)
    if "achievements" in after:
        return crafter_transition(before, after)
    if "messages" in after:
        return nethack_transition(before, after)
    raise ValueError(
        'expected a game of Crafter, NetHack, or MiniGrid with obs="dict", got an info with '
        f"{', '.join(after) or 'nothing'}"
    )
