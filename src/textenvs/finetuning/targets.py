"""What is learned from a row: the tokens of its prompt, and those of the answer, with loss."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError
from textenvs.llm.backends.reading import PromptReader

__all__ = [
    "NO_LOSS",
    "Row",
    "Target",
    "TargetBuilder",
    "action_start",
    "end_tokens",
    "hash_file",
    "read_rows",
    "split_rows",
]

NO_LOSS = -100
"""The label of a token that carries no loss, as torch has it."""

_FORMS = (
    '{"messages": [...]} whose last message is the assistant\'s, {"prompt": ..., "completion": '
    '...} or {"text": ...}'
)
_SHOWN = 300  # characters of what a chat template says in an error
_BLOCK = 1 << 20
_TAG = re.compile(r"<\|ACTION\|>\s*|\bACTION\b[*_`\"']*[ \t]*:[*_`\s]*", re.IGNORECASE)
_LAST_LINE = re.compile(r"[^\n]*\S[^\n]*\s*\Z")


@dataclass(frozen=True)
class Row:
    """A row of a training file.

    Attributes:
        place: its file and line, for errors.
        kind: "messages", "completion" or "text".
        content: the row itself.
    """

    place: str
    kind: str
    content: Mapping[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Prompt and answer as messages; empty for texts."""
        if self.kind == "messages":
            return [dict(message) for message in self.content["messages"]]
        prompt = self.content.get("prompt")
        if self.kind == "text" or isinstance(prompt, str):
            return []
        answer = self.content["completion"]
        last = [{"role": "assistant", "content": answer}] if isinstance(answer, str) else answer
        return [dict(message) for message in [*(prompt or ()), *last]]


def read_rows(path: Path | str) -> list[Row]:
    """Read a training file: JSON Lines.

    Raises:
        ValueError: naming the first line that is no row, or if there is none.
    """
    rows: list[Row] = []
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_row(f"{path}:{number}", line))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8, got {error}") from error
    if not rows:
        raise ValueError(f"{path}: expected rows to learn from, got none")
    return rows


