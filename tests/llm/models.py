"""Models and servers that tell what they were asked."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

from serving import RunningServer
from textenvs.llm import Completion, LanguageModel, Messages, Sampling, Usage
from textenvs.llm.retry import Fault

TOOL = {
    "type": "function",
    "function": {"name": "act", "parameters": {"type": "object", "properties": {}}},
}

Script = Callable[[str, int], Completion | Exception]
"""The last message's text and how often it was asked before -> what comes of it."""


def prompt(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def says(text: str = "yes", status: str = "ok", *, tokens: int = 10, **more: Any) -> Completion:
    """An answer that took some tokens, half of them of input."""
    return Completion(text, status, usage=Usage(tokens // 2, tokens - tokens // 2), **more)


def always(what: Completion | Exception) -> Script:
    return lambda text, times: what


def first(*what: Completion | Exception) -> Script:
    """One after the other, and then a plain answer."""
    return lambda text, times: what[times] if times < len(what) else says()


class Model(LanguageModel):
    """Follows a script; counts what it is asked, when, and by how many at once."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        concurrent: bool = True,
        delay: float = 0.0,
        tells_cost: bool = False,
    ) -> None:
        self.name = "scripted:test"
        self.concurrent = concurrent
        self.tells_cost = tells_cost
        self.script = script or (lambda text, times: says(text.upper()))
        self.delay = delay
        self.asked: list[tuple[str, int]] = []
        self.times: list[float] = []
        self.batches: list[int] = []
        self.busy = self.busiest = 0
        self.closed = False
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        return len(self.asked)

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        assert samples is not None
        with self._lock:
            self.batches.append(len(prompts))
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            return [
                self._answer(messages, sample)
                for messages, sample in zip(prompts, samples, strict=True)
            ]
        finally:
            with self._lock:
                self.busy -= 1

    def _answer(self, messages: Messages, sample: int) -> Completion:
        text = messages[-1]["content"]
        with self._lock:
            before = sum(asked == text for asked, _ in self.asked)
            self.asked.append((text, sample))
            self.times.append(time.monotonic())
        if self.delay:
            time.sleep(self.delay)
        answer = self.script(text, before)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def fault(kind: str, retry_after: float | None = None) -> Fault:
    return Fault(kind, f"a fault: {kind}", retry_after)


def last(server: RunningServer) -> dict[str, Any]:
    """The last request that reached the server."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/last", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def body(server: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(last(server)["body"])
    return found
