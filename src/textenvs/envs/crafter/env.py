"""Crafter as a Gymnasium environment whose observation is text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from textenvs.captioners.crafter import NAMES, STYLES
from textenvs.envs.crafter.ansi import draw
from textenvs.envs.crafter.difficulty import DIFFICULTIES
from textenvs.envs.crafter.engine import Engine
from textenvs.envs.crafter.rules import crafter_folder, load_rules
from textenvs.envs.crafter.tasks import TASKS
from textenvs.envs.text_env import TextEnv
from textenvs.errors import choose
from textenvs.masks import crafter_mask

__all__ = ["ENGINES", "CrafterTextEnv"]

ENGINES = ("fast", "reference")

_MAX_TEXT = 4096
_VITALS_AND_ITEMS = 16
_HIDDEN_ROWS_OF_CAPTIONS = 2  # captions count a view as crafter's own of 9x9
_NOOP = 0


class CrafterTextEnv(TextEnv):
    """Crafter (the rules of crafter 1.8.3) in words.

    ``reset(seed=s)`` is the first episode of ``crafter.Env(seed=s)``, each further ``reset()`` its
    next one; the game depends on nothing else.

    Args:
        task: a key of :data:`textenvs.envs.crafter.tasks.TASKS`.
        style: a style of caption, a key of :data:`textenvs.captioners.crafter.STYLES`; None for
            the task's.
        strict: whether a published style is reproduced to the letter; None for the task's.
        obs: ``"text"`` or ``"dict"`` (see Observation).
        area: width and height of the world, in cells.
        view: width and height of the view, in cells, the rows that the inventory hides included
            (crafter's: one for every ``width`` of the 16 items).
        length: steps after which an episode is truncated, a hidden Noop included; 0 for none.
        difficulty: a key of :data:`textenvs.envs.crafter.difficulty.DIFFICULTIES`: how many trees,
            how much ore, how many animals and monsters there are.
        engine: ``"fast"``, ours, or ``"reference"``, the installed crafter made deterministic. Both
            play the same game; the reference has no difficulty but ``"normal"``, and none of the
            rules of background-knowledge-rl.
        size: width and height of a picture, in pixels.
        render_mode: ``"ansi"`` (the view as letters), ``"rgb_array"`` or None.

    Observation:
        The caption. With ``obs="dict"`` also ``local_view`` (9, 7) uint8, the ids in view indexed
        [x, y] with 0 beyond the map; ``inventory`` (16,) uint8; ``facing`` (2,) int8; ``sleeping``
        in {0, 1}; ``daylight`` (1,) float32 in [0, 1].

    Raises:
        MissingExtra: if crafter is not installed.
        UnknownName: for a task, style, observation, difficulty or engine that does not exist.
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
        difficulty: str = "normal",
        engine: str = "fast",
        size: Sequence[int] = (64, 64),
        render_mode: str | None = None,
    ) -> None:
        choose("task", task, TASKS)
        choose("difficulty", difficulty, DIFFICULTIES)
        choose("engine", engine, ENGINES)
        self.task = TASKS[task]
        self.style = self.task.style if style is None else style
        choose("style", self.style, STYLES)
        self._caption = STYLES[self.style]
        self.strict = self.task.strict if strict is None else strict
        if not isinstance(length, int) or length < 0:
            raise ValueError(f"expected a length of 0 (no limit) or more steps, got {length!r}")
        width, height = _pair("view", view, 1)
        hidden_rows = math.ceil(_VITALS_AND_ITEMS / width)
        self._view_shape = (width, height - hidden_rows)
        if min(self._view_shape) < 1 or not all(side % 2 for side in self._view_shape):
            raise ValueError(
                "expected a view of odd width whose visible height is odd, got "
                f"{width} x {height}, of which {hidden_rows} rows are hidden by the inventory"
            )
        self._caption_view = (width, height - hidden_rows + _HIDDEN_ROWS_OF_CAPTIONS)
        sides, pixels = _pair("area", area, 8), _pair("size", size, 9)
        folder = crafter_folder(f"Crafter-Text-{task}-v0" if task else "Crafter-Text-v0")
        rules = self.task.rules(load_rules(folder))
        draws_pictures = render_mode == "rgb_array"
        self.game: Any
        if engine == "fast":
            hard = DIFFICULTIES[difficulty]
            self.game = Engine(rules, sides, (width, height), length, hard, draws_pictures)
        else:
            if difficulty != "normal" or rules is not load_rules(folder):
                raise ValueError("engine 'reference' plays the published rules and worlds only")
            from textenvs.envs.crafter.reference import ReferenceCrafter

            self.game = ReferenceCrafter(sides, (width, height), pixels, length)
        self._painter: Any = None
        if draws_pictures and engine == "fast":
            from textenvs.envs.crafter.drawing import Painter

            self._painter = Painter(sides, (width, height), pixels)
        self._settings = [task, difficulty, engine, list(sides), [width, height], length]
        self._rules = rules
        self._action_ids = rules.actions
        super().__init__(
            obs=obs,
            action_names=self.task.action_names,
            action_aliases={name: index for index, name in enumerate(rules.actions)},
            default_action=self.task.action_names[_NOOP],
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
        self._n_unlocked = 0
        if self.task.hidden_noop:
            self.game.play(_NOOP)
        return self._result(action=None, reward=0.0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one action.

        Reward: the change of health / 10, and 1 if anything was achieved for the first time; tasks
        with a goal pay 1 when it is first reached, and nothing else.
        ``terminated``: the player died. ``truncated``: ``length`` steps were played, or a task's
        goal was reached.
        """
        index = self._index(action)
        reward, over = self.game.play(index)
        observation, info = self._result(action=index, reward=reward)
        dead = info["dead"]
        goal = self.task.goal
        if goal is None:
            over = over or (self.task.ends_when_complete and info["progress"] == 1.0)
            return observation, reward if self.task.reward else 0.0, dead, over and not dead, info
        reached = goal in info["unlocked"]
        done = over or info["success"]
        return observation, 1.0 if reached else 0.0, dead, done and not dead, info

    def _result(self, *, action: int | None, reward: float) -> tuple[Any, dict[str, Any]]:
        info: dict[str, Any] = self.game.facts()
        unlocked = self.game.unlocked
        info["view"] = self._caption_view
        new = len(unlocked) > self._n_unlocked
        info["unlocked"] = tuple(sorted(unlocked[self._n_unlocked :])) if new else ()
        self._n_unlocked = len(unlocked)
        info["progress"] = len(unlocked) / len(info["achievements"])
        if self.task.goal is not None:
            info["success"] = self.task.goal in unlocked
        info["action"] = None if action is None else self._action_ids[action]
        info["text_action"] = "" if action is None else self.action_names[action]
        info["reward"] = reward
        caption = self._caption(info, self.strict)
        info.update(caption.parts)
        self._info = info
        arrays = self._arrays(info) if self._array_keys else {}
        return self._observation(caption, arrays), info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions the rules allow now: (actions,) bool, see :mod:`textenvs.masks`."""
        return crafter_mask(self.game.facts(), self._rules)

    def _arrays(self, info: dict[str, Any]) -> dict[str, Any]:
        return {
            "local_view": _local_view(info["semantic"], info["player_pos"], self._view_shape),
            "inventory": np.fromiter(info["inventory"].values(), np.uint8, _VITALS_AND_ITEMS),
            "facing": np.array(info["player_facing"], np.int8),
            "sleeping": int(info["sleeping"]),
            "daylight": np.array([info["daylight"]], np.float32),
        }

    def _state_of_game(self) -> dict[str, Any]:
        if self._info is None:
            raise ValueError("expected reset() before get_state()")
        last = {"action": self._info["action"], "reward": self._info["reward"]}
        before = self._n_unlocked - len(self._info["unlocked"])
        return {"game": self.game.get_state(), "last": last, "n_unlocked_before": before}

    def _set_state_of_game(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self.game.set_state(state["game"])
        self._seeded = True
        self._n_unlocked = state["n_unlocked_before"]
        action = state["last"]["action"]
        index = None if action is None else self._action_ids.index(action)
        return self._result(action=index, reward=state["last"]["reward"])

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
            return self._painter.paint(self.game) if self._painter else self.game.picture()
        return None


def _pair(name: str, value: Sequence[int], least: int) -> tuple[int, int]:
    """Check a width and a height."""
    sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side >= least for side in sides):
        raise ValueError(f"expected {name} as two integers of {least} or more, got {value!r}")
    return sides[0], sides[1]


def _local_view(
    semantic: NDArray[np.uint8], position: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut the view around a position out of the map, with 0 beyond its edges."""
    view = np.zeros(shape, semantic.dtype)
    x, y = position[0] - shape[0] // 2, position[1] - shape[1] // 2
    left, top = max(x, 0), max(y, 0)
    seen = semantic[left : x + shape[0], top : y + shape[1]]
    view[left - x : left - x + seen.shape[0], top - y : top - y + seen.shape[1]] = seen
    return view
