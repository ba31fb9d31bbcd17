"""The expert of whatever game is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium

from textenvs.agents.agent import Agent
from textenvs.agents.experts.expert import Expert
from textenvs.agents.experts.recollections import expert_of

__all__ = ["ExpertAgent"]


class ExpertAgent(Agent):
    """Plays each game by its scripted expert, which sees no more than the text tells.

    Args:
        seed: kept for the sake of :func:`textenvs.agents.get_agent`; experts draw no numbers.
    """

    name = "expert"

    def __init__(self, seed: int = 0) -> None:
        self._experts: dict[str, Expert] = {}
        self._of_episode: dict[int, Expert] = {}

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Choose the expert by the environment's id.

        Raises:
            UnknownName: if the game has none.
        """
        env_id = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        game = env_id.partition("-Text-")[0]
        if game not in self._experts:
            self._experts[game] = expert_of(game)
        self._of_episode[episode] = self._experts[game]
        self._experts[game].begin(episode, env, seed)

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Ask each episode's expert."""
        return [
            self._of_episode[info.get("episode_index", 0)].act([observation], [info])[0]
            for observation, info in zip(observations, infos, strict=True)
        ]

    def notes(self, episode: int) -> Mapping[str, Any]:
        """What the expert thought and did, as a language model would have written it."""
        return self._of_episode[episode].notes(episode)

    def end(self, episode: int) -> None:
        """Drop what was kept of the episode."""
        self._of_episode.pop(episode).end(episode)
