"""What the local models share: how a prompt becomes tokens, and how what they write is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from textenvs.errors import ModelError
from textenvs.llm.model import Completion, Messages, ToolCall

__all__ = ["PromptReader", "read_answer"]

_THOUGHT = re.compile(r"\A\s*(?:<think>)?(.*?)</think>\s*", re.DOTALL)
_TOOL_CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_SHOWN = 300  # characters of what a chat template says in an error


class PromptReader:
    """Makes tokens of prompts and continuations, as a tokenizer of transformers does.

    Args:
        tokenizer: of transformers.
        name: the model's, for errors.

    Attributes:
        adds_special: whether the tokenizer is to add its special tokens to a text of
            :meth:`text`; a chat template has them already.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer = tokenizer
        self._name = name
        self.adds_special = tokenizer.chat_template is None

    def text(self, messages: Messages, tools: Sequence[Mapping[str, Any]] = ()) -> str:
        """The messages as the model was trained to read them; without a template, their contents.

        Raises:
            ModelError: if the chat template refuses them, or they have a lone surrogate.
        """
        plain = [dict(message) for message in messages]
        if self.adds_special:
            return self._checked("\n\n".join(str(message["content"]) for message in plain) + "\n")
        try:
            text = self._tokenizer.apply_chat_template(
                plain,
                tools=[dict(tool) for tool in tools] or None,
                add_generation_prompt=True,
                tokenize=False,
            )
        except Exception as error:  # whatever a template, which is code of the model's, says
            said = " ".join(str(error).split())[:_SHOWN]
            raise ModelError(f"{self._name}: its chat template refuses: {said}") from error
        return self._checked(str(text))

    def _checked(self, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ModelError(
                f"{self._name}: expected a text that can be written as UTF-8, got a lone surrogate "
                f"({error})"
            ) from error
        return text

    def prompt(self, prompt: Messages | str) -> list[int]:
        """The tokens of a prompt: of messages through the chat template, of a text as it is.

        Raises:
            ValueError: if there are none.
        """
        if isinstance(prompt, str):
            tokens = self._tokenizer(self._checked(prompt))["input_ids"]
        else:
            text = self.text(prompt)
            tokens = self._tokenizer(text, add_special_tokens=self.adds_special)["input_ids"]
        if not tokens:
            raise ValueError("expected a prompt of at least one token, got none")
        return list(tokens)

    def continuation(self, text: str) -> list[int]:
        """The tokens of a text that follows a prompt.

        Raises:
            ValueError: if there are none.
        """
        tokens = self._tokenizer(self._checked(text), add_special_tokens=False)["input_ids"]
        if not tokens:
            raise ValueError(f"expected a continuation of at least one token, got {text!r}")
        return list(tokens)


def read_answer(text: str, *, tools: bool, cut: bool) -> Completion:
    """Take apart what a local model wrote: reasoning, tool calls, and the rest.

    Args:
        text: what it wrote, special tokens left out.
        tools: whether tools were offered; without, nothing is read as a call.
        cut: whether it ran into the limit.

    Returns:
        The completion, its usage left at zero.
    """
    thought = _THOUGHT.match(text) if "</think>" in text else None
    reasoning = thought[1].strip() if thought else ""
    rest = text[thought.end() :] if thought else text
    calls = tuple(filter(None, map(_tool_call, _TOOL_CALL.findall(rest)))) if tools else ()
    if calls:
        rest = _TOOL_CALL.sub("", rest)
    rest = rest.strip()
    status = "cut" if cut else "ok" if rest or calls else "empty"
    return Completion(rest, status, calls, reasoning)


def _tool_call(text: str) -> ToolCall | None:
    try:
        call = json.loads(text)
        name, arguments = call["name"], call.get("arguments", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(name, str):
        return None
    return ToolCall(name, arguments if isinstance(arguments, str) else json.dumps(arguments))
