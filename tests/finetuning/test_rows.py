"""Training rows of traces: what they show, which steps become none, and in which formats."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from textenvs import rollout
from textenvs.agents import RandomAgent
from textenvs.cli import main
from textenvs.errors import TraceError, UnknownName
from textenvs.finetuning.balance import capped_counts, split_keys
from textenvs.finetuning.filtering import Criteria, Window, filter_traces
from textenvs.finetuning.rows import Rendering, trace_rows
from textenvs.finetuning.validation import check_row, validate
from textenvs.finetuning.writing import Output, validation_path, write_rows
from textenvs.parsing import ActionParser
from textenvs.prompts import PROMPTS
from textenvs.traces import Trace, read_traces

pytestmark = pytest.mark.models  # needs duckdb

Row = dict[str, Any]


def traces(folder: Path) -> list[Trace]:
    return list(read_traces(folder))


def names_of(trace: Trace) -> tuple[str, ...]:
    env = gymnasium.make(trace.header["env_id"], disable_env_checker=True)
    return tuple(env.get_wrapper_attr("action_names"))


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def bare(trace: Trace) -> Trace:
    """A trace without its prompts."""
    steps = [{k: v for k, v in step.items() if k != "prompt"} for step in trace.steps]
    return replace(trace, steps=steps)


def test_a_row_is_what_was_asked_and_said(mixed: Path) -> None:
    for trace in traces(mixed / "walker"):
        rows, left = trace_rows(trace, Rendering(), ())
        good = [
            step
            for step in trace.steps
            if not step["invalid_action"] and step["answer_status"] == "ok"
        ]
        assert [row.t for row in rows] == [step["t"] for step in good]
        for row, step in zip(rows, good, strict=True):
            answer = {"role": "assistant", "content": step["answer"]}
            assert row.content == {"messages": [*step["prompt"], answer]}
            assert row.action == step["text_action"]
        assert sum(left.values()) + len(rows) == len(trace.steps)


def test_a_rendered_prompt_is_what_an_agent_is_asked(mixed: Path) -> None:
    """With blocks of turns that are dropped, and with what is said about invalid answers."""
    compared = 0
    for trace in traces(mixed / "walker"):
        for form in ("chat", "prompt-completion", "text"):
            asked, _ = trace_rows(trace, Rendering(form, keep_invalid=True), ())
            how = Rendering(form, prompt="default", keep_invalid=True)
            stripped, names = bare(trace), names_of(trace)
            rendered, _ = trace_rows(stripped, how, names)
            assert asked == rendered
            compared += len(asked)
    assert compared > 60


def test_an_answer_with_several_actions_is_one_row_that_calls_the_tool(mixed: Path) -> None:
    invalid = 0
    for trace in traces(mixed / "caller"):
        names = names_of(trace)
        rows, left = trace_rows(trace, Rendering(), names)
        answers = [step for step in trace.steps if "answer" in step]
        assert len(rows) + left["invalid"] == len(answers)
        invalid += left["invalid"]
        for row in rows:
            *_, last = row.content["messages"]
            assert last["content"] is None
            (call,) = last["tool_calls"]
            assert json.loads(call["function"]["arguments"])["actions"][0] == row.action
            assert row.content["tools"][0]["function"]["name"] == "interact"
            assert not list(check_row(row.content))
    assert invalid


@pytest.mark.parametrize("ask", ["naive", "cot", "robust", "robust_cot"])
def test_games_without_prompts_answer_in_the_form_that_is_asked_for(mixed: Path, ask: str) -> None:
    for trace in traces(mixed / "bot"):
        names = names_of(trace)
        rows, left = trace_rows(trace, Rendering(prompt="default", ask=ask), names)
        assert len(rows) == len(trace.steps)
        assert not left
        for row, step in zip(rows, trace.steps, strict=True):
            said = row.content["messages"][-1]["content"]
            assert names[ActionParser(names).parse(said).action or 0] == step["text_action"]
            assert step["observation"] in row.content["messages"][-2]["content"]
        assert trace_rows(trace, Rendering(), ())[1] == {"no prompt": len(trace.steps)}


@pytest.mark.parametrize("prompt", [name for name in PROMPTS if name != "smartplay"])
@pytest.mark.parametrize("form", ["chat", "prompt-completion", "text"])
def test_every_prompt_and_format_gives_rows(mixed: Path, prompt: str, form: str) -> None:
    folder = "random" if "Crafter" in PROMPTS[prompt].games else "bot"
    game = PROMPTS[prompt].games[0]
    trace = next(t for t in traces(mixed / folder) if t.header["env_id"].startswith(game))
    rows, _ = trace_rows(trace, Rendering(form, prompt), names_of(trace))
    assert rows
    for row in rows:
        assert not list(check_row(row.content))
        assert row.action in json.dumps(row.content)


def test_several_actions_of_one_answer_are_rendered_one_by_one(mixed: Path) -> None:
    (trace, *_) = traces(mixed / "caller")
    rows, left = trace_rows(bare(trace), Rendering(prompt="default"), names_of(trace))
    assert len(rows) + left["invalid"] == len(trace.steps)
    assert [row.t for row in rows] == [s["t"] for s in trace.steps if not s["invalid_action"]]


def test_prompts_that_do_not_fit_are_refused(mixed: Path) -> None:
    with pytest.raises(UnknownName, match="second question"):
        Rendering(prompt="smartplay")
    (trace, *_) = traces(mixed / "bot")
    with pytest.raises(UnknownName, match="asks about Crafter"):
        trace_rows(trace, Rendering(prompt="craftergpt"), names_of(trace))
    with pytest.raises(TraceError, match="expected one of the actions"):
        trace_rows(trace, Rendering(prompt="default"), ("Noop",))


def test_only_steps_in_a_window_become_rows(mixed: Path) -> None:
    (trace, *_) = traces(mixed / "bot")
    every, _ = trace_rows(trace, Rendering(prompt="default"), names_of(trace))
    windows = [Window(1, 3, 0.0), Window(2, 4, 0.0)]
    rows, left = trace_rows(trace, Rendering(prompt="default"), names_of(trace), windows)
    assert rows == [row for row in every if row.t in (1, 2, 3)]
    assert left == {"outside": len(every) - len(rows)}


def test_turns_limit_the_past(mixed: Path) -> None:
    (trace, *_) = traces(mixed / "bot")
    rows, _ = trace_rows(trace, Rendering(prompt="default", turns=0), names_of(trace))
    assert {len(row.content["messages"]) for row in rows} == {3}


# Files


def written(folder: Path, path: Path, **output: Any) -> dict[str, Any]:
    found = filter_traces([folder])
    return write_rows(
        path, found, Criteria(), Rendering(prompt="default", turns=1), Output(**output), [folder]
    )


def test_the_split_is_by_world_and_seeded(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    told = written(mixed, path, validation=0.25, metadata=True)
    sides = [lines(path), lines(validation_path(path))]
    assert [len(side) for side in sides] == [told["rows"]["train"], told["rows"]["validation"]]
    files = [{row["metadata"]["episode"] for row in side} for side in sides]
    assert all(files)
    assert not files[0] & files[1]
    worlds = [
        {(s["env_id"], s["seed"]) for s in told["sources"] if s["side"] == side}
        for side in ("train", "validation")
    ]
    assert not worlds[0] & worlds[1]  # the bot and random play share theirs
    assert abs(len(worlds[1]) / len(worlds[0] | worlds[1]) - 0.25) < 0.05
    assert sum(source["rows"] for source in told["sources"]) == sum(map(len, sides))
    again = tmp_path / "again.jsonl"
    for seed, same in ((0, True), (1, False)):
        written(mixed, again, validation=0.25, metadata=True, seed=seed)
        assert (again.read_bytes() == path.read_bytes()) is same


def test_identical_rows_are_there_once_and_counted(mixed: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice"
    shutil.copytree(mixed / "bot", twice / "a")
    shutil.copytree(mixed / "bot", twice / "b")
    once = written(mixed / "bot", tmp_path / "once.jsonl")
    both = written(twice, tmp_path / "both.jsonl")
    assert both["rows"]["train"] == once["rows"]["train"]
    steps = both["rows"]["train"] + both["rows"]["duplicates"]
    assert steps == 2 * (once["rows"]["train"] + once["rows"]["duplicates"])
    assert validate(tmp_path / "both.jsonl").valid


def test_no_action_has_more_than_its_share(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    told = written(mixed / "bot", path, max_action_share=0.4, validation=0.2, metadata=True)
    counts = Counter(row["metadata"]["action"] for row in lines(path))
    assert max(counts.values()) <= 0.4 * counts.total()
    assert counts == told["actions"]["train"]
    before = Counter(told["actions"]["before"])
    assert max(before.values()) > 0.4 * before.total()
    assert told["rows"]["balanced_away"] == before.total() - counts.total()
    # What is held out stays as it was played.
    held_out = Counter(row["metadata"]["action"] for row in lines(validation_path(path)))
    assert max(held_out.values()) > 0.4 * held_out.total()
    capped = written(mixed, path, caps={"Noop": 3})
    assert capped["actions"]["train"]["Noop"] == 3
    with pytest.raises(ValueError, match="'Sing'"):
        written(mixed, path, caps={"Sing": 3})


def test_capped_counts_are_the_most_that_fit() -> None:
    for counts in ({"a": 5, "b": 1}, {"a": 9, "b": 9, "c": 1, "d": 4}, {"a": 1, "b": 1, "c": 1}):
        for percent in range(1, 101):
            share = percent / 100
            if len(counts) * share < 1:
                with pytest.raises(ValueError, match="max_action_share"):
                    capped_counts(counts, share)
                continue
            fitting = [
                capped
                for limit in range(1, 10)
                for capped in [{name: min(n, limit) for name, n in counts.items()}]
                if max(capped.values()) <= share * sum(capped.values()) + 1e-9
            ]
            best = max(fitting, key=lambda capped: sum(capped.values()))
            assert capped_counts(counts, share) == best


def test_a_split_leaves_something_on_both_sides() -> None:
    assert split_keys(["a"], 0.5, 0) == set()
    assert split_keys(["a", "b"], 0.0, 0) == set()
    for share in (0.01, 0.5, 0.99):
        assert len(split_keys(["a", "b"], share, 0)) == 1
    assert len(split_keys(range(100), 0.1, 0)) == 10


def test_texts_and_chats_are_not_mixed(tmp_path: Path, mixed: Path) -> None:
    with pytest.raises(TraceError, match="files of their own"):
        write_rows(
            tmp_path / "rows.jsonl",
            filter_traces([mixed / "walker", mixed / "bot"]),
            Criteria(),
            Rendering("prompt-completion", prompt="glam"),
        )
    assert not list(tmp_path.iterdir())  # nor is anything left behind


def test_a_trace_of_another_game_is_named_and_left_out(tmp_path: Path) -> None:
    rollout("Crafter-Text-v0", RandomAgent(), episodes=1, directory=tmp_path / "traces")
    (path,) = (tmp_path / "traces").rglob("episode-*.jsonl")
    first, *rest = path.read_text().splitlines(keepends=True)
    header = {**json.loads(first), "env_id": "Crafter-Text-Mine-v9"}
    path.write_text("".join([json.dumps(header) + "\n", *rest]))
    told = written(tmp_path / "traces", tmp_path / "rows.jsonl")
    assert told["rows"]["train"] == 0
    (skipped,) = told["skipped"]
    assert "Crafter-Text-Mine-v9" in skipped["why"]


def test_the_best_real_games_become_valid_rows(published_data: Path, tmp_path: Path) -> None:
    games, path = tmp_path / "games", tmp_path / "rows.jsonl"
    assert main(["import", "balrog", str(published_data / "balrog"), "--out", str(games)]) == 0
    arguments = ["filter", "--input", str(games), "--output", str(path), "--prompt", "balrog"]
    assert main([*arguments, "--min-achievements", "12", "--validation", "0.2"]) == 0
    assert main(["validate", str(path)]) == 0
    assert main(["validate", str(validation_path(path))]) == 0
    told = json.loads((tmp_path / "rows.jsonl.stats.json").read_text())
    assert told["statistics"]["filtered"] == 16
    counted = sum(told["rows"][side] for side in ("train", "validation", "duplicates"))
    counted += sum(told["rows"]["left_out"].values())
    assert counted == told["statistics"]["steps"]["kept"] == 4919
