"""An agent that is shown how others played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.memory import Memory
from textenvs.errors import TraceError
from textenvs.llm.model import LanguageModel
from textenvs.prompts import Message, alternating
from textenvs.traces import Trace, read_traces

__all__ = ["FewShotAgent", "demonstration"]

_START = "Demonstration {number} begins."
_END = "Demonstration {number} is over."
_TURN = "Now it is your turn to play."


class FewShotAgent(LanguageAgent):
    """Puts recorded episodes of the same game before the one that is played.

    The best ones are taken, by return, and of equals the shorter.

    Args:
        model: who answers.
        demonstrations: a folder of traces.
        episodes: how many of them are shown.
        steps: how many steps of each are shown, at most; the first ones.
        **kwargs: as :class:`LanguageAgent`.

    Raises:
        TraceError: if there are no complete episodes.
        ValueError: if a number is below 1.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        demonstrations: Path | str,
        episodes: int = 1,
        steps: int = 100,
        **kwargs: Any,
    ) -> None:
        if episodes < 1 or steps < 1:
            raise ValueError(
                f"expected episodes and steps of 1 or more, got {episodes} and {steps}"
            )
        super().__init__(model, **kwargs)
        self.name = "few_shot"
        self._shown = [t for t in read_traces(demonstrations) if t.end is not None and t.steps]
        if not self._shown:
            raise TraceError(f"{demonstrations}: expected complete episodes, found none")
        self._episodes = episodes
        self._steps = steps
        self._by_game: dict[str, list[Message]] = {}

    def _messages(self, memory: Memory) -> list[Message]:
        first, *rest = super()._messages(memory)
        if memory.game not in self._by_game:
            self._by_game[memory.game] = self._demonstrations(memory.game)
        return [first, *alternating([*self._by_game[memory.game], *rest])]

    def _demonstrations(self, game: str) -> list[Message]:
        fitting = [t for t in self._shown if t.header["env_id"].startswith(f"{game}-Text-")]
        if not fitting:
            have = sorted({trace.header["env_id"] for trace in self._shown})
            raise TraceError(f"expected demonstrations of {game}, got those of {', '.join(have)}")
        fitting.sort(key=_worth)
        messages: list[Message] = []
        for number, trace in enumerate(fitting[: self._episodes], 1):
            messages += demonstration(trace, number, self._steps, self._form())
        return [*messages, {"role": "user", "content": _TURN}]


def demonstration(trace: Trace, number: int, steps: int, form: str) -> list[Message]:
    """An episode as messages: what was seen, and what was played, in a form of answer."""
    messages: list[Message] = [{"role": "user", "content": _START.format(number=number)}]
    for step in (step for step in trace.steps[:steps] if step.get("observation")):
        messages.append({"role": "user", "content": step["observation"]})
        messages.append({"role": "assistant", "content": form.format(action=step["text_action"])})
    return [*messages, {"role": "user", "content": _END.format(number=number)}]


def _worth(trace: Trace) -> tuple[float, int, int]:
    assert trace.end is not None
    return (-trace.end["return"], trace.end["length"], trace.header["episode"])
