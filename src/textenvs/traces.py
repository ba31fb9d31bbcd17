"""Traces: one versioned record of an episode, as JSON Lines.

A file is one episode. Its first line says what was played (``"kind": "header"``), then comes a line
a step (``"step"``), and at the end of the episode a line that sums it up (``"end"``). Every line is
flushed as it is written, so that a killed run loses at most the step in flight; a file without an
``"end"`` is a run to be resumed. Fields that a source lacks are absent, not invented.

=========  ========================================================================================
header     ``trace_version``, ``textenvs`` (package version), ``env_id``, ``env_spec`` (JSON of the
           whole stack of wrappers), ``episode``, ``seed``, ``options`` (of the reset), ``agent``,
           ``model``, ``settings``
step       ``t``, ``observation`` (what the action answers), ``action`` (as given to the
           environment), ``text_action`` (what was played), ``reward``, ``terminated``,
           ``truncated``, what :data:`INFO_KEYS` found in ``info``; an agent may add ``prompt``,
           ``answer``, ``usage``
end        ``observation`` (the last), ``return``, ``length``, ``terminated``, ``truncated``, and
           ``success``, ``progress``, ``achievements`` where the game has them
=========  ========================================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import gymnasium
import numpy as np

from textenvs.errors import TraceError

__all__ = [
    "INFO_KEYS",
    "TRACE_VERSION",
    "Trace",
    "TraceWriter",
    "has_header",
    "header",
    "is_complete",
    "read_end",
    "read_trace",
    "read_traces",
    "replace_file",
]

TRACE_VERSION = 1

INFO_KEYS = (
    *("invalid_action", "parse_stage", "unlocked", "success", "progress", "rewards"),
    *("mission", "messages", "end_status"),
)
"""What a step keeps of ``info``."""

_END = b'{"kind":"end"'  # how the line of an end begins
_BLOCK = 1 << 16  # bytes that are read at once from a file's end

_SUMMARY_KEYS = ("success", "progress", "achievements")


@dataclass(frozen=True)
class Trace:
    """A trace that was read.

    Attributes:
        path: where from.
        header: its first line.
        steps: its steps.
        end: its last line; None if the episode did not come to its end.
        torn: whether the file stops in the middle of a line (a killed run), which is left out.
    """

    path: Path
    header: dict[str, Any]
    steps: list[dict[str, Any]]
    end: dict[str, Any] | None
    torn: bool

    def compare(self, line: Mapping[str, Any], field: str, got: object) -> None:
        """Compare a field of a line with what the game gives now.

        Raises:
            TraceError: if they differ, naming the step, what was expected and what came.
        """
        if field in line and line[field] != got:
            where = f"step {line['t']}" if "t" in line else "the end"
            raise TraceError(
                f"{self.path}, {where}: expected the {field} {line[field]!r}, the game gives "
                f"{got!r}; was it recorded with another version?"
            )


def header(
    env: gymnasium.Env[Any, Any],
    *,
    episode: int,
    seed: int | None,
    options: Mapping[str, Any] | None = None,
    agent: str = "",
    model: str = "",
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The first line of an episode's trace.

    Args:
        env: what is played; its ``spec`` is kept if it has one.
        episode: which episode of the run.
        seed: what the episode was reset with; None if it continued a stream.
        options: what else it was reset with.
        agent: the agent's name.
        model: the model's name, empty for agents without one.
        settings: further settings of the run, of JSON types.

    Raises:
        TraceError: if an argument of a wrapper is an object, of which JSON knows nothing.
    """
    from textenvs import __version__

    spec = env.spec
    return {
        "kind": "header",
        "trace_version": TRACE_VERSION,
        "textenvs": __version__,
        "env_id": spec.id if spec is not None else type(env.unwrapped).__name__,
        "env_spec": _spec_json(spec) if spec is not None else None,
        "episode": episode,
        "seed": seed,
        **({"options": _plain(dict(options))} if options else {}),
        "agent": agent,
        "model": model,
        "settings": _plain(dict(settings or {})),
    }


def _spec_json(spec: gymnasium.envs.registration.EnvSpec) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(spec.to_json())
    except (TypeError, ValueError) as error:
        raise TraceError(
            f"expected arguments of wrappers that JSON can keep, got: {error}; name models and "
            "functions ('scripted:module:function')"
        ) from error
    return found


