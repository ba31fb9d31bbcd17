"""What a process gives up before it runs code of others. Standard library only.

What stands one behind the other:

- modules that are imported before, and builtins without those that reach out;
- a hook that Python calls before it opens, imports, or starts anything;
- limits of the system: no new file descriptor (so no file, no socket, no pipe), no growing file, no
  core, little memory, and no new process (which the system does not hold root to);
- a filter of system calls, on Linux (x86-64 and arm64): memory, clocks, reading and writing of what
  is open already, exit; every other call is refused. This one alone would do. Elsewhere what is
  left is Python's own hook in front of the limits, which no code of good faith gets past.
"""

from __future__ import annotations

import builtins
import ctypes
import platform
import resource
import struct
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["confine", "safe_builtins"]

_ALLOWED_EVENTS = frozenset(("compile", "exec", "object.__getattr__", "sys._getframe", "import"))

_CALLS = {
    "x86_64": (
        0xC000003E,
        # read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14)
        # rt_sigreturn sched_yield mremap madvise nanosleep getitimer setitimer getpid exit
        + (15, 24, 25, 28, 35, 36, 38, 39, 60)
        # gettimeofday sigaltstack gettid futex clock_gettime clock_nanosleep exit_group getrandom
        + (96, 131, 186, 202, 228, 230, 231, 318),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135)
        + (139, 124, 216, 233, 101, 102, 103, 172, 93)
        + (169, 132, 178, 98, 113, 115, 94, 278),
    ),
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # prctl's
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06  # BPF: a word of the call, equality, the verdict
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # go on; EPERM; end the process


def confine(memory: int, modules: frozenset[str]) -> list[str]:
    """Give up what the code must not have; there is no way back.

    Args:
        memory: bytes of address space.
        modules: the top-level names that may still be imported, all of them imported already.

    Returns:
        Which walls stand: ``limits``, ``hook`` and, where the system has it, ``calls``.
    """
    _limit(memory)
    filtered = _filter_calls()
    _hook(modules)
    return ["limits", "hook", *(["calls"] if filtered else [])]


def _limit(memory: int) -> None:
    for which, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
        (getattr(resource, "RLIMIT_NPROC", None), 0),
    ):
        if which is not None:
            resource.setrlimit(which, (value, value))


def _filter_calls() -> bool:
    """Have the system refuse every call but those of :data:`_CALLS`; whether it does."""
    known = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if known is None:
        return False
    architecture, calls = known
    program = [(_LOAD, 0, 0, 4), (_IS, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    program.append((_LOAD, 0, 0, 0))
    program += [(_IS, len(calls) - i, 0, call) for i, call in enumerate(calls)]
    program += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    packed = b"".join(struct.pack("HBBI", *each) for each in program)
    held = ctypes.create_string_buffer(packed, len(packed))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(held))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    pointer = ctypes.create_string_buffer(header, len(header))
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    return prctl(_SECCOMP, _FILTER, ctypes.addressof(pointer), 0, 0) == 0


def _hook(modules: frozenset[str]) -> None:
    allowed = _ALLOWED_EVENTS

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in allowed:
            raise PermissionError(f"{event} is not allowed")
        if event == "import" and str(arguments[0]).partition(".")[0] not in modules:
            raise PermissionError(f"{arguments[0]} cannot be imported")

    sys.addaudithook(watch)


def safe_builtins(modules: frozenset[str]) -> Mapping[str, Any]:
    """The builtins without those that reach out of the code.

    Args:
        modules: the top-level names that may be imported.
    """

    def take(name: str, *arguments: Any) -> Any:
        # The hook is not asked about modules that are loaded already.
        if name.partition(".")[0] not in modules:
            raise ImportError(f"{name} cannot be imported")
        return builtins.__import__(name, *arguments)

    hidden = {
        *("breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals"),
        *("help", "input", "locals", "open", "print", "quit", "setattr", "vars"),
    }
    kept = {name: value for name, value in vars(builtins).items() if name not in hidden}
    return {**kept, "print": _silent, "__import__": take}


def _silent(*values: object, **options: object) -> None:
    """Printing goes nowhere."""
