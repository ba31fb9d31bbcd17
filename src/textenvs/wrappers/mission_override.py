"""Choose the mission of a BabyAI level."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

__all__ = ["MissionOverride"]


class MissionOverride(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Choose the mission of a BabyAI level: the task itself, not only its words.

    At every reset worlds are drawn, reproducibly from the seed, until one has what the mission
    names; success, reward and the limit of steps then follow that mission.

    Args:
        env: a BabyAI text environment.
        mission: in BabyAI's language: "go to the red ball", "pick up a key, then open the blue
            door", "put the green box next to a ball".

    Raises:
        ValueError: if the environment's ``reset`` takes no mission.
        InvalidMission: at ``reset``, if the mission is not understood or the level cannot host it.

    Example:
        >>> import gymnasium, textenvs
        >>> from textenvs.wrappers import MissionOverride
        >>> env = MissionOverride(gymnasium.make("BabyAI-Text-GoToLocal-v0"), "go to the red ball")
        >>> observation, info = env.reset(seed=0)
        >>> info["mission"]
        'go to the red ball'
    """

    def __init__(self, env: gymnasium.Env[Any, Any], mission: str) -> None:
        if "mission" not in getattr(env.unwrapped, "reset_options", ()):
            raise ValueError(f"expected an environment whose reset takes a mission, got {env}")
        RecordConstructorArgs.__init__(self, mission=mission)
        gymnasium.Wrapper.__init__(self, env)
        self._mission = mission

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environment to a world that can host the mission."""
        return self.env.reset(seed=seed, options={**(options or {}), "mission": self._mission})
