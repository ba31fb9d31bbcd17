"""BabyAI and NetHack against the raw environments, and the import of the package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from speeds.comparing import Row, compare, steps_per_second

__all__ = ["babyai", "imports", "nethack"]

_NLE_KEYS = (
    *("glyphs", "blstats", "tty_cursor", "inv_strs", "inv_letters", "tty_chars", "message"),
)


class _SeededNLE(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Raw NLE with the seeds that ours draws, so that both sides play the same games."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the seeds of NetHack's two generators, and begin a game from them."""
        if seed is not None:
            self._random, _ = gymnasium.utils.seeding.np_random(seed)
        core, display = self._random.integers(2**63 - 1, size=2).tolist()
        game: Any = self.env.unwrapped
        game.seed(core, display, reseed=False)
        return self.env.reset(options=options)


def babyai(steps: int, rounds: int) -> list[Row]:
    """BabyAI-Text and MiniGrid-Text against Minigrid."""
    rows = []
    for level in ("BabyAI-GoToLocal-v0", "BabyAI-BossLevel-v0", "MiniGrid-DoorKey-8x8-v0"):
        for style in ("default", "glam"):
            ours = gymnasium.make(level.replace("-", "-Text-", 1), style=style)
            rows.append(
                compare(
                    f"{ours.spec.id if ours.spec else level}, {style} / {level}",
                    steps_per_second(ours, steps),
                    steps_per_second(gymnasium.make(level, disable_env_checker=True), steps),
                    "steps/s",
                    rounds,
                )
            )
    return rows


def nethack(steps: int, rounds: int) -> list[Row]:
    """NetHack-Text against NLE."""
    import nle  # noqa: F401  # registers its ids

    rows = []
    for style in ("nle_language", "default"):
        ours = gymnasium.make("NetHack-Text-Score-v0", style=style)
        raw = _SeededNLE(
            gymnasium.make("NetHackScore-v0", observation_keys=_NLE_KEYS, disable_env_checker=True)
        )
        rows.append(
            compare(
                f"NetHack-Text-Score-v0, {style} / NetHackScore-v0",
                steps_per_second(ours, steps),
                steps_per_second(raw, steps),
                "steps/s",
                rounds,
            )
        )
    return rows


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