def _row(place: str, line: str) -> Row:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: expected JSON, got {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{place}: expected a row like {_FORMS}, got {line.strip()[:80]}")
    if "messages" in content:
        row = Row(place, "messages", content)
        _check_messages(place, content["messages"])
    elif "prompt" in content and "completion" in content:
        row = Row(place, "completion", content)
        if row.messages:
            _check_messages(place, row.messages)
        elif not _is_text(content["prompt"]) or not _is_text(content["completion"]):
            raise ValueError(f"{place}: expected texts as prompt and completion, got others")
    elif _is_text(content.get("text")):
        row = Row(place, "text", content)
    else:
        raise ValueError(f"{place}: expected a row like {_FORMS}, got keys {sorted(content)}")
    if not isinstance(content.get("tools") or [], list):
        raise ValueError(f"{place}: expected tools as a list, got {content['tools']!r}"[:200])
    return row


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _check_messages(place: str, messages: object) -> None:
    if not isinstance(messages, list) or len(messages) < 2:
        raise ValueError(f"{place}: expected a list of two messages or more, the last an answer")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValueError(f"{place}: expected messages with a role, got {message!r}"[:200])
        if not isinstance(message.get("content") or "", str | list):
            raise ValueError(f"{place}: expected content as text, got {message['content']!r}"[:200])
    last = messages[-1]
    if last["role"] != "assistant":
        raise ValueError(f"{place}: expected the assistant's message last, got {last['role']!r}")
    if not _is_text(last.get("content")) and not last.get("tool_calls"):
        raise ValueError(f"{place}: expected an answer with text or a call of a tool, got neither")


def split_rows(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Split rows into those to learn from and those that are held out.

    Rows of one episode stay together where they tell it (``episode``, at the top or in
    ``metadata``); those that do not, where their prompts are the same.

    Raises:
        ValueError: if there is nothing to hold out, or nothing would be left.
    """
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(_group(row), []).append(index)
    if len(groups) < 2:
        raise ValueError(
            f"expected rows of two episodes or more to hold some out, got {len(groups)}"
        )
    order = sorted(groups)
    random.Random(f"validation {seed}").shuffle(order)
    held_out: set[int] = set()
    for key in order[:-1]:
        if held_out and len(held_out) + len(groups[key]) > share * len(rows):
            continue
        held_out.update(groups[key])
    kept = [row for index, row in enumerate(rows) if index not in held_out]
    return kept, [row for index, row in enumerate(rows) if index in held_out]


def _group(row: Row) -> str:
    metadata = row.content.get("metadata")
    for place in (row.content, metadata if isinstance(metadata, Mapping) else {}):
        if place.get("episode") is not None:
            return json.dumps(["episode", place["episode"]], sort_keys=True)
    prompt = row.messages[:-1] or row.content.get("prompt") or row.content.get("text")
    return json.dumps(["prompt", prompt], sort_keys=True)


def hash_file(path: Path | str) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


@dataclass(frozen=True)
class Target:
    """A row as tokens.

    Attributes:
        input_ids: of the prompt, then of the answer with the token that ends it.
        labels: the same, :data:`NO_LOSS` where a token is none of the answer's.
        action: where in ``input_ids`` the action begins; it reaches to the end.
    """

    input_ids: list[int]
    labels: list[int]
    action: int


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens at which a model stops: those of its generation settings and its tokenizer."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*found, tokenizer.eos_token_id] if token is not None)


def action_start(answer: str) -> int:
    r"""Where in an answer the action begins.

    Behind the last ``ACTION:`` or ``<|ACTION|>``, else with the last line.

    Example:
        >>> answer = "A tree is ahead.\nACTION: go forward"
        >>> answer[action_start(answer):]
        'go forward'
    """
    tags = list(_TAG.finditer(answer))
    if tags:
        return tags[-1].end()
    line = _LAST_LINE.search(answer)
    return 0 if line is None else line.start()


class TargetBuilder:
    """Makes targets as the model will be asked: the prompt has the tokens that it has in use.

    Args:
        tokenizer: of transformers.
        ends: the tokens at which the model stops.
        name: the model's, for errors.

    Raises:
        ModelError: if no token ends an answer.
    """

    def __init__(self, tokenizer: Any, ends: frozenset[int], name: str) -> None:
        if tokenizer.eos_token_id is None:
            raise ModelError(
                f"{name}: expected a tokenizer with a token that ends a text, got none"
            )
        self._tokenizer = tokenizer
        self._ends = ends
        self._name = name
        self._reader = PromptReader(tokenizer, name)

    def build_all(self, rows: Sequence[Row], longest: int | None) -> tuple[list[Target], list[Row]]:
        """The targets of rows, and the rows that are longer than ``longest`` tokens.

        Raises:
            ModelError: if the chat template refuses a row.
        """
        targets: list[Target] = []
        too_long: list[Row] = []
        for row in rows:
            target = self.build(row)
            if longest is not None and len(target.input_ids) > longest:
                too_long.append(row)
            else:
                targets.append(target)
        return targets, too_long

    def build(self, row: Row) -> Target:
        """The target of a row.

        Raises:
            ModelError: if the chat template refuses it.
        """
        if row.kind == "text":
            text = row.content["text"]
            return self._join("", text, action_start(text), special=True, cut=False)
        messages = row.messages
        if not messages:
            answer = row.content["completion"]
            return self._join(row.content["prompt"], answer, action_start(answer), special=True)
        tools = row.content.get("tools") or ()
        chat = [_for_template(message) for message in messages]
        try:
            return self._chat(chat, tools)
        except ModelError as error:
            raise ModelError(f"{row.place}: {error}") from error

    def _chat(self, chat: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Target:
        prompt = self._reader.text(chat[:-1], tools)
        answer = chat[-1]
        calls = answer.get("tool_calls") or []
        if self._tokenizer.chat_template is None:
            text = _with_calls(answer)
            return self._join(prompt, text, 0 if calls else action_start(text), special=True)
        whole = self._whole(chat, tools)
        written = self._written(prompt, whole, answer)
        if not all(call["function"]["name"] in written for call in calls):
            # The template has no place for calls: they are written as they are read in answers.
            answer = {"role": answer["role"], "content": _with_calls(answer)}
            whole = self._whole([*chat[:-1], answer], tools)
            written = self._written(prompt, whole, answer)
        said = str(answer["content"]).strip()
        place = written.find(said)
        start = 0 if calls or place < 0 else place + action_start(said)
        return self._join(prompt, written, start, special=False)

    def _whole(self, chat: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str:
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    chat, tools=[dict(tool) for tool in tools] or None, tokenize=False
                )
            )
        except Exception as error:  # whatever a template, which is code of the model's, says
            said = " ".join(str(error).split())[:_SHOWN]
            raise ModelError(f"{self._name}: its chat template refuses: {said}") from error

    def _written(self, prompt: str, whole: str, answer: Mapping[str, Any]) -> str:
        """What the template writes behind the prompt."""
        if whole.startswith(prompt):
            return whole[len(prompt) :]
        # The template begins an answer otherwise than it asks for one (with a thought, which it
        # drops from past answers): what follows the prompt in use is the answer itself.
        said = str(answer["content"]).strip()
        place = whole.rfind(said) if said else -1
        if place < 0:
            raise ModelError(
                f"{self._name}: expected a chat template that writes the answer behind the prompt, "
                "got one that writes neither the prompt nor the answer as they are"
            )
        return whole[place:]

    def _join(
        self, prompt: str, written: str, start: int, *, special: bool, cut: bool = True
    ) -> Target:
        """Prompt and answer as tokens.

        Args:
            prompt: the prompt's text.
            written: the text behind it.
            start: where in it the action begins.
            special: whether the tokenizer adds its special tokens.
            cut: whether the answer is over with the first token at which the model stops; a text
                may have several turns.
        """
        read = self._tokenize(prompt, special)[0] if prompt else []
        whole, offsets = self._tokenize(prompt + written, special)
        if whole[: len(read)] == read and len(whole) > len(read):
            tokens = whole[len(read) :]
            spans = None if offsets is None else [end - len(prompt) for end in offsets[len(read) :]]
        else:
            # The two melt into one token where they meet, which they do not in use.
            tokens, spans = self._tokenize(written, special=False)
        if cut:
            # What a template writes behind the end (a line break) is never asked of the model.
            first = next((i for i, token in enumerate(tokens) if token in self._ends), None)
            tokens = tokens if first is None else tokens[: first + 1]
        if tokens[-1:] and tokens[-1] not in self._ends:
            tokens = [*tokens, self._tokenizer.eos_token_id]
        action = next((i for i, end in enumerate(spans or ()) if end > start), 0) if start else 0
        labels = [NO_LOSS] * len(read) + tokens
        return Target([*read, *tokens], labels, len(read) + min(action, len(tokens) - 1))

    def _tokenize(self, text: str, special: bool) -> tuple[list[int], list[int] | None]:
        """The tokens of a text, and where each of them ends, if the tokenizer can tell."""
        fast = bool(self._tokenizer.is_fast)
        found = self._tokenizer(
            text, add_special_tokens=special, return_offsets_mapping=fast, verbose=False
        )
        ends = [end for _, end in found["offset_mapping"]] if fast else None
        return list(found["input_ids"]), ends


def _for_template(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as chat templates expect it: no content that is null, arguments as objects."""
    found = {**message, "content": message.get("content") or ""}
    if message.get("tool_calls"):
        found["tool_calls"] = list(_calls(message))
    return found


def _calls(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for call in message["tool_calls"]:
        function = dict(call["function"])
        if isinstance(function.get("arguments"), str):
            with suppress(json.JSONDecodeError):  # else the text that the model wrote, as it is
                function["arguments"] = json.loads(function["arguments"])
        yield {**call, "function": function}


def _with_calls(answer: Mapping[str, Any]) -> str:
    """An answer's text with its calls written into it, as local models write them."""
    calls = [
        {"name": call["function"]["name"], "arguments": call["function"].get("arguments", {})}
        for call in answer.get("tool_calls") or ()
    ]
    written = [f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls]
    return "\n".join(filter(None, [str(answer["content"]), *written]))
