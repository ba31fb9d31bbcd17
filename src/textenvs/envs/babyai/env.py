"""BabyAI and MiniGrid as a Gymnasium environment whose observation is text."""

from __future__ import annotations

import logging
import os
import pickle
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import load_env_creator, registry
from numpy.typing import NDArray

from textenvs.captioners.babyai import STYLES
from textenvs.envs.babyai.ansi import draw
from textenvs.envs.babyai.level_table import LEVELS
from textenvs.envs.text_env import TextEnv
from textenvs.errors import InvalidMission, UnknownName, choose, require
from textenvs.masks import minigrid_mask
from textenvs.spaces import Utf8Text

__all__ = ["ACTION_NAMES", "MiniGridTextEnv"]

ACTION_NAMES = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle", "done")
"""The texts of Minigrid's actions, in its order, as GLAM and BALROG name them."""

_MINIGRID_NAMES = ("left", "right", "forward", "pickup", "drop", "toggle", "done")
_MAX_TEXT = 8192
_MAX_MISSION = 512
_WORLDS_TRIED = 1000  # for a mission that was asked for

logger = logging.getLogger(__name__)


class MiniGridTextEnv(TextEnv):
    """A level of BabyAI or MiniGrid in words.

    ``reset(seed=s)`` gives the world that the level itself gives for ``s``.

    Args:
        level: a Minigrid id ("BabyAI-GoToLocal-v0"), or a level of
            :data:`textenvs.envs.babyai.level_table.LEVELS`.
        style: a style of caption, a key of :data:`textenvs.captioners.babyai.STYLES`.
        obs: ``"text"`` or ``"dict"`` (see Observation).
        render_mode: ``"ansi"`` (the whole grid as letters), ``"rgb_array"`` or None.
        **level_kwargs: what the level's own constructor takes (``max_steps``, ``room_size``, ...).

    Observation:
        The caption. With ``obs="dict"`` also Minigrid's ``image`` (7, 7, 3) uint8, ``direction``
        in 0..3 and ``mission``, a text.

    Raises:
        MissingExtra: if minigrid is not installed.
        UnknownName: for a level, style or observation that does not exist.
    """

    reset_options = ("mission",)

    def __init__(
        self,
        level: str,
        *,
        style: str = "default",
        obs: str = "text",
        render_mode: str | None = None,
        **level_kwargs: Any,
    ) -> None:
        choose("style", style, STYLES)
        self.level = level
        self.style = style
        self._caption = STYLES[style]
        require("minigrid", extra="babyai", needed_by=_text_id(level))
        self.game = _make_level(level, level_kwargs)
        self._settings = [level, level_kwargs]
        self._last: tuple[str, bool] | None = None
        n_actions = int(self.game.action_space.n)
        view = self.game.observation_space["image"].shape
        super().__init__(
            obs=obs,
            action_names=ACTION_NAMES[:n_actions],
            action_aliases={name: i for i, name in enumerate(_MINIGRID_NAMES[:n_actions])},
            default_action="go forward",
            arrays={
                "image": spaces.Box(0, 255, view, np.uint8),
                "direction": spaces.Discrete(4),
                "mission": Utf8Text(_MAX_MISSION),
            },
            max_length=_MAX_TEXT,
            render_mode=render_mode,
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: as Minigrid's.
            options: ``{"mission": text}`` chooses the mission of a BabyAI level: worlds are drawn
                until one can host it.

        Raises:
            InvalidMission: if the mission is not understood, or no world that was drawn hosts it.
        """
        super().reset(seed=seed)
        observed, _ = self.game.reset(seed=seed)
        mission = (options or {}).get("mission")
        if mission is not None:
            observed = self._draw_world_for(mission)
        self._np_random = self.game.np_random  # one stream: Minigrid's
        return self._result(observed, text_action="", success=False)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one action; reward, termination and truncation are the level's."""
        index = self._index(action)
        observed, reward, terminated, truncated, _ = self.game.step(index)
        success = bool(terminated) and reward > 0
        observation, info = self._result(
            observed, text_action=self.action_names[index], success=success
        )
        return observation, float(reward), bool(terminated), bool(truncated), info

    def _draw_world_for(self, mission: str) -> Any:
        from textenvs.envs.babyai.instructions import override

        if not hasattr(self.game, "instrs"):
            raise InvalidMission(
                f"expected a BabyAI level to choose a mission of, got {self.level}"
            )
        for _ in range(_WORLDS_TRIED):
            if override(self.game, mission):
                return self.game.gen_obs()
            self.game.reset()
        raise InvalidMission(
            f"none of {_WORLDS_TRIED} worlds of {self.level} can host the mission {mission!r}; "
            f"a mission that it can: {self.game.mission!r}"
        )

    def _result(
        self, observed: Any, *, text_action: str, success: bool
    ) -> tuple[Any, dict[str, Any]]:
        self._last = (text_action, success)
        mission = self.game.mission
        caption = self._caption(observed["image"], mission, observed["direction"])
        info = {
            "text_action": text_action,
            "mission": mission,
            "success": success,
            **caption.parts,
        }
        arrays = {
            "image": observed["image"],
            "direction": int(observed["direction"]),
            "mission": mission,
        }
        return self._observation(caption, arrays), info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions change something now: (actions,) bool, see :mod:`textenvs.masks`."""
        image = self.game.gen_obs()["image"]
        return minigrid_mask(image, len(self.action_names), type(self.game.unwrapped))

    def _state_of_game(self) -> dict[str, Any]:
        if self._last is None:
            raise ValueError("expected reset() before get_state()")
        return {"game": pickle.dumps(self.game), "last": self._last}

    def _set_state_of_game(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self.game = pickle.loads(state["game"])
        self._np_random = self.game.np_random
        text_action, success = state["last"]
        return self._result(self.game.gen_obs(), text_action=text_action, success=success)

    def render(self) -> Any:
        """Draw the world: letters (``ansi``) or a (height, width, 3) uint8 picture."""
        if self.render_mode == "ansi":
            return draw(self.game)
        if self.render_mode == "rgb_array":
            game = self.game
            return game.get_frame(game.highlight, game.tile_size, game.agent_pov)
        return None

    def close(self) -> None:
        """Close the level."""
        self.game.close()
        super().close()


def _text_id(level: str) -> str:
    family, dash, name = level.partition("-")
    if dash and family in ("BabyAI", "MiniGrid") and level not in LEVELS:
        return f"{family}-Text-{name}"
    return f"BabyAI-Text-{level}-v0"


def _make_level(level: str, level_kwargs: dict[str, Any]) -> Any:
    """Construct a level without the wrappers of ``gymnasium.make``."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import minigrid  # noqa: F401  # registers its ids
    from minigrid.envs.babyai.core import roomgrid_level

    from textenvs.envs.babyai.view import quicken

    # Minigrid prints a line for every world that it rejects; ours go to the log.
    roomgrid_level.print = _log_rejection
    if level in LEVELS:
        entry_point, kwargs = LEVELS[level]
    elif level in registry and level.startswith(("BabyAI-", "MiniGrid-")):
        spec = registry[level]
        assert isinstance(spec.entry_point, str)
        entry_point, kwargs = spec.entry_point, spec.kwargs
    else:
        raise UnknownName(
            f"unknown level {level!r}: expected an id of the installed minigrid "
            f"(like 'BabyAI-GoToLocal-v0') or one of {', '.join(LEVELS)}"
        )
    game = load_env_creator(entry_point)(**{**kwargs, **level_kwargs})
    quicken(game)
    return game


def _log_rejection(*words: object) -> None:
    logger.debug("%s", " ".join(map(str, words)))
