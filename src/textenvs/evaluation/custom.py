"""Evaluations of the user's: a function is given the traces, and returns numbers or tables."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from textenvs.errors import UnknownName
from textenvs.traces import Trace, read_traces

__all__ = [
    "CustomFunction",
    "CustomResult",
    "CustomTable",
    "evaluate_custom",
    "load_function",
    "trace_as_dict",
]

CustomFunction = Callable[[list[dict[str, Any]]], Any]
"""Of the traces of an experiment, see :func:`trace_as_dict`."""


@dataclass(frozen=True)
class CustomTable:
    """The rows that a function of the user's made of an experiment."""

    experiment: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class CustomResult:
    """What a function of the user's said.

    Attributes:
        function: where it is found.
        numbers: name -> experiment -> number; None where a function did not tell.
        tables: of the experiments of which it made tables.
    """

    function: str
    numbers: dict[str, dict[str, float | None]] = field(default_factory=dict)
    tables: list[CustomTable] = field(default_factory=list)


def load_function(where: str) -> CustomFunction:
    """Find a function, ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION``.

    Modules are looked for in the current folder too.

    Raises:
        UnknownName: if there is none.
    """
    module, colon, name = where.rpartition(":")
    if not (module and colon and name):
        raise UnknownName(f"expected MODULE:FUNCTION or FILE.py:FUNCTION, got {where!r}")
    try:
        loaded = _load_file(Path(module)) if module.endswith(".py") else _load_module(module)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise UnknownName(f"expected a module {module!r} to evaluate with: {error}") from error
    function = getattr(loaded, name, None)
    if not callable(function):
        raise UnknownName(f"expected a function {name!r} in {module}, got {function!r}")
    found: CustomFunction = function
    return found


def _load_module(name: str) -> ModuleType:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove("")


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"_custom_evaluation_{path.stem}", path)
    assert spec is not None  # the suffix is .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def evaluate_custom(
    function: CustomFunction | str, folders: Mapping[str, Path | str]
) -> CustomResult:
    """Call a function with the traces of each experiment.

    Args:
        function: called with a list of dicts, see :func:`trace_as_dict`, of the episodes that came
            to their end; returns a number, a dict name -> number (None for what is not known), or
            a list of dicts, the rows of a table. Or where it is found, see :func:`load_function`.
        folders: name -> the folder with the experiment's traces.

    Raises:
        UnknownName: if there is no such function.
        TraceError: if a folder has no traces, or one cannot be read.
        ValueError: if it returns something else.
    """
    called = load_function(function) if isinstance(function, str) else function
    name = getattr(called, "__name__", type(called).__name__)
    result = CustomResult(function if isinstance(function, str) else name)
    for experiment, folder in folders.items():
        traces = [
            trace_as_dict(trace, experiment)
            for trace in read_traces(folder)
            if trace.end is not None
        ]
        said = called(traces)
        if isinstance(said, list) and all(isinstance(row, Mapping) for row in said):
            result.tables.append(CustomTable(experiment, [_plain_row(row) for row in said]))
            continue
        numbers = said if isinstance(said, Mapping) else {name: said}
        if not all(value is None or _is_number(value) for value in numbers.values()):
            raise ValueError(
                f"expected {result.function} to return a number, a dict of numbers or a list of "
                f"rows (dicts), got {said!r:.200}"
            )
        for key, value in numbers.items():
            of_name = result.numbers.setdefault(str(key), {})
            of_name[experiment] = None if value is None else float(value)
    return result


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating | np.bool_)


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): value.item() if isinstance(value, np.generic) else value
        for key, value in row.items()
    }


def trace_as_dict(trace: Trace, experiment: str = "") -> dict[str, Any]:
    """An episode for a function of the user's.

    Returns:
        ``experiment``, ``path``, ``header``, ``steps`` and ``end`` as the trace has them, and of
        these at hand ``env_id``, ``seed``, ``agent``, ``model``, ``return``, ``length``,
        ``success``, ``progress`` (None where the game has none), ``final_achievements`` (the
        unlocked ones -> True, no others, so that going through it counts right) and ``actions``
        (their texts, one a step).
    """
    end = trace.end or {}
    return {
        "experiment": experiment,
        "path": str(trace.path),
        "header": trace.header,
        "steps": trace.steps,
        "end": end,
        **{key: trace.header.get(key) for key in ("env_id", "seed", "agent", "model")},
        **{key: end.get(key) for key in ("return", "length", "success", "progress")},
        "final_achievements": {
            name: True for name, count in (end.get("achievements") or {}).items() if count
        },
        "actions": [str(step.get("text_action") or step.get("action")) for step in trace.steps],
    }
