"""Answers that were recorded before."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from llm.models import Model, prompt
from textenvs.errors import CacheError, NotCached
from textenvs.llm import Cache, Completion, Gateway, Sampling, ToolCall, Usage, get_model
from textenvs.llm.backends.recorded import RecordedModel
from textenvs.traces import TRACE_VERSION, TraceWriter

WARM = Sampling(temperature=1.0)


def lines(path: Path, *records: Any, end: str = "\n") -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records) + end)
    return path


def texts(model: RecordedModel, *prompts: str, samples: list[int] | None = None) -> list[str]:
    asked = [prompt(text) for text in prompts]
    return [answer.text for answer in model.generate(asked, Sampling(), samples)]


# What can be read


def test_a_cache_answers_as_the_model_did(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.db")
    gateway = Gateway(Model(), cache=cache)
    asked = [prompt("a"), [{"role": "system", "content": "s"}, *prompt("b")]]
    before = gateway.generate(asked, Sampling())
    gateway.close()
    model = get_model(f"recorded:{tmp_path / 'answers.db'}")
    assert model.generate(asked, Sampling()) == before
    assert model.name == f"recorded:{tmp_path / 'answers.db'}"


def test_a_cache_in_use_can_be_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.db")
    cache.put("m", prompt("a"), Sampling(), 0, Completion("yes"))
    assert texts(RecordedModel(tmp_path / "answers.db"), "a") == ["yes"]
    cache.put("m", prompt("b"), Sampling(), 0, Completion("no"))
    assert texts(RecordedModel(tmp_path / "answers.db"), "b") == ["no"]


def test_scores_in_a_cache_are_no_answers(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.db")
    cache.put_scores("m", prompt("a"), ["x"], [-1.0])
    cache.put("m", prompt("b"), Sampling(), 0, Completion("yes"))
    model = RecordedModel(tmp_path / "answers.db")
    assert len(model) == 1
    assert prompt("a") not in model


def test_the_sample_index_chooses_and_else_it_is_the_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.db")
    for sample in (9, 3, 7, 5):
        cache.put("m", prompt("a"), WARM, sample, Completion(f"sample {sample}"))
    model = RecordedModel(tmp_path / "answers.db")
    found = texts(model, *["a"] * 5, samples=[3, 5, 7, 9, 0])
    assert found == ["sample 3", "sample 5", "sample 7", "sample 9", "sample 3"]


def test_json_lines_with_messages_or_a_text(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "answers.jsonl",
        {"prompt": prompt("a"), "answer": "yes"},
        {"prompt": "b", "answer": "no", "model": "m"},
        {"prompt": "c", "answer": {"text": "cut of", "status": "cut"}},
        {"prompt": "d", "answer": ""},
        {"something": "else"},
    )
    model = RecordedModel(path)
    assert len(model) == 4
    assert texts(model, "a", "b", "c") == ["yes", "no", "cut of"]
    assert [a.status for a in model.generate([prompt("c"), prompt("d")], Sampling())] == [
        "cut",
        "empty",
    ]


def test_several_answers_of_json_lines_are_samples_in_order(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", *({"prompt": "a", "answer": str(n)} for n in range(3)))
    assert texts(RecordedModel(path), *"aaaa", samples=[2, 0, 1, 5]) == ["2", "0", "1", "0"]


def test_a_line_may_tell_its_sample(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"prompt": "a", "answer": "x", "sample": 7})
    assert texts(RecordedModel(path), "a", "a", samples=[7, 1]) == ["x", "x"]


def test_a_json_object_of_prompts(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": "yes", "b": "no 🧭"}), encoding="utf-8")
    model = RecordedModel(tmp_path / "a.json")
    assert texts(model, "b", "a") == ["no 🧭", "yes"]


def test_a_text_is_found_by_the_last_message_and_messages_by_all_of_them(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "s"}, *prompt("a")]
    path = lines(
        tmp_path / "a.jsonl", {"prompt": "a", "answer": "text"}, {"prompt": asked, "answer": "all"}
    )
    model = RecordedModel(path)
    other = [{"role": "system", "content": "other"}, *prompt("a")]
    assert [a.text for a in model.generate([asked, other], Sampling())] == ["all", "text"]


def test_traces_are_answers_with_all_that_they_note(tmp_path: Path) -> None:
    for episode in range(2):
        folder = tmp_path / "id"
        writer = TraceWriter(
            folder / f"episode-{episode:05}.jsonl",
            {"kind": "header", "trace_version": TRACE_VERSION, "episode": episode},
        )
        for t, notes in enumerate(
            [
                {"answer": "I go", "answer_status": "ok", "usage": {"input_tokens": 7}},
                {"answer": "I am cut of", "answer_status": "cut", "reasoning": "hm"},
                {
                    "answer": "",
                    "answer_status": "ok",
                    "tool_calls": [{"name": "act", "arguments": "{}"}],
                },
                None,  # an action of an earlier answer
            ]
        ):
            said = {} if notes is None else {"prompt": prompt(f"{episode} {t}"), **notes}
            writer.step(
                observation="o",
                action=0,
                reward=0.0,
                terminated=False,
                truncated=False,
                info={"text_action": "go"},
                notes=said,
            )
        writer.close()
    model = RecordedModel(tmp_path)
    assert len(model) == 6
    assert model.generate([prompt(f"1 {t}") for t in range(3)], Sampling()) == [
        Completion("I go", usage=Usage(7)),
        Completion("I am cut of", "cut", reasoning="hm"),
        Completion("", "ok", (ToolCall("act", "{}"),)),
    ]


def test_a_prompt_with_a_lone_surrogate_is_only_not_there(tmp_path: Path) -> None:
    model = RecordedModel(lines(tmp_path / "a.jsonl", {"prompt": "\ud800", "answer": "found"}))
    assert texts(model, "\ud800") == ["found"]
    with pytest.raises(NotCached):
        texts(model, "\udfff")


def test_the_published_answers_are_all_found(published_data: Path) -> None:
    path = published_data / "in5490_policy_cache.json"
    published = json.loads(path.read_text(encoding="utf-8"))
    model = RecordedModel(path)
    assert len(model) == len(published) == 3561
    answers = model.generate([prompt(text) for text in published], Sampling())
    assert [answer.text for answer in answers] == list(published.values())


# What is not there


def test_a_prompt_that_was_not_recorded_is_named_by_its_end(tmp_path: Path) -> None:
    model = RecordedModel(lines(tmp_path / "a.jsonl", {"prompt": "a", "answer": "yes"}))
    with pytest.raises(NotCached, match=r"has no answer to a prompt that ends with '.*the door\?'"):
        texts(model, "a", "x" * 500 + "the door?")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"[]"),
        ("a.json", b'{"a": 1}'),
        ("a.json", b'{"a": {"txt": "b"}}'),
        ("a.json", b'{"a": "b"'),
        ("a.json", b"{}"),
        ("a.jsonl", b""),
        ("a.jsonl", b'{"prompt": "a"}\n'),
        ("a.jsonl", b"17\n"),
        ("a.jsonl", b'{"prompt": "a", "answer": null}\n'),
        ("a.jsonl", b'{"prompt": "a", "answer": "b"}\n{"prompt": "c", "ans\n{}\n'),
        ("a.jsonl", b"\xff\xfe\n"),
        ("a.db", b"SQLite format 3\0" + b"x" * 2000),
    ],
)
def test_a_file_that_is_broken_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CacheError, match=rf"{name}: expected recorded answers"):
        RecordedModel(tmp_path / name)


def test_the_line_in_which_a_run_was_killed_is_left_out(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"prompt": "a", "answer": "yes"})
    with path.open("a") as file:
        file.write('{"prompt": "b", "ans')
    model = RecordedModel(path)
    assert len(model) == 1
    assert texts(model, "a") == ["yes"]


def test_a_file_without_its_last_newline_is_whole(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"prompt": "a", "answer": "yes"}, end="")
    assert texts(RecordedModel(path), "a") == ["yes"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"no\.jsonl: expected recorded answers .* No such file"):
        get_model(f"recorded:{tmp_path / 'no.jsonl'}")


def test_a_folder_without_traces_is_told(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="expected recorded answers, found none"):
        RecordedModel(tmp_path)


def test_a_database_of_others_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "others.db")
    db.execute("CREATE TABLE notes (text TEXT)")
    db.close()
    with pytest.raises(CacheError, match="no such table"):
        RecordedModel(tmp_path / "others.db")
