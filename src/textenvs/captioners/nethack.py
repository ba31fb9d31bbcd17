"""NetHack in words: pure functions of an observation of NLE, no simulator.

Both captions read these arrays of NLE's observation; more may be there:

===================  ===============================================================================
``glyphs``           (21, 79) int16, what is displayed on each cell of the map, indexed [y, x]
``blstats``          (27,) int64, the bottom lines in numbers; the first two are the hero's x and y
``tty_chars``        (24, 80) uint8, the terminal: message row, map, two status rows
``tty_cursor``       (2,) uint8, the cursor's row and column on the terminal
``inv_letters``      (55,) uint8, the letters of the items carried, then zeros
``inv_strs``         (55, 80) uint8, the items carried, in words that end with a zero
===================  ===============================================================================

:func:`nle_language` gives the five texts of nle-language-wrapper 0.2.0 to the letter, in
:mod:`~textenvs.captioners.nethack_published`. :func:`default` is ours, in
:mod:`~textenvs.captioners.nethack_default`.

NLE writes every observation into the same arrays. The captions copy the bytes that they need, and
keep in bounded memos, keyed by those bytes, what was made of them: several games can be captioned
in turn, or in threads, and each text depends on its arguments alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners import nethack_default as ours
from textenvs.captioners import nethack_published as published

__all__ = ["default", "nle_language"]

Observation = Mapping[str, NDArray[Any]]


def nle_language(obs: Observation, messages: Sequence[str] | None = None) -> dict[str, str]:
    """Return the five texts of nle-language-wrapper 0.2.0, to the letter.

    Args:
        obs: the arrays of the table above.
        messages: the pages of text shown during one step of the environment; if there are any,
            they replace the message read off the terminal, joined by newlines.

    Returns:
        ``text_glyphs`` (what is seen, with distance and direction), ``text_message``,
        ``text_blstats`` (22 lines), ``text_inventory`` and ``text_cursor``.
    """
    stats = obs["blstats"].tolist()
    x, y = stats[:2]
    row, column = obs["tty_cursor"].tolist()
    if messages:
        message = "\n".join(messages)
    else:
        screen = obs["tty_chars"]
        message = published.text_message(screen.tobytes(), screen.shape[1])
    return {
        "text_glyphs": published.text_glyphs(_glyph_bytes(obs), x, y),
        "text_message": message,
        "text_blstats": published.text_blstats(stats),
        "text_inventory": published.text_inventory(obs),
        "text_cursor": published.text_cursor(obs["glyphs"], x, y, row, column),
    }


def default(
    obs: Observation,
    messages: Sequence[str] | None = None,
    mission: str = "",
    underfoot: int = -1,
) -> str:
    """Describe an observation in a few lines, each with a heading.

    The lines are, where there is something to say: goal, message (or the text of the window that
    covers the map, and then no map), status and character, where one can walk and how far, the
    creatures, objects and places in sight as the moves that lead there, the cell under a cursor
    that was moved, inventory. When the game has ended, only the goal, the messages and the list of
    scores are left.

    Args:
        obs: the arrays of the table above.
        messages: the pages of text shown during one step of the environment, oldest first.
        mission: what is to be done, if anything.
        underfoot: the glyph that was seen where the hero stands now, which hides it; negative
            where it is not known.
    """
    stats = obs["blstats"].tolist()
    screen = obs["tty_chars"]
    head = [f"Goal: {mission}"] if mission else []
    if not any(stats):
        pages = _pages(messages)
        return "\n".join([*head, *_message(pages), ours.game_over(screen.tobytes())])

    shown, covered = ours.screen_text(screen.tobytes(), screen.shape[1])
    pages = _pages(messages)
    if shown and (covered or not pages) and shown not in pages:
        pages.append(shown)
    head += _message(pages)
    x, y = stats[:2]
    status = ours.status(stats, obs["glyphs"].item(y, x))
    if covered:
        return "\n".join([*head, status])

    cells = _glyph_bytes(obs)
    row, column = obs["tty_cursor"].tolist()
    cursor = ours.cursor_target(memoryview(cells).cast("h"), x, y, row, column)
    inventory = published.text_inventory(obs)
    return "\n".join(
        [
            *head,
            status,
            ours.surroundings(cells, x, y, underfoot),
            *([cursor] if cursor else ()),
            f"Inventory:\n{inventory}" if inventory else "Inventory: nothing",
        ]
    )


def _glyph_bytes(obs: Observation) -> bytes:
    return np.asarray(obs["glyphs"], np.int16).tobytes()


def _pages(messages: Sequence[str] | None) -> list[str]:
    return [page.strip() for page in messages or () if page.strip()]


def _message(pages: list[str]) -> list[str]:
    return ["Message: " + "\n".join(pages)] if pages else []
