"""From a model's words to an action: a pure function, in stages from strict to lenient."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["STAGES", "ActionParser", "ParsedAction"]

STAGES = ("exact", "folded", "tagged", "quoted", "mention")
"""The stages, in the order in which they are tried."""

_TAGS = re.compile(
    r"<\|ACTION\|>(?P<marked>.*?)<\|END\|>|\bACTION\b[*_`]*[ \t]*:[*_` \t]*(?P<line>[^\n]+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTES = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_NO_WORD = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[^\W\d_][^\W\d_]+(?:[ _][^\W\d_]+)*")


class ParsedAction(NamedTuple):
    """The action that was found, None if none was, and the stage that found it ("" if none)."""

    action: int | None
    stage: str


def fold(text: str) -> str:
    """Lower the case, and make every run of what is no letter or digit one blank."""
    return _NO_WORD.sub(" ", text.casefold()).strip()


class ActionParser:
    """Reads an action from text.

    The stages: the text is a name or an alias (``exact``), it is one but for case and punctuation
    (``folded``), it has an action behind ``ACTION:`` or in ``<|ACTION|>...<|END|>`` (``tagged``,
    the last such), a quoted name (``quoted``), or a name somewhere (``mention``, whole words, the
    longest name at a place).

    Args:
        names: the text of each action.
        aliases: further texts -> action; those that are no words (keys) count in ``exact`` only.
        mention: which quoted or mentioned name counts, the ``"first"`` or the ``"last"``.

    Raises:
        ValueError: if ``mention`` is neither, or two names are the same but for case and
            punctuation.
    """

    def __init__(
        self, names: Sequence[str], aliases: Mapping[str, int] | None = None, mention: str = "last"
    ) -> None:
        if mention not in ("first", "last"):
            raise ValueError(f"expected mention to be 'first' or 'last', got {mention!r}")
        aliases = aliases or {}
        self._exact = {**aliases, **{name: index for index, name in enumerate(names)}}
        self._folded = {fold(alias): n for alias, n in aliases.items() if _WORDS.fullmatch(alias)}
        self._folded.update({fold(name): index for index, name in enumerate(names)})
        if len({fold(name) for name in names}) != len(names):
            raise ValueError(f"expected names that differ in more than case, got {list(names)}")
        longest_first = sorted(self._folded, key=len, reverse=True)
        self._mention = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        self._pick = 0 if mention == "first" else -1

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        if not isinstance(text, str):
            return ParsedAction(None, "")
        for stage, find in zip(
            STAGES,
            (self._find_exact, self._find_folded, self._find_tagged, self._find_quoted, self._find),
            strict=True,
        ):
            action = find(text)
            if action is not None:
                return ParsedAction(action, stage)
        return ParsedAction(None, "")

    def _find_exact(self, text: str) -> int | None:
        return self._exact.get(text.strip())

    def _find_folded(self, text: str) -> int | None:
        return self._folded.get(fold(text))

    def _find_tagged(self, text: str) -> int | None:
        for match in reversed(list(_TAGS.finditer(text))):
            inside = match["marked"] if match["marked"] is not None else match["line"]
            for find in (self._find_exact, self._find_folded, self._find_quoted, self._find):
                action = find(inside)
                if action is not None:
                    return action
        return None

    def _find_quoted(self, text: str) -> int | None:
        quoted = (next(filter(None, match.groups())) for match in _QUOTES.finditer(text))
        found = [self._folded[name] for name in map(fold, quoted) if name in self._folded]
        return found[self._pick] if found else None

    def _find(self, text: str) -> int | None:
        found = self._mention.findall(fold(text))
        return self._folded[found[self._pick]] if found else None
