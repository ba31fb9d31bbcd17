"""Whether a training file is one, line by line."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError
from textenvs.finetuning.counting import RowTokens

__all__ = ["Problem", "Report", "check_row", "validate"]

_KEYS = {
    "chat": ({"messages"}, {"tools", "parallel_tool_calls", "metadata"}),
    "prompt-completion": ({"prompt", "completion"}, {"tools", "metadata"}),
    "text": ({"text"}, {"metadata"}),
}
"""Of each format the keys that a row must have, and those that it may have."""

_ROLES = ("system", "developer", "user", "assistant", "tool")
_MESSAGE_KEYS = {
    "assistant": {"role", "content", "name", "tool_calls", "weight"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_OTHER_KEYS = {"role", "content", "name"}
_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line; lines are counted from 1."""

    line: int
    what: str


@dataclass
class Report:
    """What a training file is.

    Attributes:
        path: which file.
        form: its format; empty if no line has one.
        rows: how many lines are rows without problems.
        lines: how many lines there are.
        problems: what is wrong, by line.
        tokens: of each row, where a tokenizer was given.
        with_tools: rows whose answer calls a tool.
    """

    path: Path
    form: str = ""
    rows: int = 0
    lines: int = 0
    problems: list[Problem] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    with_tools: int = 0

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def summary(self) -> str:
        """The file in a few words."""
        said = f"{self.rows} of {self.lines} lines are rows without problems"
        if self.form:
            said += f", format {self.form}"
        if self.with_tools:
            said += f", {self.with_tools} call a tool"
        if self.tokens:
            total = sum(self.tokens)
            said += f"; {total:,} tokens, the longest row {max(self.tokens):,}"
        return said


def validate(
    path: Path | str, *, tokenizer: Path | str | None = None, max_tokens: int | None = None
) -> Report:
    """Check a training file: each line a row of one format, which the first row decides.

    Args:
        path: the file.
        tokenizer: what counts the tokens of rows.
        max_tokens: no row may have more.

    Raises:
        ValueError: if ``max_tokens`` is given without a tokenizer.
        ModelError: if the tokenizer does not load.
        OSError: if the file cannot be read.
    """
    if max_tokens is not None and tokenizer is None:
        raise ValueError("max_tokens counts tokens: expected a tokenizer, got none")
    counter = None if tokenizer is None else RowTokens(tokenizer)
    report = Report(Path(path))
    seen: dict[bytes, int] = {}
    with report.path.open("rb") as file:
        for number, line in enumerate(file, 1):
            report.lines = number
            found = list(_check_line(line, number, report, seen))
            if not found and counter is not None:
                found = _too_long(counter, json.loads(line), max_tokens, report)
            report.rows += not found
            report.problems += [Problem(number, what) for what in found]
    if not report.lines:
        report.problems.append(Problem(1, "expected a row, got an empty file"))
    return report