class TraceWriter:
    """Writes one episode, a flushed line a step.

    Args:
        path: the file; its folder is made.
        first: the header, see :func:`header`.
        past: steps that were played before, of a trace that is being resumed: the file is cut
            behind the last of them.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(
        self, path: Path, first: Mapping[str, Any], past: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.path = path
        self._return = 0.0
        self._length = 0
        lines = [_line(first)]
        for step in past:
            lines.append(_line(step))
            self._count(step)
        # A new file replaces the old one whole, so that no kill leaves less than there was.
        replace_file(path, "".join(lines))
        self._file = path.open("a", encoding="utf-8")

    def step(
        self,
        *,
        observation: Any,
        action: Any,
        reward: float,
        terminated: bool,
        truncated: bool,
        info: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a step.

        Args:
            observation: what the action answers (of a dict, the text is kept).
            action: what was given to the environment.
            reward: what it returned, and likewise
            terminated: whether the game is over,
            truncated: whether a limit was reached,
            info: and the rest.
            notes: what the agent has to add, of JSON types (``prompt``, ``answer``, ``usage``).
        """
        record = {
            "kind": "step",
            "t": self._length,
            "observation": observed_text(observation),
            "action": _plain(action),
            "text_action": info.get("text_action", ""),
            "reward": float(reward),
            "terminated": bool(terminated),
            "truncated": bool(truncated),
            **{key: _plain(info[key]) for key in INFO_KEYS if key in info},
            **(notes or {}),
        }
        self._file.write(_line(record))
        self._file.flush()
        self._count(record)

    def end(
        self, *, observation: Any, info: Mapping[str, Any], terminated: bool, truncated: bool
    ) -> None:
        """Write the summary of an episode that came to its end, and close the file."""
        record = {
            "kind": "end",
            "observation": observed_text(observation),
            "return": self._return,
            "length": self._length,
            "terminated": bool(terminated),
            "truncated": bool(truncated),
            **{key: _plain(info[key]) for key in _SUMMARY_KEYS if key in info},
        }
        self._file.write(_line(record))
        self.close()

    def close(self) -> None:
        """Close the file; without an end, it says that the episode goes on."""
        self._file.close()

    def _count(self, step: Mapping[str, Any]) -> None:
        self._return += step["reward"]
        self._length += 1


def read_trace(path: Path | str) -> Trace:
    """Read an episode.

    A last line that was cut in the middle is left out and marked (``torn``).

    Raises:
        TraceError: if the file is no trace, of another version, or broken before its last line;
            it names the line, what was expected and what came.
        OSError: if the file cannot be read.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    torn = lines.pop() != ""  # a complete file ends with a newline
    records = [_record(path, number, line) for number, line in enumerate(lines, 1)]
    if not records:
        raise TraceError(
            f"{path}: expected a trace, whose first line is its header, got an empty file"
        )
    first = records[0]
    _check_header(path, first, lines[0])
    end = records.pop() if records[-1].get("kind") == "end" else None
    steps = records[1:]
    for number, step in enumerate(steps, 2):
        _check_step(path, number, step)
    return Trace(path, first, steps, end, torn)


def read_end(path: Path | str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The first and the last line of an episode that came to its end.

    Every line between them is checked as :func:`read_trace` does, and none is kept.

    Returns:
        The header and the end; None for an episode that was not finished.

    Raises:
        TraceError: as :func:`read_trace`.
        OSError: if the file cannot be read.
    """
    path = Path(path)
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                return None  # cut by a kill
            record = _record(path, number, line[:-1])
            if number == 1:
                _check_header(path, record, line)
                first = record
            elif record.get("kind") != "end":
                _check_step(path, number, record)
            last = record
    return (first, last) if last.get("kind") == "end" else None


def is_complete(path: Path | str) -> bool:
    """Whether an episode came to its end, by the file's last line alone.

    Raises:
        OSError: if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return _last_line(file).startswith(_END)


def has_header(path: Path | str) -> bool:
    """Whether the first line of a file is whole; else nothing was played yet when it was cut.

    Raises:
        OSError: if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return file.readline().endswith(b"\n")


def _last_line(file: IO[bytes]) -> bytes:
    """The last line of a file, empty if it is not whole."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    tail = b""
    while b"\n" not in tail[:-1] and len(tail) < size:
        start = max(0, size - len(tail) - _BLOCK)
        file.seek(start)
        tail = file.read(size - len(tail) - start) + tail
    return tail[:-1].rpartition(b"\n")[2] if tail.endswith(b"\n") else b""


def read_traces(directory: Path | str) -> Iterator[Trace]:
    """Read all episodes below a folder, in the order of their paths.

    Raises:
        TraceError: as :func:`read_trace`, and if there is none.
    """
    paths = sorted(Path(directory).rglob("episode-*.jsonl"))
    if not paths:
        raise TraceError(f"{directory}: expected traces (episode-*.jsonl), found none")
    return (read_trace(path) for path in paths)


def replace_file(path: Path, content: str) -> None:
    """Write a file that replaces the one at a path as a whole, or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(path)


def _check_header(path: Path, record: Mapping[str, Any], line: str) -> None:
    if record.get("kind") != "header":
        raise TraceError(
            f"{path}: expected a trace, whose first line is its header, got {line[:60]!r}"
        )
    if record.get("trace_version") != TRACE_VERSION:
        raise TraceError(
            f"{path}: expected trace_version {TRACE_VERSION}, got {record.get('trace_version')!r}"
        )


def _check_step(path: Path, number: int, record: Mapping[str, Any]) -> None:
    """Check that a line is the step that belongs there: the header is line 1, step 0 line 2."""
    if record.get("kind") != "step" or record.get("t") != number - 2:
        got = f"{record.get('kind')!r} with t={record.get('t')!r}"
        raise TraceError(f"{path}, line {number}: expected step {number - 2}, got {got}")


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise TraceError(
            f"{path}, line {number}: expected a line of JSON, got {line[:60]!r} ({error.msg})"
        ) from error
    if not isinstance(record, dict):
        raise TraceError(f"{path}, line {number}: expected an object, got {line[:60]!r}")
    return record


def _line(record: Mapping[str, Any]) -> str:
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can say in escapes only
        line = json.dumps(record, separators=(",", ":"))
    return f"{line}\n"


def observed_text(observation: Any) -> str | None:
    """The text of an observation; None if it has none."""
    if isinstance(observation, Mapping):
        observation = observation.get("text")
    return observation if isinstance(observation, str) else None


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as JSON types."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value
