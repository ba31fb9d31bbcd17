"""Models by their names."""

from __future__ import annotations

import math
from collections.abc import Callable

from textenvs.errors import UnknownName
from textenvs.llm.model import LanguageModel

__all__ = ["KINDS", "TINY", "TINY_TEMPERATURE", "bare_name", "get_model", "identity"]

TINY = "tiny"
"""The model in the box, whose name needs nothing behind it."""

TINY_TEMPERATURE = 0.5
"""At which the model in the box is asked: greedily it goes round in circles more often."""

_NOT_OF_ANSWERS = (
    "timeout",
    "device",
    "batch_size",
    "tensor_parallel_size",
)  # options that change no answer


def _openai(rest: str) -> LanguageModel:
    from textenvs.llm.backends.openai import OpenAIModel

    model, address, timeout = _served(rest)
    return OpenAIModel(model, address, **({} if timeout is None else {"timeout": timeout}))


def _litellm(rest: str) -> LanguageModel:
    from textenvs.llm.backends.litellm import LiteLLMModel

    model, address, timeout = _served(rest)
    return LiteLLMModel(model, address, **({} if timeout is None else {"timeout": timeout}))


def _hf(rest: str) -> LanguageModel:
    from textenvs.llm.backends.hf import HFModel, parse_options

    path, _, options = rest.partition("?")
    return HFModel(path, **parse_options(_options(options)))


def _tiny(rest: str) -> LanguageModel:
    from textenvs.llm.backends.hf import parse_options
    from textenvs.llm.backends.tiny import TinyModel

    known = ("device", "dtype", "batch_size")
    return TinyModel(**parse_options(_options(rest), TINY, known))


def _vllm(rest: str) -> LanguageModel:
    from textenvs.llm.backends.vllm import VLLMModel, parse_options

    path, _, options = rest.partition("?")
    return VLLMModel(path, **parse_options(_options(options)))


def _recorded(rest: str) -> LanguageModel:
    from textenvs.llm.backends.recorded import RecordedModel

    return RecordedModel(rest)


def _scripted(rest: str) -> LanguageModel:
    from textenvs.llm.backends.scripted import ScriptedModel

    return ScriptedModel(rest)


KINDS: dict[str, tuple[Callable[[str], LanguageModel], str]] = {
    "openai": (_openai, "openai:MODEL or openai:MODEL@http://HOST:PORT/v1"),
    "hf": (_hf, "hf:PATH_OR_NAME, hf:PATH?adapter=DIR&dtype=bfloat16&device=cuda&batch_size=8"),
    "vllm": (_vllm, "vllm:PATH_OR_NAME, vllm:PATH?dtype=bfloat16&tensor_parallel_size=2"),
    "litellm": (_litellm, "litellm:PROVIDER/MODEL"),
    "recorded": (_recorded, "recorded:FILE"),
    "scripted": (_scripted, "scripted:MODULE:FUNCTION"),
    TINY: (_tiny, "tiny (comes with the package)"),
}
"""The kinds of models: how each is made from what follows its name, and how that is written."""


def get_model(name: str) -> LanguageModel:
    """Make a model from its name, ``KIND:WHICH``, or ``tiny``.

    Raises:
        UnknownName: if there is no such kind, or nothing follows it.
        MissingExtra: if a package is not installed.
        ModelError: if the model cannot be reached or loaded.
    """
    which, _, options = name.partition("?")
    if which == TINY:
        return _tiny(options)
    kind, _, rest = name.partition(":")
    if kind not in KINDS or not rest:
        forms = ", ".join(form for _, form in KINDS.values())
        raise UnknownName(f"unknown model {name!r}: expected one of {forms}")
    return KINDS[kind][0](rest)


def identity(name: str) -> str:
    """A model's name without the options that change no answer.

    Example:
        >>> identity("openai:gpt-4o-mini?timeout=5"), identity("hf:tiny?dtype=float32&device=cuda")
        ('openai:gpt-4o-mini', 'hf:tiny?dtype=float32')
    """
    which, _, options = name.partition("?")
    kept = [f"{k}={v}" for k, v in _options(options).items() if k not in _NOT_OF_ANSWERS]
    return f"{which}?{'&'.join(kept)}" if kept else which


def _options(text: str) -> dict[str, str]:
    """The options of ``KEY=VALUE&KEY=VALUE``, as they are: a path may have any character but &."""
    parts = (part.partition("=") for part in text.split("&") if part)
    return {key: value for key, _, value in parts}


def bare_name(name: str) -> str:
    """What a server calls a model: its name without the kind, the address and the options.

    Example:
        >>> bare_name("openai:gpt-4o-mini@http://127.0.0.1:8000/v1?timeout=5")
        'gpt-4o-mini'
    """
    which = name.partition("?")[0]
    return _without_address(which.partition(":")[2])[0] or which


def _without_address(rest: str) -> tuple[str, str | None]:
    """``MODEL@ADDRESS`` as the two of them."""
    for scheme in ("http://", "https://"):
        model, at, address = rest.rpartition(f"@{scheme}")
        if at:
            return model, scheme + address
    return rest, None


def _served(rest: str) -> tuple[str, str | None, float | None]:
    """The parts of ``MODEL@ADDRESS?timeout=SECONDS``, of which the last two may be absent."""
    rest, _, options = rest.partition("?")
    found = _options(options)
    try:
        timeout = float(found.pop("timeout")) if "timeout" in found else None
    except ValueError as error:
        raise UnknownName("expected timeout in seconds, as a number") from error
    if timeout is not None and not 0 < timeout < math.inf:
        raise UnknownName(f"expected timeout in seconds above 0, got {timeout}")
    if found:
        raise UnknownName(f"unknown option {next(iter(found))!r} of a server: expected timeout")
    return *_without_address(rest), timeout
