"""Say what each action did."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice import action_number
from textenvs.captioners.transitions import transition

__all__ = ["CaptionTransition"]


class CaptionTransition(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Say what each action did: ``info["transition"]``, "" at the beginning.

    Action and effect: "pick up yellow key.", "collect wood.", "do nothing." for what changed
    nothing. A step into MiniGrid's goal is its mission: "get to the green goal square.".
    See :mod:`textenvs.captioners.transitions`.

    Args:
        env: a game of Crafter or NetHack, or of MiniGrid with ``obs="dict"``.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import CaptionTransition
        >>> env = CaptionTransition(gymnasium.make("BabyAI-Text-GoToLocal-v0", obs="dict"))
        >>> observation, info = env.reset(seed=0)
        >>> *_, info = env.step(0)
        >>> info["transition"]
        'turn left.'
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        self._before: tuple[Any, dict[str, Any]] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._before = observation, info
        return observation, {**info, "transition": ""}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action, and say what it did."""
        assert self._before is not None, "reset() comes first"
        seen, before = self._before
        number = action_number(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._before = observation, info
        said = transition(seen, before, number, info)
        return observation, reward, terminated, truncated, {**info, "transition": said}
