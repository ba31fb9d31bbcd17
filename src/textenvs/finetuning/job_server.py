"""The requests of hosted fine-tuning, by the official client of OpenAI."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError, require
from textenvs.llm.backends.openai import check_address
from textenvs.llm.retry import Fault, RetryPolicy

__all__ = ["JobServer"]

_OPENAI = "https://api.openai.com/v1"
_KEY = "OPENAI_API_KEY"
_NO_KEY = "none"  # servers of one's own want no key, the client wants one
_NEEDED_BY = "textenvs finetune --provider openai"
_SHOWN = 300  # characters of a server's message in an error
_HINTS = {
    401: f"the server refused the key: set {_KEY} to a valid one",
    403: f"the server refused the key: set {_KEY} to one that may fine-tune",
    404: "the server knows no such model, job or path",
}


class JobServer:
    """Uploads, jobs and how they stand, each request sent again if it fails in a way that may pass.

    Args:
        address: the server's; None for OpenAI's.
        retry: how often and when.

    Attributes:
        address: the server's; None for OpenAI's.

    Raises:
        MissingExtra: if the package openai is not installed.
        ModelError: if there is no key, or the address contains one.
    """

    def __init__(self, address: str | None, retry: RetryPolicy) -> None:
        self._openai = require("openai", extra="openai", needed_by=_NEEDED_BY)
        if address is not None:
            check_address(address)
        self.address = address
        self._key = os.environ.get(_KEY, "").strip()
        if not self._key and address is None:
            raise ModelError(f"expected a key in the environment ({_KEY}), got none")
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelError(f"expected a key of one line of ASCII in {_KEY}")
        self._retry = retry
        self._client = self._openai.OpenAI(
            api_key=self._key or _NO_KEY, base_url=address or _OPENAI, max_retries=0
        )

    def upload(self, path: Path, name: str, *, look_first: bool) -> str:
        """Upload a file, unless it is there; its id."""
        content = path.read_bytes()

        def send() -> str:
            sent = self._client.files.create(file=(name, content), purpose="fine-tune")
            return str(sent.id)

        def look() -> str | None:
            files = self._client.files.list(purpose="fine-tune")
            return next((file.id for file in files if file.filename == name), None)

        return str(self._once(send, look, look_first))

    def create(self, body: Mapping[str, Any], *, look_first: bool) -> str:
        """Create a job, unless it is there; its id."""

        def send() -> str:
            return str(self._client.fine_tuning.jobs.create(**body).id)

        def look() -> str | None:
            # Of servers that know no metadata the file tells: this run alone has uploaded it.
            jobs = self._client.fine_tuning.jobs.list()
            mine = (job.id for job in jobs if job.training_file == body["training_file"])
            return next(mine, None)

        return str(self._once(send, look, look_first))

    def job(self, job: str) -> Any:
        """A job as it is now."""
        return self._ask(lambda: self._client.fine_tuning.jobs.retrieve(job))

    def shown(self, text: str) -> str:
        """A server's message in one line, in which the key is not left."""
        line = " ".join(text.split())
        return (line.replace(self._key, "[key]") if self._key else line)[:_SHOWN]

    def _once(
        self, send: Callable[[], str], look: Callable[[], str | None], look_first: bool
    ) -> str:
        """Send what must not be done twice: after a fault it is looked for first."""
        again = look_first

        def step() -> str:
            nonlocal again
            if again:
                there = look()
                if there is not None:
                    return there
            again = True
            return send()

        return str(self._ask(step))

    def _ask(self, request: Callable[[], Any]) -> Any:
        attempt = 0
        while True:
            try:
                return self._answer(request)
            except Fault as fault:
                if self._retry.gives_up(fault, attempt):
                    raise ModelError(
                        f"the server failed {attempt + 1} times in a row, at last: {fault}; the "
                        "same command goes on"
                    ) from fault
                time.sleep(self._retry.wait(fault, attempt))
                attempt += 1

    def _answer(self, request: Callable[[], Any]) -> Any:
        errors = self._openai
        try:
            return request()
        except errors.APITimeoutError as error:
            raise Fault("timeout", "no answer in time") from error
        except errors.APIConnectionError as error:
            said = self.shown(f"no connection ({error.__cause__ or error})")
            raise Fault("connection", said) from error
        except errors.APIStatusError as error:
            raise self._classify(error) from error
        except (errors.APIResponseValidationError, json.JSONDecodeError) as error:
            said = self.shown(f"an answer that cannot be read ({error})")
            raise Fault("broken_answer", said) from error

    def _classify(self, error: Any) -> Exception:
        """An error of the server: one that may pass, or one that stays."""
        status, said = error.status_code, self.shown(str(error))
        header = error.response.headers.get("retry-after", "")
        retry_after = float(header) if header.replace(".", "", 1).isdecimal() else None
        if status == 429 and getattr(error, "code", None) != "insufficient_quota":
            return Fault("rate_limited", said, retry_after)
        if status >= 500 or status in (408, 409):
            return Fault("server_error", said, retry_after)
        hint = _HINTS.get(status, "the server refused the request")
        return ModelError(f"{hint} (HTTP {status}: {said})")
