"""From a model's words to an action: a pure function, in stages from strict to lenient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["STAGES", "ActionParser", "ParsedAction", "Parser", "ends_with_tag"]

STAGES = ("exact", "folded", "tagged", "quoted", "mention")
"""The stages, in the order in which they are tried."""

# What stands behind a tag and between quotes is bounded: a model may repeat itself for pages.
_TAGS = re.compile(
    r"<\|ACTION\|>(?P<marked>(?:(?!<\|).){1,200})"
    r"|\bACTION\b[*_`\"']*[ \t]*:[*_`\s]{0,20}(?P<line>[^\n]+)",
    re.IGNORECASE | re.DOTALL,
)
# A tag with a few words behind it is the answer, even if they are no action: what else the text
# mentions is then no answer.
_ANSWER = re.compile(
    r"<\|ACTION\|>\s{0,8}[^\s<]"
    r"|^\W{0,8}ACTION\W{0,8}:[^\w\n]{0,8}\n?[^\w\n]{0,8}\w+(?: \w+){0,4}[^\w\n]{0,8}$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTES = re.compile(
    r"\"([^\"\n]{1,80})\"|“([^“”\n]{1,80})”|`([^`\n]{1,80})`|(?<!\w)'([^'\n]{1,80})'(?!\w)"
)
_NO_WORD = re.compile(r"[\W_]+")
_NO_COMPOUND = re.compile(r"(?:[^\w-]|_|(?<!\w)-|-(?!\w))+")
# "north-east" and "north east" are "northeast", which is no way to say "north" or "east".
_DIAGONAL = re.compile(r"(?<![^\W_])(north|south)[ _-](east|west)(?![^\W_])")
_BREAK = re.compile(r"[^\w\s'*_`/-]+|\n+")  # names do not reach from one sentence into the next
_WORDS = re.compile(r"[^\W\d_][^\W\d_]+(?:[ _][^\W\d_]+)*")
# What is not to be done: "I cannot move west", "instead of going to sleep".
_NOT = re.compile(
    r"(?<!\w)(?:not|cannot|(?:can|won|don|doesn|didn|couldn|shouldn|wouldn) ?t|never|unable"
    r"|avoid|without|instead of|rather than)"
    r"(?: (?:to|be|able|want|need|try|going|go|have|yet|just|simply|even|use|do|the|a)){0,4} $"
)
_NOT_REACH = 48  # characters before a name in which it is looked for
# "zap f south", "open west": a direction (and an item) right behind a command is its argument. A
# direction behind another is no argument, and "move west" means to go there.
_ARGUMENT = (
    r"(?:(?<!north)(?<!south)(?<!east)(?<!west)(?<!\bmove)(?<!\bup)(?<!\bdown)"
    r"(?: [a-z])? (?:north|south|east|west|(?:north|south)(?:east|west))(?![\w-]))?"
)
_LETTER = re.compile(r"[^\W\d_]")
_BRIEF = 5  # words; the lines of a plan are short, those of an explanation are not
_SHORT = 3  # letters; names like "Do" are also everyday words, and count as they are written only


class ParsedAction(NamedTuple):
    """The action that was found, None if none was, and the stage that found it ("" if none)."""

    action: int | None
    stage: str


class Parser(Protocol):
    """Reads an action from text.

    Attributes:
        default: the action that belongs to this way to read where a text names none; None for the
            environment's own.
    """

    default: int | None

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        ...


def ends_with_tag(text: str) -> bool:
    """Whether a text says in its last line, and there alone, which action it means."""
    tags = list(_TAGS.finditer(text))
    return len(tags) == 1 and "\n" not in text[tags[0].start() :].strip()


def fold(text: str) -> str:
    """Lower the case, and make every run of what is no letter or digit one blank."""
    return _NO_WORD.sub(" ", _DIAGONAL.sub(r"\1\2", text.casefold())).strip()


def _fold_compounds(text: str) -> str:
    """The same, but a hyphen within a word stays."""
    return _NO_COMPOUND.sub(" ", _DIAGONAL.sub(r"\1\2", text.casefold())).strip()


class ActionParser:
    """Reads an action from text, in stages from strict to lenient.

    The stages: the text is a name or an alias (``exact``), it is one but for case, punctuation and
    blanks (``folded``), it has an action behind ``ACTION:`` or in ``<|ACTION|>...<|END|>``
    (``tagged``, the last such), a quoted name (``quoted``), or a name somewhere (``mention``: a
    line that is nothing but a name, else whole words within a sentence, the longest name at a
    place, and only where no name is mentioned an alias).

    No action is read from a text that says which one it means and means none of these (``ACTION:
    attack``), from a name that is denied ("I cannot move west") or part of a compound
    ("up-to-date"), and, where the last mention counts, from a list of options without a choice
    behind it or a plan of different actions, for neither has a conclusion. A direction or an item
    right behind a command is its argument: "open west" is ``open``.

    Args:
        names: the text of each action.
        aliases: further texts -> action; those that are no words (keys) count in ``exact`` only.
        mention: which quoted or mentioned name counts, the ``"first"`` or the ``"last"``; a plan
            has a first action only.

    Raises:
        ValueError: if ``mention`` is neither, there are no names, or two of them are the same but
            for case and punctuation.

    Attributes:
        default: None: where a text names no action, the environment's own default is played.
    """

    def __init__(
        self, names: Sequence[str], aliases: Mapping[str, int] | None = None, mention: str = "last"
    ) -> None:
        if mention not in ("first", "last"):
            raise ValueError(f"expected mention to be 'first' or 'last', got {mention!r}")
        if not names:
            raise ValueError("expected the names of the actions, got none")
        self.default: int | None = None
        aliases = aliases or {}
        self._exact = {**aliases, **{name: index for index, name in enumerate(names)}}
        # Names without letters or digits count to the letter only.
        folded_names = {fold(name): index for index, name in enumerate(names) if fold(name)}
        if len(folded_names) != sum(bool(fold(name)) for name in names):
            raise ValueError(f"expected names that differ in more than case, got {list(names)}")
        words = {fold(alias): n for alias, n in aliases.items() if _WORDS.fullmatch(alias)}
        self._folded = {**words, **folded_names}
        self._joined = {name.replace(" ", ""): n for name, n in self._folded.items()}
        self._mentions = [_any_of(found) for found in (folded_names, words) if found]
        self._start = re.compile(rf"(?:{_alternatives(self._folded)}){_END}")
        # "1. Move West: ...", "- sleep", "north: go north".
        self._option = re.compile(
            rf"\s{{0,8}}(?:(?:[-*•]|\(?\d{{1,2}}[.):])[ \t]|(?:{_alternatives(folded_names)})\s?:)",
            re.IGNORECASE,
        )
        everyday = [name.lower() for name in names if len(name) <= _SHORT and name[:1].isupper()]
        self._everyday = re.compile(rf"(?<!\w)(?:{'|'.join(everyday) or '(?!)'})(?!\w)")
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
            if stage == "tagged" and _ANSWER.search(text):
                break
        return ParsedAction(None, "")

    def _find_exact(self, text: str) -> int | None:
        return self._exact.get(text.strip())

    def _find_folded(self, text: str) -> int | None:
        folded = fold(text)
        action = self._folded.get(folded)
        if action is None and "\n" not in text.strip():  # the lines of a plan are not joined
            action = self._joined.get(folded.replace(" ", ""))
        return action

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
        match = self._start.match(_fold_compounds(_BREAK.split(text.strip(" *_`\"'"))[0]))
        return self._folded[match[0].replace("-", " ")] if match else None

    def _find_quoted(self, text: str) -> int | None:
        quoted = (next(filter(None, match.groups())) for match in _QUOTES.finditer(text))
        found = [self._folded[name] for name in map(fold, quoted) if name in self._folded]
        return found[self._pick] if found else None

    def _find_mention(self, text: str) -> int | None:
        if self._pick == -1:
            text = self._behind_options(text)
        lines = [line for line in text.split("\n") if line.strip()]
        alone = [self._folded.get(fold(line)) for line in lines]
        found = [action for action in alone if action is not None]
        if self._pick == -1 and self._is_plan(lines, alone):
            return None
        if found:
            return found[self._pick]
        text = self._everyday.sub("|", text)
        sentences = "|".join(_fold_compounds(sentence) for sentence in _BREAK.split(text))
        for mention in self._mentions:
            found = self._mentioned(mention, sentences)
            if found:
                nothing_else = not _LETTER.search(mention.sub("", sentences))
                is_plan = self._pick == -1 and nothing_else and len(set(found)) > 1
                return None if is_plan else found[self._pick]
        return None

    def _mentioned(self, mention: re.Pattern[str], sentences: str) -> list[int]:
        """The actions that sentences mention, without those that they deny."""
        return [
            self._folded[match["name"].replace("-", " ")]
            for match in mention.finditer(sentences)
            if not _NOT.search(sentences[max(match.start() - _NOT_REACH, 0) : match.start()])
        ]

    def _is_plan(self, lines: list[str], alone: list[int | None]) -> bool:
        """Whether lines, and the actions that they are nothing but, are several answers in a row.

        Either short lines begin with different actions, or different ones follow one another, or
        the first line is an answer and a later one is another.
        """
        if len(lines) > 1 and all(len(line.split()) <= _BRIEF for line in lines):
            return len({self._find_start(line) for line in lines} - {None}) > 1
        found = [action for action in alone if action is not None]
        if len(set(found)) < 2:
            return False
        last = len(alone) - 1 - alone[::-1].index(found[-1])
        return alone[0] is not None or alone[last - 1] not in (None, found[-1])

    def _behind_options(self, text: str) -> str:
        """What follows a list of options, lines that begin with a sign or a name, if there is one.

        The options are what the text chooses from, not its choice.
        """
        lines = text.split("\n")
        options = [n for n, line in enumerate(lines) if self._option.match(line)]
        named = {
            action
            for n in options
            for action in self._mentioned(self._mentions[0], _fold_compounds(lines[n]))[:1]
        }
        return "\n".join(lines[options[-1] + 1 :]) if len(named) > 1 else text


# A name ends where the word does, a hyphen goes on with it, and to "do nothing" is not to do.
_END = r"(?![\w-])(?! (?:not|nothing)(?!\w))"


def _alternatives(names: Iterable[str]) -> str:
    """A pattern for any of some names, the longest first."""
    ordered = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name).replace(r"\ ", "[ -]") for name in ordered)


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?P<name>{_alternatives(names)}){_END}{_ARGUMENT}")
