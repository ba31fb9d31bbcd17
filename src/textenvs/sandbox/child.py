"""The program of the process in which code of others runs. Started by :mod:`.sandbox`.

It reads frames (a length of 4 bytes, then JSON, then raw arrays) and answers with frames of JSON.
The first one has the code and the limits; every other one a batch of inputs, each of which gets
an answer of its own as soon as there is one.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import heapq
import importlib.util
import itertools
import json
import math
import os
import signal
import struct
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.linalg

_LOADED = (collections, dataclasses, functools, heapq, itertools, math, typing, np, numpy.linalg)
_MODULES = frozenset(
    ("__future__", "collections", "dataclasses", "functools", "heapq", "itertools", "math")
    + ("numpy", "typing")
)
_LONGEST_FAULT = 2000


class _TooLong(BaseException):
    """The time is over; no ``except Exception`` of the code's catches it."""


def main() -> None:
    """Load the code, then answer until there are no more questions."""
    source, sink = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    given, _ = _read(source)
    signal.signal(signal.SIGPROF, _ring)
    confinement = _confinement()
    walls = confinement.confine(given["memory"], _MODULES)
    builtins = dict(confinement.safe_builtins(_MODULES))
    function: Callable[..., Any] | None = None
    fault = None
    try:
        function = _load(given["code"], given["function"], given["seconds_to_load"], builtins)
    except BaseException as error:  # whatever the code does must not end its process
        fault = _told(error)
    _write(sink, {"walls": walls, "fault": fault})
    while function is not None:
        header, data = _read(source)
        for arguments in _inputs(header, data):
            _write(sink, _answer(function, arguments, given["seconds"]))


def _confinement() -> Any:
    """The module beside this file; as a program in isolated mode it is in no package."""
    path = Path(__file__).with_name("confinement.py")
    spec = importlib.util.spec_from_file_location("confinement", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Alarm:
    """Whether it rang: code may catch what it raises, and the clock cannot tell.

    The kernel's timer counts ticks, so that it may ring a little before the time is over by
    ``time.process_time``.
    """

    rang = False


def _ring(number: int, frame: Any) -> NoReturn:
    _Alarm.rang = True
    raise _TooLong


def _load(code: str, name: str, seconds: float, builtins: dict[str, Any]) -> Callable[..., Any]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        space: dict[str, Any] = {"__builtins__": builtins, "__name__": "potential"}
        exec(compile(code, "<potential>", "exec"), space)
        return space[name]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(
    function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float
) -> dict[str, Any]:
    _Alarm.rang = False
    try:
        try:  # the time of computing: a busy machine is not the code's fault
            signal.setitimer(signal.ITIMER_PROF, seconds)
            found = function(*arguments)
            value, parts = found if isinstance(found, tuple) else (found, {})
            value = float(value)
            parts = {str(key): float(part) for key, part in dict(parts).items()}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if _Alarm.rang:
            raise _TooLong
    except _TooLong:
        return {"fault": "too long", "why": f"more than {seconds} s"}
    except BaseException as error:  # whatever the code does must not end its process
        return {"fault": "raised", "why": _told(error)}
    for number in (value, *parts.values()):
        if not math.isfinite(number):
            return {"fault": "not finite", "why": str(number)}
    return {"value": value, "parts": parts}


def _told(error: BaseException) -> str:
    if isinstance(error, _TooLong):
        return "it took too long to load"
    trace, lines = error.__traceback__, []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<potential>":
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    where = f" (line {lines[-1]})" if lines else ""
    try:
        return f"{type(error).__name__}: {error}{where}"[:_LONGEST_FAULT]
    except BaseException:  # what the code raised cannot even be told
        return f"an error that cannot be told{where}"


def _inputs(header: dict[str, Any], data: bytes) -> Iterator[tuple[Any, ...]]:
    """The arguments of every call: arrays, or dicts of them, of the now and of the past."""
    arrays: dict[str, Any] = {}
    at = 0
    for key, kind, shape in header["arrays"]:
        size = np.dtype(kind).itemsize * math.prod(shape)
        arrays[key] = np.frombuffer(data, kind, math.prod(shape), at).reshape(shape)
        at += size
    actions = arrays["actions"].astype(np.int64)
    if "image" in arrays:
        images = arrays["image"].astype(np.int64)
        for i in range(header["count"]):
            # Copies: by a view one call could change what the next one is shown.
            yield images[i, -1].copy(), images[i, :-1].copy(), actions[i].copy()
        return
    views = arrays["local_view"].astype(np.int64)
    told = {key: arrays[key].tolist() for key in ("inventory", "facing", "sleeping", "daylight")}
    for i in range(header["count"]):
        seen = [
            {
                "local_view": views[i, t].copy(),
                "inventory": dict(zip(header["inventory"], told["inventory"][i][t], strict=True)),
                "facing": tuple(told["facing"][i][t]),
                "sleeping": bool(told["sleeping"][i][t]),
                "daylight": _number(told["daylight"][i][t]),
            }
            for t in range(header["horizon"] + 1)
        ]
        yield seen[-1], seen[:-1], actions[i].copy()


def _number(value: Any) -> float:
    """A number that may have come as an array of one."""
    return float(value[0] if isinstance(value, list) else value)


def _read(source: int) -> tuple[dict[str, Any], bytes]:
    length, size = struct.unpack("<II", _exactly(source, 8))
    header = json.loads(_exactly(source, length))
    return header, _exactly(source, size)


def _exactly(source: int, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = os.read(source, min(count - len(parts), 1 << 20))
        if not part:
            os._exit(0)
        parts += part
    return bytes(parts)


def _write(sink: int, told: dict[str, Any]) -> None:
    data = json.dumps(told).encode()
    data = struct.pack("<I", len(data)) + data
    while data:
        data = data[os.write(sink, data) :]


if __name__ == "__main__":
    sys.setrecursionlimit(500)
    main()
