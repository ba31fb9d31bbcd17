"""Questions to a language model, each kept with its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textenvs.llm import LanguageModel, Sampling
from textenvs.llm.cache import prompt_key
from textenvs.llm.model import Messages
from textenvs.shaping.potential import History

__all__ = ["Notebook", "describe"]

_FILE = "requests.jsonl"


class Notebook:
    """Asks a model, and writes down what was asked and answered, each once.

    ``requests.jsonl`` has ``prompt`` (messages), ``answer``, ``sample``, ``status`` and ``usage``;
    the same answers can be given again by ``--llm recorded:FILE``.

    Args:
        model: who is asked; a gateway with a cache, so that a stopped run goes on where it was.
        folder: where the file is.
        sampling: how answers are drawn.
        label: what the knowledge calls the model; None for its name.
    """

    def __init__(
        self, model: LanguageModel, folder: Path, sampling: Sampling, label: str | None = None
    ) -> None:
        self.model, self.sampling = model, sampling
        self.label = label or model.name
        self._path = folder / _FILE
        folder.mkdir(parents=True, exist_ok=True)
        self._known: set[tuple[str, int, str]] = set()
        if self._path.exists():
            self._mend()

    def _mend(self) -> None:
        """Read what is there; the half line of a killed run is left behind."""
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("}\n")]
        if len(whole) < len(lines):
            self._path.write_text("".join(whole), encoding="utf-8")
        for line in whole:
            record = json.loads(line)
            self._known.add((prompt_key(record["prompt"]), record["sample"], record["answer"]))

    def ask(self, prompts: Sequence[Messages], sample: int = 0) -> list[str]:
        """The answers to n prompts, asked in one batch.

        Args:
            prompts: n lists of messages.
            sample: which answer of several to the same prompt.
        """
        answers = self.model.generate(prompts, self.sampling, [sample] * len(prompts))
        with self._path.open("a", encoding="utf-8") as file:
            for prompt, answer in zip(prompts, answers, strict=True):
                key = prompt_key(prompt), sample, answer.text
                if key in self._known:
                    continue
                self._known.add(key)
                told: dict[str, Any] = {
                    "prompt": [dict(message) for message in prompt],
                    "answer": answer.text,
                    "sample": sample,
                    "status": answer.status,
                    "usage": answer.as_json().get("usage"),
                }
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
        return [answer.text for answer in answers]

    def about(self) -> dict[str, Any]:
        """Who answered, how, and on which day."""
        return {
            "llm": self.label,
            "sampling": self.sampling.as_json(),
            "date": datetime.now(UTC).date().isoformat(),
            "requests": len(self._known),
        }


def describe(history: History, action_names: Sequence[str]) -> str:
    r"""What was seen and done, a line each, the last state at the end.

    Args:
        history: with observations that have a ``text``.
        action_names: what the actions are called.

    Example:
        >>> seen = tuple({"text": text} for text in ("You see a key 1 step left", "You see a wall"))
        >>> print(describe(History(seen, (0,)), ("turn left",)))
        1. Seen: You see a key 1 step left
           Done: turn left
        2. Seen: You see a wall
    """
    lines = []
    for number, observation in enumerate(history.observations):
        lines.append(f"{number + 1}. Seen: {' '.join(str(observation['text']).split())}")
        if number < len(history.actions):
            lines.append(f"   Done: {action_names[history.actions[number]]}")
    return "\n".join(lines)
