"""Our end of the process in which code of others runs."""

from __future__ import annotations

import json
import math
import os
import select
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from textenvs.errors import Unsupported
from textenvs.sandbox.checks import check_code

__all__ = ["CodeError", "Limits", "Outcome", "Sandbox"]

_CHILD = Path(__file__).with_name("child.py")
_LONGEST_ANSWER = 1 << 16  # bytes
_LONGEST_WORDS = 2000
_MOST_PARTS = 64
_FAULTS = ("raised", "not finite", "too long")  # that the process itself may tell
_PIECE = 1 << 16  # bytes that are written or read at once
_ERRORS_SHOWN = 500  # characters of what Python said before it ended
_GRACE = 2.0  # seconds beyond its own limits that the process is given before it is killed
_START = 60.0  # seconds that Python and numpy may take to come up on a busy machine


class CodeError(ValueError):
    """Code that cannot be loaded: it is refused, or fails before its function exists."""


@dataclass(frozen=True)
class Limits:
    """What code is given.

    Attributes:
        seconds: of computing, for a call.
        seconds_to_load: for all that is not a call.
        memory: bytes of address space, of Python and numpy too.
    """

    seconds: float = 0.1
    seconds_to_load: float = 5.0
    memory: int = 1 << 30


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        value: what it returned; NaN where there is a fault.
        parts: what it said the value is made of.
        fault: ``""``, or ``"raised"``, ``"not finite"``, ``"too long"``, ``"died"``.
        why: the fault in words.
    """

    value: float
    parts: Mapping[str, float]
    fault: str = ""
    why: str = ""


class Sandbox:
    """Runs a function that others wrote, in a process of its own that can do no harm.

    A call that fails is told, not raised; a process that hangs or dies is replaced, and the rest of
    the batch goes on. See :mod:`textenvs.sandbox.confinement` for what the process cannot do.

    Args:
        code: a module that defines the function.
        function: its name. It is called with the state's observation, those before it and the
            actions between them.
        limits: of time and memory.
        inventory: what the entries of an observation's ``inventory`` are called.

    Attributes:
        walls: which of ``limits``, ``hook`` and ``calls`` this system has.

    Raises:
        CodeError: if the code is refused, or cannot be loaded.
        Unsupported: where there are no POSIX limits (Windows).
    """

    def __init__(
        self,
        code: str,
        function: str = "potential",
        limits: Limits | None = None,
        inventory: Sequence[str] = (),
    ) -> None:
        fault = check_code(code, function)
        if fault:
            raise CodeError(fault)
        if os.name != "posix":
            raise Unsupported(
                "expected a POSIX system (Linux, macOS) to confine code to, got "
                f"{sys.platform}: use the Windows Subsystem for Linux"
            )
        self._code, self._function = code, function
        self._limits = Limits() if limits is None else limits
        self._inventory = list(inventory)
        self._process: subprocess.Popen[bytes] | None = None
        self._unanswered = False
        self.walls: tuple[str, ...] = ()
        self._start()

    def run(self, observations: Mapping[str, NDArray[Any]], actions: NDArray[Any]) -> list[Outcome]:
        """Call the function with n inputs.

        Args:
            observations: key -> (n, horizon + 1, ...), the state's own last.
            actions: (n, horizon), those between them.
        """
        self.ask(observations, actions)
        return self.answers()

    def ask(self, observations: Mapping[str, NDArray[Any]], actions: NDArray[Any]) -> None:
        """Begin :meth:`run`, and do not wait; :meth:`answers` is to follow."""
        if self._owner != os.getpid():  # after a fork: the process is the other one's
            self._process, self._unanswered = None, False
        if self._unanswered:  # nobody took the answers to what was asked before
            self.close()
        self._unanswered = True
        self._asked = dict(observations), actions
        self._untaken = self._put(0)

    def answers(self) -> list[Outcome]:
        """What came of what was asked last: n outcomes.

        Raises:
            RuntimeError: if nothing was asked.
        """
        if not self._unanswered:
            raise RuntimeError("expected ask() before answers()")
        count = len(self._asked[1])
        found: list[Outcome] = []
        fault = self._untaken
        while len(found) < count:
            if fault is None:
                fault = self._take(found, count)
            if fault is not None:
                found.append(fault)
                fault = self._put(len(found)) if len(found) < count else None
        self._unanswered = False
        return found

    def _put(self, done: int) -> Outcome | None:
        """Send all inputs but the first ``done``; an outcome if they are not taken."""
        observations, actions = self._asked
        arrays = {key: each[done:] for key, each in (*observations.items(), ("actions", actions))}
        header = {
            "arrays": [(key, each.dtype.str, each.shape) for key, each in arrays.items()],
            "count": len(arrays["actions"]),
            "horizon": actions.shape[1],
            "inventory": self._inventory,
        }
        data = b"".join(each.tobytes() for each in arrays.values())

        def put() -> None:
            if self._process is None:
                self._start()
            self._send(header, data, self._limits.seconds * header["count"] + _GRACE)

        return self._guarded(put)

    def _take(self, found: list[Outcome], count: int) -> Outcome | None:
        """Add outcomes until there are ``count``; another one if the process hangs or dies."""

        def take() -> None:
            while len(found) < count:
                found.append(_outcome(self._receive(self._limits.seconds + _GRACE)))

        return self._guarded(take)

    def _guarded(self, talk: Callable[[], None]) -> Outcome | None:
        """Talk to the process; the outcome of the input at which it ended, if it did."""
        try:
            talk()
        except TimeoutError as error:
            self.close()
            return Outcome(math.nan, {}, "too long", str(error))
        except (OSError, ValueError, RecursionError) as error:  # gone, or it speaks nonsense
            self.close()
            return Outcome(math.nan, {}, "died", _words(f"its process ended: {error}"))
        except BaseException:  # Ctrl-C: what comes later would be answers to these questions
            self.close()
            raise
        return None

    def _start(self) -> None:
        self._owner = os.getpid()
        # Not -I, which would ignore the environment, and with it the hash seed.
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-B", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        assert self._process.stdout is not None
        self._unread = bytearray()
        self._readable = select.poll()
        self._readable.register(self._process.stdout.fileno(), select.POLLIN)
        told: Any = {
            "code": self._code,
            "function": self._function,
            "memory": self._limits.memory,
            "seconds": self._limits.seconds,
            "seconds_to_load": self._limits.seconds_to_load,
        }
        try:
            self._send(told, b"", _START)
            answer = self._receive(_START + self._limits.seconds_to_load)
            if not isinstance(answer.get("walls"), list):
                raise ValueError("expected a list of walls")
        except (OSError, ValueError, RecursionError) as error:
            said = self._end()
            raise CodeError(
                f"expected code that loads, its process ended: {error} {said}".rstrip()
            ) from error
        except BaseException:
            self.close()
            raise
        if answer.get("fault"):
            self.close()
            raise CodeError(f"expected code that loads, got {_words(answer['fault'])}")
        self.walls = tuple(wall for wall in ("limits", "hook", "calls") if wall in answer["walls"])

    def _send(self, header: Mapping[str, Any], data: bytes, seconds: float) -> None:
        """Write a question; one who does not read it is not waited for.

        Raises:
            TimeoutError: if it is not taken in time.
            OSError: if the process has ended.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        head = json.dumps(header).encode()
        left = memoryview(struct.pack("<II", len(head), len(data)) + head + data)
        number, end = self._process.stdin.fileno(), time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(number, selectors.EVENT_WRITE)
            while left:
                if not selector.select(max(end - time.monotonic(), 0)):
                    raise TimeoutError(f"a question was not taken in {seconds} s")
                left = left[os.write(number, left[:_PIECE]) :]

    def _receive(self, seconds: float) -> dict[str, Any]:
        """The next answer.

        Raises:
            TimeoutError: if none comes in time.
            OSError: if the process has ended.
            ValueError: if it is none.
        """
        end = time.monotonic() + seconds
        (length,) = struct.unpack("<I", self._exactly(4, end, seconds))
        if length > _LONGEST_ANSWER:
            raise ValueError(f"expected an answer of {_LONGEST_ANSWER} bytes at most")
        found = json.loads(self._exactly(length, end, seconds))
        if not isinstance(found, dict):
            raise ValueError("expected an object")
        return found

    def _exactly(self, count: int, end: float, seconds: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        number = self._process.stdout.fileno()
        while len(self._unread) < count:
            if not self._readable.poll(1000 * max(end - time.monotonic(), 0)):
                raise TimeoutError(f"no answer in {seconds} s")
            part = os.read(number, _PIECE)
            if not part:
                raise ConnectionError("nothing more comes from it")
            self._unread += part
        found = bytes(self._unread[:count])
        del self._unread[:count]
        return found

    def close(self) -> None:
        """End the process; a further call starts another one."""
        self._end()

    def _end(self) -> str:
        """End the process; what Python said before, if anything."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return ""
        process.kill()
        _, said = process.communicate()
        return said.decode("utf-8", "replace").strip()[-_ERRORS_SHOWN:]

    def __deepcopy__(self, memo: Any) -> Sandbox:
        # A process is not copied; it answers both.
        return self

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None:
            self.close()


def _outcome(told: Mapping[str, Any]) -> Outcome:
    """An answer, of which nothing is believed but its form.

    Raises:
        ValueError: if it has another one.
    """
    fault = told.get("fault")
    if fault is not None:
        if fault not in _FAULTS:
            raise ValueError("expected a fault of those that there are")
        return Outcome(math.nan, {}, fault, _words(told.get("why")))
    value, parts = told.get("value"), told.get("parts")
    if not _is_number(value) or not isinstance(parts, dict) or len(parts) > _MOST_PARTS:
        raise ValueError("expected a finite value and a few parts")
    if not all(map(_is_number, parts.values())):
        raise ValueError("expected finite parts")
    assert isinstance(value, float)
    return Outcome(value, {_words(name): part for name, part in parts.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _words(value: Any) -> str:
    """What the process says, as text that can be written anywhere."""
    return str(value)[:_LONGEST_WORDS].encode("utf-8", "replace").decode()
