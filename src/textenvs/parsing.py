"""From a model's words to an action: a pure function, in stages from strict to lenient."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["STAGES", "ActionParser", "ParsedAction"]

STAGES = ("exact", "folded", "tagged", "quoted", "mention")
"""The stages, in the order in which they are tried."""

# What stands behind a tag and between quotes is bounded: a model may repeat itself for pages.
_TAGS = re.compile(
    r"<\|ACTION\|>(?P<marked>(?:(?!<\|).){1,200})"
    r"|\bACTION\b[*_`]*[ \t]*:[*_`\s]{0,20}(?P<line>[^\n]+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTES = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^“”\n]{1,80})”|`([^`\n]{1,80})`|(?<!\w)'([^'\n]{1,80})'(?!\w)"
)
_NO_WORD = re.compile(r"[\W_]+")
_BREAK = re.compile(r"[^\w\s'*_`/-]+|\n+")  # names do not reach from one sentence into the next
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
    the last such), a quoted name (``quoted``), or a name somewhere (``mention``: a line that is
    nothing but a name, else whole words within a sentence, the longest name at a place, and only
    where no name is mentioned an alias).

    Args:
        names: the text of each action.
        aliases: further texts -> action; those that are no words (keys) count in ``exact`` only.
        mention: which quoted or mentioned name counts, the ``"first"`` or the ``"last"``.

    Raises:
        ValueError: if ``mention`` is neither, there are no names, or two of them are the same but
            for case and punctuation.
    """

    def __init__(
        self, names: Sequence[str], aliases: Mapping[str, int] | None = None, mention: str = "last"
    ) -> None:
        if mention not in ("first", "last"):
            raise ValueError(f"expected mention to be 'first' or 'last', got {mention!r}")
        if not names:
            raise ValueError("expected the names of the actions, got none")
        aliases = aliases or {}
        self._exact = {**aliases, **{name: index for index, name in enumerate(names)}}
        # Names without letters or digits count to the letter only.
        folded_names = {fold(name): index for index, name in enumerate(names) if fold(name)}
        if len(folded_names) != sum(bool(fold(name)) for name in names):
            raise ValueError(f"expected names that differ in more than case, got {list(names)}")
        words = {fold(alias): n for alias, n in aliases.items() if _WORDS.fullmatch(alias)}
        self._folded = {**words, **folded_names}
        self._mentions = [_any_of(found) for found in (folded_names, words) if found]
        self._start = re.compile(rf"(?:{_alternatives(self._folded)})(?!\w)")
        self._pick = 0 if mention == "first" else -1

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        if not isinstance(text, str):
            return ParsedAction(None, "")
        finders = (
            self._find_exact,
            self._find_folded,
            self._find_tagged,
            self._find_quoted,
            self._find_mention,
        )
        for stage, find in zip(STAGES, finders, strict=True):
            action = find(text)
            if action is not None:
                return ParsedAction(action, stage)
        return ParsedAction(None, "")

    def _find_exact(self, text: str) -> int | None:
        return self._exact.get(text.strip())

    def _find_folded(self, text: str) -> int | None:
        return self._folded.get(fold(text))

    def _find_tagged(self, text: str) -> int | None:
        finders = (
            self._find_exact,
            self._find_folded,
            self._find_start,
            self._find_quoted,
            self._find_mention,
        )
        for match in reversed(list(_TAGS.finditer(text))):
            inside = match["marked"] if match["marked"] is not None else match["line"]
            for find in finders:
                action = find(inside)
                if action is not None:
                    return action
        return None

    def _find_start(self, text: str) -> int | None:
        """What a text begins with: the action, before its reasons."""
        match = self._start.match(fold(_BREAK.split(text.strip(" *_`\"'"))[0]))
        return self._folded[match[0]] if match else None

    def _find_quoted(self, text: str) -> int | None:
        quoted = (next(filter(None, match.groups())) for match in _QUOTES.finditer(text))
        found = [self._folded[name] for name in map(fold, quoted) if name in self._folded]
        return found[self._pick] if found else None

    def _find_mention(self, text: str) -> int | None:
        lines = (fold(line) for line in text.split("\n"))
        alone = [self._folded[line] for line in lines if line in self._folded]
        if alone:
            return alone[self._pick]
        sentences = "|".join(fold(sentence) for sentence in _BREAK.split(text))
        for mention in self._mentions:
            found = mention.findall(sentences)
            if found:
                return self._folded[found[self._pick]]
        return None


def _alternatives(names: Mapping[str, int]) -> str:
    """A pattern for any of some names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _any_of(names: Mapping[str, int]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_alternatives(names)})(?!\w)")
