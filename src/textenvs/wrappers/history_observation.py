"""Show the last observations and actions before the current one."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from textenvs.spaces import Utf8Text

__all__ = ["HistoryObservation"]

_MAX_ACTION = 256


class HistoryObservation(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    r"""Show the last ``length`` observations and actions, as text, before the current observation.

    The text reads "Observation: ...", "Action: ...", and so on, the oldest first; the actions are
    those that were played, ``info["text_action"]``. A dict observation has its ``"text"`` extended.

    Args:
        env: a text environment.
        length: how many past steps are shown at most; 0 for the current observation alone.

    Raises:
        ValueError: if ``length`` is negative or the observation is no text.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import HistoryObservation
        >>> env = HistoryObservation(
        ...     gymnasium.make("BabyAI-Text-GoToLocal-v0", style="glam"), length=1
        ... )
        >>> _ = env.reset(seed=2)
        >>> print(env.step(0)[0].replace(", You", ",\n    You"))
        Observation: You see a wall 1 step forward,
            You see a wall 2 steps left
        Action: turn left
        Observation: You see a wall 2 steps forward,
            You see a wall 1 step right,
            You see a red box 3 steps left and 1 step forward,
            You see a purple key 2 steps left
    """

    def __init__(self, env: gymnasium.Env[Any, Any], length: int = 4) -> None:
        if length < 0:
            raise ValueError(f"expected a length of 0 or more steps, got {length}")
        RecordConstructorArgs.__init__(self, length=length)
        gymnasium.Wrapper.__init__(self, env)
        space = env.observation_space
        self._is_dict = isinstance(space, spaces.Dict)
        text = space.spaces.get("text") if isinstance(space, spaces.Dict) else space
        if not isinstance(text, spaces.Text):
            raise ValueError(f"expected an observation of text, got the space {space}")
        longest = Utf8Text((text.max_length + _MAX_ACTION) * (length + 1))
        if isinstance(space, spaces.Dict):
            self.observation_space = spaces.Dict({**space.spaces, "text": longest})
        else:
            self.observation_space = longest
        self._past: deque[str] = deque(maxlen=length)
        self._now = ""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environment and forget the past."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._past.clear()
        return self._extend(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play an action, which joins the past with the observation that it followed."""
        past = self._now
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._past.append(f"Observation: {past}\nAction: {info['text_action']}\n")
        return self._extend(observation), reward, terminated, truncated, info

    def _extend(self, observation: Any) -> Any:
        self._now = observation["text"] if self._is_dict else observation
        text = f"{''.join(self._past)}Observation: {self._now}"
        return {**observation, "text": text} if self._is_dict else text
