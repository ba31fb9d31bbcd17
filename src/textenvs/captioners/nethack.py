"""NetHack in words.

:func:`nle_language` gives the five texts of nle-language-wrapper to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners import nethack_published as published

__all__ = ["default", "nle_language"]

Observation = Mapping[str, NDArray[Any]]


def default(obs: Observation, messages: Sequence[str] | None = None, mission: str = "") -> str:
    return ""


def nle_language(obs: Observation, messages: Sequence[str] | None = None) -> dict[str, str]:
    stats = obs["blstats"].tolist()
    x, y = stats[:2]
    row, column = obs["tty_cursor"].tolist()
    cells = np.asarray(obs["glyphs"], np.int16).tobytes()
    if messages:
        message = "\n".join(messages)
    else:
        message = published.text_message(obs["tty_chars"].tobytes(), obs["tty_chars"].shape[1])
    return {
        "text_glyphs": published.text_glyphs(cells, x, y),
        "text_message": message,
        "text_blstats": published.text_blstats(stats),
        "text_inventory": published.text_inventory(obs),
        "text_cursor": published.text_cursor(obs["glyphs"], x, y, row, column),
    }
