"""Crafter as a Gymnasium environment whose observation is text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from textenvs.captioners.crafter import NAMES, STYLES
from textenvs.envs.crafter.ansi import draw
from textenvs.envs.text_env import TextEnv
from textenvs.errors import choose, require

__all__ = ["ACTION_NAMES", "TASKS", "CrafterTextEnv"]

ACTION_NAMES = (
    *("Noop", "Move West", "Move East", "Move North", "Move South", "Do", "Sleep"),
    *("Place Stone", "Place Table", "Place Furnace", "Place Plant"),
    *("Make Wood Pickaxe", "Make Stone Pickaxe", "Make Iron Pickaxe"),
    *("Make Wood Sword", "Make Stone Sword", "Make Iron Sword"),
)
"""The texts of crafter's 17 actions, in its order, as SmartPlay and BALROG name them."""

_MAX_TEXT = 4096
_VITALS_AND_ITEMS = 16
_NOOP = 0


@dataclass(frozen=True)
class Task:
    """What an id sets: its style, its reward, and how an episode begins.

    Attributes:
        style: the style of caption where none is asked for.
        strict: whether that style is reproduced to the letter.
        reward: whether crafter's reward is paid; otherwise it is 0.
        hidden_noop: whether ``reset`` plays one Noop, as the published wrappers do.
    """

    style: str = "default"
    strict: bool = False
    reward: bool = True
    hidden_noop: bool = False


TASKS = {
    "": Task(),
    "NoReward": Task(reward=False),
    "SmartPlay": Task(style="smartplay", strict=True, hidden_noop=True),
    "BALROG": Task(style="balrog", strict=True, hidden_noop=True),
}
"""The tasks by the middle of their ids: ``Crafter-Text-v0``, ``Crafter-Text-NoReward-v0``, ..."""


