"""The benchmarks that train: what they need is told before any work."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from textenvs.errors import MissingExtra


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("minigrid_advice", "stable_baselines3", "rl"),
        ("motif", "sb3_contrib", "rl"),
        ("background_knowledge", "stable_baselines3", "rl"),
        ("train_tiny", "torch", "hf"),
    ],
)
def test_a_missing_package_is_told_in_one_line(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = importlib.import_module(name)
    for each in ("stable_baselines3", "sb3_contrib", "torch"):
        if each == package:
            monkeypatch.setitem(sys.modules, each, None)
        elif each not in sys.modules:
            monkeypatch.setitem(sys.modules, each, type(sys)(each))  # as if it were installed
    with pytest.raises(MissingExtra, match=rf"{package!r}.*textenvs\[{extra}\]"):
        benchmark.main(["--smoke"])


@pytest.mark.models
def test_processes_share_the_requests_that_a_server_may_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    trainings = importlib.import_module("trainings")
    run = SimpleNamespace(
        settings=SimpleNamespace(llm="openai:m@http://127.0.0.1:9/v1"), folder=lambda work: work
    )
    whole, quarter = (
        trainings._adviser(run, tmp_path / str(share), share)._limiter for share in (1.0, 0.25)
    )
    waits = {limiter: [limiter.reserve() for _ in range(10)][-1] for limiter in (whole, quarter)}
    assert waits[whole] <= 9 / 50 < waits[quarter] <= 4 * 9 / 50
