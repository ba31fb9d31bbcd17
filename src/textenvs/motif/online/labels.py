"""Labels that are asked for beside the learner, the newest questions first."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

__all__ = ["BackgroundLabels", "Item"]

Item: TypeAlias = tuple[str, ...]
"""What is asked about: one caption, or two."""

_CAPACITY = 10_000  # questions that wait, as ONI has it; the oldest are forgotten
_PAUSE = 5.0  # seconds after a failure before it is tried again

logger = logging.getLogger(__name__)


class BackgroundLabels:
    """Asks in a thread of its own, so that who wants labels never waits.

    What waits longest is asked last, and forgotten when too much waits: what an agent meets now
    counts most. Labels are appended to a file as they come, and read from there by the next run.

    Args:
        ask: items -> labels, None where there is none in the answer; may take as long as it likes.
        path: of the file, JSON Lines; None to keep labels in memory alone.
        batch: items that are asked about at once.
        capacity: items that wait, at most.
        on_labels: called in that thread after labels have come, with how many there are.
        pause: seconds after a failure before it is tried again.

    Attributes:
        known: item -> label.
        unparsed: answers in which there was no label.
        failures: times that asking failed; it is tried again after a pause.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Item]], Sequence[int | None]],
        path: Path | None = None,
        *,
        batch: int = 100,
        capacity: int = _CAPACITY,
        on_labels: Callable[[int], None] = lambda count: None,
        pause: float = _PAUSE,
    ) -> None:
        self._ask, self._path = ask, path
        self._batch, self._capacity, self._pause = batch, capacity, pause
        self._on_labels = on_labels
        self.known: dict[Item, int] = _read(path)
        self.unparsed = self.failures = 0
        self._waiting: dict[Item, None] = {}  # the newest last
        self._asked: set[Item] = set()
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False

    def want(self, items: Sequence[Item]) -> None:
        """Put questions before all others, but for those that were asked or wait already."""
        if self._owner != os.getpid():  # after a fork the thread is the other process's
            self._begin()
        new = [
            item
            for item in items
            if item not in self.known and item not in self._asked and item not in self._waiting
        ]
        if not new or self._closed:
            return
        with self._changed:
            self._waiting.update(dict.fromkeys(new))
            while len(self._waiting) > self._capacity:
                self._waiting.pop(next(iter(self._waiting)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name="labels")
                self._thread.start()
                atexit.register(self.close)  # a thread that computes must not outlive Python
            self._changed.notify_all()

    def __len__(self) -> int:
        """How many questions wait."""
        return len(self._waiting)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing waits; whether that came to be in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or (not self._waiting and not self._busy), seconds
            )

    def close(self) -> None:
        """Ask nothing more; an answer that is under way is waited for and kept."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._owner == os.getpid():
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                count = min(self._batch, len(self._waiting))
                chosen = [self._waiting.popitem()[0] for _ in range(count)]
                self._asked.update(chosen)
                self._busy = True
            try:
                labels = self._ask(chosen)
                self._keep(chosen, labels)
            except Exception as error:  # of a server or a network: the learner goes on without
                self._put_back(chosen, error)
                continue
            try:
                self._on_labels(len(self.known))
            except Exception:  # told, and labels come in all the same
                logger.exception("labels came, and what learns from them failed")

    def _keep(self, items: Sequence[Item], labels: Sequence[int | None]) -> None:
        found = {
            item: label for item, label in zip(items, labels, strict=True) if label is not None
        }
        self.unparsed += len(items) - len(found)
        if self._path is not None and found:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(
                    json.dumps({"captions": item, "label": label}, ensure_ascii=False) + "\n"
                    for item, label in found.items()
                )
        self.known |= found

    def _put_back(self, items: Sequence[Item], error: Exception) -> None:
        self.failures += 1
        if str(self.failures).strip("0") == "1":  # 1, 10, 100, ...
            logger.warning(
                "no labels (%d failures so far), tried again every %g s: %s",
                self.failures,
                self._pause,
                error,
            )
        with self._changed:
            self._asked.difference_update(items)
            newer = self._waiting
            self._waiting = dict.fromkeys(reversed(items)) | newer
            self._changed.wait_for(lambda: self._closed, self._pause)


def _read(path: Path | None) -> dict[Item, int]:
    """The labels of a file; the half line of a killed run is cut off, so that more can follow."""
    if path is None or not path.exists():
        return {}
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
    rows: list[Mapping[str, object]] = [json.loads(line) for line in data[:whole].splitlines()]
    return {tuple(map(str, _list(row["captions"]))): int(str(row["label"])) for row in rows}


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list of captions, got {value!r}")
    return value
