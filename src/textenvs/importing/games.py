"""What a source of recorded games gives: games, what it published of them, and its faults."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.traces import TRACE_VERSION, replace_file

__all__ = [
    "Game",
    "Problem",
    "Published",
    "Source",
    "first_line",
    "read_json",
    "read_table",
    "write_game",
]

_LONGEST_FIELD = 2**31 - 1  # of a CSV; Python's own limit is less than some answers
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True)
class Problem:
    """A file that a source should have, and has not as it should be.

    Attributes:
        file: which; its path within the folder that was given, that folder's name included.
        kind: ``"missing"`` or ``"broken"``.
        why: what was expected, and what is there.
        episodes: how many episodes there is nothing of for that.
    """

    file: str
    kind: str
    why: str
    episodes: int = 0


@dataclass(frozen=True)
class Published:
    """What a source itself says of all games of a model in an environment; None where nothing.

    Attributes:
        player, env_id: of whom, and what.
        episodes: how many were played.
        progress, standard_error: in percent.
        steps: mean of an episode.
        returns: of each episode.
    """

    player: str
    env_id: str
    episodes: int
    progress: float | None = None
    standard_error: float | None = None
    steps: float | None = None
    returns: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Game:
    """A game that was read.

    Attributes:
        player: the name of its model, which is that of its folder as well.
        header: the first line of its trace.
        steps: its steps; empty if they are not known.
        end: the last line; None if its results are not known.
    """

    player: str
    header: dict[str, Any]
    steps: list[dict[str, Any]]
    end: dict[str, Any] | None


@dataclass
class Source:
    """All that was read, but the games, which are too many to be held.

    Attributes:
        problems: files that are missing or broken.
        published: what the source published of the games.
        left_out: what is there and not read: further games that textenvs has no environment for.
    """

    problems: list[Problem] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def missing(self, file: str, why: str, episodes: int = 0) -> None:
        """Note a file that is not there."""
        self.problems.append(Problem(file, "missing", why, episodes))

    def broken(self, file: str, error: Exception, episodes: int = 0) -> None:
        """Note a file that cannot be used."""
        self.problems.append(Problem(file, "broken", " ".join(str(error).split()), episodes))


def first_line(
    env_id: str,
    *,
    episode: int,
    imported: Mapping[str, Any],
    agent: str = "",
    model: str = "",
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The header of an imported game, which so far nothing can be played again from.

    Args:
        env_id: the environment of textenvs that the game is one of.
        episode: which episode of the model in it.
        imported: where it is from, and what else the source says.
        agent: the agent's name at the source.
        model: the model's name there.
        settings: of the run, as recorded.
    """
    from textenvs import __version__

    return {
        "kind": "header",
        "trace_version": TRACE_VERSION,
        "textenvs": __version__,
        "env_id": env_id,
        "env_spec": None,
        "episode": episode,
        "seed": None,
        "agent": agent,
        "model": model,
        "settings": dict(settings or {}),
        "imported": dict(imported),
    }


def write_game(out: Path, game: Game) -> Path:
    """Write a game as a trace, ``OUT/PLAYER/ENV_ID/episode-00000.jsonl``.

    Raises:
        OSError: if it cannot be written.
    """
    header = game.header
    folder = out / folder_name(game.player) / header["env_id"]
    path = folder / f"episode-{header['episode']:05d}.jsonl"
    lines = [header, *game.steps, *([] if game.end is None else [game.end])]
    # In ASCII: texts of others may have halves of characters, which JSON says in escapes only.
    replace_file(path, "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines))
    return path


def folder_name(player: str) -> str:
    """A player's name as one of a folder: a source must not choose where files are written."""
    return _NOT_IN_NAMES.sub("-", player).strip(".-") or "unnamed"


def read_json(path: Path) -> dict[str, Any]:
    """Read an object of JSON.

    Raises:
        TraceError: if it is none.
        OSError: if it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise TraceError(f"expected JSON, got something else ({error})") from error
    if not isinstance(found, dict):
        raise TraceError(f"expected an object, got {type(found).__name__}")
    return found


def read_table(
    path: Path, columns: Sequence[str], escapechar: str | None = None
) -> tuple[list[str], list[dict[str, str]]]:
    """Read a CSV with certain columns, in any order; return that order, and the rows.

    Raises:
        TraceError: if it is none, or has no rows.
        OSError: if it cannot be read.
    """
    try:
        with _long_fields(), path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, escapechar=escapechar, strict=True)
            names = list(reader.fieldnames or ())
            if sorted(names) != sorted(columns):
                got = ", ".join(names)[:200] or "an empty file"
                raise TraceError(f"expected the columns {', '.join(columns)}, got {got}")
            rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise TraceError(f"expected a CSV, got something else ({error})") from error
    if not rows:
        raise TraceError("expected a row a step, got none")
    for t, row in enumerate(rows):
        if None in row or None in row.values():
            raise TraceError(f"expected {len(columns)} fields in row {t}, got more or fewer")
    return names, rows


def number(row: Mapping[str, Any], name: str) -> float:
    """A number of a row or an object.

    Raises:
        TraceError: if it is none.
    """
    try:
        value = float(row[name])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise TraceError(f"expected a number as {name}, got {str(row.get(name))[:60]!r}")
    return value


def flag(row: Mapping[str, str], name: str) -> bool:
    """A truth value of a row.

    Raises:
        TraceError: if it is none.
    """
    if row[name] not in ("True", "False"):
        raise TraceError(f"expected True or False as {name}, got {row[name][:60]!r}")
    return row[name] == "True"


def counted(rows: Sequence[Mapping[str, str]], name: str) -> None:
    """Check that the rows are numbered from 0.

    Raises:
        TraceError: if they are not.
    """
    for t, row in enumerate(rows):
        if row[name] != str(t):
            raise TraceError(f"expected {name} {t} in row {t}, got {row[name][:60]!r}")


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
