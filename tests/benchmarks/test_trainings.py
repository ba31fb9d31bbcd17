"""The benchmarks that train: what they need is told before any work."""

from __future__ import annotations

import importlib
import sys

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
