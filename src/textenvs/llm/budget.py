"""What a run may spend, and what it has spent."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from textenvs.errors import BudgetExhausted
from textenvs.llm.model import Usage

__all__ = ["Budget", "Ledger"]


@dataclass(frozen=True)
class Budget:
    """Limits that stop a run; None for no limit.

    They are checked before a request is sent, so that what is in flight when a limit is reached
    (at most as many requests as run at once) comes on top.

    Attributes:
        max_usd: of all requests of the run, those before it was resumed included.
        max_tokens: of input and output, likewise.
        max_wallclock: seconds, of this call of the run.

    Raises:
        ValueError: if a limit is not positive.
    """

    max_usd: float | None = None
    max_tokens: int | None = None
    max_wallclock: float | None = None

    def __post_init__(self) -> None:
        for name, limit in asdict(self).items():
            if limit is not None and not limit > 0:
                raise ValueError(f"expected {name} above 0, got {limit}")

    def check(self, ledger: Ledger) -> None:
        """Refuse a further request where a limit is reached.

        Raises:
            BudgetExhausted: naming the limit and what was spent.
        """
        spent: dict[str, float] = {
            "max_usd": ledger.usd,
            "max_tokens": ledger.usage.total,
            "max_wallclock": ledger.seconds,
        }
        for name, limit in asdict(self).items():
            if limit is not None and spent[name] >= limit:
                raise BudgetExhausted(
                    f"{name} of {limit:g} is spent ({spent[name]:.6g}): the same command with a "
                    f"larger one goes on where it stopped"
                )

    def seconds_left(self, ledger: Ledger) -> float:
        """Until ``max_wallclock`` is reached; infinite without it."""
        left = math.inf if self.max_wallclock is None else self.max_wallclock - ledger.seconds
        return max(0.0, left)


class Ledger:
    """What was really sent: requests, tokens, cost and faults, over all calls of a run.

    Args:
        path: a JSON Lines file that is read, and appended to and flushed with every request; None
            to keep the books in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.requests = 0
        self.usage = Usage()
        self.usd = 0.0
        self.faults: Counter[str] = Counter()
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        self._path = path
        self._whole = path is None or self._read(path)

    @property
    def seconds(self) -> float:
        """Since this ledger was opened."""
        return time.monotonic() - self._start

    def answered(self, usage: Usage, usd: float | None) -> None:
        """Book a request that was answered."""
        self._book({"usage": usage.as_json(), "usd": usd})

    def failed(self, fault: str, usage: Usage | None = None, usd: float | None = None) -> None:
        """Book a request that failed; an empty answer is paid like any other."""
        took = {} if usage is None else {"usage": usage.as_json(), "usd": usd}
        self._book({"fault": fault} | took)

    def as_json(self) -> dict[str, Any]:
        """The sums, as JSON types."""
        with self._lock:
            return {
                "requests": self.requests,
                "tokens": self.usage.as_json(),
                "usd": self.usd,
                "faults": dict(sorted(self.faults.items())),
            }

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _book(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._add(entry)
            if self._path is not None:
                self._write(self._path, json.dumps(entry, separators=(",", ":")))

    def _write(self, path: Path, line: str) -> None:
        if self._file is None:  # a run that sends nothing leaves no file
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")
            if not self._whole:
                self._file.write("\n")  # ends the line that a killed run left unfinished
        self._file.write(f"{line}\n")
        self._file.flush()

    def _add(self, entry: dict[str, Any]) -> None:
        self.requests += 1
        if "fault" in entry:
            self.faults[entry["fault"]] += 1
        if "usage" in entry:
            self.usage += Usage(**entry["usage"])
            self.usd += entry["usd"] or 0.0

    def _read(self, path: Path) -> bool:
        """Read the entries of earlier calls; whether the last line is whole."""
        if not path.exists():
            return True
        text = path.read_text(encoding="utf-8")
        for line in text.split("\n"):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # empty, or cut by a kill
            self._add(entry)
        return text == "" or text.endswith("\n")
