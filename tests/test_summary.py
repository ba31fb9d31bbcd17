"""What a rollout comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textenvs.loop import Episode
from textenvs.metrics import bootstrap_mean, wilson
from textenvs.summary import achievement_counts, format_interval, summarize, write_summary


def episode(env_id: str = "A", paid: float = 0.0, length: int = 1, **task: Any) -> Episode:
    result = {"success": None, "progress": None, "achievements": None, **task}
    return Episode(
        env_id=env_id,
        episode=0,
        seed=0,
        episode_return=paid,
        length=length,
        terminated=True,
        truncated=False,
        path=None,
        **result,
    )


def test_each_environment_has_its_number_of_episodes_its_return_and_its_length() -> None:
    summary = summarize(
        [episode("A", 1.0, 10), episode("B", 5.0, 2), episode("A", 2.0, 20), episode("A", 6.0, 60)]
    )
    assert list(summary) == ["A", "B"]
    assert summary["A"] == {
        "episodes": 3,
        "return": bootstrap_mean([1.0, 2.0, 6.0])._asdict(),
        "length": bootstrap_mean([10, 20, 60])._asdict(),
    }
    assert summary["B"] == {
        "episodes": 1,
        "return": {"mean": 5.0, "low": 5.0, "high": 5.0},
        "length": {"mean": 2.0, "low": 2.0, "high": 2.0},
    }


def test_success_has_wilsons_interval() -> None:
    (row,) = summarize([episode(success=n < 8) for n in range(10)]).values()
    assert row["success"] == wilson(8, 10)._asdict()
    assert "progress" not in row


def test_progress_has_the_bootstraps_interval() -> None:
    (row,) = summarize([episode(progress=value) for value in (0.0, 0.5)]).values()
    assert row["progress"] == {"mean": 0.25, "low": 0.0, "high": 0.5}
    assert "success" not in row


def test_episodes_without_a_success_are_left_out_of_its_rate_only() -> None:
    (row,) = summarize([episode(success=True), episode(success=False), episode()]).values()
    assert row["episodes"] == 3
    assert row["success"]["mean"] == 0.5


def test_no_episodes_make_an_empty_summary() -> None:
    assert summarize([]) == {}


def test_a_summary_is_json() -> None:
    summary = summarize([episode(success=True, progress=0.5, paid=0.25)])
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_achievements_are_counted_by_episode_the_most_frequent_first() -> None:
    played = [
        episode(achievements={"wake_up": 0, "eat_cow": 3, "collect_wood": 1}),
        episode(achievements={"wake_up": 1, "eat_cow": 0, "collect_wood": 7}),
        episode(),
    ]
    assert list(achievement_counts(played).items()) == [
        ("collect_wood", 2),
        ("eat_cow", 1),
        ("wake_up", 1),
    ]


def test_achievements_that_nobody_unlocked_count_zero() -> None:
    assert achievement_counts([episode(achievements={"eat_cow": 0})]) == {"eat_cow": 0}
    assert achievement_counts([episode()]) == {}


def test_a_summary_is_added_to_its_file_and_other_entries_stay(tmp_path: Path) -> None:
    path = tmp_path / "new" / "summary.json"
    write_summary(path, {"A": {"episodes": 1}, "B": {"episodes": 2}})
    write_summary(path, {"B": {"episodes": 3}, "C": {"episodes": 4}})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "A": {"episodes": 1},
        "B": {"episodes": 3},
        "C": {"episodes": 4},
    }
    assert [file.name for file in path.parent.iterdir()] == ["summary.json"]


def test_a_file_that_is_no_summary_is_left_alone_and_named(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text('{"A": {"epis')
    with pytest.raises(ValueError, match=r"summary\.json"):
        write_summary(path, {"B": {"episodes": 2}})
    assert path.read_text() == '{"A": {"epis'


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        write_summary(tmp_path / "file" / "summary.json", {"A": {}})


def test_an_interval_reads_as_a_number_with_its_ends() -> None:
    assert format_interval(bootstrap_mean([0, 1])) == "0.50 [0.00, 1.00]"
    assert format_interval({"mean": -1.234, "low": -2.0, "high": 10.005}) == "-1.23 [-2.00, 10.01]"


def test_an_interval_reads_as_percent() -> None:
    assert format_interval(wilson(8, 10), percent=True) == "80.0 % [49.0, 94.3]"
