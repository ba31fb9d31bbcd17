"""Servers and small models for the tests of language models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import RunningServer

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which reads it once
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no address of the machine's owner reaches a test."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 that chats."""
    from tiny_models import make_causal

    return make_causal(tmp_path_factory.mktemp("causal"))


@pytest.fixture(scope="session")
def tiny_encoder_decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5."""
    from tiny_models import make_encoder_decoder

    return make_encoder_decoder(tmp_path_factory.mktemp("encoder-decoder"))


@pytest.fixture
def serve() -> Iterator[Callable[..., RunningServer]]:
    """Starts servers: ``serve(faults={0: "429"}, key="k", delay=0.1)``; they end with the test."""
    running: list[RunningServer] = []

    def start(**options: Any) -> RunningServer:
        arguments: list[str] = []
        for name, value in options.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            arguments += [f"--{name}", text]
        running.append(RunningServer(*arguments))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()
