"""The command line: ``textenvs list | play | rollout | replay | doctor``."""

from textenvs.cli.main import main

__all__ = ["main"]