class CrafterTextEnv(TextEnv):
    """Crafter (the rules of crafter 1.8.3) in words.

    ``reset(seed=s)`` is the first episode of ``crafter.Env(seed=s)``, each further ``reset()`` its
    next one; the game depends on nothing else.

    Args:
        task: a key of :data:`TASKS`.
        style: a style of caption, a key of :data:`textenvs.captioners.crafter.STYLES`; None for
            the task's.
        strict: whether a published style is reproduced to the letter; None for the task's.
        obs: ``"text"`` or ``"dict"`` (see Observation).
        area: width and height of the world, in cells.
        view: width and height of the view, in cells, the rows that the inventory hides included
            (crafter's: one for every ``width`` of the 16 items).
        length: steps after which an episode is truncated, a hidden Noop included; 0 for none.
        size: width and height of a picture, in pixels.
        render_mode: ``"ansi"`` (the view as letters), ``"rgb_array"`` or None.

    Observation:
        The caption. With ``obs="dict"`` also ``local_view`` (9, 7) uint8, the ids in view indexed
        [x, y] with 0 beyond the map; ``inventory`` (16,) uint8; ``facing`` (2,) int8; ``sleeping``
        in {0, 1}; ``daylight`` (1,) float32 in [0, 1].

    Raises:
        MissingExtra: if crafter is not installed.
        UnknownName: for a task, style or observation that does not exist.
        ValueError: for sizes that cannot be.
    """

    def __init__(
        self,
        task: str = "",
        *,
        style: str | None = None,
        strict: bool | None = None,
        obs: str = "text",
        area: Sequence[int] = (64, 64),
        view: Sequence[int] = (9, 9),
        length: int = 10_000,
        size: Sequence[int] = (64, 64),
        render_mode: str | None = None,
    ) -> None:
        choose("task", task, TASKS)
        self.task = TASKS[task]
        self.style = self.task.style if style is None else style
        choose("style", self.style, STYLES)
        self._caption = STYLES[self.style]
        self.strict = self.task.strict if strict is None else strict
        env_id = f"Crafter-Text-{task}-v0" if task else "Crafter-Text-v0"
        require("crafter", extra="crafter", needed_by=env_id)
        from textenvs.envs.crafter.reference import ACTIONS, ReferenceCrafter

        self._action_ids = ACTIONS
        width, height = _pair("view", view, 1)
        hidden_rows = math.ceil(_VITALS_AND_ITEMS / width)
        self._view_shape = (width, height - hidden_rows)
        if min(self._view_shape) < 1 or not all(side % 2 for side in self._view_shape):
            raise ValueError(
                "expected a view of odd width whose visible height is odd, got "
                f"{width} x {height}, of which {hidden_rows} rows are hidden by the inventory"
            )
        if not isinstance(length, int) or length < 0:
            raise ValueError(f"expected a length of 0 (no limit) or more steps, got {length!r}")
        self.game = ReferenceCrafter(
            area=_pair("area", area, 8),
            view=(width, height),
            size=_pair("size", size, 9),
            length=length,
        )
        self._view_shape = (
            int(view[0]),
            int(view[1]) - math.ceil(_VITALS_AND_ITEMS / int(view[0])),
        )
        super().__init__(
            obs=obs,
            action_names=ACTION_NAMES,
            action_aliases={name: index for index, name in enumerate(ACTIONS)},
            default_action="Noop",
            arrays={
                "local_view": spaces.Box(0, len(NAMES) - 1, self._view_shape, np.uint8),
                "inventory": spaces.Box(0, 9, (_VITALS_AND_ITEMS,), np.uint8),
                "facing": spaces.Box(-1, 1, (2,), np.int8),
                "sleeping": spaces.Discrete(2),
                "daylight": spaces.Box(0.0, 1.0, (1,), np.float32),
            },
            max_length=_MAX_TEXT,
            render_mode=render_mode,
        )
        self._seeded = False
        self._info: dict[str, Any] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the class for what the seed means. No option is read."""
        super().reset(seed=seed)
        if seed is not None:
            self.game.seed_world(seed)
        elif not self._seeded:
            self.game.seed_world(int(self.np_random.integers(2**31 - 1)))
        self._seeded = True
        self.game.reset()
        self._unlocked: frozenset[str] = frozenset()
        if self.task.hidden_noop:
            self.game.step(_NOOP)
        return self._result(action=None, text_action="", reward=0.0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one action.

        Reward: the change of health / 10, and 1 if anything was achieved for the first time.
        ``terminated``: the player died. ``truncated``: ``length`` steps were played.
        """
        index = self._index(action)
        _, _, over, crafters = self.game.step(index)
        reward = float(crafters["reward"])
        observation, info = self._result(
            action=self._action_ids[index], text_action=ACTION_NAMES[index], reward=reward
        )
        paid = reward if self.task.reward else 0.0
        return observation, paid, info["dead"], bool(over) and not info["dead"], info

    def _result(
        self, *, action: str | None, text_action: str, reward: float
    ) -> tuple[Any, dict[str, Any]]:
        info = self.game.state()
        achieved = frozenset(name for name, count in info["achievements"].items() if count)
        info["unlocked"] = tuple(sorted(achieved - self._unlocked))
        self._unlocked = achieved
        info["progress"] = len(achieved) / len(info["achievements"])
        info["action"] = action
        info["text_action"] = text_action
        info["reward"] = reward
        caption = self._caption(info, self.strict)
        info.update(caption.parts)
        self._info = info
        arrays = self._arrays(info) if self._array_keys else {}
        return self._observation(caption, arrays), info

    def _arrays(self, info: dict[str, Any]) -> dict[str, Any]:
        return {
            "local_view": _local_view(info["semantic"], info["player_pos"], self._view_shape),
            "inventory": np.fromiter(info["inventory"].values(), np.uint8, _VITALS_AND_ITEMS),
            "facing": np.array(info["player_facing"], np.int8),
            "sleeping": int(info["sleeping"]),
            "daylight": np.array([info["daylight"]], np.float32),
        }

    def render(self) -> Any:
        """Draw the view: letters (``ansi``) or a (height, width, 3) uint8 picture.

        Never changes the game.

        Raises:
            ValueError: before the first ``reset``.
        """
        if self._info is None:
            raise ValueError("expected reset() before render()")
        if self.render_mode == "ansi":
            cells = _local_view(self._info["semantic"], self._info["player_pos"], self._view_shape)
            return draw(cells)
        if self.render_mode == "rgb_array":
            return self.game.render()
        return None


def _pair(name: str, value: Sequence[int], least: int) -> tuple[int, int]:
    """Check a width and a height."""
    sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side >= least for side in sides):
        raise ValueError(f"expected {name} as two integers of {least} or more, got {value!r}")
    return sides[0], sides[1]


def _local_view(
    semantic: np.ndarray[Any, Any], position: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray[Any, Any]:
    """Cut the view around a position out of the map, with 0 beyond its edges."""
    half = (shape[0] // 2, shape[1] // 2)
    padded = np.pad(semantic, ((half[0], half[0]), (half[1], half[1])))
    x, y = position
    return padded[x : x + shape[0], y : y + shape[1]]
