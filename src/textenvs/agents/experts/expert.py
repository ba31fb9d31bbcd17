"""What a scripted expert is: a policy of what the text tells, and of nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium
from gymnasium import spaces

from textenvs.agents.agent import Agent

__all__ = ["Decision", "Expert", "Recollection"]


class Decision(NamedTuple):
    """What an expert does, and why.

    Attributes:
        thought: what it is about, in a few words; all that it takes from one step to the next
            beside its recollection.
        action: the text of an action.
    """

    thought: str
    action: str

    @property
    def answer(self) -> str:
        """The decision as a language model would write it: the thought, then the action."""
        return f"{self.thought}\nACTION: {self.action}"


class Recollection(Protocol):
    """What is remembered of an episode: facts that its texts told, never plans."""

    def see(self, text: str, action: str) -> None:
        """Take in an observation, and the action that led to it ("" at the beginning)."""

    def text(self) -> str:
        """Write down what is worth knowing now and is not in the last observation."""


class Expert(Agent):
    """Plays by rules that read the text of the observation, as a language model would.

    A decision follows from three things, all of them text that a model can be shown: the
    observation, the recollection of earlier ones, and the thought of the expert's own last
    decision. So its play can be imitated, and it can say what it would do in games that somebody
    else plays: what was really done is read from ``info["text_action"]``.

    Args:
        seed: kept for the sake of :func:`textenvs.agents.get_agent`; experts draw no numbers.
    """

    games: tuple[str, ...] = ()

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._recollections: dict[int, Recollection] = {}
        self._thoughts: dict[int, str] = {}
        self._names: dict[int, tuple[str, ...] | None] = {}
        self._decisions: dict[int, Decision] = {}

    @abstractmethod
    def recollection(self) -> Recollection:
        """A recollection of an episode that begins."""

    @abstractmethod
    def decide(self, text: str, recollection: Any, thought: str) -> Decision:
        """Decide what to do.

        Args:
            text: the observation, which the recollection has seen.
            recollection: what is remembered of the episode.
            thought: the thought of the last decision, "" at the beginning. It may be anybody's,
                and may make no sense; the places in it are of no use any more, and may be missing.
        """

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Forget everything."""
        names = tuple(env.get_wrapper_attr("action_names"))
        takes_numbers = isinstance(env.action_space, spaces.Discrete)
        self._names[episode] = names if takes_numbers else None
        self._recollections[episode] = self.recollection()
        self._thoughts[episode] = ""

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Decide in each episode."""
        return [
            self._act(info.get("episode_index", 0), _text(observation), info)
            for observation, info in zip(observations, infos, strict=True)
        ]

    def _act(self, episode: int, text: str, info: Mapping[str, Any]) -> Any:
        recollection = self._recollections[episode]
        recollection.see(text, str(info.get("text_action", "")))
        decision = self.decide(text, recollection, self._thoughts[episode])
        self._thoughts[episode] = decision.thought
        self._decisions[episode] = decision
        names = self._names[episode]
        return decision.action if names is None else names.index(decision.action)

    def notes(self, episode: int) -> Mapping[str, Any]:
        """The answer that a language model would have given."""
        return {"answer": self._decisions[episode].answer}

    def end(self, episode: int) -> None:
        """Drop what was kept of the episode."""
        for kept in (self._recollections, self._thoughts, self._names, self._decisions):
            kept.pop(episode, None)


def _text(observation: Any) -> str:
    return str(observation["text"] if isinstance(observation, Mapping) else observation)
