"""The folder of a fine-tuning run: whose it is, and what is known of it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textenvs.traces import replace_file

__all__ = ["RECORD", "RunFolder", "claim"]

RECORD = "finetune.json"
_LOCK = ".lock"


class RunFolder:
    """A folder that a run has.

    Args:
        path: the folder.
        record: what ``finetune.json`` has.

    Attributes:
        path: the folder.
        record: what ``finetune.json`` has.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.record.get("state") == "finished"

    def write(self, **news: Any) -> None:
        """Add to ``finetune.json``.

        Raises:
            OSError: if it cannot be written.
        """
        self.record.update(news)
        replace_file(self.path / RECORD, json.dumps(self.record, indent=2) + "\n")


@contextmanager
def claim(path: Path, identity: Mapping[str, Any]) -> Iterator[RunFolder]:
    """Take a folder for a run, or go on with the run in it.

    Args:
        path: the folder; it is made if it does not exist.
        identity: what tells this run from others, JSON types.

    Raises:
        ValueError: if it holds something else, or another run, or another process has it.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path}: expected a folder, got a file")
    path.mkdir(parents=True, exist_ok=True)
    _record(path, dict(identity))  # nothing is left in the folder of another
    with (path / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel frees it after a kill
        except OSError as error:
            raise ValueError(f"{path}: another process runs in this folder") from error
        yield RunFolder(path, _record(path, dict(identity)))


def _record(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    file = path / RECORD
    if not file.exists():
        others = sorted(found.name for found in path.iterdir() if not found.name.startswith("."))
        if others:
            raise ValueError(
                f"{path}: expected an empty folder or one of a fine-tuning, got one with "
                f"{others[0]!r}; choose another --out"
            )
        return {**identity, "state": "running"}
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        there = {key: record[key] for key in identity}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{file}: expected the record of a fine-tuning, got: {error!r}") from error
    mine = json.loads(json.dumps(identity))  # tuples are lists there
    if there != mine:
        key, its, own = next(_differences(there, mine))
        raise ValueError(
            f"{path} holds another run: its {key} is {its!r}, this one's {own!r}; choose another "
            "--out, or the same settings"
        )
    return dict(record)


def _differences(first: Any, second: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(first, dict) and isinstance(second, dict):
        for key in {**first, **second}:
            yield from _differences(first.get(key), second.get(key), key)
    elif first != second:
        yield name, first, second
