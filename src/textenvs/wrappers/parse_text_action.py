"""Take strings as actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from textenvs.errors import InvalidActionText, choose
from textenvs.published_parsers import PARSERS, get_parser
from textenvs.spaces import Utf8Text

__all__ = ["ON_INVALID", "ParseTextAction"]

ON_INVALID = ("default", "random", "repeat", "raise")

_SHOWN = 200  # characters of an answer in an error
_MAX_TEXT = 65_536  # a long chain of thought; what is longer is parsed as well


class ParseTextAction(gymnasium.Wrapper[Any, str, Any, Any], RecordConstructorArgs):
    """Take strings as actions, parsed in stages from strict to lenient.

    ``info`` has ``invalid_action``, whether no action was found, and ``parse_stage``, which of
    :data:`textenvs.parsing.STAGES`, or which rule of a published parser, found it ("" if none did).

    Args:
        env: an environment with a ``Discrete`` action space.
        on_invalid: what is played where the text names no action: the ``"default"`` action, a
            ``"random"`` one, the last valid one (``"repeat"``, at first the default), or nothing
            (``"raise"``).
        default_action: the name of the default action; None for the one that a published parser
            brings along (CrafterGPT's plays ``Do``), or else the environment's own.
        mention: whether the ``"last"`` or the ``"first"`` name in a text counts; matters for the
            parser ``"default"`` only.
        action_names: the texts of the actions; None for the environment's own.
        parser: how the text is read, a key of :data:`textenvs.published_parsers.PARSERS`.
        synonyms: whether words of :mod:`textenvs.synonyms` count ("Drink" for Crafter's ``Do``);
            matters for the parser ``"default"`` only.

    Raises:
        UnknownName: if ``on_invalid``, ``mention``, ``parser`` or ``default_action`` is none of
            its choices.
        ValueError: if the environment's actions are not ``Discrete``, or there are not as many
            names as actions.

    Attributes:
        action_names: the texts of the actions.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import ParseTextAction
        >>> env = ParseTextAction(gymnasium.make("BabyAI-Text-GoToLocal-v0"))
        >>> observation, info = env.reset(seed=0)
        >>> *_, info = env.step("I should look around. ACTION: Turn left!")
        >>> info["text_action"], info["parse_stage"], info["invalid_action"]
        ('turn left', 'tagged', False)
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        on_invalid: str = "default",
        default_action: str | None = None,
        mention: str = "last",
        action_names: Sequence[str] | None = None,
        parser: str = "default",
        synonyms: bool = False,
    ) -> None:
        choose("on_invalid", on_invalid, ON_INVALID)
        choose("mention", mention, ("first", "last"))
        choose("parser", parser, PARSERS)
        RecordConstructorArgs.__init__(
            self,
            on_invalid=on_invalid,
            default_action=default_action,
            mention=mention,
            action_names=None if action_names is None else list(action_names),
            parser=parser,
            synonyms=synonyms,
        )
        gymnasium.Wrapper.__init__(self, env)
        base: Any = env.unwrapped
        names = tuple(action_names or getattr(base, "action_names", None) or ())
        if not names:
            raise ValueError(
                f"expected action_names, or an environment that has them, got {env} without"
            )
        aliases = {} if action_names else getattr(base, "action_aliases", {})
        space = env.action_space
        if not isinstance(space, spaces.Discrete) or space.start != 0 or space.n != len(names):
            raise ValueError(
                f"expected Discrete actions with a name each, got {space} and {len(names)} names"
            )
        self.action_names = names
        self._parser = get_parser(parser, names, aliases, mention=mention, synonyms=synonyms)
        if default_action is not None:
            choose("default_action", default_action, names)
            self._default = names.index(default_action)
        elif self._parser.default is not None:
            self._default = self._parser.default
        else:
            self._default = 0 if action_names else int(getattr(base, "default_action", 0))
        self._on_invalid = on_invalid
        self._last_valid = self._default
        self._random = np.random.default_rng()
        self.action_space = Utf8Text(_MAX_TEXT)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environment; the seed also fixes the random actions of ``on_invalid``."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._last_valid = self._default
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, {**info, "invalid_action": False, "parse_stage": ""}

    def step(self, action: str) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Parse a text and play what it names.

        Raises:
            InvalidActionText: if it names nothing and ``on_invalid`` is ``"raise"``.
        """
        found, stage = self._parser.parse(action)
        index = self._instead(action) if found is None else found
        if found is not None:
            self._last_valid = found
        observation, reward, terminated, truncated, info = self.env.step(index)
        info = {**info, "invalid_action": found is None, "parse_stage": stage}
        return observation, reward, terminated, truncated, info

    def _instead(self, text: object) -> int:
        if self._on_invalid == "raise":
            raise InvalidActionText(
                f"expected one of the actions {', '.join(map(repr, self.action_names))}, "
                f"got {repr(text)[:_SHOWN]}"
            )
        if self._on_invalid == "random":
            return int(self._random.integers(len(self.action_names)))
        return self._last_valid if self._on_invalid == "repeat" else self._default
