"""Labels that are asked for beside the learner, the newest questions first."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from textenvs.errors import BudgetExhausted, TraceError

__all__ = ["BackgroundLabels", "Item"]

Item: TypeAlias = tuple[str, ...]
"""What is asked about: one caption, or two."""

_CAPACITY = 10_000  # questions that wait, as ONI has it; the oldest are forgotten
_PAUSE = 5.0  # seconds after a failure before it is tried again
_TRIES = 3  # of a question alone; then it is given up
_LAST = 30.0  # seconds that an answer under way is waited for in the end

logger = logging.getLogger(__name__)


class BackgroundLabels:
    """Asks in a thread of its own, so that who wants labels never waits.

    What waits longest is asked last, and forgotten when too much waits: what an agent meets now
    counts most. Labels are appended to a file as they come, and read from there by the next run.
    After a failure half as many are asked at once, until a question that cannot be answered is
    alone, and given up.

    Args:
        ask: items -> labels, None where there is none in the answer; may take as long as it likes.
        path: of the file, JSON Lines; None to keep labels in memory alone.
        batch: items that are asked about at once, at most.
        capacity: items that wait, at most.
        on_labels: called in that thread after labels have come, with how many there are.
        stop: ends the waiting of ``ask``, when it is closed.
        pause: seconds after a failure before it is tried again.

    Attributes:
        known: item -> label.
        unparsed: answers in which there was no label.
        failures: times that asking failed; it is tried again after a pause.
        given_up: questions that failed alone three times.
        closed: whether nothing more is asked.

    Raises:
        TraceError: if the file has something else in it.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Item]], Sequence[int | None]],
        path: Path | None = None,
        *,
        batch: int = 100,
        capacity: int = _CAPACITY,
        on_labels: Callable[[int], None] = lambda count: None,
        stop: Callable[[], None] = lambda: None,
        pause: float = _PAUSE,
    ) -> None:
        self._ask, self._path = ask, path
        self._batch, self._capacity, self._pause = batch, capacity, pause
        self._on_labels, self._stop = on_labels, stop
        self.known: dict[Item, int] = _read(path)
        self.unparsed = self.failures = self.given_up = 0
        self.closed = False
        self._waiting: dict[Item, None] = {}  # the newest last
        self._begin()

    def _begin(self) -> None:
        """Begin, or begin anew after a fork, where the thread and its questions are another's."""
        self._owner = os.getpid()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._catch_up = False
        self._asked: set[Item] = set()
        self._tries: Counter[Item] = Counter()

    def _own(self) -> None:
        if self._owner != os.getpid():
            self._begin()

    def catch_up(self) -> None:
        """Call ``on_labels`` for the labels of the file, too, before anything is asked."""
        if self.known:
            with self._changed:
                self._catch_up = True
                self._start()

    def want(self, items: Sequence[Item]) -> None:
        """Put questions before all others, but for those that were asked or wait already."""
        self._own()
        # Without the lock first: nearly always all are known.
        if self.closed or all(item in self.known for item in items):
            return
        with self._changed:
            new = [
                item
                for item in items
                if item not in self.known and item not in self._asked and item not in self._waiting
            ]
            self._waiting.update(dict.fromkeys(new))
            while len(self._waiting) > self._capacity:
                self._waiting.pop(next(iter(self._waiting)))
            if new:
                self._start()
                self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            self._busy = True
            self._thread = threading.Thread(target=self._work, daemon=True, name="labels")
            self._thread.start()
            atexit.register(self.close)  # a thread that computes must not outlive Python

    def __len__(self) -> int:
        """How many questions wait."""
        return len(self._waiting)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing waits; whether that came to be in time."""
        self._own()
        with self._changed:
            return self._changed.wait_for(
                lambda: self.closed or (not self._waiting and not self._busy), seconds
            )

    def close(self) -> None:
        """Ask nothing more; an answer that is under way is waited for, half a minute at most."""
        self._own()
        atexit.unregister(self.close)
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._stop()
            self._thread.join(_LAST)

    def _work(self) -> None:
        if self._catch_up:
            self._tell()
        limit = self._batch
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self.closed or self._waiting)
                if self.closed:
                    return
                chosen = [self._waiting.popitem()[0] for _ in range(min(limit, len(self._waiting)))]
                self._asked.update(chosen)
                self._busy = True
            try:
                self._keep(chosen, self._ask(chosen))
            except BudgetExhausted as error:  # the learner goes on with the labels that there are
                logger.warning("no more labels are asked for: %s", error)
                self._give_up()
                return
            except Exception as error:  # of a server or a network: the learner goes on without
                limit = max(1, len(chosen) // 2)
                self._put_back(chosen, error)
                continue
            limit = min(self._batch, 2 * limit)
            self._tell()

    def _give_up(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _tell(self) -> None:
        try:
            self._on_labels(len(self.known))
        except Exception:  # told, and labels come in all the same
            logger.exception("labels came, and what learns from them failed")

    def _keep(self, items: Sequence[Item], labels: Sequence[int | None]) -> None:
        told = zip(items, labels, strict=True)
        found = {item: label for item, label in told if label is not None}
        self.unparsed += len(items) - len(found)
        if self._path is not None and found:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(
                    json.dumps({"captions": item, "label": label}) + "\n"
                    for item, label in found.items()
                )
        self.known |= found

    def _put_back(self, items: Sequence[Item], error: Exception) -> None:
        if self.closed:
            return
        self.failures += 1
        if str(self.failures).strip("0") == "1":  # 1, 10, 100, ...
            logger.warning(
                "no labels (%d failures so far), tried again after %g s: %s",
                self.failures,
                self._pause,
                error,
            )
        again = list(items)
        if len(items) == 1:
            self._tries.update(items)
            if self._tries[items[0]] >= _TRIES:
                self.given_up += 1
                again = []  # and it stays among those that were asked
        with self._changed:
            self._asked.difference_update(again)
            # Behind all that is newer, so that a question that fails does not hold up others.
            self._waiting = dict.fromkeys(reversed(again)) | self._waiting
            self._changed.wait_for(lambda: self.closed, self._pause)


def _read(path: Path | None) -> dict[Item, int]:
    """The labels of a file; the half line of a killed run is cut off, so that more can follow."""
    if path is None or not path.exists():
        return {}
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
    found: dict[Item, int] = {}
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], 1):
        try:
            row = json.loads(line)
            found[tuple(map(str, row["captions"]))] = int(row["label"])
        except (ValueError, KeyError, TypeError) as error:
            raise TraceError(
                f"{path}, line {number}: expected a label of OnlineFeedbackReward, got {error!r}"
            ) from error
    return found
