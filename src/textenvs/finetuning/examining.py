"""What is wrong with a trace, told by its line."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textenvs.finetuning.trace_columns import STEP_COLUMNS
from textenvs.traces import TRACE_VERSION

__all__ = ["SKIPPED", "Skipped", "examine"]

SKIPPED = ("unfinished", "version", "broken")
"""Why a file is skipped: its episode did not come to its end, it is of another version of traces,
or a line is wrong."""


@dataclass(frozen=True)
class Skipped:
    """A file that is not read further.

    Attributes:
        file: which.
        kind: one of :data:`SKIPPED`.
        why: what is wrong, with the line.
    """

    file: str
    kind: str
    why: str


class _WrongLineError(Exception):
    """What is wrong with a line."""


class _VersionError(Exception):
    """A trace of another version."""


def examine(path: Path) -> tuple[Skipped | None, bytes]:
    """What is wrong with a file; if nothing is, what is kept of its lines.

    Returns:
        The problem, or None; the lines as :mod:`textenvs.finetuning.scanning` reads them again,
        empty where there is a problem.

    Raises:
        OSError: if the file cannot be read.
    """
    light: list[bytes] = []
    pieces = path.read_bytes().split(b"\n")
    numbered = [(n, piece) for n, piece in enumerate(pieces, 1) if piece.strip()]
    last: dict[str, Any] | None = None
    steps = 0
    for n, piece in numbered:
        try:
            record = _parsed(piece)
            if last is None:
                _check_header(record)
            elif last["kind"] == "end":
                raise _WrongLineError(f"expected the end to be the last line, got {_start(piece)}")
            elif record.get("kind") == "end":
                _check_end(record, steps, light[0])
            else:
                _check_step(record, steps)
                steps += 1
        except _VersionError as error:
            return Skipped(str(path), "version", str(error)), b""
        except (_WrongLineError, ValueError, RecursionError) as error:
            torn = n == len(pieces) and last is not None and last["kind"] != "end"
            if torn and not isinstance(error, _WrongLineError):
                why = f"cut in the middle of line {n}, behind {_counted(steps)}"
                return Skipped(str(path), "unfinished", why), b""
            return Skipped(str(path), "broken", f"line {n}: {error}"), b""
        last = record
        kept = record if record["kind"] != "step" else {k: record.get(k) for k in STEP_COLUMNS}
        light.append(json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace"))
    if last is None:
        return Skipped(str(path), "broken", "expected a trace, got an empty file"), b""
    if last["kind"] != "end":
        return Skipped(str(path), "unfinished", f"no end, behind {_counted(steps)}"), b""
    return None, b"\n".join([*light, b""])


def _parsed(piece: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> float:
        raise _WrongLineError(f"expected JSON, got the number {constant}")

    try:
        record = json.loads(piece.decode(), parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got {_start(piece)}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"expected a line of JSON, got {_start(piece)} ({error.msg})") from error
    if not isinstance(record, dict):
        raise _WrongLineError(f"expected an object, got {_start(piece)}")
    return record


def _check_header(record: dict[str, Any]) -> None:
    if record.get("kind") != "header":
        got = json.dumps(record)[:60]
        raise _WrongLineError(f"expected a trace, whose first line is its header, got {got}")
    version = record.get("trace_version")
    if version != TRACE_VERSION:
        raise _VersionError(f"expected trace_version {TRACE_VERSION}, got {version!r}")
    for name in ("env_id", "agent", "model"):
        if not isinstance(record.get(name), str):
            raise _WrongLineError(f"expected {name}, a text, got {record.get(name)!r}")
    if not isinstance(record.get("episode"), int):
        raise _WrongLineError(f"expected episode, a number, got {record.get('episode')!r}")


def _check_step(record: dict[str, Any], t: int) -> None:
    if record.get("kind") != "step" or record.get("t") != t:
        got = f"{record.get('kind')!r} with t={record.get('t')!r}"
        raise _WrongLineError(f"expected step {t}, got {got}")
    _check_number(record, "reward")


def _check_end(record: dict[str, Any], steps: int, header: bytes) -> None:
    _check_number(record, "return")
    length = record.get("length")
    lacks = steps == 0 and json.loads(header).get("imported") is not None
    if not isinstance(length, int) or (length != steps and not lacks):
        raise _WrongLineError(f"expected the length {steps}, as many as steps, got {length!r}")


def _check_number(record: dict[str, Any], name: str) -> None:
    value = record.get(name)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise _WrongLineError(f"expected {name}, a number, got {value!r}")


def _start(piece: bytes) -> str:
    return repr(piece[:60].decode("utf-8", "replace"))


def _counted(steps: int) -> str:
    return f"{steps} complete step{'' if steps == 1 else 's'}"
