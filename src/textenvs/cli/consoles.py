"""Where the command line prints: results to stdout, progress to stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textenvs.errors import require

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["result_console", "status_console"]

_UNLIMITED = 160  # columns where the output is no terminal: no table is cut for a screen's sake


def result_console() -> Console:
    """For results; without markup, since texts of games contain brackets."""
    require("rich", extra="cli", needed_by="the command line")
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNLIMITED
    return Console(width=width, markup=False, highlight=False, emoji=False)


def status_console() -> Console:
    """For progress and remarks."""
    require("rich", extra="cli", needed_by="the command line")
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)
