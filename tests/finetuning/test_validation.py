"""What is wrong with a training file, by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from textenvs.errors import ModelError
from textenvs.finetuning.validation import check_row, validate
from tiny_models import make_causal

pytestmark = pytest.mark.models

USER = {"role": "user", "content": "What do you do?"}
SAID = {"role": "assistant", "content": "Noop"}
TOOL = {"type": "function", "function": {"name": "interact", "parameters": {}}}


def called(**more: Any) -> dict[str, Any]:
    function = {"name": "interact", "arguments": '{"actions": ["Noop"]}', **more}
    call = {"id": "call_0", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


@pytest.mark.parametrize(
    "row",
    [
        chat(USER, SAID),
        chat({"role": "system", "content": "Play."}, USER, SAID, USER, SAID),
        chat(USER, called(), tools=[TOOL]),
        chat(USER, called(), {"role": "tool", "tool_call_id": "call_0", "content": "1"}, SAID)
        | {"tools": [TOOL]},
        chat(USER, {**SAID, "weight": 0}, USER, SAID, metadata={"episode": 3}),
        chat({"role": "user", "content": [{"type": "text", "text": "Go on."}]}, SAID),
        {"prompt": "Action: ", "completion": "go forward"},
        {"prompt": [USER], "completion": [SAID]},
        {"text": "Action: go forward"},
    ],
)
def test_rows_that_are_right(row: dict[str, Any]) -> None:
    assert list(check_row(row)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "got the keys none"),
        ({"message": []}, "got the keys 'message'"),
        (chat(), "expected a list of messages"),
        (chat(SAID), "expected a message before"),
        (chat(USER), "the assistant's message last"),
        (chat({**USER, "role": "human"}, SAID), "expected a role of"),
        (chat({**USER, "content": ""}, SAID), "the content of user: expected a text, got an empty"),
        (chat({**USER, "content": " \n"}, SAID), "the content of user"),
        (chat({**USER, "content": None}, SAID), "the content of user"),
        (chat(USER, {**SAID, "content": None}), "the content of assistant"),
        (chat({**USER, "text": "x"}, SAID), "expected no key 'text'"),
        (chat(USER, SAID, weight=1), "expected no key 'weight' in a row"),
        (chat({"content": "x"}, SAID), "expected a role of"),
        (chat("x", SAID), "expected a message, got 'x'"),
        (chat({**USER, "content": "\ud800"}, SAID), "half of one"),
        (chat(USER, called()), "expected a tool of the row's tools (none)"),
        (chat(USER, called(name="walk"), tools=[TOOL]), "tools (interact), got 'walk'"),
        (chat(USER, called(arguments="{"), tools=[TOOL]), "expected arguments of JSON"),
        (chat(USER, called(arguments="[]"), tools=[TOOL]), "arguments that are an object"),
        (chat(USER, called(arguments={}), tools=[TOOL]), "arguments as a text of JSON"),
        (chat(USER, {**SAID, "tool_calls": []}), "a list of calls"),
        (chat(USER, {**called(), "content": ""}, tools=[TOOL]), "content null or a text"),
        (chat(USER, called(), tools=[TOOL, TOOL]), "is there 2 times"),
        (chat(USER, SAID, tools=[]), "a list of tools"),
        (chat(USER, {"role": "tool", "content": "1", "tool_call_id": "c"}, SAID), "id of a call"),
        ({"prompt": "", "completion": "x"}, "prompt: expected a text"),
        ({"prompt": [USER], "completion": "x"}, "prompt: expected a text"),
        ({"prompt": [USER, SAID], "completion": [SAID]}, "ends before the answer"),
        ({"prompt": [USER], "completion": [USER]}, "the assistant's message last"),
        ({"text": 3}, "text: expected a text, got 3"),
    ],
)
def test_rows_that_are_wrong_say_so_once(row: dict[str, Any], message: str) -> None:
    (problem,) = check_row(row)
    assert message in problem


def test_a_file_is_checked_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    right = json.dumps(chat(USER, SAID)).encode()
    other = json.dumps(chat({**USER, "content": "And now?"}, SAID)).encode()
    texts = json.dumps({"text": "x"}).encode()
    noted = json.dumps(chat(USER, SAID, metadata={"t": 1})).encode()
    rows = [right, b"{", b"", texts, right, other, b'{"text": "\xff"}', b"[]", noted, b'{"a": NaN}']
    path.write_bytes(b"\n".join(rows) + b"\n")
    report = validate(path)
    assert (report.rows, report.lines, report.form) == (2, len(rows), "chat")
    wanted = {
        2: "expected JSON",
        3: "an empty line",
        4: "expected the format chat of the lines before, got text",
        5: "got that of line 1 again",
        7: "expected UTF-8",
        8: "expected an object",
        9: "got that of line 1 again",
        10: "NaN",
    }
    assert {problem.line for problem in report.problems} == wanted.keys()
    for problem in report.problems:
        assert wanted[problem.line] in problem.what


def test_an_empty_file_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.touch()
    assert not validate(path).valid


@pytest.mark.parametrize("template", [True, False])
def test_tokens_are_counted_by_the_tokenizer(tmp_path: Path, template: bool) -> None:
    from transformers import AutoTokenizer

    folder = make_causal(tmp_path / "model", chat=template)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(chat(USER, SAID)) + "\n")
    texts = [USER["content"], SAID["content"]]
    expected = sum(len(tokenizer(text)["input_ids"]) for text in texts)
    if template:
        shown = tokenizer.apply_chat_template([USER, SAID], tokenize=False)
        expected = len(tokenizer(shown)["input_ids"])
    assert validate(path, tokenizer=folder).tokens == [expected]
    assert validate(path, tokenizer=folder, max_tokens=expected).valid
    (problem,) = validate(path, tokenizer=folder, max_tokens=expected - 1).problems
    assert f"got {expected}" in problem.what
    if not template:
        assert validate(path, tokenizer=folder / "tokenizer.json").tokens == [expected]


def test_tokens_need_a_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(chat(USER, SAID)) + "\n")
    with pytest.raises(ValueError, match="expected a tokenizer"):
        validate(path, max_tokens=3)
    with pytest.raises(ModelError, match="no such folder"):
        validate(path, tokenizer=tmp_path / "nothing")
