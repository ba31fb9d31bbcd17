"""Answers that were recorded before, by this package or by others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from textenvs.errors import CacheError, NotCached
from textenvs.llm.cache import prompt_key
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling

__all__ = ["RecordedModel"]

_SQLITE = b"SQLite format 3\0"
_SHOWN = 120  # characters of a prompt in an error


class RecordedModel(LanguageModel):
    """Answers with what was answered to the same prompt before.

    A prompt is found by all its messages, or by the text of its last one. Where several answers to
    a prompt are recorded, the sample index chooses if it is recorded too, else it is the first.

    Args:
        path: a cache of this package (SQLite); JSON Lines with ``prompt`` (messages or a text) and
            ``answer``, which traces are; a JSON object of prompt -> answer; or a folder of traces.

    Raises:
        CacheError: if it is none of these.
    """

    def __init__(self, path: Path | str) -> None:
        self.name = f"recorded:{path}"
        self._answers: dict[str, dict[int, Completion]] = {}
        path = Path(path)
        try:
            for key, sample, completion in _read(path):
                found = self._answers.setdefault(key, {})
                found.setdefault(len(found) if sample is None else sample, completion)
        except (OSError, sqlite3.Error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CacheError(
                f"{path}: expected recorded answers (a cache, JSON Lines with prompt and answer, a "
                f"JSON object of prompt to answer, or a folder of traces), got: {error}"
            ) from error
        if not self._answers:
            raise CacheError(f"{path}: expected recorded answers, found none")

    def __len__(self) -> int:
        """How many prompts there are."""
        return len(self._answers)

    def __contains__(self, messages: object) -> bool:
        return self._find(messages) is not None  # type: ignore[arg-type]

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Look the answers up.

        Raises:
            NotCached: naming the first prompt that was not recorded.
        """
        answers = []
        for messages, sample in zip(prompts, samples or [0] * len(prompts), strict=True):
            found = self._find(messages)
            if found is None:
                raise NotCached(
                    f"{self.name} has no answer to a prompt that ends with "
                    f"{_last_text(messages)[-_SHOWN:]!r}"
                )
            answers.append(found.get(sample) or next(iter(found.values())))
        return answers

    def _find(self, messages: Messages) -> dict[int, Completion] | None:
        whole = self._answers.get(prompt_key(messages))
        return whole or self._answers.get(prompt_key(_last_text(messages)))


def _last_text(messages: Messages) -> str:
    content = messages[-1]["content"]
    return content if isinstance(content, str) else json.dumps(content)


def _read(path: Path) -> Iterator[tuple[str, int | None, Completion]]:
    if path.is_dir():
        for trace in sorted(path.rglob("episode-*.jsonl")):
            yield from _read_lines(trace)
        return
    with path.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    if is_database:
        yield from _read_cache(path)
    elif path.suffix == ".json":
        for prompt, answer in json.loads(path.read_text(encoding="utf-8")).items():
            yield prompt_key(prompt), None, _completion(answer)
    else:
        yield from _read_lines(path)


def _read_cache(path: Path) -> Iterator[tuple[str, int | None, Completion]]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = db.execute(
            "SELECT prompt_key, sample, answer FROM answers WHERE sample >= 0 "
            "ORDER BY prompt_key, sample, key"
        )
        for key, sample, answer in rows:
            yield key, sample, Completion.from_json(json.loads(answer))
    finally:
        db.close()


def _read_lines(path: Path) -> Iterator[tuple[str, int | None, Completion]]:
    *lines, last = path.read_text(encoding="utf-8").split("\n")
    records = [json.loads(line) for line in lines if line]
    with suppress(json.JSONDecodeError):  # the last line of a killed run
        records.append(json.loads(last) if last else {})
    for record in records:
        if "prompt" in record and "answer" in record:
            yield prompt_key(record["prompt"]), record.get("sample"), _noted(record)


def _noted(record: Mapping[str, Any]) -> Completion:
    """An answer with what a trace notes beside it."""
    answer = record["answer"]
    if not isinstance(answer, str) or "answer_status" not in record:
        return _completion(answer)
    beside = {key: record[key] for key in ("tool_calls", "reasoning", "usage") if key in record}
    return _completion({"text": answer, "status": record["answer_status"]} | beside)


def _completion(answer: str | Mapping[str, Any]) -> Completion:
    if not isinstance(answer, str):
        return Completion.from_json({**Completion("").as_json(), **answer})
    return Completion(text=answer, status="ok" if answer.strip() else "empty")
