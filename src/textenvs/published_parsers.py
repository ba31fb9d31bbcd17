"""How the published systems read an action from a model's words.

They are here to repeat published runs and to compare with: what they take and refuse is theirs.
None of them knows stages; ``stage`` says which of their rules found the action.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from textenvs.errors import choose
from textenvs.parsing import ActionParser, ParsedAction, Parser
from textenvs.synonyms import synonyms_of

__all__ = [
    "PARSERS",
    "Accident",
    "BalrogParser",
    "CrafterGPTParser",
    "SmartPlayParser",
    "accident",
    "get_parser",
]

_NONE = ParsedAction(None, "")
_DROPPED = re.compile(r"[^a-zA-Z\s:]")
_BALROG_AGENTS = ("naive", "cot", "robust_naive")


class CrafterGPTParser:
    """Reads as CrafterGPT does: it nearly always finds something.

    The first text in double quotes, if it is a name but for case (stage ``quoted``); else the
    first action *in the order of the list*, not of the text, whose name occurs anywhere, even
    within a word (``substring``).

    Args:
        names: the text of each action.

    Attributes:
        default: ``Do``, which CrafterGPT plays for a text that names nothing. The parser itself
            says None then, so that the answer counts as invalid.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name.lower() for name in names]
        self.default: int | None = self._names.index("do") if "do" in self._names else None

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        if not isinstance(text, str):
            return _NONE
        lowered = text.lower()
        pieces = lowered.split('"', 2)
        if len(pieces) == 3 and pieces[1] in self._names:
            return ParsedAction(self._names.index(pieces[1]), "quoted")
        for action, name in enumerate(self._names):
            if name in lowered:
                return ParsedAction(action, "substring")
        return _NONE


class SmartPlayParser:
    """Reads as SmartPlay does: the name that occurs first, even within a word (``substring``).

    Of names at the same place the first in the list counts.

    Args:
        names: the text of each action.

    Attributes:
        default: the first action, which SmartPlay plays for a text that names none.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name.lower() for name in names]
        self.default: int | None = 0

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        if not isinstance(text, str):
            return _NONE
        lowered = text.lower()
        places = [(lowered.find(name), action) for action, name in enumerate(self._names)]
        found = [place for place in places if place[0] >= 0]
        return ParsedAction(min(found)[1], "substring") if found else _NONE


class BalrogParser:
    """Reads as BALROG's agents do: to the letter, after its own clean-up.

    All count an answer only if it is an action to the letter (stage ``exact``, or ``tagged`` where
    a tag led to it). ``naive`` deletes everything but letters, whitespace and colons first, so
    that no digit can be sent; ``cot`` takes of that what stands behind the last ``ACTION:``;
    ``robust_naive`` takes what stands between the first ``<|ACTION|>`` and ``<|END|>`` and deletes
    nothing, or the whole answer where the tags are missing.

    Args:
        names: the text of each action.
        aliases: further texts -> action. BALROG knows the keys that are one letter or digit only.
        agent: ``"naive"``, ``"cot"`` or ``"robust_naive"``.

    Raises:
        UnknownName: if there is no such agent.

    Attributes:
        default: None: BALROG plays the environment's own default.
    """

    def __init__(
        self,
        names: Sequence[str],
        aliases: Mapping[str, int] | None = None,
        agent: str = "naive",
    ) -> None:
        choose("agent", agent, _BALROG_AGENTS)
        self.default: int | None = None
        keys = {
            key: action
            for key, action in (aliases or {}).items()
            if len(key) == 1 and key.isascii() and key.isalnum()
        }
        self._actions = {**keys, **{name: action for action, name in enumerate(names)}}
        self._agent = agent

    def parse(self, text: object) -> ParsedAction:
        """Find the action that a text names; anything that is no text names none."""
        if not isinstance(text, str):
            return _NONE
        answer, tagged = text.strip(), False
        if self._agent == "robust_naive":
            _, start, behind = answer.partition("<|ACTION|>")
            inside, end, _ = behind.partition("<|END|>")
            tagged = bool(start and end)
            answer = inside.strip() if tagged else answer
        else:
            answer = _DROPPED.sub("", answer)
            if self._agent == "cot":
                _, tag, behind = answer.rpartition("ACTION:")
                tagged = bool(tag)
                answer = behind.strip()
        action = self._actions.get(answer)
        return _NONE if action is None else ParsedAction(action, "tagged" if tagged else "exact")


_Factory = Callable[[Sequence[str], Mapping[str, int]], Parser]

PARSERS: Mapping[str, _Factory] = MappingProxyType(
    {
        "default": ActionParser,
        "craftergpt": lambda names, aliases: CrafterGPTParser(names),
        "smartplay": lambda names, aliases: SmartPlayParser(names),
        "balrog": BalrogParser,
        "balrog_cot": lambda names, aliases: BalrogParser(names, aliases, "cot"),
        "balrog_robust": lambda names, aliases: BalrogParser(names, aliases, "robust_naive"),
    }
)
"""Name -> what makes the parser from the actions' texts and their aliases."""


def get_parser(
    name: str,
    names: Sequence[str],
    aliases: Mapping[str, int] | None = None,
    *,
    mention: str = "last",
    synonyms: bool = False,
) -> Parser:
    """Make a parser.

    Args:
        name: a key of :data:`PARSERS`.
        names: the text of each action.
        aliases: further texts -> action.
        mention: whether the ``"last"`` or the ``"first"`` name in a text counts; the published
            parsers have their own rule.
        synonyms: whether words of :mod:`textenvs.synonyms` count as aliases; the published parsers
            know none.

    Raises:
        UnknownName: if there is no such parser.
    """
    choose("parser", name, PARSERS)
    aliases = aliases or {}
    if name == "default":
        more = synonyms_of(names) if synonyms else {}
        return ActionParser(names, {**more, **aliases}, mention)
    return PARSERS[name](names, aliases)


class Accident(NamedTuple):
    """An action that CrafterGPT chose and its model did not.

    Attributes:
        chosen: the name of the action that CrafterGPT reads.
        read: the name of the action that the text names, None if it names none.
        within_word: whether the chosen name occurs within other words only ("do" in "down").
    """

    chosen: str
    read: str | None
    within_word: bool


def accident(text: str, names: Sequence[str]) -> Accident | None:
    """Whether CrafterGPT's choice for an answer is an accident.

    It is one where the name occurs within other words only, or where :class:`ActionParser` reads
    another action or none. An answer for which CrafterGPT falls back on its default is none.
    """
    action = CrafterGPTParser(names).parse(text).action
    if action is None:
        return None
    chosen = names[action]
    within_word = not re.search(rf"(?<!\w){re.escape(chosen)}(?!\w)", text, re.IGNORECASE)
    read = ActionParser(names).parse(text).action
    if read == action and not within_word:
        return None
    return Accident(chosen, None if read is None else names[read], within_word)