def _check_line(line: bytes, number: int, report: Report, seen: dict[bytes, int]) -> Iterator[str]:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        yield f"expected UTF-8, got {line[error.start : error.end]!r} at byte {error.start}"
        return
    if not text.strip():
        yield "expected a row, got an empty line"
        return
    try:
        row = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        yield f"expected JSON, got {_shown(text.strip())} ({error})"
        return
    if not isinstance(row, dict):
        yield f"expected an object, got {_shown(row)}"
        return
    form = _form(row)
    if form and not report.form:
        report.form = form
    if form and form != report.form:
        yield f"expected the format {report.form} of the lines before, got {form}"
    yield from check_row(row)
    calls = (_answer(row) or {}).get("tool_calls")
    report.with_tools += bool(calls)
    content = {key: value for key, value in row.items() if key != "metadata"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()[:16]
    first = seen.setdefault(digest, number)
    if first != number:
        yield f"expected a row of its own, got that of line {first} again"


def check_row(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a row, of any format."""
    form = _form(row)
    if not form:
        wanted = ", or ".join(" and ".join(sorted(keys)) for keys, _ in _KEYS.values())
        yield f"expected {wanted}, got the keys {', '.join(map(repr, row)) or 'none'}"
        return
    needed, further = _KEYS[form]
    for key in row.keys() - needed - further:
        yield f"expected no key {key!r} in a row of the format {form}"
    if form == "text":
        yield from _check_text(row["text"], "text")
        return
    tools, problems = _tool_names(row.get("tools"))
    yield from problems
    if form == "chat":
        yield from _check_messages(row["messages"], "messages", tools, closed=True)
        return
    prompt, completion = row["prompt"], row["completion"]
    if isinstance(prompt, str) or isinstance(completion, str):
        yield from _check_text(prompt, "prompt")
        yield from _check_text(completion, "completion")
        return
    yield from _check_messages(prompt, "prompt", tools, closed=False)
    yield from _check_messages(completion, "completion", tools, closed=True, alone=True)


def _form(row: Mapping[str, Any]) -> str:
    return next((form for form, (needed, _) in _KEYS.items() if needed <= row.keys()), "")


def _check_text(text: object, where: str) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{where}: expected a text, got {_shown(text)}"
    elif not text.strip():
        yield f"{where}: expected a text, got an empty one"
    elif _has_halves(text):
        yield f"{where}: expected whole characters, got half of one (a lone surrogate)"


def _check_messages(
    messages: object, where: str, tools: set[str] | None, *, closed: bool, alone: bool = False
) -> Iterator[str]:
    """Check messages; ``closed`` by an answer, which may be ``alone``."""
    if not isinstance(messages, list) or not messages:
        yield f"{where}: expected a list of messages, got {_shown(messages)}"
        return
    called: set[str] = set()
    for n, message in enumerate(messages):
        yield from _check_message(message, f"{where}[{n}]", tools, called)
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    if closed and roles[-1] != "assistant":
        yield f"{where}: expected the assistant's message last, got {_shown(roles[-1])}"
    elif not closed and roles[-1] == "assistant":
        yield f"{where}: expected a prompt that ends before the answer, got the assistant's last"
    elif closed and not alone and len(messages) < 2:
        yield f"{where}: expected a message before the assistant's, got none"


def _check_message(
    message: object, where: str, tools: set[str] | None, called: set[str]
) -> Iterator[str]:
    if not isinstance(message, dict):
        yield f"{where}: expected a message, got {_shown(message)}"
        return
    role = message.get("role")
    if role not in _ROLES:
        yield f"{where}: expected a role of {', '.join(_ROLES)}, got {_shown(role)}"
        return
    for key in sorted(message.keys() - _MESSAGE_KEYS.get(role, _OTHER_KEYS), key=str):
        yield f"{where}: expected no key {key!r} in a message of the role {role}"
    if "tool_calls" in message and role == "assistant":
        yield from _check_calls(message["tool_calls"], where, tools, called)
        if message.get("content") is None:
            return
        if message["content"] == "":
            yield f"{where}: expected content null or a text beside tool_calls, got an empty one"
            return
    if role == "tool" and message.get("tool_call_id") not in called:
        yield f"{where}: expected the id of a call before it, got {message.get('tool_call_id')!r}"
    yield from _check_content(message.get("content"), f"{where}: the content of {role}")


def _check_content(content: object, where: str) -> Iterator[str]:
    if isinstance(content, list) and content:
        for part in content:
            if not isinstance(part, dict) or part.get("type") != "text":
                yield f"{where}: expected parts of the type 'text', got {_shown(part)}"
            else:
                yield from _check_text(part.get("text"), where)
    else:
        yield from _check_text(content, where)


def _check_calls(
    calls: object, where: str, tools: set[str] | None, called: set[str]
) -> Iterator[str]:
    if not isinstance(calls, list) or not calls:
        yield f"{where}: expected tool_calls, a list of calls, got {_shown(calls)}"
        return
    for n, call in enumerate(calls):
        place = f"{where}.tool_calls[{n}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict):
            yield f"{place}: expected a call with its function, got {_shown(call)}"
            continue
        for key in sorted(call.keys() - {"id", "type", "function"}, key=str):
            yield f"{place}: expected no key {key!r} in a call"
        if not isinstance(call.get("id"), str) or not call["id"]:
            yield f"{place}: expected an id, got {_shown(call.get('id'))}"
        else:
            called.add(call["id"])
        if call.get("type") != "function":
            yield f"{place}: expected the type 'function', got {_shown(call.get('type'))}"
        name = function.get("name")
        if not isinstance(name, str) or not name:
            yield f"{place}: expected the name of a function, got {_shown(name)}"
        elif tools is None or name not in tools:
            offered = ", ".join(sorted(tools)) if tools else "none"
            yield f"{place}: expected a tool of the row's tools ({offered}), got {name!r}"
        yield from _check_arguments(function.get("arguments"), place)


def _check_arguments(arguments: object, place: str) -> Iterator[str]:
    if not isinstance(arguments, str):
        yield f"{place}: expected arguments as a text of JSON, got {_shown(arguments)}"
        return
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        yield f"{place}: expected arguments of JSON, got {_shown(arguments)}"
        return
    if not isinstance(found, dict):
        yield f"{place}: expected arguments that are an object, got {_shown(arguments)}"


def _tool_names(tools: object) -> tuple[set[str] | None, list[str]]:
    """The names of the tools that a row offers, and what is wrong with them."""
    if tools is None:
        return None, []
    if not isinstance(tools, list) or not tools:
        return None, [f"tools: expected a list of tools, got {_shown(tools)}"]
    names: Counter[str] = Counter()
    problems = []
    for n, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or tool.get("type") != "function":
            problems.append(f"tools[{n}]: expected a function with its name, got {_shown(tool)}")
        else:
            names[name] += 1
    problems += [f"tools: {name!r} is there {n} times" for name, n in names.items() if n > 1]
    return set(names), problems


def _too_long(
    counter: RowTokens, row: Mapping[str, Any], most: int | None, report: Report
) -> list[str]:
    try:
        tokens = counter.count(row)
    except ModelError as error:
        return [str(error)]
    report.tokens.append(tokens)
    return [f"expected {most} tokens at most, got {tokens}"] if most and tokens > most else []


def _answer(row: Mapping[str, Any]) -> dict[str, Any] | None:
    messages = row.get("messages") or row.get("completion")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return last if isinstance(last, dict) else None


def _has_halves(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _refuse(constant: str) -> float:
    raise ValueError(f"the number {constant} is none of JSON")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
