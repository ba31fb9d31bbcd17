"""Fine-tuning at a server that speaks OpenAI's API: files and fine_tuning.jobs."""

from __future__ import annotations

import json
import math
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import textenvs
from textenvs.errors import BudgetExhausted, CacheError, ModelError, require
from textenvs.finetuning.folder import RunFolder, claim
from textenvs.finetuning.job_server import JobServer
from textenvs.finetuning.local import check_suffix, check_validation
from textenvs.finetuning.targets import Row, hash_file, read_rows, split_rows
from textenvs.finetuning.validation import check_row
from textenvs.llm.backends.openai import check_address
from textenvs.llm.retry import RetryPolicy
from textenvs.traces import replace_file

__all__ = [
    "JOB",
    "Estimate",
    "HostedSettings",
    "Waiting",
    "estimate",
    "finetune_hosted",
    "read_training_price",
]

JOB = "job.json"
OVER = ("succeeded", "failed", "cancelled")
"""The states in which a job stays."""

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_MESSAGE = 4  # the marks around it
_MILLION = 1_000_000
_RUN = "textenvs_run"  # the key of a job's metadata that tells whose it is


@dataclass(frozen=True)
class HostedSettings:
    """What a job is made of.

    Attributes:
        training_file: JSON Lines to learn from.
        model: the server's name of the model, with or without ``openai:``.
        validation_file: JSON Lines that are held out; None for none.
        validation: the share of the training file that is held out instead.
        suffix: part of the name of the tuned model.
        epochs: passes over the training file.
        batch_size: rows a step.
        learning_rate_multiplier: of the server's own learning rate; None leaves it to the server.
        seed: of the job.
        base_url: the server's address; None for ``OPENAI_BASE_URL``, else OpenAI's.

    Raises:
        ValueError: if a setting is out of range.
        ModelError: if the address is none, or has a key in it.
    """

    training_file: str
    model: str
    validation_file: str | None = None
    validation: float = 0.0
    suffix: str = ""
    epochs: int = 3
    batch_size: int = 4
    learning_rate_multiplier: float | None = None
    seed: int = 0
    base_url: str | None = None

    def __post_init__(self) -> None:
        check_suffix(self.suffix)
        check_validation(self.validation_file, self.validation)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of 1 or more, got {getattr(self, name)}")
        if self.base_url is not None:
            check_address(self.base_url)

    @property
    def base(self) -> str:
        """The model without its kind."""
        return self.model.removeprefix("openai:")

    def hyperparameters(self) -> dict[str, Any]:
        """What the API calls so."""
        found: dict[str, Any] = {"n_epochs": self.epochs, "batch_size": self.batch_size}
        if self.learning_rate_multiplier is not None:
            found["learning_rate_multiplier"] = self.learning_rate_multiplier
        return found


@dataclass(frozen=True)
class Waiting:
    """How long to wait between two looks at a job.

    Attributes:
        first: seconds, also after its state has changed.
        longest: seconds; the waits grow up to here by half.
    """

    first: float = 5.0
    longest: float = 60.0

    def wait(self, looks: int) -> float:
        """Seconds to wait after so many looks that showed nothing new."""
        return min(self.first * 1.5 ** min(looks, 64), self.longest)


@dataclass(frozen=True)
class Estimate:
    """What a job will take, before it is paid for.

    Attributes:
        rows: to learn from.
        tokens: of them.
        epochs: passes over them.
        counted_by: "characters / 4", or the name of an encoding of tiktoken.
        usd: what that costs; None if no price is known.
    """

    rows: int
    tokens: int
    epochs: int
    counted_by: str
    usd: float | None = None

    @property
    def billed_tokens(self) -> int:
        """Tokens of all epochs."""
        return self.tokens * self.epochs


