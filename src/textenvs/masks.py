"""Which actions can do something now, by the rules of the games: pure functions of what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.babyai_actions import NOTHING, action_captions

if TYPE_CHECKING:
    from textenvs.envs.crafter.rules import Rules

__all__ = ["crafter_mask", "minigrid_mask"]


# In some levels an action ends the episode, wherever it is done: class -> Minigrid's actions.
_ENDING = {"GoToDoorEnv": (5, 6), "GoToObjectEnv": (5, 6), "DynamicObstaclesEnv": (2,)}


def minigrid_mask(image: NDArray[Any], actions: int, level: type) -> NDArray[np.bool_]:
    """Which of Minigrid's actions change something.

    Args:
        image: (n, n, 3) uint8, see :mod:`textenvs.captioners.babyai`.
        actions: how many there are, the first of Minigrid's seven.
        level: the class of the game, which may have rules of its own.

    Returns:
        (actions,) bool; turns always do.
    """
    said = action_captions(image)[:actions]
    allowed = np.array([caption != NOTHING for caption in said])
    for kind in level.__mro__:
        allowed[list(_ENDING.get(kind.__name__, ()))] = True
    return allowed


def crafter_mask(info: Mapping[str, Any], rules: Rules) -> NDArray[np.bool_]:
    """Which of Crafter's actions the rules allow: what is placed and made needs material and place.

    Moving, doing, sleeping and doing nothing are always allowed; asleep, nothing else matters.

    Args:
        info: of the environment: ``semantic``, ``player_pos``, ``player_facing``, ``inventory``.
        rules: of the game.

    Returns:
        (actions,) bool.
    """
    world, inventory = info["semantic"], info["inventory"]
    x, y = info["player_pos"]
    ahead = x + info["player_facing"][0], y + info["player_facing"][1]
    inside = 0 <= ahead[0] < world.shape[0] and 0 <= ahead[1] < world.shape[1]
    target = int(world[ahead]) if inside else None
    # The same slice as the game's, which is empty at the world's left and upper edge.
    near = set(world[x - 1 : x + 2, y - 1 : y + 2].ravel().tolist()) if x and y else set()
    allowed = np.ones(len(rules.actions), np.bool_)
    for i, (deed, name) in enumerate(rules.deeds):
        if deed == "place":
            place = rules.placing[name]
            allowed[i] = target in place.where and _has(inventory, place.uses)
        elif deed == "make":
            craft = rules.crafting[name]
            allowed[i] = craft.nearby <= near and _has(inventory, craft.uses)
    return allowed


def _has(inventory: Mapping[str, int], uses: Mapping[str, int]) -> bool:
    return all(inventory.get(item, 0) >= n for item, n in uses.items())
