"""Servers that speak OpenAI's API, through the official client."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from textenvs.errors import ModelError, require
from textenvs.llm.backends.served import ServedModel
from textenvs.llm.model import (
    Completion,
    Messages,
    Sampling,
    ToolCall,
    Usage,
)
from textenvs.llm.retry import Fault

__all__ = [
    "CANNOT_BE_SENT",
    "UNREADABLE",
    "OpenAIModel",
    "check_address",
    "read_completion",
    "request_settings",
]

_OPENAI = "https://api.openai.com/v1"
_KEY = "OPENAI_API_KEY"
_NO_KEY = "none"  # servers of one's own want no key, the client wants one
_SHORTEST_KEY = 16  # characters of a key that is a secret
_SEED_BITS = 31
_SHOWN = 300  # characters of a server's message in an error
CANNOT_BE_SENT = "expected messages that can be written as UTF-8, got a lone surrogate"
_HINTS = {
    401: f"the server refused the key: set {_KEY} to a valid one",
    403: f"the server refused the key: set {_KEY} to one that may use this model",
    404: "the server knows no such model or path: check the name behind 'openai:'",
}

UNREADABLE = (
    *(AttributeError, LookupError, TypeError, ValueError),
    *(OverflowError, RecursionError),
)
"""What reading an answer ends with that is none: it may be anything."""


class OpenAIModel(ServedModel):
    """A model behind OpenAI's chat completions API.

    The key is read from the environment variable ``OPENAI_API_KEY``; it is needed for OpenAI's own
    address only. The address is that of ``OPENAI_BASE_URL``, else OpenAI's.

    Args:
        model: its name at the server.
        base_url: the server's address, with its path (".../v1"); None for the default.
        timeout: seconds without a sign of the server after which a request has failed.

    Raises:
        MissingExtra: if the package openai is not installed.
        ModelError: if there is no key, or the address contains one.
    """

    def __init__(self, model: str, base_url: str | None = None, timeout: float = 120.0) -> None:
        self._openai = require("openai", extra="openai", needed_by=f"model 'openai:{model}'")
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
        if base_url is not None:
            check_address(base_url)
        self.name = f"openai:{model}" + (f"@{base_url}" if base_url else "")
        self._model = model
        # OpenAI's newer models know the limit by its newer name only, other servers by the older.
        is_openai = urlsplit(base_url or _OPENAI).hostname == urlsplit(_OPENAI).hostname
        self._limit = "max_completion_tokens" if is_openai else "max_tokens"
        self._key = os.environ.get(_KEY, "").strip()
        self._needs_key = base_url is None
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelError(f"{self.name}: expected a key of one line of ASCII in {_KEY}")
        self._client = self._openai.OpenAI(
            api_key=self._key or _NO_KEY,
            base_url=base_url or _OPENAI,
            timeout=timeout,
            max_retries=0,  # retries are counted, and so not the client's
        )

    def check(self) -> None:
        """See whether there is a key, where one is needed.

        Raises:
            ModelError: if there is none.
        """
        if self._needs_key and not self._key:
            raise ModelError(f"{self.name}: expected a key in the environment ({_KEY}), got none")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, messages: Messages, sampling: Sampling, sample: int) -> Completion:
        self.check()
        errors = self._openai
        body = {"model": self._model, "messages": list(messages)}
        try:
            # By the client's general method: `chat.completions.create` rebuilds every message of
            # the prompt and the whole answer as typed objects, which takes most of its time.
            answer = self._client.post(
                "/chat/completions",
                cast_to=str,
                body=body | request_settings(sampling, sample, self._limit),
            )
            # Before anything is read of it: a server may repeat the key in any place.
            return read_completion(json.loads(self._without_key(answer)))
        except errors.APITimeoutError:
            raise Fault("timeout", "no answer in time") from None
        except errors.APIConnectionError as error:
            said = self._in_a_line(f"no connection ({error.__cause__ or error})")
            raise Fault("connection", said) from None
        except errors.APIStatusError as error:
            refused = _refused(error)
            if refused is not None:
                return refused
            # Without the original, whose text may have the key.
            raise self._classify(error) from None
        except UnicodeEncodeError as error:
            raise ModelError(f"{self.name}: {CANNOT_BE_SENT} ({error})") from error
        except UNREADABLE as error:
            what = self._in_a_line(f"{type(error).__name__}: {error}")[:_SHOWN]
            raise Fault("broken_answer", f"an answer that cannot be read ({what})") from None

    def _classify(self, error: Any) -> Exception:
        """An error of the server: one that may pass, or one that stays."""
        status, said = error.status_code, self._in_a_line(str(error))[:_SHOWN]
        retry_after = _seconds(error.response.headers.get("retry-after"))
        if status == 429 and getattr(error, "code", None) != "insufficient_quota":
            return Fault("rate_limited", said, retry_after)
        if status >= 500 or status in (408, 409):
            return Fault("server_error", said, retry_after)
        hint = _HINTS.get(status, "the server refused the request")
        return ModelError(f"{self.name}: {hint} (HTTP {status}: {said})")

    def _in_a_line(self, text: str) -> str:
        """A server's message in one line, in which the key is not left."""
        return self._without_key(" ".join(text.split()))

    def _without_key(self, text: str) -> str:
        # What local servers are given in place of one ("x", "none", "EMPTY") is no secret, and may
        # be a word of an answer.
        return text.replace(self._key, "[key]") if len(self._key) >= _SHORTEST_KEY else text