def estimate(
    rows: Sequence[Row], epochs: int, price: float | None = None, encoding: str | None = None
) -> Estimate:
    """Estimate a job's tokens and cost.

    Args:
        rows: to learn from.
        epochs: passes over them.
        price: USD for a million tokens of training; None if it is not known.
        encoding: an encoding of tiktoken, which may fetch it; None to count characters.

    Raises:
        MissingExtra: if tiktoken is wanted and not installed.
        ValueError: if there is no such encoding.
    """
    count = _counter(encoding)
    tokens = sum(_count(row, count) for row in rows)
    usd = None if price is None else tokens * epochs * price / _MILLION
    return Estimate(len(rows), tokens, epochs, encoding or "characters / 4", usd)


def _counter(encoding: str | None) -> Callable[[str], int]:
    if encoding is None:
        return lambda text: math.ceil(len(text) / _CHARACTERS_A_TOKEN)
    tiktoken = require("tiktoken", extra="litellm", needed_by="--encoding")
    try:
        known = tiktoken.get_encoding(encoding)
    except Exception as error:  # of its own and of what fetches the file
        raise ValueError(f"expected an encoding of tiktoken, got {encoding!r}: {error}") from error
    return lambda text: len(known.encode(text, disallowed_special=()))


def _count(row: Row, count: Callable[[str], int]) -> int:
    messages = row.messages
    if not messages:
        texts = (row.content.get(key) for key in ("text", "prompt", "completion"))
        return sum(count(text) for text in texts if isinstance(text, str))
    tokens = 0
    for message in messages:
        said = message.get("content") or ""
        tokens += _TOKENS_A_MESSAGE + count(said if isinstance(said, str) else json.dumps(said))
        if message.get("tool_calls"):
            tokens += count(json.dumps(message["tool_calls"]))
    if row.content.get("tools"):
        tokens += count(json.dumps(row.content["tools"]))
    return tokens


def read_training_price(path: Path | str, model: str) -> float | None:
    """The price of training a model: the key ``training`` of a price table.

    The table is the one of ``--prices`` elsewhere: ``{"MODEL": {"training": 25.0, ...}}``, USD
    for a million tokens. No prices come with this package.

    Returns:
        The price; None if the table has none for the model.

    Raises:
        CacheError: if the file is no such table.
    """
    path = Path(path)
    bare = model.removeprefix("openai:")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        prices = table.get(f"openai:{bare}") or table.get(bare) or {}
        price = prices.get("training")
        if price is not None and (isinstance(price, bool) or not 0 <= float(price) < math.inf):
            raise ValueError(f"{price!r} is no price")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CacheError(
            f'{path}: expected a table of prices like {{"MODEL": {{"training": 25.0}}}}, USD for a '
            f"million tokens, got: {error}"
        ) from error
    return None if price is None else float(price)


