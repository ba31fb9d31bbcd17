"""Anthropic, Gemini and the rest, through LiteLLM."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from textenvs.errors import ModelError, require
from textenvs.llm.backends.openai import check_address, read_completion, request_settings
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling
from textenvs.llm.retry import Fault

__all__ = ["LiteLLMModel"]

_SHOWN = 300  # characters of a provider's message in an error
_SECRETS = ("_API_KEY", "_TOKEN", "_SECRET_ACCESS_KEY")


class LiteLLMModel(LanguageModel):
    """A model of any provider that LiteLLM knows; keys are read from the provider's variables.

    What an answer costs is computed by LiteLLM's own table of prices.

    Args:
        model: as LiteLLM writes it, "anthropic/NAME" or "gemini/NAME".
        base_url: the server's address; None for the provider's.
        timeout: seconds after which a request has failed.

    Raises:
        MissingExtra: if the package litellm is not installed.
        ModelError: if the address contains a key.
    """

    concurrent = True
    tells_cost = True

    def __init__(self, model: str, base_url: str | None = None, timeout: float = 120.0) -> None:
        # Its table of prices is the one that it was installed with, not today's from the network.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        self._litellm: Any = require(
            "litellm", extra="litellm", needed_by=f"model 'litellm:{model}'"
        )
        self._litellm.suppress_debug_info = True
        if base_url is not None:
            check_address(base_url)
        self.name = f"litellm:{model}" + (f"@{base_url}" if base_url else "")
        self._model = model
        self._base_url = base_url
        self._timeout = timeout

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Send a request for each prompt, one after the other.

        Raises:
            Fault: if one fails in a way that may pass.
            ModelError: if it fails otherwise.
        """
        return [
            self._ask(messages, sampling, sample)
            for messages, sample in zip(prompts, samples or [0] * len(prompts), strict=True)
        ]

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
        said = _without_secrets(f"{type(error).__name__}: {error}")[:_SHOWN]
        kinds = self._litellm.exceptions
        if isinstance(error, kinds.Timeout):
            return Fault("timeout", said)
        if isinstance(error, kinds.RateLimitError):
            return Fault("rate_limited", said, _retry_after(error))
        if isinstance(error, kinds.ServiceUnavailableError | kinds.InternalServerError):
            cause = f"{error.__cause__!r} {error}"
            return Fault("connection" if "onnection" in cause else "server_error", said)
        if isinstance(error, kinds.APIConnectionError):
            return Fault("connection", said)
        if isinstance(error, kinds.APIResponseValidationError | KeyError | TypeError | ValueError):
            known = isinstance(error, kinds.BadRequestError)
            return ModelError(f"{self.name}: {said}") if known else Fault("broken_answer", said)
        if isinstance(error, kinds.APIError) and getattr(error, "status_code", 0) >= 500:
            return Fault("server_error", said)
        return ModelError(f"{self.name}: {said}")


def _retry_after(error: Exception) -> float | None:
    response = getattr(error, "response", None)
    header = response.headers.get("retry-after") if response is not None else None
    try:
        return None if header is None else float(header)
    except ValueError:
        return None


def _without_secrets(text: str) -> str:
    """A text in which no key of the environment is left."""
    for name, value in os.environ.items():
        if name.endswith(_SECRETS) and len(value) >= 8:
            text = text.replace(value, "[key]")
    return text
