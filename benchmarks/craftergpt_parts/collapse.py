"""Whether play collapses to one action, as that of CrafterGPT's fine-tuned agent did."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["COLLAPSED", "Uses", "collapse_of", "uses_of"]

# A share of the most frequent action above this is called collapsed. The threshold is ours: half
# of all steps, more than the 38 % that Noop has with the expert humans.
COLLAPSED = 0.5
# Making and placing take from what is carried, and nothing else does: whether they had an effect
# can be read from the captions. Whether a move or a blow had one cannot.
_TOLD_BY_INVENTORY = ("make ", "place ")


@dataclass(frozen=True)
class Uses:
    """What was played in a game.

    Attributes:
        actions: action -> how often.
        told: action -> of how many uses it can be told whether they had an effect.
        effects: action -> how many of those had one.
    """

    actions: Counter[str]
    told: Counter[str]
    effects: Counter[str]


def uses_of(actions: Sequence[str], texts: Sequence[str | None]) -> Uses:
    """Count a game's actions, and the effects of those that change what is carried.

    Args:
        actions: their names, in order.
        texts: SmartPlay's caption before each, and the one after the last; None if not known.
    """
    if len(texts) != len(actions) + 1:
        raise ValueError(f"expected {len(actions) + 1} texts, one more than actions: {len(texts)}")
    told: Counter[str] = Counter()
    effects: Counter[str] = Counter()
    for number, action in enumerate(actions):
        before, after = _carried(texts[number]), _carried(texts[number + 1])
        if action.lower().startswith(_TOLD_BY_INVENTORY) and before and after:
            told[action] += 1
            effects[action] += before != after
    return Uses(Counter(actions), told, effects)


def _carried(text: str | None) -> str:
    """The part of a caption that lists what is carried; empty if it does not say."""
    last = "" if text is None else text.rpartition("\n\n")[2]
    return last if "inventory" in last else ""


def collapse_of(games: Iterable[Uses]) -> dict[str, Any]:
    """Whether games, taken together, are mostly one action.

    Returns:
        JSON's types: ``games`` and ``steps``; ``action``, the most frequent one (of equals the
        first by name), its ``uses`` and ``share`` of all steps; ``told`` and ``effects``, of how
        many uses it can be told whether they had an effect, and how many had one;
        ``effective_actions``, exp of the entropy: as many actions, played equally often, would be
        as varied; ``collapsed``; ``games_collapsed``, how many games are, each by itself;
        ``actions``, the count of each, the most frequent first.

    Raises:
        ValueError: if nothing was played.
    """
    games = list(games)
    actions = sum((game.actions for game in games), Counter[str]())
    steps = actions.total()
    if not steps:
        raise ValueError("expected games with steps, found none")
    in_order = sorted(actions, key=lambda name: (-actions[name], name))
    action = in_order[0]
    shares = [actions[name] / steps for name in in_order]
    return {
        "games": len(games),
        "steps": steps,
        "action": action,
        "uses": actions[action],
        "share": shares[0],
        "told": sum(game.told[action] for game in games),
        "effects": sum(game.effects[action] for game in games),
        "effective_actions": math.exp(-sum(share * math.log(share) for share in shares)),
        "collapsed": shares[0] > COLLAPSED,
        "games_collapsed": sum(_is_collapsed(game.actions) for game in games),
        "actions": {name: actions[name] for name in in_order},
    }


def _is_collapsed(actions: Counter[str]) -> bool:
    return max(actions.values(), default=0) > COLLAPSED * actions.total()
