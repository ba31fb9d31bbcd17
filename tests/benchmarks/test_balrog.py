"""BALROG's protocol: tasks, the leaderboard's rows, strict and lenient reading, the smoke run."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import balrog
from balrog_protocol import page as pages
from balrog_protocol.playing import read_answers
from balrog_protocol.tasks import KINDS, TASKS, task_seed

BOARD = json.loads(balrog.LEADERBOARD.read_text())
ROWS = {row["row"]: row for row in BOARD["rows"]}


def test_the_leaderboard_has_all_rows_and_marks_those_that_are_not_verified() -> None:
    assert list(ROWS) == [f"R{n:02}" for n in range(1, 32)]
    assert [name for name, row in ROWS.items() if not row["verified"]] == [
        *("R27", "R28", "R29", "R30", "R31")
    ]
    assert ROWS["R29"]["crafter"] == {"mean": 76.82, "se": 3.6, "episodes": 10}
    assert ROWS["R29"]["nethack"] == {"mean": 13.24, "se": 2.66, "episodes": 5}
    assert ROWS["R23"]["nethack"]["episodes"] == 10
    crafter = {name for name, row in ROWS.items() if "crafter" in row["comparable"]}
    assert crafter == {"R23", "R25", "R26", "R27", "R28", "R29", "R30", "R31"}
    babyai = {name for name, row in ROWS.items() if "babyai" in row["comparable"]}
    assert set(ROWS) - babyai == {"R03", "R04", "R05", "R06", "R12", "R13", "R14", "R15"}
    assert not any("nethack" in row["comparable"] for row in ROWS.values())


def test_babyais_tasks_make_up_its_progress() -> None:
    for row in ROWS.values():
        if "babyai_tasks" in row:
            pooled = sum(row["babyai_tasks"].values()) / 5
            assert pooled == pytest.approx(row["babyai"]["mean"]), row["row"]


def test_unverified_rows_are_shown_as_such() -> None:
    for line in pages._published_table(BOARD).split("\n")[2:]:
        assert ("**not verified**" in line) == (line[2:5] >= "R27")
    best = pages._best_line(BOARD)
    assert "crafter 76.82 (R29 (not verified))" in best
    assert "crafter 57.27 (R26)" in best
    assert "nethack 1.76 (R26)" in best


def test_tasks_are_the_published_ones_and_share_no_seeds() -> None:
    assert [task.episodes for task in TASKS] == [10] * 6 + [5]
    seeds = [task_seed(seed, task) for seed in range(3) for task in TASKS]
    assert len(set(seeds)) == len(seeds)
    assert gymnasium.spec("Crafter-Text-BALROG-v0").max_episode_steps == 2000
    nethack = TASKS[-1]
    assert nethack.max_steps == 100_000
    assert nethack.env == {"character": "@", "no_progress_timeout": 150, "skip_more": True}


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("goto", 64), ("pickup", 64), ("open", 128), ("putnext", 128), ("pick_up_seq_go_to", 128)],
)
def test_babyais_limits_are_the_published_ones(kind: str, limit: int) -> None:
    (task,) = (task for task in TASKS if task.name == kind)
    env = gymnasium.make(task.env_id, style="balrog", **task.env)
    env.reset(seed=0)
    base: Any = env.unwrapped
    assert base.game.max_steps == limit


def trace_of(answers: list[str], path: Path) -> Path:
    first = {"kind": "header", "trace_version": 1}
    steps = [{"kind": "step", "t": t, "answer": answer} for t, answer in enumerate(answers)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in [first, *steps]))
    return path


def test_strict_and_lenient_reading_of_the_same_answers(tmp_path: Path) -> None:
    answers = ["Do", "do", "ACTION: Move West", "Collect Wood", "", "**Sleep**."]
    path = trace_of(answers, tmp_path / "episode-00000.jsonl")
    naive = read_answers(TASKS[0], "naive", [path])
    assert naive == {"answers": 6, "strict": 4, "lenient": 2, "empty": 1}
    cot = read_answers(TASKS[0], "cot", [path])
    assert cot["strict"] == 3


def test_done_is_no_action_of_balrogs_babyai(tmp_path: Path) -> None:
    path = trace_of(["done", "go forward"], tmp_path / "episode-00000.jsonl")
    found = read_answers(TASKS[1], "naive", [path])
    assert (found["strict"], found["lenient"]) == (1, 1)


def _smoke(games: list[str], tmp_path: Path, capsys: Any) -> dict[str, Any]:
    balrog.main(["--smoke", "--out", str(tmp_path), "--games", *games])
    said = capsys.readouterr().out
    assert "smoke run, no result" in said
    assert "### Answers that name no action" in said
    assert not (tmp_path / "balrog.json").exists()
    results: dict[str, Any] = json.loads((tmp_path / "balrog.smoke.json").read_text())
    assert results["smoke"]
    return results


def test_a_smoke_run_of_two_games(tmp_path: Path, capsys: Any) -> None:
    rows = _smoke(["crafter", "babyai"], tmp_path, capsys)["rows"]
    played = {(row["kind"], row["game"]) for row in rows}
    assert {game for kind, game in played if kind == "model"} == {"crafter", *KINDS}
    assert {game for kind, game in played if kind == "random"} == {"crafter", *KINDS}
    assert {game for kind, game in played if kind == "expert"} == set(KINDS)


@pytest.mark.nethack
def test_a_smoke_run_of_nethack_goes_into_the_same_files(tmp_path: Path, capsys: Any) -> None:
    _smoke(["crafter"], tmp_path, capsys)
    rows = _smoke(["nethack"], tmp_path, capsys)["rows"]
    assert {row["game"] for row in rows} == {"crafter", "nethack"}
