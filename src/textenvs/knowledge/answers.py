"""What a language model's answer says: code, a preference. Nothing of it is executed here."""

from __future__ import annotations

import re

__all__ = ["parse_code", "parse_preference"]

_BLOCK = re.compile(r"^[ \t]*```[ \t]*(?:python|py)?[ \t]*\n(.*?)^[ \t]*```", re.S | re.M | re.I)
_RANK = re.compile(r"(?<![A-Za-z])([AB])[\s*`]*([<>=])[\s*`]*([AB])(?![A-Za-z])")
_FIRST, _TIE, _SECOND = 0.0, 0.5, 1.0


def parse_code(answer: str, function: str) -> str | None:
    r"""The last block of code in an answer that defines a function; None if there is none.

    Example:
        >>> parse_code("Like this:\n```python\ndef f():\n    return 1\n```\nDone.", "f")
        'def f():\n    return 1\n'
    """
    blocks = [block for block in _BLOCK.findall(answer) if f"def {function}(" in block]
    return blocks[-1] if blocks else None


def parse_preference(answer: str) -> float | None:
    """Which piece an answer prefers: 0 for A, 1 for B, 0.5 for neither, None if it does not say.

    The last ranking counts, since reasons may name others.

    Example:
        >>> parse_preference("At first A > B, but then it turns: **B > A**.")
        1.0
    """
    for first, sign, second in reversed(_RANK.findall(answer)):
        if first == second:
            continue
        if sign == "=":
            return _TIE
        return _FIRST if (first == "A") == (sign == ">") else _SECOND
    return None
