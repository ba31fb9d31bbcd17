"""A function in place of a model."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

from textenvs.errors import ModelError, UnknownName
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling

__all__ = ["ScriptedModel"]


class ScriptedModel(LanguageModel):
    """Answers with what a function makes of the messages.

    Args:
        function: messages -> the answer's text or a whole completion; or where it is found, as
            ``"module:function"``.
        name: what identifies its answers; None for the function's module and name, which is enough
            for a cache only where the function is found by them.

    Raises:
        UnknownName: if there is no such function.

    Example:
        >>> from textenvs.llm import Sampling
        >>> model = ScriptedModel(lambda messages: messages[-1]["content"].upper())
        >>> model.generate([[{"role": "user", "content": "go forward"}]], Sampling())[0].text
        'GO FORWARD'
    """

    def __init__(
        self, function: Callable[[Messages], str | Completion] | str, name: str | None = None
    ) -> None:
        self._function = _find(function) if isinstance(function, str) else function
        called = getattr(self._function, "__qualname__", type(self._function).__qualname__)
        # A lambda, a closure and an object share their name with others of their kind.
        self.cacheable = name is not None or _is_found(self._function)
        self.name = name or f"scripted:{self._function.__module__}:{called}"

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Call the function for each prompt."""
        return [_completion(self._function(messages)) for messages in prompts]


def _is_found(function: Callable[[Messages], str | Completion]) -> bool:
    """Whether a function is what its module has under its name."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return getattr(module, getattr(function, "__qualname__", ""), None) is function


def _completion(answer: str | Completion) -> Completion:
    if isinstance(answer, Completion):
        return answer
    if not isinstance(answer, str):
        raise ModelError(
            f"expected a str or a Completion of a scripted model, got {answer!r}, "
            f"{type(answer).__name__}"
        )
    return Completion(text=answer, status="ok" if answer.strip() else "empty")


def _find(where: str) -> Callable[[Messages], str | Completion]:
    module, colon, name = where.partition(":")
    try:
        function = getattr(importlib.import_module(module), name) if colon else None
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UnknownName(f"expected a function as MODULE:FUNCTION, got {where!r}: {error}") from (
            error
        )
    if not callable(function):
        raise UnknownName(f"expected a function as MODULE:FUNCTION, got {where!r}")
    return function
