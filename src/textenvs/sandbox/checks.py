"""What code is refused before it runs: the first and weakest of the walls.

It spares a process that would be stopped anyway, and tells the author of the code, who can mend it,
what is not allowed. What holds even for code that was written to get around it is in
:mod:`textenvs.sandbox.confinement`.
"""

from __future__ import annotations

import ast

__all__ = ["MODULES", "check_code"]

MODULES = ("collections", "dataclasses", "functools", "heapq", "itertools", "math", "numpy")
"""What may be imported, ``typing`` and ``__future__`` beside."""

_SILENT = ("typing", "__future__")
_NAMES = frozenset(
    ("breakpoint", "compile", "delattr", "eval", "exec", "getattr", "globals", "input", "locals")
    + ("open", "setattr", "vars")
)
_ATTRIBUTES = frozenset(
    ("ag_frame", "cr_frame", "f_back", "f_builtins", "f_globals", "f_locals", "gi_frame")
    + ("tb_frame", "tb_next", "ctypeslib", "fromfile", "load", "loadtxt", "memmap", "os")
    + ("inspect", "random", "save", "savetxt", "savez", "sys", "tofile")
)


def check_code(code: str, function: str) -> str | None:
    """What is wrong with code that is to define a function; None if nothing is seen to be.

    Args:
        code: a module.
        function: the name that it is to define at its top level.

    Example:
        >>> check_code("import os", "potential").partition(",")[0]
        "line 1: 'os' cannot be imported"
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f"line {line}: " if line else ""
        return f"{where}{getattr(error, 'msg', None) or error or type(error).__name__}"
    for node in ast.walk(tree):
        fault = _fault(node)
        if fault:
            return f"line {getattr(node, 'lineno', 1)}: {fault}"
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    if function not in defined:
        return f"expected a function {function!r}, got {', '.join(defined) or 'none'}"
    return None


def _fault(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _imported(node)
    if isinstance(node, ast.Name) and (node.id in _NAMES or node.id.startswith("__")):
        return f"{node.id!r} is not allowed"
    names = [node.attr] if isinstance(node, ast.Attribute) else []
    names += node.kwd_attrs if isinstance(node, ast.MatchClass) else []
    taken = next((name for name in names if _reaches_out(name)), None)
    return f"the attribute {taken!r} is not allowed" if taken else None


def _reaches_out(name: str) -> bool:
    return name in _ATTRIBUTES or name.startswith("_")


def _imported(node: ast.Import | ast.ImportFrom) -> str | None:
    if isinstance(node, ast.ImportFrom):
        names = [node.module or "."]
        beside = [alias.name for alias in node.names]
    else:
        names = [alias.name for alias in node.names]
        beside = []
    beside += [part for name in names for part in name.split(".")[1:]]
    if names != ["__future__"]:
        taken = next((name for name in beside if _reaches_out(name)), None)
        if taken:
            return f"{taken!r} cannot be imported"
    for name in names:
        if name.partition(".")[0] not in MODULES + _SILENT:
            return f"{name!r} cannot be imported, only {', '.join(MODULES)}"
    return None
