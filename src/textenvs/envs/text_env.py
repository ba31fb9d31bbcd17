"""What the three games share: text as the observation, names for the actions."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium import spaces

from textenvs.captioners.caption import Caption
from textenvs.errors import choose
from textenvs.spaces import Utf8Text

__all__ = ["OBSERVATIONS", "TextEnv"]

OBSERVATIONS = ("text", "dict")
STATE_VERSION = 1


class TextEnv(gymnasium.Env[Any, Any], ABC):
    """Base of the text environments: a game, a captioner, and the spaces that follow.

    Args:
        obs: ``"text"``: the observation is a ``str``. ``"dict"``: it is a dict of ``"text"`` and
            the game's arrays.
        action_names: the text of each action, in the order of the ``Discrete`` action space.
        action_aliases: further texts -> action.
        default_action: the name of the action to play where no valid one was chosen.
        arrays: the spaces of the game's arrays, by key.
        max_length: no text is longer, in characters.

    Attributes:
        action_names: as above.
        action_aliases: further texts that mean an action (keys, the game's own names) -> action.
        default_action: what is played where no valid action was chosen; BALROG's choice.
        reset_options: what ``reset(options=...)`` reads.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as Gymnasium declares it
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 10,
    }

    action_names: tuple[str, ...]
    action_aliases: Mapping[str, int]
    default_action: int
    reset_options: tuple[str, ...] = ()
    _settings: list[Any]  # what a state must agree on, of JSON types

    def __init__(
        self,
        *,
        obs: str,
        action_names: tuple[str, ...],
        action_aliases: Mapping[str, int],
        default_action: str,
        arrays: Mapping[str, spaces.Space[Any]],
        max_length: int,
        render_mode: str | None,
    ) -> None:
        choose("obs", obs, OBSERVATIONS)
        if render_mode is not None:
            choose("render_mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.action_names = action_names
        self.action_aliases = action_aliases
        self.default_action = action_names.index(default_action)
        self.action_space = spaces.Discrete(len(action_names))
        text = Utf8Text(max_length)
        self._is_dict = obs == "dict"
        self._array_keys = tuple(arrays) if self._is_dict else ()
        self.observation_space = spaces.Dict({"text": text, **arrays}) if obs == "dict" else text

    def get_state(self) -> dict[str, Any]:
        """A copy of the whole state of the game, which pickles.

        What wrappers keep (the steps that ``TimeLimit`` counts, a history) is theirs.

        Raises:
            ValueError: before the first ``reset``.
        """
        data = self._state_of_game()
        return {
            "state_of": type(self).__name__,
            "state_version": STATE_VERSION,
            "settings": self._settings,
            "np_random": self.np_random.bit_generator.state,
            "data": data,
        }

    def set_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Go on from a state: what follows is what followed it.

        Returns:
            The observation and the info of that state.

        Raises:
            ValueError: if it is a state of another game, other settings or another version.
        """
        expected = {
            "state_of": type(self).__name__,
            "state_version": STATE_VERSION,
            "settings": self._settings,
        }
        for key, value in expected.items():
            got = state.get(key) if isinstance(state, dict) else state
            if got != value:
                raise ValueError(f"expected a state with {key} {value!r}, got {got!r}")
        result = self._set_state_of_game(state["data"])
        self.np_random.bit_generator.state = state["np_random"]
        return result

    @abstractmethod
    def _state_of_game(self) -> dict[str, Any]:
        """What the game's future follows from; a copy that pickles."""

    @abstractmethod
    def _set_state_of_game(self, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Go on from what :meth:`_state_of_game` gave: its observation and info."""

    def _observation(self, caption: Caption, arrays: Mapping[str, Any]) -> Any:
        """The observation that the space asks for: the text, alone or beside the arrays."""
        if not self._is_dict:
            return caption.text
        return {"text": caption.text, **{key: arrays[key] for key in self._array_keys}}

    def _index(self, action: Any) -> int:
        """Check an action.

        Raises:
            ValueError: if it is not in the action space; a negative index would otherwise pick
                from the end of a list without a word.
        """
        try:
            index = operator.index(action)
        except TypeError:
            index = -1
        if not 0 <= index < len(self.action_names):
            raise ValueError(
                f"expected an action from 0 to {len(self.action_names) - 1}, got {action!r}; "
                "strings are taken by textenvs.wrappers.ParseTextAction"
            )
        return index