def finetune_hosted(
    settings: HostedSettings,
    out: Path | str,
    *,
    price: float | None = None,
    max_usd: float | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
    waiting: Waiting | None = None,
    retry: RetryPolicy | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Fine-tune a model at a server, or go on with a run that was stopped.

    Every step is written to ``job.json`` before and after it is taken, so that nothing is uploaded
    and no job is made twice.

    Args:
        settings: what the job is made of.
        out: the run's folder.
        price: USD for a million tokens of training; None if it is not known.
        max_usd: refuse a job that is estimated to cost more.
        encoding: an encoding of tiktoken to count tokens with; None to count characters.
        dry_run: check and estimate only; nothing is sent.
        waiting: how long to wait between two looks at the job.
        retry: how often and when to ask again after a fault.
        say: called with what happens.

    Returns:
        What ``finetune.json`` has; under ``model`` the name of the tuned one, None in a dry run.

    Raises:
        MissingExtra: if the package openai is not installed.
        BudgetExhausted: if the estimate is above ``max_usd``.
        ModelError: if the server refuses, or the job fails.
        ValueError: if a file is no training file, or the folder holds another run.
    """
    out = Path(out)
    if max_usd is not None and price is None:
        raise ValueError("expected a price of training to hold a job to --max-usd, got none")
    rows, held_out = _rows(settings)
    found = estimate(rows, settings.epochs, price, encoding)
    say(_said(found))
    _warn(rows, say)
    if dry_run:
        return {"estimate": asdict(found), "model": None}
    if max_usd is not None and found.usd is not None and found.usd > max_usd:
        raise BudgetExhausted(
            f"the job is estimated to cost {found.usd:.2f} USD, more than {max_usd:g}: nothing was "
            "sent"
        )
    address = settings.base_url or os.environ.get("OPENAI_BASE_URL") or None
    identity = {
        "provider": "openai",
        "settings": {**asdict(settings), "base_url": address},
        "data": {
            "training_sha256": hash_file(settings.training_file),
            **(
                {"validation_sha256": hash_file(settings.validation_file)}
                if settings.validation_file is not None
                else {}
            ),
        },
        "base": {"name": settings.base},
    }
    with claim(out, identity) as run:
        if run.finished:
            return run.record
        server = JobServer(address, retry or RetryPolicy())
        run.write(
            textenvs=textenvs.__version__,
            rows={"training": len(rows), "validation": len(held_out)},
            estimate=asdict(found),
        )
        job = _job(settings, run, server, (rows, held_out), say)
        return _follow(run, server, job, waiting or Waiting(), say)


def follow_job(
    job: str,
    out: Path | str,
    *,
    base_url: str | None = None,
    waiting: Waiting | None = None,
    retry: RetryPolicy | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Wait for a job that is there already.

    Args:
        job: its id.
        out: the run's folder: that of the run that made it, or a new one.
        base_url: the server's address; None for ``OPENAI_BASE_URL``, else OpenAI's.
        waiting: how long to wait between two looks at the job.
        retry: how often and when to ask again after a fault.
        say: called with what happens.

    Returns:
        What ``finetune.json`` has.

    Raises:
        ModelError: if the server refuses, or the job fails.
        ValueError: if the folder holds another run.
    """
    out = Path(out)
    if base_url is not None:
        check_address(base_url)
    state = _read_job(out)
    if state and state.get("job") != job:
        raise ValueError(
            f"{out} holds another run: its job is {state.get('job')!r}, this one's {job!r}; choose "
            "another --out"
        )
    with claim(out, {"provider": "openai"}) as run:
        if run.finished:
            return run.record
        address = base_url or os.environ.get("OPENAI_BASE_URL") or None
        server = JobServer(address, retry or RetryPolicy())
        if not state:
            run.write(textenvs=textenvs.__version__)
            _write_job(out, {"state": "created", "job": job})
        return _follow(run, server, job, waiting or Waiting(), say)


def _rows(settings: HostedSettings) -> tuple[list[Row], list[Row]]:
    rows = _checked(settings.training_file)
    if settings.validation_file is not None:
        return rows, _checked(settings.validation_file)
    return (
        split_rows(rows, settings.validation, settings.seed) if settings.validation else (rows, [])
    )


def _checked(path: str) -> list[Row]:
    """The rows of a file, each as `textenvs validate` wants it.

    Raises:
        ValueError: naming the first row that is wrong, or that the API cannot learn from.
    """
    rows = read_rows(path)
    for row in rows:
        if row.kind == "text":
            raise ValueError(
                f"{row.place}: expected messages, or prompt and completion, which the API learns "
                "from, got a text"
            )
        problem = next(check_row(row.content), None)
        if problem is not None:
            raise ValueError(f"{row.place}: {problem}")
    return rows


def _said(found: Estimate) -> str:
    said = (
        f"about {found.tokens:,} tokens ({found.counted_by}) in {found.rows} rows, "
        f"{found.billed_tokens:,} in {found.epochs} epochs"
    )
    return f"{said}: about {found.usd:.2f} USD" if found.usd is not None else f"{said}: no price"


def _warn(rows: Sequence[Row], say: Callable[[str], None]) -> None:
    several = sum(
        sum(
            message["role"] == "assistant" and message.get("weight", 1) != 0
            for message in row.messages
        )
        > 1
        for row in rows
    )
    if several:
        say(
            f"{several} rows have several answers of the assistant, and the server learns all of "
            'them: "weight": 0 leaves one out'
        )


# The job


def _read_job(out: Path) -> dict[str, Any]:
    path = out / JOB
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: expected the state of a job, got: {error}") from error


def _write_job(out: Path, state: Mapping[str, Any]) -> None:
    replace_file(out / JOB, json.dumps(state, indent=2) + "\n")


def _job(
    settings: HostedSettings,
    run: RunFolder,
    server: JobServer,
    rows: tuple[Sequence[Row], Sequence[Row]],
    say: Callable[[str], None],
) -> str:
    """The id of the job: the one that is there, or a new one."""
    out = run.path
    state = _read_job(out)
    if state.get("job"):
        say(f"going on with {state['job']}")
        return str(state["job"])
    state.setdefault("run", uuid.uuid4().hex)
    for name, own, wanted in (
        ("training", settings.training_file, rows[0]),
        ("validation", settings.validation_file, rows[1]),
    ):
        if not wanted or f"{name}_file" in state:
            continue
        path = Path(own or "")
        if settings.validation or any("metadata" in row.content for row in wanted):
            path = out / f"{name}.jsonl"
            replace_file(path, "".join(map(_line, wanted)))
        # The name tells what is in it, so that a file that arrived before a kill is found again.
        upload = f"{name}-{state['run'][:12]}-{hash_file(path)[:16]}.jsonl"
        resumed = state.get("state") == f"uploading {name}"
        state["state"] = f"uploading {name}"
        _write_job(out, state)
        state[f"{name}_file"] = server.upload(path, upload, look_first=resumed)
        _write_job(out, state)
        say(f"uploaded {path} as {state[f'{name}_file']}")
    resumed = state.get("state") == "creating"
    state["state"] = "creating"
    _write_job(out, state)
    body: dict[str, Any] = {
        "model": settings.base,
        "training_file": state["training_file"],
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": settings.hyperparameters()},
        },
        "seed": settings.seed,
        "metadata": {_RUN: state["run"]},
    }
    if settings.suffix:
        body["suffix"] = settings.suffix
    if "validation_file" in state:
        body["validation_file"] = state["validation_file"]
    state |= {"job": server.create(body, look_first=resumed), "state": "created"}
    _write_job(out, state)
    say(f"created {state['job']}")
    return str(state["job"])


def _line(row: Row) -> str:
    """A row as it is uploaded: without the metadata, which the API does not know."""
    content = {key: value for key, value in row.content.items() if key != "metadata"}
    return json.dumps(content, ensure_ascii=False) + "\n"


def _follow(
    run: RunFolder, server: JobServer, job: str, waiting: Waiting, say: Callable[[str], None]
) -> dict[str, Any]:
    """Wait until a job is over."""
    status, looks = "", 0
    while True:
        found = server.job(job)
        if found.status != status:
            say(f"{job}: {found.status}")
            status, looks = found.status, 0
        if status in OVER:
            break
        time.sleep(waiting.wait(looks))
        looks += 1
    trained = {"status": status, "job": job, "trained_tokens": found.trained_tokens}
    if status != "succeeded" or not found.fine_tuned_model:
        run.write(metrics=trained)
        reason = getattr(found.error, "message", None) or "it gives no reason"
        raise ModelError(f"{job} {status}: {server.shown(reason)}")
    at = f"@{server.address}" if server.address else ""
    run.write(
        state="finished",
        model=f"openai:{found.fine_tuned_model}{at}",
        base={"name": found.model},
        metrics=trained,
    )
    return run.record
