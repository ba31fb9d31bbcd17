"""A server, and the command line in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving import RunningServer, textenvs


@pytest.fixture
def serve() -> Iterator[Callable[..., RunningServer]]:
    """Starts servers with options of tests/llm/server.py, and ends them."""
    running: list[RunningServer] = []

    def start(*options: str) -> RunningServer:
        running.append(RunningServer(*options))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line to its end."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            textenvs(*arguments), check=False, capture_output=True, text=True, timeout=120
        )

    return run
