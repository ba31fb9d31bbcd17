"""A server for tests, and the command line, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

SERVER = Path(__file__).resolve().parent / "llm" / "server.py"


class RunningServer:
    """A server in a process of its own."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.llm = f"openai:test@http://127.0.0.1:{self.port}/v1"

    def log(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    @property
    def requests(self) -> int:
        return int(self.log()["requests"])


def textenvs(*arguments: str | Path) -> list[str]:
    """The command line as a list for subprocess."""
    code = "import sys; from textenvs.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]
