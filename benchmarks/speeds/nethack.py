"""NetHack-Text against NLE."""

from __future__ import annotations

from typing import Any

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from speeds.comparing import Row, compare, steps_per_second
from textenvs.errors import require

__all__ = ["nethack"]

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


def nethack(steps: int, rounds: int) -> list[Row]:
    """NetHack-Text against NLE."""
    require("nle", extra="nethack", needed_by="the comparison with NLE")  # registers its ids
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
