"""The benchmark of Motif: its runs, its numbers, its page, and all of it once in small."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sb3_contrib")
pytest.importorskip("nle")

import motif
from motivated.page import page
from motivated.results import Result, _summary, play_randomly, read_result
from motivated.rewards import _recorded_pairs, make_rewards, quantiles_of
from motivated.sizes import SIZES, Run, runs_of
from textenvs.motif.reward_model import RewardModel, RewardSettings, StoredReward, load_reward

pytestmark = [pytest.mark.nethack, pytest.mark.models]


def _runs(*groups: str, size: str = "small") -> list[Run]:
    names = ("claude", "score", "chance", "keyword_gold", "keyword_stairs")
    rewards = {name: Path("rewards") / name for name in names}
    tasks, conditions = ("Score", "Oracle"), ("extrinsic", "intrinsic", "both")
    return runs_of(SIZES[size], groups, tasks, conditions, rewards, "claude", {"keyword_gold": 0.9})


def test_what_pays_in_each_run() -> None:
    found = {(run.task, run.condition): run.settings for run in _runs("main") if run.seed == 0}
    weights = {
        key: (each.reward_dir, each.extrinsic_coef, each.intrinsic_coef)
        for key, each in found.items()
    }
    assert weights == {
        ("Score", "extrinsic"): (None, 0.1, 0.0),
        ("Score", "intrinsic"): ("rewards/claude", 0.0, 0.1),
        ("Score", "both"): ("rewards/claude", 0.1, 0.1),
        ("Oracle", "extrinsic"): (None, 10.0, 0.0),
        ("Oracle", "intrinsic"): ("rewards/claude", 0.0, 0.1),
        ("Oracle", "both"): ("rewards/claude", 10.0, 0.1),
    }
    steering = {run.annotator for run in _runs("steering")}
    others = {run.annotator for run in _runs("annotators")}
    assert (steering, others) == (
        {"keyword_gold", "keyword_stairs"},
        {"claude", "score", "chance"},
    )
    paper = _runs("main", size="paper")[0].settings
    assert (paper.num_envs, paper.total_timesteps, paper.max_steps) == (480, 2_000_000_000, None)
    assert paper.hyper["learning_rate"] == 1e-4


def test_rules_over_words_pay_from_a_quantile_of_their_own() -> None:
    quantiles = {run.annotator: run.settings.quantile for run in _runs("main", "steering")}
    assert quantiles == {"": 0.5, "claude": 0.5, "keyword_gold": 0.9, "keyword_stairs": 0.5}


def test_a_rule_pays_what_is_above_the_mean(tmp_path: Path) -> None:
    for name in ("keyword_gold", "claude_gold"):
        model = RewardModel(RewardSettings())
        StoredReward(model, 0.0, 1.0, np.linspace(-1, 4, 1001), {}).save(tmp_path / name)
    found = quantiles_of({each.name: each for each in tmp_path.iterdir()})
    assert found == {"keyword_gold": pytest.approx(0.2)}
    stored = load_reward(tmp_path / "keyword_gold")
    assert stored.threshold(found["keyword_gold"]) == pytest.approx(0.0, abs=1e-9)


def test_results_of_other_labels_leave_the_page() -> None:
    fields = {"group": "main", "task": "Score", "condition": "both", "seed": 0, "total": 1}
    fields |= {"episodes": 1, "final": {}, "area": {}, "curve": {}, "steps_per_second": None}
    runs = [{**fields, "annotator": name} for name in ("", "claude", "score", "mini")]
    before = {"runs": runs, "labels": {"claude": "old", "score": "same"}}
    kept = motif._results(before, {"claude": "new", "score": "same"})
    assert [each.annotator for each in kept] == ["", "score", "mini"]
    assert not motif._results({"runs": runs[1:2]}, {"claude": "new"})  # of labels not known


def test_a_run_of_two_groups_is_trained_once() -> None:
    runs = [run for run in _runs("main", "annotators") if run.seed == 0]
    folders = [run.folder(Path()) for run in runs]
    assert len(folders) == len(set(folders)) + 1


def test_the_last_quarter_counts() -> None:
    run = _runs("main")[0]
    run = replace(run, settings=replace(run.settings, total_timesteps=150_000))
    episodes = [
        {"steps": steps, "return": value, "score": value, "depth": 1, "gold": 0}
        | {"experience_level": 1, "kills": 0}
        for steps, value in ((5_000, 1.0), (15_000, 3.0), (45_000, 5.0), (120_000, 7.0))
    ]
    found = _summary(run, episodes, 900.0)
    assert found.final["return"] == 7.0
    assert found.episodes == 1
    # Bins of 10,000 steps: nothing ends in most of them.
    assert found.curve["return"] == [1, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 7, 7, 7, 7]
    assert "success" not in found.final


def test_a_run_in_which_no_episode_ended_is_not_shown(tmp_path: Path) -> None:
    run = _runs("main")[0]
    folder = run.folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "done.json").write_text('{"steps_per_second": 1.0}')
    (folder / "episodes.jsonl").write_text("")
    assert read_result(run, tmp_path) is None


def test_the_page_tells_runs_apart() -> None:
    final = {"return": 1.0, "score": 2.0, "depth": 1.5, "gold": 0.0, "experience_level": 1.0}
    final["kills"] = 0.5

    def result(condition: str, seed: int, value: float) -> Result:
        told = {**final, "return": value}
        curve = {key: [1.0] * 15 for key in told}
        annotator = "" if condition == "extrinsic" else "claude"
        return Result("main", "Score", condition, annotator, seed, 9, 3, told, told, curve, 800.0)

    results = [result("both", seed, 10.0 + seed) for seed in range(4)]
    results += [result("extrinsic", seed, 1.0 + seed) for seed in range(4)]
    told = page(results, {"Score": {"return": [0.0, 2.0]}}, "Small.", False, "x.png")
    lines = [line for line in told.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines] == [
        "| pays",
        "| ---",
        "| extrinsic",
        "| both, claude",
        "| random play",
    ]
    assert "11.5 [" in lines[3]
    assert "| 0.0286 |" in lines[3]  # 2 of the 70 ways to share eight runs out are as extreme
    assert "2 episodes" in lines[4]


def test_sizes_do_not_share_a_page_or_a_folder() -> None:
    small, paper, smoke = (motif._arguments(argv)[0] for argv in ([], ["--paper"], ["--smoke"]))
    assert len({each.out for each in (small, paper, smoke)}) == 3
    assert len({each.work for each in (small, paper, smoke)}) == 3
    with pytest.raises(SystemExit):
        motif._arguments(["--seeds", "0"])
    named, _ = motif._arguments(["--llm", "openai:some/model@http://127.0.0.1:1/v1"])
    assert named.label not in ("claude", "score", "chance", "")


def test_a_label_that_means_another_annotator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="label of its own"):
        make_rewards(SIZES["smoke"], ("main",), "tiny", "score", tmp_path)


def test_the_recorded_labels_are_of_the_same_pairs_by_four_wishes(tmp_path: Path) -> None:
    pairs = _recorded_pairs(tmp_path)
    wishes = ("claude", "claude_combat", "claude_gold", "claude_stairs")
    assert tuple(pairs.annotators) == wishes
    kills = [
        (name, int(pairs.labels(name)[i]))
        for i in range(len(pairs))
        for name in wishes[1:]
        if pairs.captions(i)[0].startswith("You kill the") and not pairs.captions(i)[1]
    ]
    preferred = {name: [label for n, label in kills if n == name].count(0) for name in wishes[1:]}
    assert preferred["claude_combat"] == max(preferred.values()) > preferred["claude_gold"]


def test_random_play_tells_the_same_facts() -> None:
    found = play_randomly("Staircase", 2, 20)
    assert found["success"] == [0.0, 0.0]
    assert found["depth"] == [1.0, 1.0]
    assert found == play_randomly("Staircase", 2, 20)


def test_the_smoke_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[Any] = ["--smoke", "--conditions", "extrinsic", "both", "--groups", "main"]
    arguments += ["--workers", "1", "--out", str(tmp_path / "motif")]
    motif.main(arguments)
    assert "2 of 2" in capsys.readouterr().out
    told = json.loads((tmp_path / "motif.json").read_text())
    assert [run["condition"] for run in told["runs"]] == ["extrinsic", "both"]
    assert "no result" in (tmp_path / "motif.md").read_text()
    assert (tmp_path / "motif.png").stat().st_size > 1000


def test_speeds_are_measured_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import motif_speed

    monkeypatch.setattr(motif_speed, "_STEPS", 200)
    monkeypatch.setattr(motif_speed.os, "cpu_count", lambda: 1)
    motif_speed.main(
        ["--episodes", "1", "--pairs", "60", "--out", str(tmp_path / "speed")],
    )
    told = json.loads((tmp_path / "speed.json").read_text())
    assert told["pairs"] == 60
    assert 0 < told["asked"] <= 60
    assert len(told["epoch_seconds"]) == 2
    assert told["wrapper_microseconds"] > 0
    assert "pairs/s" in (tmp_path / "speed.md").read_text()
