"""What an agent keeps of an episode."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textenvs.agents.experts.expert import Recollection
from textenvs.prompts import Turn

__all__ = ["Memory"]

_KEPT_OF_INVALID = 200  # characters of an answer without an action


@dataclass
class Memory:
    """An episode, as far as it was played.

    Attributes:
        game: "Crafter", "BabyAI", "MiniGrid" or "NetHack".
        actions: the texts of the actions.
        seed: what randomness of the agent's own follows from.
        form: how a valid answer is remembered, with ``{action}`` in it.
        feedback: what comes before an observation that followed an answer without an action, with
            ``{action}`` for what was played instead; empty for nothing.
        turns: what was seen and done, the oldest first, as far as it can still be shown.
        dropped: how many turns before them can not.
        observation: what is seen now, without what holds for this moment only.
        status: what holds for this moment only.
        mission: the task; empty if there is none.
        queue: what is still to be played of the last answer.
        summary: what was summed up of the oldest turns.
        summarized: how many turns that was.
        summary_due: how many turns there must be before the next one is asked for.
        recollection: what takes in every text of the episode; None where nothing does.
        notes: what the trace is to say of the step.
    """

    game: str
    actions: tuple[str, ...]
    seed: int
    form: str = "{action}"
    feedback: str = ""
    turns: list[Turn] = field(default_factory=list)
    dropped: int = 0
    observation: str = ""
    status: str = ""
    mission: str = ""
    queue: deque[str] = field(default_factory=deque)
    summary: str = ""
    summarized: int = 0
    summary_due: int = 0
    recollection: Recollection | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    _answer: str | None = None
    _asked_about: str = ""
    _played: list[str] = field(default_factory=list)

    @property
    def played(self) -> int:
        """How many turns there were."""
        return self.dropped + len(self.turns)

    def drop_before(self, turn: int) -> None:
        """Forget the turns before one, counted from the episode's first."""
        gone = max(0, turn - self.dropped)
        del self.turns[:gone]
        self.dropped += gone

    def answered(self, answer: str, actions: list[str]) -> None:
        """The model answered what is seen now, and chose actions."""
        self._answer = answer
        self._asked_about = self.observation
        self._played = []
        self.queue.extend(actions)

    def see(self, text: str, info: Mapping[str, Any]) -> None:
        """Take in what an action led to.

        Captions of two parts (BALROG's) are kept apart: the short-term one is not remembered.
        """
        told = ""
        if self._answer is not None:
            self._played.append(str(info.get("text_action", "")))
            invalid = bool(info.get("invalid_action", False))
            if invalid:
                self.queue.clear()  # what was planned behind a mistake is not played
                told = self.feedback.format(action=self._played[-1])
            if not self.queue:
                self._close_turn(invalid)
        observation = str(info.get("long_term_context", text))
        self.observation = f"{told}\n{observation}" if told else observation
        self.status = str(info.get("short_term_context", ""))
        self.mission = str(info.get("mission", ""))
        if self.recollection is not None:
            self.recollection.see(text, str(info.get("text_action", "")))

    def _close_turn(self, invalid: bool) -> None:
        played, said = ", ".join(self._played), self._answer or ""
        said = said.strip()[:_KEPT_OF_INVALID] if invalid else self.form.format(action=played)
        self.turns.append(Turn(self._asked_about, said, played, invalid))
        self._answer = None
