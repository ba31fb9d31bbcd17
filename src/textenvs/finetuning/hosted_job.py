"""The job of a run: made once, and followed to its end."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError
from textenvs.finetuning.folder import RunFolder
from textenvs.finetuning.hosted_settings import HostedSettings
from textenvs.finetuning.job_server import JobServer
from textenvs.finetuning.targets import Row, hash_file
from textenvs.traces import replace_file

__all__ = ["Waiting", "follow", "id_of_job", "read_job", "write_job"]

_JOB = "job.json"
_OVER = ("succeeded", "failed", "cancelled")
"""The states in which a job stays."""

_RUN = "textenvs_run"  # the key of a job's metadata that tells whose it is


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


def read_job(out: Path) -> dict[str, Any]:
    """The state of a run's job; empty before anything was sent.

    Raises:
        ValueError: if the file is no state of a job.
    """
    path = out / _JOB
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: expected the state of a job, got: {error}") from error


def write_job(out: Path, state: Mapping[str, Any]) -> None:
    """Keep the state of a job."""
    replace_file(out / _JOB, json.dumps(state, indent=2) + "\n")


def id_of_job(
    settings: HostedSettings,
    run: RunFolder,
    server: JobServer,
    rows: tuple[Sequence[Row], Sequence[Row]],
    say: Callable[[str], None],
) -> str:
    """The id of the job: the one that is there, or a new one, for which files are uploaded.

    Args:
        settings: what the job is made of.
        run: whose it is.
        server: where it is made.
        rows: to learn from, and held out.
        say: called with what happens.

    Raises:
        ModelError: if the server refuses.
    """
    out = run.path
    state = read_job(out)
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
        write_job(out, state)
        state[f"{name}_file"] = server.upload(path, upload, look_first=resumed)
        write_job(out, state)
        say(f"uploaded {path} as {state[f'{name}_file']}")
    resumed = state.get("state") == "creating"
    state["state"] = "creating"
    write_job(out, state)
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
    write_job(out, state)
    say(f"created {state['job']}")
    return str(state["job"])


def _line(row: Row) -> str:
    """A row as it is uploaded: without the metadata, which the API does not know."""
    content = {key: value for key, value in row.content.items() if key != "metadata"}
    return json.dumps(content, ensure_ascii=False) + "\n"


def follow(
    run: RunFolder, server: JobServer, job: str, waiting: Waiting, say: Callable[[str], None]
) -> dict[str, Any]:
    """Wait until a job is over.

    Returns:
        What ``finetune.json`` has.

    Raises:
        ModelError: if the job did not succeed.
    """
    status, looks = "", 0
    while True:
        found = server.job(job)
        if found.status != status:
            say(f"{job}: {found.status}")
            status, looks = found.status, 0
        if status in _OVER:
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
