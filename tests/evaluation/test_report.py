"""What an evaluation reports follows from the traces, and is what the metrics say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from textenvs.errors import TraceError, UnknownName
from textenvs.evaluation import (
    Settings,
    evaluate,
    read_record,
    read_records,
    read_settings,
    report,
)
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.llm.gateway import Gateway
from textenvs.llm.model import Completion, Messages, Usage
from textenvs.metrics import (
    bootstrap_crafter_score,
    bootstrap_mean,
    bootstrap_ratio,
    smartplay_score,
    wilson,
)
from textenvs.traces import read_trace

LEVEL = "BabyAI-Text-GoToLocal-v0"
CRAFTER = "Crafter-Text-v0"


def play(out: Path, ids: Sequence[str] = (LEVEL,), **kwargs: Any) -> dict[str, Any]:
    settings = Settings(tuple(ids), **{"agent": "random", "episodes": 6, **kwargs})
    return evaluate(settings, out)


def ask(out: Path, answers: Sequence[Completion], **kwargs: Any) -> dict[str, Any]:
    number = iter(range(10**6))

    def answer(messages: Messages) -> Completion:
        return answers[next(number) % len(answers)]

    settings = Settings((LEVEL,), agent="cot", llm="scripted:x:y", max_steps=8, **kwargs)
    return evaluate(settings, out, model=Gateway(ScriptedModel(answer, "test")), concurrency=1)


def test_each_metric_is_computed_from_the_episodes(tmp_path: Path) -> None:
    found = play(tmp_path, [LEVEL, CRAFTER], max_steps=60)["environments"]
    records = [record for record in read_records(tmp_path / CRAFTER)]
    crafter = found[CRAFTER]
    assert crafter["episodes"] == len(records) == 6
    assert crafter["return"] == bootstrap_mean([r.episode_return for r in records])._asdict()
    unlocked = [sum(map(bool, (r.achievements or {}).values())) for r in records]
    assert crafter["achievements"] == bootstrap_mean(unlocked)._asdict()
    assert crafter["progress"]["mean"] == pytest.approx(sum(unlocked) / 6 / 22)
    counts = [r.achievements or {} for r in records]
    assert crafter["crafter_score"] == bootstrap_crafter_score(counts)._asdict()
    scores = [smartplay_score(r.unlocked) for r in records]
    assert crafter["smartplay_score"] == bootstrap_mean(scores)._asdict()
    assert "success" not in crafter
    level = found[LEVEL]
    successes = sum(bool(record.success) for record in read_records(tmp_path / LEVEL))
    assert level["success"] == level["progress"] == wilson(successes, 6)._asdict()
    assert "crafter_score" not in level


def test_answers_are_counted_by_stage_and_status(tmp_path: Path) -> None:
    answers = [
        Completion("ACTION: turn left", usage=Usage(100, 10, 50, 5), usd=0.25),
        Completion("fly", usage=Usage(100, 10), usd=0.25),
        Completion("I was about to", "cut", usage=Usage(100, 10), usd=0.25),
    ]
    summary = ask(tmp_path, answers, episodes=3)
    found = summary["environments"][LEVEL]
    steps = [s for p in sorted(tmp_path.rglob("*.jsonl")) for s in _steps(p)]
    n = len(steps)
    assert sum(found["parse_stages"].values()) == sum(found["answer_statuses"].values()) == n
    assert found["parse_stages"]["tagged"] == sum(not s["invalid_action"] for s in steps)
    assert found["answer_statuses"]["cut"] == sum(s["answer_status"] == "cut" for s in steps)
    assert found["unread_answers"]["fly"] == sum(s["answer"] == "fly" for s in steps)
    lengths = [record.length for record in read_records(tmp_path)]
    invalid = [record.invalid for record in read_records(tmp_path)]
    assert found["invalid_action_rate"] == bootstrap_ratio(invalid, lengths)._asdict()
    assert found["tokens_per_step"]["mean"] == 110
    assert found["usd_per_step"]["mean"] == 0.25
    assert (summary["tokens"], summary["usd"]) == (110 * n, 0.25 * n)
    assert summary["sent"]["requests"] == n


def test_the_file_has_what_was_returned(tmp_path: Path) -> None:
    summary = play(tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(json.dumps(summary))
    assert summary["actions_per_second"] > 0


def test_a_finished_run_is_read_and_says_the_same(tmp_path: Path) -> None:
    assert play(tmp_path) == play(tmp_path)


def test_fewer_episodes_than_there_are_count_the_first(tmp_path: Path) -> None:
    play(tmp_path, episodes=6)
    assert play(tmp_path, episodes=4)["environments"][LEVEL]["episodes"] == 4
    assert play(tmp_path, episodes=8)["environments"][LEVEL]["episodes"] == 8


def test_unfinished_episodes_are_not_counted(tmp_path: Path) -> None:
    play(tmp_path)
    path = tmp_path / LEVEL / "episode-00002.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + lines[3][:20])
    assert read_record(path) is None
    found = report(tmp_path, read_settings(tmp_path))["environments"][LEVEL]
    assert (found["episodes"], found["unfinished"]) == (5, 1)


def test_a_broken_trace_is_named(tmp_path: Path) -> None:
    play(tmp_path, episodes=1)
    path = tmp_path / LEVEL / "episode-00000.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + "{broken\n" + "".join(lines[1:]))
    with pytest.raises(TraceError, match=r"line 2: expected a line of a trace, got '\{broken"):
        read_record(path)


def test_settings_are_kept_with_the_run(tmp_path: Path) -> None:
    settings = Settings((LEVEL,), agent="random", episodes=2, env={"num_dists": 1}, max_steps=5)
    evaluate(settings, tmp_path)
    assert read_settings(tmp_path) == settings
    (header, *_) = (read_trace(path).header for path in sorted(tmp_path.rglob("episode-*.jsonl")))
    assert header["settings"] == {"agent": "random", "env": {"num_dists": 1}, "max_steps": 5}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"agent": "nobody"}, "unknown agent 'nobody'"),
        ({"agent": "naive"}, "expected its name"),
        ({"agent": "naive", "llm": "x", "prompt": "mine"}, "unknown prompt 'mine'"),
        ({"agent": "few_shot", "llm": "x"}, "expected their folder"),
        ({"agent": "cot", "llm": "x", "prompt": "smartplay"}, "asks about Crafter, got the id"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UnknownName, match=named):
        Settings((LEVEL,), **settings)


def test_settings_that_do_not_work_leave_no_folder_behind(tmp_path: Path) -> None:
    for wrong in ({"top_p": 2.0}, {"agent": "few_shot", "demonstrations": str(tmp_path / "no")}):
        settings = Settings((LEVEL,), **{"agent": "cot", "llm": "scripted:x:y", **wrong})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="expected"):
            evaluate(settings, tmp_path / "out", model=ScriptedModel(lambda messages: ""))
        assert not (tmp_path / "out").exists()


def test_options_of_a_model_that_change_no_answer_do_not_make_another_run(tmp_path: Path) -> None:
    ids = (LEVEL,)
    first = Settings(ids, llm="openai:m@http://h/v1?timeout=3")
    assert first.in_traces() == Settings(ids, llm="openai:m@http://h/v1").in_traces()
    assert first.in_traces() != Settings(ids, llm="openai:n@http://h/v1").in_traces()


def _steps(path: Path) -> list[dict[str, Any]]:
    return read_trace(path).steps
