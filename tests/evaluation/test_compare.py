"""Runs are compared on the episodes that they share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from textenvs.cli import main
from textenvs.errors import TraceError
from textenvs.evaluation import Settings, compare, evaluate, read_records
from textenvs.metrics import episodes_needed, paired_bootstrap, permutation_test

LEVEL = "BabyAI-Text-GoToObj-v0"


def play(out: Path, agent: str, episodes: int = 20, seed: int = 0) -> Path:
    evaluate(Settings((LEVEL,), agent=agent, episodes=episodes, seed=seed), out)
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("runs")
    made: dict[Any, Path] = {}

    def run(agent: str, episodes: int = 20, seed: int = 0) -> Path:
        key = (agent, episodes, seed)
        if key not in made:
            made[key] = play(folder / "-".join(map(str, key)), *key)
        return made[key]

    return run


def test_episodes_of_the_same_seed_are_paired(runs: Callable[..., Path]) -> None:
    random, bot = runs("random"), runs("bot")
    (found,) = compare([random, bot], ["success"])
    old, new = (
        [float(bool(record.success)) for record in read_records(folder)] for folder in (random, bot)
    )
    assert found.pairs == 20
    assert (found.first_mean, found.second_mean) == (sum(old) / 20, 1.0)
    assert found.difference == paired_bootstrap(old, new)
    assert found.p == found.p_adjusted == permutation_test(old, new)
    assert found.needed == episodes_needed([b - a for a, b in zip(old, new, strict=True)])
    assert found.separated
    assert found.warning == ""


def test_too_few_episodes_are_warned_about(runs: Callable[..., Path]) -> None:
    (found,) = compare([runs("random", 4), runs("bot", 4)], ["success"])
    assert not found.separated
    assert "4 episodes do not separate them" in found.warning


def test_several_tests_are_adjusted_for(runs: Callable[..., Path]) -> None:
    found = compare([runs("random"), runs("bot")], ["success", "length", "return"])
    assert all(each.p_adjusted >= each.p for each in found)
    assert any(each.p_adjusted > each.p for each in found)


def test_a_run_with_more_episodes_is_compared_on_those_that_both_have(
    runs: Callable[..., Path],
) -> None:
    (found,) = compare([runs("random", 4), runs("bot", 20)], ["success"])
    assert (found.pairs, found.unpaired) == (4, 16)


def test_runs_without_a_common_episode_cannot_be_compared(runs: Callable[..., Path]) -> None:
    with pytest.raises(TraceError, match="found none; play both with the same ids and --seed"):
        compare([runs("random"), runs("bot", 20, 7)])


def test_a_run_is_compared_with_itself_without_a_difference(runs: Callable[..., Path]) -> None:
    (found,) = compare([runs("random"), runs("random")], ["success"])
    assert (found.difference.mean, found.p, found.needed) == (0.0, 1.0, None)


def test_one_folder_is_no_comparison(runs: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="expected two or more"):
        compare([runs("random")])


@pytest.mark.models
def test_the_command_prints_and_writes(
    runs: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(runs("random")), str(runs("bot")), "--metric", "success"]
    assert main(["compare", *arguments, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert LEVEL in shown
    assert " *" in shown
    (written,) = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert written["pairs"] == 20
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_tells_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert capsys.readouterr().err.startswith("textenvs compare: error: ")
