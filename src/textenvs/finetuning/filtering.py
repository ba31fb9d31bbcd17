"""Which episodes, and which windows of them, are good enough to learn from."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import UnknownName, require
from textenvs.finetuning.examining import Skipped
from textenvs.finetuning.scanning import find_traces, make_episodes, scan
from textenvs.finetuning.trace_columns import EPISODE_COLUMNS

__all__ = ["Criteria", "Dropped", "Episode", "Filtered", "Window", "filter_traces"]

_MEMORY = "600MB"
_THREADS = 2
_DECIMALS = 9
_TOLD = (
    *("file", "env_id", "episode", "seed", "agent", "model", "reward", "length", "recorded"),
    *("turns", "success", "progress", "achievements", "tokens", "usd"),
)


@dataclass(frozen=True)
class Criteria:
    """What is kept: all that is given holds, bounds included; of what is not given, anything.

    What a trace does not say (the cost of an imported game, the achievements of NetHack) fulfils no
    criterion.

    Attributes:
        min_achievements: achievements that were unlocked, this many or more.
        achievement_types: names, of which ``min_achievement_types`` or more were unlocked.
        min_achievement_types: see there.
        min_reward: return, this much or more.
        max_turns: turns, this many or fewer; see ``turns`` of the columns.
        success: whether the task must have been done.
        models: names of models, one of which played.
        max_cost: USD, this much or less.
        max_tokens: tokens in and out, of the whole episode, this many or fewer.
        window: steps of a window; None to keep episodes as a whole.
        stride: steps from the start of a window to that of the next; None for half a window.
        min_window_reward: sum of a window's rewards, this much or more.
        where: a condition in SQL over
            :data:`~textenvs.finetuning.trace_columns.EPISODE_COLUMNS`.

    Raises:
        ValueError: if a number is out of range, or an option is given without the one it belongs
            to.
    """

    min_achievements: int | None = None
    achievement_types: tuple[str, ...] = ()
    min_achievement_types: int | None = None
    min_reward: float | None = None
    max_turns: int | None = None
    success: bool = False
    models: tuple[str, ...] = ()
    max_cost: float | None = None
    max_tokens: int | None = None
    window: int | None = None
    stride: int | None = None
    min_window_reward: float | None = None
    where: str = ""

    def __post_init__(self) -> None:
        types, least = len(self.achievement_types), self.min_achievement_types
        if least is not None and not 1 <= least <= types:
            raise ValueError(
                f"expected min_achievement_types from 1 to the {types} of achievement_types, got "
                f"{least}"
            )
        for name in ("window", "stride"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"expected a {name} of 1 or more, got {value}")
        if self.window is None and (self.stride, self.min_window_reward) != (None, None):
            raise ValueError("expected a window with stride and min_window_reward, got none")

    @property
    def step(self) -> int:
        """From the start of a window to that of the next."""
        return self.stride or max(1, -(-(self.window or 1) // 2))

    def conditions(self) -> dict[str, tuple[str, Any]]:
        """Name -> the condition in SQL, and its parameter."""
        bounds = {
            "min_achievements": "achievements >= ?",
            "min_reward": "reward >= ?",
            "max_turns": "turns <= ?",
            "max_cost": "usd <= ?",
            "max_tokens": "tokens <= ?",
        }
        found: dict[str, tuple[str, Any]] = {
            name: (sql, getattr(self, name))
            for name, sql in bounds.items()
            if getattr(self, name) is not None
        }
        if self.achievement_types:
            least = self.min_achievement_types or 1
            sql = f"len(list_intersect(unlocked, ?::VARCHAR[])) >= {least}"
            found["achievement_types"] = (sql, list(self.achievement_types))
        if self.success:
            found["success"] = ("success = ?", True)
        if self.models:
            found["models"] = ("list_contains(?::VARCHAR[], model)", list(self.models))
        return found


@dataclass(frozen=True)
class Window:
    """Steps of an episode: ``start`` and those behind it, up to but without ``stop``."""

    start: int
    stop: int
    reward: float


@dataclass(frozen=True)
class Episode:
    """An episode that came to its end.

    Attributes:
        file: its trace.
        kept: whether it fulfils all criteria.
        windows: those that are kept, where there are windows; else None.

    The others are columns, see :data:`~textenvs.finetuning.trace_columns.EPISODE_COLUMNS`.
    """

    file: str
    env_id: str
    episode: int
    seed: int | None
    agent: str
    model: str
    reward: float
    length: int
    recorded: int
    turns: int
    success: bool | None
    progress: float | None
    achievements: int | None
    tokens: int | None
    usd: float | None
    kept: bool
    windows: tuple[Window, ...] | None = None


@dataclass(frozen=True)
class Dropped:
    """How many episodes do not fulfil a criterion, and of how many of them it is not known."""

    episodes: int
    unknown: int


@dataclass(frozen=True)
class Filtered:
    """What a filter found.

    Attributes:
        episodes: all that came to their end, in the order of their files.
        skipped: files that were not read further, and why.
        dropped: criterion -> how many episodes do not fulfil it; one may be counted for several.
        windows: how many windows the kept episodes have, where there are windows.
    """

    episodes: list[Episode]
    skipped: list[Skipped]
    dropped: dict[str, Dropped] = field(default_factory=dict)
    windows: int = 0

    @property
    def kept(self) -> list[Episode]:
        """The episodes that fulfil all criteria."""
        return [episode for episode in self.episodes if episode.kept]

    @property
    def kept_windows(self) -> int:
        """The windows that are kept."""
        return sum(len(episode.windows or ()) for episode in self.kept)


def filter_traces(
    inputs: Sequence[Path | str], criteria: Criteria | None = None, *, threads: int = _THREADS
) -> Filtered:
    """Judge all episodes in some folders of traces.

    Every line is read once. The condition ``where`` is evaluated when all is read, on a database
    that can neither read nor write files any more.

    Args:
        inputs: folders, or traces.
        criteria: what is kept; None for everything.
        threads: how many of DuckDB's are at work.

    Raises:
        MissingExtra: without DuckDB.
        TraceError: if there are no traces.
        UnknownName: for an achievement that no trace knows.
        ValueError: if ``where`` is no condition.
        OSError: if a file cannot be read.
    """
    duckdb = require("duckdb", extra="data", needed_by="filtering traces")
    criteria = criteria or Criteria()
    paths = find_traces(inputs)
    with tempfile.TemporaryDirectory(prefix="textenvs-filter-") as folder:
        connection: Any = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": _MEMORY,
                "temp_directory": str(Path(folder) / "spilled"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
            }
        )
        try:
            skipped = scan(connection, paths, Path(folder))
            make_episodes(connection)
            # From here on only what is in memory can be reached, whatever a condition says.
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            return _judge(duckdb, connection, criteria, skipped)
        finally:
            connection.close()


def _judge(duckdb: Any, connection: Any, criteria: Criteria, skipped: list[Skipped]) -> Filtered:
    _check_names(connection, criteria)
    conditions = criteria.conditions()
    columns = "".join(f", {sql} AS c{n}" for n, (sql, _) in enumerate(conditions.values()))
    connection.execute(
        f"CREATE TABLE judged AS SELECT f{columns} FROM episodes",
        [value for _, value in conditions.values()],
    )
    names = list(conditions)
    if criteria.where:
        _add_where(duckdb, connection, criteria.where, len(names))
        names.append("where")
    holds = " AND ".join(f"coalesce(c{n}, false)" for n in range(len(names))) or "true"
    connection.execute(f"CREATE TABLE kept AS SELECT f FROM judged WHERE {holds}")
    dropped = {}
    for n, name in enumerate(names):
        counts = f"count(*) FILTER (NOT coalesce(c{n}, false)), count(*) FILTER (c{n} IS NULL)"
        dropped[name] = Dropped(*connection.execute(f"SELECT {counts} FROM judged").fetchone())
    windows, total = _windows(connection, criteria)
    rows = connection.execute(
        f"SELECT f, {', '.join(_TOLD)}, f IN (SELECT f FROM kept) FROM episodes ORDER BY file, f"
    ).fetchall()
    episodes = [
        Episode(
            **dict(zip(_TOLD, row, strict=True)),
            kept=kept,
            windows=None if criteria.window is None else tuple(windows[f]),
        )
        for f, *row, kept in rows
    ]
    return Filtered(episodes, skipped, dropped, total)


def _check_names(connection: Any, criteria: Criteria) -> None:
    """Check names that a criterion takes against those that there are."""
    names = connection.execute(
        "SELECT DISTINCT unnest(achievement_names) AS name FROM episodes ORDER BY name"
    ).fetchall()
    known = [name for (name,) in names]
    for name in criteria.achievement_types:
        if name not in known:
            there = ", ".join(known) or "no trace has any"
            raise UnknownName(f"unknown achievement {name!r}: expected one of {there}")


def _add_where(duckdb: Any, connection: Any, where: str, number: int) -> None:
    """Evaluate a user's condition as column ``c<number>`` of the judged episodes."""
    columns = ", ".join(EPISODE_COLUMNS)
    connection.execute(f"CREATE VIEW traces AS SELECT f, {columns} FROM episodes")
    try:
        # One expression, and not a piece of a statement that could be closed and gone on with.
        condition = duckdb.SQLExpression(where).cast(duckdb.sqltype("BOOLEAN")).alias("c")
        relation = connection.table("traces").select(duckdb.ColumnExpression("f"), condition)
        relation.create("found")
    except duckdb.Error as error:
        said = str(error).partition("\n")[0]
        raise ValueError(
            f"where: expected a condition over the columns {columns}, got {where!r} ({said})"
        ) from error
    connection.execute(
        f"CREATE OR REPLACE TABLE judged AS SELECT judged.*, found.c AS c{number} "
        "FROM judged JOIN found USING (f)"
    )


