"""Code that a language model wrote, run where it can do no harm.

It runs in a process of its own, which cannot open a file or a socket, start a process, take more
memory or more time than it is given. Nothing that comes from there is executed or unpickled here.

====================  =============================================================================
:mod:`.checks`        what code is refused before it runs
:mod:`.confinement`   what the process gives up before it runs the code
:mod:`.child`         the program of that process
:mod:`.sandbox`       our end of it
====================  =============================================================================
"""

from textenvs.sandbox.checks import check_code
from textenvs.sandbox.sandbox import CodeError, Limits, Outcome, Sandbox

__all__ = ["CodeError", "Limits", "Outcome", "Sandbox", "check_code"]
