"""Anthropic, Gemini and the rest, through LiteLLM."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from textenvs.errors import ModelError, require
from textenvs.llm.backends.openai import (
    CANNOT_BE_SENT,
    check_address,
    read_completion,
    request_settings,
)
from textenvs.llm.backends.served import ServedModel
from textenvs.llm.model import Completion, Messages, Sampling
from textenvs.llm.retry import Fault

__all__ = ["LiteLLMModel"]

_SHOWN = 300  # characters of a provider's message in an error
_SECRETS = ("_API_KEY", "_TOKEN", "_SECRET_ACCESS_KEY")


class LiteLLMModel(ServedModel):
    """A model of any provider that LiteLLM knows; keys are read from the provider's variables.

    What an answer costs is computed by LiteLLM's own table of prices.

    Args:
        model: as LiteLLM writes it, "anthropic/NAME" or "gemini/NAME".
        base_url: the server's address; None for the provider's.
        timeout: seconds without a sign of the server after which a request has failed.

    Raises:
        MissingExtra: if the package litellm is not installed.
        ModelError: if the address contains a key.
    """

    tells_cost = True

    def __init__(self, model: str, base_url: str | None = None, timeout: float = 120.0) -> None:
        # Its table of prices is the one that it was installed with, not today's from the network.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        litellm: Any = require("litellm", extra="litellm", needed_by=f"model 'litellm:{model}'")
        litellm.suppress_debug_info = True
        self._litellm = litellm
        if base_url is not None:
            check_address(base_url)
        self.name = f"litellm:{model}" + (f"@{base_url}" if base_url else "")
        self._model = model
        self._base_url = base_url
        self._timeout = timeout

    def _ask(self, messages: Messages, sampling: Sampling, sample: int) -> Completion:
        try:
            answer = self._litellm.completion(
                model=self._model,
                messages=[dict(message) for message in messages],
                base_url=self._base_url,
                timeout=self._timeout,
                num_retries=0,
                max_retries=0,
                drop_params=True,  # what a provider does not know, as a seed
                **request_settings(sampling, sample, limit="max_tokens"),
                **(_without_mcp() if sampling.tools else {}),
            )
            return read_completion(answer.model_dump(), usd=self._cost(answer))
        except (Fault, ModelError):
            raise
        except Exception as error:  # each provider has its own
            raise self._classify(error) from error

    def _cost(self, answer: Any) -> float | None:
        try:
            return float(self._litellm.completion_cost(answer, model=self._model))
        except Exception:  # whatever its table says of a model that it does not know
            return None

    def _classify(self, error: Exception) -> Exception:
        """An error of LiteLLM's: one that may pass, or one that stays."""
        said = _without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))[:_SHOWN]
        kinds = self._litellm.exceptions
        # What a provider's client or a reader of JSON said first is lost in LiteLLM's own kinds.
        causes = list(_causes(error))
        if any(isinstance(cause, UnicodeEncodeError) for cause in causes):
            return ModelError(f"{self.name}: {CANNOT_BE_SENT} ({causes[-1]})")
        if isinstance(error, kinds.Timeout):
            return Fault("timeout", said)
        if isinstance(error, kinds.RateLimitError):
            if any(getattr(cause, "code", None) == "insufficient_quota" for cause in causes):
                return ModelError(f"{self.name}: {said}")
            return Fault("rate_limited", said, _retry_after(causes))
        if any(isinstance(cause, json.JSONDecodeError) for cause in causes):
            return Fault("broken_answer", said)
        names = [type(cause).__name__ for cause in causes]
        if any("Connect" in name or "Protocol" in name for name in names):
            return Fault("connection", said)
        if isinstance(error, kinds.APIResponseValidationError | LookupError | TypeError):
            return Fault("broken_answer", said)
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and (status >= 500 or status in (408, 409)):
            return Fault("server_error", said, _retry_after(causes))
        return ModelError(f"{self.name}: {said}")


@cache
def _without_mcp() -> dict[str, Any]:
    """What keeps LiteLLM from looking for tools of MCP servers, for which it needs a package more.

    Without that package it could not be asked with tools of any kind.
    """
    looks = find_spec("litellm.responses.mcp.chat_completions_handler") is not None
    return {"_skip_mcp_handler": True} if looks and find_spec("mcp") is None else {}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was made of, the first cause last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after(causes: Sequence[BaseException]) -> float | None:
    """What the server said; LiteLLM keeps its headers in one of several places."""
    for cause in causes:
        response = getattr(cause, "response", None)
        for found in (
            getattr(cause, "litellm_response_headers", None),
            getattr(response, "headers", None),
        ):
            header = None if found is None else found.get("retry-after")
            try:
                if header is not None:
                    return float(header)
            except ValueError:
                return None
    return None


def _without_secrets(text: str) -> str:
    """A text in which no key of the environment is left."""
    for name, value in os.environ.items():
        if name.endswith(_SECRETS) and len(value) >= 8:
            text = text.replace(value, "[key]")
    return text