def _windows(connection: Any, criteria: Criteria) -> tuple[dict[int, list[Window]], int]:
    """The windows that are kept, by file, and how many there are of the kept episodes.

    Windows start at 0, and every stride behind it until one reaches the last step; the last may be
    shorter.
    """
    found: dict[int, list[Window]] = defaultdict(list)
    if criteria.window is None:
        return found, 0
    width, step = criteria.window, criteria.step
    # The last window is the first that reaches the end: number ceil((recorded - width) / step).
    rows = connection.execute(
        f"""
        WITH steps AS (
            SELECT l.f, l.t, l.reward, e.recorded,
                CASE WHEN e.recorded > {width}
                    THEN (e.recorded - {width} + {step} - 1) // {step} ELSE 0 END AS final
            FROM lines l JOIN kept USING (f) JOIN episodes e ON e.f = l.f
            WHERE l.kind = 'step'
        ), placed AS (
            SELECT f, t, reward, recorded, unnest(range(
                CASE WHEN t >= {width} THEN (t - {width}) // {step} + 1 ELSE 0 END,
                least(t // {step}, final) + 1
            )) AS w FROM steps
        )
        SELECT f, w * {step} AS start, least(w * {step} + {width}, any_value(recorded)),
            round(fsum(reward), {_DECIMALS}) AS total
        FROM placed GROUP BY f, w ORDER BY f, w"""
    ).fetchall()
    for f, start, stop, total in rows:
        if criteria.min_window_reward is None or total >= criteria.min_window_reward:
            found[f].append(Window(start, stop, total))
    return found, len(rows)
