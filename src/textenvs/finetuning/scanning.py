"""Traces as tables of DuckDB: every line is read once, and what is wrong with a file is named.

The lines are read as objects of JSON, of which a step leaves a few numbers: observations, prompts
and answers are parsed over, never kept. Header and end stay whole, being two lines of a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.finetuning.examining import Skipped, examine
from textenvs.finetuning.trace_columns import END_COLUMNS, HEADER_COLUMNS, STEP_COLUMNS
from textenvs.traces import TRACE_VERSION

__all__ = ["find_traces", "make_episodes", "scan"]

# Whoever reads a longer line is asked to be more generous; a smaller buffer is faster.
_LEAST_BUFFER, _MOST_BUFFER = 4 << 20, 128 << 20

_SCAN = f"""
SELECT file_index + ? AS f, s.kind AS kind, s.t AS t, s.reward AS reward,
    s.invalid_action AS invalid_action, s.answer_status AS answer_status, s.usage AS usage,
    s.usd AS usd, s.summary_usage AS summary_usage, s.summary_usd AS summary_usd,
    CASE WHEN s.kind IN ('header', 'end') THEN json END AS whole
FROM (
    SELECT file_index, json, json_transform(json, '{json.dumps(STEP_COLUMNS)}') AS s
    FROM read_ndjson_objects(?, ignore_errors = true, maximum_object_size = ?)
)"""

# Rows are inserted in the order of the files and their lines, so that the row id counts lines.
_VERDICTS = f"""
SELECT f FROM (
    SELECT f, count(*) AS n, min(rowid) AS first, max(rowid) AS last,
        count(*) FILTER (kind = 'header') AS heads,
        min(rowid) FILTER (kind = 'header') AS head,
        count(*) FILTER (kind = 'end') AS ends,
        max(rowid) FILTER (kind = 'end') AS tail,
        count(*) FILTER (kind = 'step') AS steps,
        count(*) FILTER (kind = 'step' AND rowid - t IS NULL) AS unnumbered,
        min(rowid - t) FILTER (kind = 'step') AS least,
        max(rowid - t) FILTER (kind = 'step') AS most,
        count(*) FILTER (kind = 'step' AND NOT coalesce(isfinite(reward), false)) AS unpaid
    FROM lines WHERE f >= ? GROUP BY f
)
LEFT JOIN (
    SELECT f, json_transform(whole, '{json.dumps(HEADER_COLUMNS)}') AS h FROM lines
    WHERE f >= ? AND kind = 'header'
) USING (f)
LEFT JOIN (
    SELECT f, json_transform(whole, '{json.dumps(END_COLUMNS)}') AS e FROM lines
    WHERE f >= ? AND kind = 'end'
) USING (f)
WHERE coalesce(
    heads = 1 AND ends = 1 AND head = first AND tail = last AND steps = n - 2
    AND unnumbered = 0 AND unpaid = 0
    AND (steps = 0 OR (least = first + 1 AND most = first + 1))
    AND h.trace_version = {TRACE_VERSION}
    AND h.env_id IS NOT NULL AND h.agent IS NOT NULL AND h.model IS NOT NULL
    AND h.episode IS NOT NULL AND isfinite(e."return")
    AND (e.length = steps OR (steps = 0 AND h.imported IS NOT NULL)),
    false
)"""

_EPISODES = f"""
CREATE TABLE episodes AS
WITH sums AS (
    SELECT f, count(*) FILTER (kind = 'step') AS recorded,
        count(answer_status) AS answers,
        count(*) FILTER (invalid_action) AS invalid, count(invalid_action) AS judged,
        count(usage) + count(summary_usage) AS counts,
        count(*) FILTER (NOT coalesce(usage.counted, true)
            OR NOT coalesce(summary_usage.counted, true)) AS uncounted,
        count(*) FILTER ((usage IS NOT NULL AND usd IS NULL)
            OR (summary_usage IS NOT NULL AND summary_usd IS NULL)) AS unpriced,
        sum(coalesce(usage.input_tokens, 0) + coalesce(summary_usage.input_tokens, 0)) AS sent,
        sum(coalesce(usage.output_tokens, 0) + coalesce(summary_usage.output_tokens, 0)) AS said,
        fsum(coalesce(usd, 0) + coalesce(summary_usd, 0)) AS usd
    FROM lines SEMI JOIN good USING (f) GROUP BY f
), heads AS (
    SELECT f, json_transform(whole, '{json.dumps(HEADER_COLUMNS)}') AS h
    FROM lines SEMI JOIN good USING (f) WHERE kind = 'header'
), ends AS (
    SELECT f, json_transform(whole, '{json.dumps(END_COLUMNS)}') AS e
    FROM lines SEMI JOIN good USING (f) WHERE kind = 'end'
), told AS (
    SELECT *,
        h.imported IS NOT NULL AND h.imported::VARCHAR <> 'null' AS imported,
        counts > 0 OR e.usage IS NOT NULL AS counted
    FROM sums JOIN heads USING (f) JOIN ends USING (f)
), known AS (
    SELECT *, NOT counted AND h.model = '' AND NOT imported AS asks_none,
        uncounted = 0 AND coalesce(e.usage.counted, true) AS all_counted
    FROM told
), totals AS (
    SELECT *,
        CASE WHEN counted AND all_counted THEN sent + coalesce(e.usage.input_tokens, 0)
            WHEN asks_none THEN 0 END::BIGINT AS input_tokens,
        CASE WHEN counted AND all_counted THEN said + coalesce(e.usage.output_tokens, 0)
            WHEN asks_none THEN 0 END::BIGINT AS output_tokens
    FROM known
)
SELECT f, files.path AS file, h.env_id AS env_id, split_part(h.env_id, '-Text-', 1) AS game,
    h.episode AS episode, h.seed AS seed, h.agent AS agent, h.model AS model,
    h.settings AS settings, totals.imported AS imported,
    round(e."return", 9) AS reward, e.length AS length, recorded,
    CASE WHEN answers > 0 AND NOT totals.imported THEN answers ELSE e.length END AS turns,
    CASE WHEN turns > 0 THEN reward / turns END AS efficiency,
    e.terminated AS terminated, e.truncated AS truncated,
    CASE lower(e.success) WHEN 'true' THEN true WHEN '1' THEN true WHEN '1.0' THEN true
        WHEN 'false' THEN false WHEN '0' THEN false WHEN '0.0' THEN false END AS success,
    e.progress AS progress,
    list_transform(list_filter(map_entries(e.achievements), lambda x: x.value > 0),
        lambda x: x.key) AS unlocked,
    len(unlocked) AS achievements,
    map_keys(e.achievements) AS achievement_names,
    CASE WHEN judged > 0 THEN invalid END AS invalid,
    input_tokens, output_tokens, input_tokens + output_tokens AS tokens,
    CASE WHEN e.usage IS NOT NULL OR unpriced > 0 THEN NULL
        WHEN counted THEN round(totals.usd, 12) WHEN asks_none THEN 0.0 END AS usd
