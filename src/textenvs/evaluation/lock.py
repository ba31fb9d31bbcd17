"""One process a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textenvs.errors import TraceError

__all__ = ["locked"]

_FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from playing in a folder at the same time, which is made.

    The system gives the lock back when a process ends, however it ends. On Windows nothing is
    locked.

    Raises:
        TraceError: if another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (folder / _FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TraceError(
                f"{folder}: expected to be alone, but another process plays in this folder; wait "
                "for it, or choose another folder"
            ) from error
        yield
