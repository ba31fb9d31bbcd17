"""Fine-tuning at a server that speaks OpenAI's API: files and fine_tuning.jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import textenvs
from textenvs.errors import BudgetExhausted
from textenvs.finetuning.estimating import Estimate, estimate, read_training_price
from textenvs.finetuning.folder import claim
from textenvs.finetuning.hosted_job import Waiting, follow, id_of_job, read_job, write_job
from textenvs.finetuning.hosted_settings import HostedSettings
from textenvs.finetuning.job_server import JobServer
from textenvs.finetuning.targets import Row, hash_file, read_rows, split_rows
from textenvs.finetuning.validation import check_row
from textenvs.llm.backends.openai import check_address
from textenvs.llm.retry import RetryPolicy

__all__ = [
    "Estimate",
    "HostedSettings",
    "Waiting",
    "estimate",
    "finetune_hosted",
    "follow_job",
    "read_training_price",
]


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
        job = id_of_job(settings, run, server, (rows, held_out), say)
        return follow(run, server, job, waiting or Waiting(), say)


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
    state = read_job(out)
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
            write_job(out, {"state": "created", "job": job})
        return follow(run, server, job, waiting or Waiting(), say)


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
