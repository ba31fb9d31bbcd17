"""Answers kept on disk: asked once, paid once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textenvs.errors import CacheError
from textenvs.llm.model import Completion, Messages, Sampling

__all__ = ["Cache", "prompt_key", "request_key"]

_VERSION = 1
_BUSY_SECONDS = 60.0  # how long a writer waits for the writers of other processes
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    prompt_key TEXT NOT NULL,
    model TEXT NOT NULL,
    sample INTEGER NOT NULL,
    answer TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_prompt ON answers (prompt_key, sample);
"""


def prompt_key(messages: Messages | str) -> str:
    """A hash of a prompt."""
    plain = messages if isinstance(messages, str) else [dict(message) for message in messages]
    return _hash(plain)


def request_key(model: str, messages: Messages | str, settings: Mapping[str, Any]) -> str:
    """A hash of all that an answer depends on: the model, the messages and the settings."""
    return _key(model, prompt_key(messages), settings)


def _key(model: str, prompt: str, settings: Mapping[str, Any]) -> str:
    return _hash([model, prompt, settings])


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Cache:
    """Answers in an SQLite file that several processes and threads may share.

    An answer is found by the model, the messages, the sampling and the sample index, that is by all
    that changes it and nothing else. Only whole answers are kept: one that was cut, empty or
    refused is asked for again.

    Args:
        path: the file; it is made, and its folder.

    Raises:
        CacheError: if the file is none of these caches.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open(self.path)
        except (sqlite3.Error, OSError) as error:
            raise CacheError(
                f"{self.path}: expected a cache of answers or a new file, got: {error}"
            ) from error

    def get(
        self, model: str, messages: Messages, sampling: Sampling, sample: int
    ) -> Completion | None:
        """The answer to a request; None if it is not there."""
        record = self._read(_generate_key(model, prompt_key(messages), sampling, sample))
        return None if record is None else Completion.from_json(record)

    def put(
        self,
        model: str,
        messages: Messages,
        sampling: Sampling,
        sample: int,
        completion: Completion,
    ) -> Completion:
        """Keep an answer if it is whole.

        Returns:
            The answer that is kept: that of another process, if it was first.
        """
        if completion.status != "ok":
            return completion
        prompt = prompt_key(messages)  # of a long prompt this is most of the work
        key = _generate_key(model, prompt, sampling, sample)
        self._write(key, prompt, model, sample, completion.as_json())
        kept = self._read(key)
        return completion if kept is None else Completion.from_json(kept)

    def get_scores(
        self, model: str, prompt: Messages | str, continuations: list[str]
    ) -> list[float] | None:
        """The log-probabilities of continuations; None if they are not there."""
        return self._read(_score_key(model, prompt_key(prompt), continuations))

    def put_scores(
        self, model: str, prompt: Messages | str, continuations: list[str], scores: list[float]
    ) -> None:
        """Keep log-probabilities."""
        hashed = prompt_key(prompt)
        self._write(_score_key(model, hashed, continuations), hashed, model, -1, scores)

    def __len__(self) -> int:
        (count,) = self._run("SELECT count(*) FROM answers")
        return int(count)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _read(self, key: str) -> Any:
        row = self._run("SELECT answer FROM answers WHERE key = ?", (key,))
        return None if row is None else json.loads(row[0])

    def _write(self, key: str, prompt: str, model: str, sample: int, answer: Any) -> None:
        row = (key, prompt, model, sample, json.dumps(answer, separators=(",", ":")))
        self._run("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)", row)

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The first row of what a statement gives."""
        try:
            with self._lock, self._db:
                return self._db.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise CacheError(f"{self.path}: the cache cannot be used: {error}") from error


def _generate_key(model: str, prompt: str, sampling: Sampling, sample: int) -> str:
    return _key(model, prompt, {"sampling": sampling.as_json(), "sample": sample})


def _score_key(model: str, prompt: str, continuations: list[str]) -> str:
    return _key(model, prompt, {"continuations": continuations})


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    # Turning to the write-ahead log does not wait for others who do the same just now.
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            with db:
                db.execute("BEGIN IMMEDIATE")
                _prepare(db)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return db


def _prepare(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    ours = version == _VERSION and "answers" in tables
    if not ours and (version or tables):
        raise sqlite3.DatabaseError(f"a database of version {version} with other tables")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {_VERSION}")
