"""The command line: ``textenvs list | play | rollout | eval | compare | replay | doctor``."""

from textenvs.cli.main import main

__all__ = ["main"]