FROM totals JOIN files USING (f) ORDER BY f"""


def find_traces(inputs: Sequence[Path | str]) -> list[Path]:
    """The traces in some folders, each once; a file stands for itself.

    Raises:
        TraceError: if there are none in one of them.
        OSError: if it cannot be read.
    """
    found: dict[Path, Path] = {}
    for each in map(Path, inputs):
        paths = [each] if each.is_file() else sorted(each.rglob("episode-*.jsonl"))
        paths = [path for path in paths if path.is_file()]
        if not paths:
            raise TraceError(f"{each}: expected traces (episode-*.jsonl), found none")
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def scan(connection: Any, paths: Sequence[Path], folder: Path) -> list[Skipped]:
    """Make the tables ``files``, ``lines`` and ``good``, which are numbered by ``f``.

    Args:
        connection: of DuckDB.
        paths: the traces.
        folder: an empty one, for what has to be written anew to be read.

    Raises:
        OSError: if a file cannot be read.
    """
    for path in paths:
        path.open("rb").close()  # what cannot be read would stop the query without its name
    connection.execute("CREATE TABLE files (f BIGINT, path VARCHAR)")
    _append(connection, "files", enumerate(map(str, paths)))
    connection.execute("CREATE TABLE good (f BIGINT)")
    names = [str(path) for path in paths]
    connection.execute(f"CREATE TABLE lines AS {_SCAN}", [0, _literal(names), _buffer(paths)])
    good = _good(connection, 0)
    skipped = []
    mended: dict[int, Path] = {}
    for f, path in enumerate(paths):
        if f in good:
            continue
        problem, light = examine(path)
        if problem is not None:
            skipped.append(problem)
        else:
            # Python reads what DuckDB does not: halves of characters, which JSON has in escapes.
            mended[f] = folder / f"{f}.jsonl"
            mended[f].write_bytes(light)
    if mended:
        skipped += _scan_again(connection, paths, mended)
        good -= mended.keys()
    _append(connection, "good", ((f,) for f in sorted(good)))
    return skipped


def make_episodes(connection: Any) -> None:
    """Make the table ``episodes`` of the good files.

    It has ``f`` and :data:`textenvs.finetuning.trace_columns.EPISODE_COLUMNS`.
    """
    connection.execute(_EPISODES)


def _scan_again(connection: Any, paths: Sequence[Path], mended: dict[int, Path]) -> list[Skipped]:
    """Read what was written anew in place of the files that it is of."""
    start = len(paths)
    files = list(mended.values())
    connection.execute(
        f"INSERT INTO lines {_SCAN}", [start, _literal(map(str, files)), _buffer(files)]
    )
    good = _good(connection, start)
    skipped = []
    for number, f in enumerate(mended, start):
        if number in good:
            connection.execute("INSERT INTO files VALUES (?, ?)", [number, str(paths[f])])
            connection.execute("INSERT INTO good VALUES (?)", [number])
        else:
            why = "expected a trace, got what only Python reads as one"
            skipped.append(Skipped(str(paths[f]), "broken", why))
    return skipped


def _literal(names: Iterable[str]) -> list[str]:
    """Names of files as DuckDB takes them, which reads patterns otherwise."""
    return ["".join(f"[{c}]" if c in "*?[" else c for c in name) for name in names]


def _buffer(paths: Sequence[Path]) -> int:
    largest = max(path.stat().st_size for path in paths)
    return min(max(_LEAST_BUFFER, largest), _MOST_BUFFER)


def _good(connection: Any, start: int) -> set[int]:
    return {f for (f,) in connection.execute(_VERDICTS, [start] * 3).fetchall()}


def _append(connection: Any, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        unnested = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"INSERT INTO {table} SELECT {unnested}", list(map(list, columns)))
