"""``textenvs train`` with a real server: what advice costs is told, kept, and limited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import RunningServer
from textenvs.cli import main

pytest.importorskip("stable_baselines3")
pytest.importorskip("openai")

pytestmark = pytest.mark.models

_TRAIN = ("train", "MiniGrid-Text-Empty-5x5-v0", "--total-timesteps", "16", "--num-envs", "1")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-for-the-tests")
    running = RunningServer()
    yield running
    running.process.kill()
    running.process.wait()


def _options(server: RunningServer, tmp_path: Path) -> list[str]:
    prices = tmp_path / "prices.json"
    prices.write_text('{"test": {"input": 1000, "output": 2000}}')
    learner = ["--hyper", "n_steps=16", "--hyper", "batch_size=16", "--hyper", "n_epochs=1"]
    advice = ["--llm", server.llm, "--advice", "policy", "--match", "names"]
    return [*_TRAIN, *learner, *advice, "--prices", str(prices), "--out", str(tmp_path / "run")]


def test_what_was_sent_is_told_and_kept(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_options(server, tmp_path)) == 0
    told = " ".join(capsys.readouterr().out.split())
    lines = (tmp_path / "run" / "requests.jsonl").read_text().splitlines()
    assert len(lines) == server.requests > 0
    spent = sum(json.loads(line)["usd"] for line in lines)
    assert f"; {len(lines)} requests, " in told
    assert f" tokens, {spent:.4f} USD" in told


def test_a_run_stops_at_its_cost_and_goes_on_with_a_larger_one(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_options(server, tmp_path), "--max-usd", "0.0001"]) == 3
    assert "max_usd of 0.0001 is spent" in capsys.readouterr().err
    assert main([*_options(server, tmp_path), "--max-usd", "1000"]) == 0


def test_limits_of_a_model_need_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--max-usd", "--requests-per-second"):
        assert main([*_TRAIN, option, "1", "--out", str(tmp_path / "run")]) == 2
        assert f"to which {option} belongs" in capsys.readouterr().err
