"""The import of the package against that of Gymnasium."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from speeds.comparing import Row, compare

__all__ = ["imports"]


def imports(steps: int, rounds: int) -> list[Row]:
    """``import textenvs`` against ``import gymnasium``, in fresh processes; below 1 is slower."""

    def seconds(module: str) -> Callable[[], float]:
        code = (
            f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
        )

        def measure() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            return 1 / float(done.stdout)

        return measure

    return [
        compare(
            "import textenvs / import gymnasium",
            seconds("textenvs"),
            seconds("gymnasium"),
            "/s",
            2 * rounds,
        )
    ]
