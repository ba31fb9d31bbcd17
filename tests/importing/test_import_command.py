"""``textenvs import``, on the published games."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from textenvs.agents import RandomAgent
from textenvs.cli import main
from textenvs.errors import TraceError
from textenvs.evaluation import METRICS, compare, read_records
from textenvs.loop import rollout
from textenvs.traces import read_traces

BABYAI = "BabyAI-Text-MixedTrainLocal-v0"
ROWS = 14  # six models' Crafter and BabyAI, two models' NetHack
EPISODES = 6 * 10 + 6 * 50 + 2 * 5


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the submissions are imported to, by the first test that needs them."""
    return tmp_path_factory.mktemp("imported") / "balrog"


@pytest.fixture
def balrog(published_data: Path, folder: Path) -> Path:
    """The imported submissions."""
    if not folder.exists():
        arguments = ["import", "balrog", str(published_data / "balrog"), "--out", str(folder)]
        assert main(arguments) == 0
    return folder


@pytest.fixture
def said(balrog: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((balrog / "import.json").read_text())
    return found


def test_every_row_is_the_published_one(
    said: dict[str, Any], published_data: Path, record_property: Any
) -> None:
    submissions = published_data / "balrog"
    by_name = {
        (path.parent / "metadata.yaml").read_text().split("\n")[0].removeprefix("name: "): path
        for path in submissions.glob("*/summary.json")
    }
    names = {"Crafter": "crafter", "BabyAI": "babyai", "NetHack": "nle"}
    assert len(said["rows"]) == ROWS
    for row in said["rows"]:
        game = names[row["env_id"].partition("-")[0]]
        path = by_name[row["player"]]
        one = json.loads(path.read_text())["environments"][game]
        other = json.loads((path.parent / game / f"{game}_summary.json").read_text())
        assert row["episodes"] == one["episodes_played"] == other["episodes_played"]
        for published in (one, other):
            assert 100 * row["progress"] == pytest.approx(published["progression_percentage"])
            assert 100 * row["standard_error"] == pytest.approx(published["standard_error"])
        assert row["steps"] == pytest.approx(other["average_steps"])
        tokens = other["input_tokens"] + other["output_tokens"]
        assert row["tokens"]["mean"] * row["steps"] * row["episodes"] == pytest.approx(tokens)
        assert row["equal"] is True
    stated = f"{len(said['rows'])} rows equal, {said['missing']} files or folders missing"
    record_property("published rows", stated)
    print(stated)


def test_what_is_missing_is_named_and_counted(said: dict[str, Any]) -> None:
    games = {problem["file"]: problem["episodes"] for problem in said["problems"]}
    grok = "20250425_naive_grok-3"
    steps = f"{grok}/nle/NetHackChallenge-v0/NetHackChallenge-v0_run_0"
    assert games == {
        "20241103_Claude-3.5-Sonnet/nle": 5,
        "20241115_naive-Qwen2.5-7B-it/nle": 5,
        "20250425_naive_Gemini-2.5-Pro-Exp-03-25/nle": 10,
        f"{grok}/crafter": 10,
        f"{grok}/babyai": 50,
        **{f"{steps}{run}.csv": 0 for run in (1, 2, 3, 4)},
        "20250713_naive_grok-4/nle": 5,
        "20250719-naive_gemini-2.5-flash/nle": 5,
    }
    assert (said["missing"], said["broken"]) == (11, 0)
    assert (said["episodes"], said["without_steps"], said["without_results"]) == (EPISODES, 4, 0)


def test_every_game_of_babyai_plays_again_as_recorded(balrog: Path, said: dict[str, Any]) -> None:
    assert said["replayable"] == 300
    distractors: Counter[tuple[str, int]] = Counter()
    for trace in read_traces(balrog):
        if trace.header["env_id"] != BABYAI:
            assert trace.header["seed"] is None
            continue
        assert trace.header["imported"]["replays"]
        player = trace.path.parent.parent.name
        distractors[player, trace.header["settings"]["env"]["num_dists"]] += 1
    # That one row was played with BALROG's mistaken 8 distractors.
    assert {player: number for player, number in distractors if number} == {"Qwen-2.5-7B-it": 8}
    assert set(distractors.values()) == {50}


def test_replay_checks_what_has_a_seed_and_refuses_the_rest(
    balrog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = balrog / "Grok-4" / BABYAI / "episode-00030.jsonl"
    assert main(["replay", str(trace), "--check"]) == 0
    assert "each text and reward as recorded" in capsys.readouterr().out
    for other in ("Crafter-Text-BALROG-v0", BABYAI):
        path = balrog / "Grok-4" / other / "episode-00000.jsonl"
        assert main(["replay", str(path), "--all"]) == 0
    capsys.readouterr()
    path = balrog / "Grok-4" / "Crafter-Text-BALROG-v0" / "episode-00000.jsonl"
    assert main(["replay", str(path), "--check"]) == 2
    assert "expected an env_spec and a seed to play again" in capsys.readouterr().err


def test_an_imported_run_is_not_resumed(balrog: Path) -> None:
    with pytest.raises(TraceError, match="is of another run"):
        rollout(BABYAI, RandomAgent(), episodes=1, directory=balrog / "Grok-4" / BABYAI)


def test_reports_read_the_traces(balrog: Path, said: dict[str, Any]) -> None:
    for row in said["rows"]:
        folder = balrog / row["player"] / row["env_id"]
        records = list(read_records(folder))
        assert len(records) == row["episodes"]
        values = [METRICS["progress"](record) or 0.0 for record in records]
        assert sum(values) / len(values) == pytest.approx(row["progress"])
        assert sum(record.recorded < record.length for record in records) == row["without_steps"]
        invalid = sum(record.invalid for record in records)
        assert row["invalid"]["mean"] == pytest.approx(invalid / sum(r.length for r in records))


def test_runs_on_other_seeds_are_not_compared_as_pairs(balrog: Path) -> None:
    with pytest.raises(TraceError, match="expected episodes of the same game and seed"):
        compare([balrog / "Grok-4", balrog / "Gemini-2.5-Flash"])
    # The same games are.
    found = compare([balrog / "Grok-4", balrog / "Grok-4"], ["success"])
    assert [(each.env_id, each.pairs, each.p) for each in found] == [(BABYAI, 50, 1.0)]


def test_pairs_that_are_not_told_apart_are_named(said: dict[str, Any], balrog: Path) -> None:
    assert len(said["pairs"]) == 15 + 15 + 1
    apart = {(p["env_id"], p["first"], p["second"]): p["separated"] for p in said["pairs"]}
    crafter = "Crafter-Text-BALROG-v0"
    assert apart[crafter, "Llama-3.2-1B-it", "Grok-4"]
    assert not apart[crafter, "Gemini-2.5-Pro-Exp-03-25", "Grok-4"]
    table = (balrog / "table.md").read_text()
    assert "| Gemini-2.5-Pro-Exp-03-25 | Grok-4 | 10 and 10 | +2.3 % |" in table
    assert table.count("| missing |") == said["missing"]


def test_the_invalid_shares_are_the_published_analysis(said: dict[str, Any]) -> None:
    shares = {(row["player"], row["env_id"]): 100 * row["invalid"]["mean"] for row in said["rows"]}
    assert round(shares["Llama-3.2-1B-it", BABYAI], 1) == 94.4
    assert round(shares["Grok-4", BABYAI], 1) == 33.0
    assert round(shares["Claude-3.5-Sonnet-2024-10-22", "Crafter-Text-BALROG-v0"], 1) == 7.6


def test_craftergpts_games_are_imported(
    published_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert (
        main(["import", "craftergpt", str(published_data / "craftergpt"), "--out", str(out)]) == 0
    )
    printed = capsys.readouterr().out
    assert "3 of 10 published episodes; their" in printed
    assert "missing: craftergpt/prompt_only_seed_*.csv: expected 10 published games" in printed
    content = json.loads((out / "import.json").read_text())
    assert (content["episodes"], content["steps"], content["answers"]) == (6, 724, 41)
    assert [row["equal"] for row in content["rows"]] == [None, None]
    assert [(pair["metric"], pair["separated"]) for pair in content["pairs"]] == [("return", False)]


def test_a_filled_folder_is_not_imported_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").touch()
    assert main(["import", "balrog", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "expected a new or an empty folder" in capsys.readouterr().err


def test_a_folder_that_is_none_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "balrog", str(tmp_path / "no"), "--out", str(tmp_path / "out")]) == 2
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["import", "atari", str(tmp_path), "--out", str(tmp_path)])
    assert "invalid choice: 'atari'" in capsys.readouterr().err
