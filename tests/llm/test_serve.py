"""A real server of a real model: `transformers serve`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm.models import prompt
from textenvs.errors import ModelError
from textenvs.llm import Cache, Gateway, Sampling, get_model

pytestmark = pytest.mark.models

PATIENCE = 90.0  # seconds until it must be up
PROMPTS = [
    prompt("You see a red ball 2 steps forward"),
    [{"role": "system", "content": "Possible action: turn left"}, *prompt("go")],
    prompt("You see a wall 3 steps left, You carry a yellow key"),
    prompt("pick up"),
]
SHORT = Sampling(max_tokens=12)


@pytest.fixture(scope="module")
def address(tiny_causal: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that runs the small model until the tests are over."""
    pytest.importorskip("uvicorn")
    script = Path(sys.executable).with_name("transformers")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [
                *(script, "serve", tiny_causal),
                *("--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
            ],
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + PATIENCE
        while not _is_up(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def _is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_a_served_model_answers_as_it_does_here(address: str, tiny_causal: Path) -> None:
    served = get_model(f"openai:{tiny_causal}@{address}").generate(PROMPTS, SHORT)
    here = get_model(f"hf:{tiny_causal}?device=cpu").generate(PROMPTS, SHORT)
    assert [answer.text.strip() for answer in served] == [answer.text for answer in here]
    assert [answer.status for answer in served] == ["cut"] * 4
    assert [answer.usage for answer in served] == [answer.usage for answer in here]
    assert all(answer.usage.output_tokens == 12 for answer in served)


def test_many_may_ask_it_at_once(address: str, tiny_causal: Path, tmp_path: Path) -> None:
    model = get_model(f"openai:{tiny_causal}@{address}")
    alone = model.generate(PROMPTS, SHORT)
    gateway = Gateway(model, cache=Cache(tmp_path / "c"), concurrency=4)
    assert gateway.generate(PROMPTS * 2, SHORT) == alone * 2
    assert gateway.ledger.requests == 4
    assert gateway.ledger.usage.output_tokens == 48
    assert gateway.ledger.faults == {}


def test_litellm_asks_it_too(
    address: str, tiny_causal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")  # LiteLLM wants one
    model = get_model(f"litellm:openai/{tiny_causal}@{address}")
    (answer,) = model.generate(PROMPTS[:1], SHORT)
    (here,) = get_model(f"hf:{tiny_causal}?device=cpu").generate(PROMPTS[:1], SHORT)
    assert answer.text.strip() == here.text


def test_a_model_that_it_does_not_serve_is_an_error_that_stays(address: str) -> None:
    gateway = Gateway(get_model(f"openai:other@{address}"))
    with pytest.raises(ModelError, match="requested 'other'"):
        gateway.generate(PROMPTS[:1], SHORT)
    assert gateway.ledger.requests == 0
