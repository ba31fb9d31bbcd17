"""The styles of NetHack's captions, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from textenvs.captioners.caption import Caption
from textenvs.captioners.nethack import default, nle_language
from textenvs.captioners.nethack_brief import brief

__all__ = ["STYLES"]

Observation = Mapping[str, NDArray[Any]]

_HEADINGS = {
    "text_message": "message",
    "text_glyphs": "language observation",
    "text_cursor": "cursor",
    "text_blstats": "statistics",
    "text_inventory": "inventory",
}


def _default(obs: Observation, messages: Sequence[str], mission: str, underfoot: int) -> Caption:
    return Caption(default(obs, messages, mission, underfoot))


def _brief(obs: Observation, messages: Sequence[str], mission: str, underfoot: int) -> Caption:
    return Caption(brief(obs, underfoot))


def _nle_language(
    obs: Observation, messages: Sequence[str], mission: str, underfoot: int
) -> Caption:
    """The five texts of nle-language-wrapper, under headings."""
    parts = nle_language(obs, _pages(obs, messages))
    return Caption(_blocks({_HEADINGS[key]: parts[key] for key in _HEADINGS}), parts)


def _balrog(obs: Observation, messages: Sequence[str], mission: str, underfoot: int) -> Caption:
    """BALROG's two contexts (balrog-ai/BALROG af7d1f1, its language-only track).

    The map is the terminal below its first row, all 80 columns, and the cursor's row is counted on
    the terminal.
    """
    parts = nle_language(obs, _pages(obs, messages))
    row, column = (int(n) for n in obs["tty_cursor"])
    rows = [bytes(line).decode("latin-1").replace("\0", " ") for line in obs["tty_chars"][1:]]
    long_term = {
        "message": parts["text_message"],
        "language observation": parts["text_glyphs"],
        "cursor": f"{parts['text_cursor']}\n(x={column}, y={row})",
        "map": "".join(f"{line}\n" for line in rows),
    }
    contexts = {
        "long_term_context": _blocks(long_term),
        "short_term_context": _blocks({"inventory": parts["text_inventory"]}),
    }
    text = f"{contexts['short_term_context']}\n{contexts['long_term_context']}"
    return Caption(text, contexts)


def _pages(obs: Observation, messages: Sequence[str]) -> Sequence[str] | None:
    """All pages of a step, if the terminal no longer shows them all; None if it does."""
    if not messages:
        return None
    if len(messages) > 1:
        return messages
    only = messages[0].removesuffix(" --More--").encode("latin-1")
    return None if obs["message"].tobytes().strip(b"\0 ").startswith(only) else messages


def _blocks(values: Mapping[str, str]) -> str:
    return "\n".join(f"{heading}:\n{value}\n" for heading, value in values.items())


STYLES: dict[str, Callable[[Observation, Sequence[str], str, int], Caption]] = {
    "default": _default,
    "brief": _brief,
    "nle_language": _nle_language,
    "balrog": _balrog,
}
"""What ``style=`` names: (arrays, pages, mission, glyph underfoot) -> :class:`Caption`."""
