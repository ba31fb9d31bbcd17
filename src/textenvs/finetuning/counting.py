"""How many tokens a row has for a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError, require

__all__ = ["RowTokens", "characters"]


class RowTokens:
    """Counts the tokens of rows: by the chat template where there is one, else of the texts alone.

    Args:
        path: a folder with a tokenizer, as models have, or its ``tokenizer.json``.

    Raises:
        MissingExtra: without transformers.
        ModelError: if there is no tokenizer.
    """

    def __init__(self, path: Path | str) -> None:
        transformers = require("transformers", extra="hf", needed_by=f"the tokenizer {path}")
        try:
            if Path(path).is_file():
                self._tokenizer: Any = transformers.PreTrainedTokenizerFast(
                    tokenizer_file=str(path)
                )
            elif Path(path).is_dir():
                self._tokenizer = transformers.AutoTokenizer.from_pretrained(
                    str(path), local_files_only=True
                )
            else:
                raise FileNotFoundError("there is no such folder or file")
        except Exception as error:  # those of tokenizers are of no other kind
            said = " ".join(str(error).split())[:300]
            raise ModelError(f"tokenizer {path}: expected one to load, got: {said}") from error
        self.has_template = bool(getattr(self._tokenizer, "chat_template", None))

    def count(self, row: Mapping[str, Any]) -> int:
        """The tokens of a row, prompt and answer.

        Raises:
            ModelError: if the chat template refuses it.
        """
        if "text" in row:
            return self._length(row["text"])
        if isinstance(row.get("prompt"), str):
            return self._length(row["prompt"] + _text_of(row["completion"]))
        messages = row["messages"] if "messages" in row else [*row["prompt"], *row["completion"]]
        if not self.has_template:
            return sum(self._length(text) for text in map(_said, messages))
        try:
            text = self._tokenizer.apply_chat_template(
                [_for_template(message) for message in messages],
                tools=row.get("tools"),
                tokenize=False,
            )
        except Exception as error:  # a template raises what it likes
            said = " ".join(str(error).split())[:300]
            raise ModelError(f"the chat template refuses a row: {said}") from error
        return self._length(text, special=False)

    def _length(self, text: str, special: bool = True) -> int:
        return len(self._tokenizer(text, add_special_tokens=special)["input_ids"])


def _text_of(completion: Any) -> str:
    return completion if isinstance(completion, str) else "".join(map(_said, completion))


def _said(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    calls = [json.dumps(call["function"]) for call in message.get("tool_calls") or ()]
    if not isinstance(content, str):
        content = "\n".join(part.get("text", "") for part in content)
    return "\n".join(filter(None, [content, *calls]))


def _for_template(message: Mapping[str, Any]) -> dict[str, Any]:
    """As chat templates expect it: no content that is null, arguments as objects."""
    found = {**message, "content": message.get("content") or ""}
    if message.get("tool_calls"):
        found["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": _arguments(call)}}
            for call in message["tool_calls"]
        ]
    return found


def _arguments(call: Mapping[str, Any]) -> Any:
    try:
        return json.loads(call["function"]["arguments"])
    except (TypeError, ValueError):
        return call["function"]["arguments"]  # what the model wrote, as it is


def characters(row: Mapping[str, Any]) -> int:
    """The characters of a row's texts, prompt and answer."""
    if "text" in row:
        return len(row["text"])
    if isinstance(row.get("prompt"), str):
        return len(row["prompt"]) + len(_text_of(row["completion"]))
    messages = row["messages"] if "messages" in row else [*row["prompt"], *row["completion"]]
    return sum(len(_said(message)) for message in messages)