def _refused(error: Any) -> Completion | None:
    """The answer that a filter of content stands for, which some servers send as an error."""
    if error.status_code != 400 or getattr(error, "code", None) != "content_filter":
        return None
    return Completion("", "refused", usage=Usage(counted=False))


def request_settings(sampling: Sampling, sample: int, limit: str) -> dict[str, Any]:
    """How to answer, as OpenAI's API has it.

    Args:
        sampling: how to answer.
        sample: the sample index, which is the seed.
        limit: the name of the longest answer: "max_tokens" or "max_completion_tokens".
    """
    settings: dict[str, Any] = {limit: sampling.max_tokens}
    if sampling.temperature is not None:
        settings["temperature"] = sampling.temperature
    if sampling.top_p != 1:
        settings["top_p"] = sampling.top_p
    if not sampling.greedy:
        settings["seed"] = sample % 2**_SEED_BITS
    if sampling.stop:
        settings["stop"] = list(sampling.stop)
    if sampling.tools:
        settings["tools"] = [dict(tool) for tool in sampling.tools]
        settings["tool_choice"] = _tool_choice(sampling.tool_choice)
    return settings


def check_address(base_url: str) -> None:
    """Refuse what is no address, or has a key in it.

    Raises:
        ModelError: saying which.
    """
    try:
        address = urlsplit(base_url)
        known = address.scheme in ("http", "https") and bool(address.hostname)
        address.port  # noqa: B018  # reading it tells whether it is one
    except ValueError:
        known = False
    if not known:
        raise ModelError(f"expected a server's address like http://HOST:PORT/v1, got {base_url!r}")
    if address.username or address.password or address.query or address.fragment:
        raise ModelError(
            f"expected an address without a key in it, since addresses are written to traces; got "
            f"one for {address.hostname!r} with more: set {_KEY} instead"
        )


def _tool_choice(choice: str) -> Any:
    if choice in ("auto", "required", "none"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def read_completion(answer: Mapping[str, Any], usd: float | None = None) -> Completion:
    """An answer of the API as a completion.

    Args:
        answer: the JSON.
        usd: what it cost; None for what it says itself.

    Raises:
        UNREADABLE: one of these errors, if it is no such answer.
    """
    choice = answer["choices"][0]
    message, finish = choice["message"], choice.get("finish_reason")
    calls = tuple(
        ToolCall(str(call["function"]["name"]), _arguments(call["function"].get("arguments")))
        for call in message.get("tool_calls") or ()
        if call.get("type", "function") == "function"
    )
    refusal = message.get("refusal") or ""
    text = message.get("content") or refusal
    if not isinstance(text, str):
        raise TypeError(f"expected content as text, got {type(text).__name__}")
    if finish == "content_filter" or refusal:
        status = "refused"
    elif finish == "length":
        status = "cut"
    else:
        status = "ok" if text.strip() or calls else "empty"
    usage = answer.get("usage") or {}
    cost = _cost(usage) if usd is None else usd
    return Completion(text, status, calls, _reasoning(message), _usage(usage), cost)


def _arguments(arguments: Any) -> str:
    """A tool call's arguments: the text that the API prescribes, or the object that some send."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})


def _reasoning(message: Mapping[str, Any]) -> str:
    """The reasoning, under either of the names that servers give it."""
    found = message.get("reasoning_content") or message.get("reasoning") or ""
    return found if isinstance(found, str) else ""


def _usage(usage: Mapping[str, Any]) -> Usage:
    read = usage.get("prompt_tokens_details") or {}
    written = usage.get("completion_tokens_details") or {}
    return Usage(
        counted="prompt_tokens" in usage,
        input_tokens=int(usage.get("prompt_tokens") or 0),
        output_tokens=int(usage.get("completion_tokens") or 0),
        cached_input_tokens=int(read.get("cached_tokens") or 0),
        reasoning_tokens=int(written.get("reasoning_tokens") or 0),
    )


def _cost(usage: Mapping[str, Any]) -> float | None:
    """What the server says that it cost, as routers do."""
    cost = usage.get("cost")
    if not isinstance(cost, int | float):
        return None
    if not (math.isfinite(cost) and cost >= 0):
        raise ValueError(f"expected a cost of 0 or more, got {cost}")
    return float(cost)


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else float(header)
    except ValueError:
        return None  # a date, which no model server sends
