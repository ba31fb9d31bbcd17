"""What an agent is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium

__all__ = ["Agent"]


class Agent(ABC):
    """Chooses actions for a batch of running episodes.

    The rollout tells an agent when an episode begins and ends; in between, every ``info`` that it
    hands to :meth:`act` names the episode it belongs to (``info["episode_index"]``), since the
    batch shrinks and refills as episodes end. What an agent does in an episode depends on that
    episode alone, never on the others in the batch, so that results do not depend on how many run
    at once.

    Attributes:
        name: for traces and messages; empty for the class's.
        independent: whether it is as well asked for single episodes, from several threads, as for
            batches: an agent that waits for a server gains by it.
    """

    name: str = ""
    independent: bool = False

    def begin(  # noqa: B027  # most agents keep nothing
        self, episode: int, env: gymnasium.Env[Any, Any], seed: int
    ) -> None:
        """An episode begins.

        Args:
            episode: its number in the run.
            env: what it is played in; not to be stepped or reset.
            seed: what it was reset with; randomness of the agent's own is to follow from it.
        """

    @abstractmethod
    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Choose an action for each observation.

        Args:
            observations: n observations of n different episodes.
            infos: the n infos that came with them.

        Returns:
            n actions of the environments' action space, in the same order.
        """

    def replay(
        self,
        observations: Sequence[Any],
        infos: Sequence[Mapping[str, Any]],
        steps: Sequence[Mapping[str, Any]],
    ) -> None:
        """Catch up with steps that were played before a run was killed.

        Choosing again and dropping the choice brings plans and generators to where they were. An
        agent whose choices are dear overrides this.

        Args:
            observations: as in :meth:`act`.
            infos: as in :meth:`act`.
            steps: what their traces say of each: ``action`` and what :meth:`notes` added.
        """
        self.act(observations, infos)

    def notes(self, episode: int) -> Mapping[str, Any]:
        """What an episode's trace is to say of the action just chosen.

        Returns:
            Fields of JSON types: ``prompt``, ``answer``, ``usage``.
        """
        return {}

    def stop(self, why: BaseException) -> None:  # noqa: B027
        """An episode failed in another thread: whoever waits for an action is to give up."""

    def end(self, episode: int) -> None:  # noqa: B027
        """An episode is over: what was kept for it can go."""
