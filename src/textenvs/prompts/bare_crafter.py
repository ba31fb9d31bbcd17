"""Our caption of Crafter, sorted for the model in the box.

The same facts in a fixed order: each kind of thing once, with its nearest place, whether that is
beside the player, in view or remembered; then what is on each side; then vitals and goods.
"""

from __future__ import annotations

import re

from textenvs.agents.experts.crafter_reading import SIDES, Reading, read

__all__ = ["sorted_text"]

_KINDS = (
    *("tree", "water", "cow", "stone", "coal", "iron", "diamond", "table", "furnace"),
    *("ripe plant", "young plant", "grass", "sand", "path"),
)
_FOES = ("zombie", "skeleton", "arrow")
_SEEN = re.compile(r"Seen: ([^.]*)\. ?")
_REMEMBERED = re.compile(r"([a-z ]+?) (\d+ [a-z]+(?: \d+ [a-z]+)?)(?:, |$)")


def sorted_text(observation: str, summary: str) -> str:
    """Sort an observation and a recollection; a text that is no such caption stays as it is.

    Args:
        observation: a caption in the style ``default``.
        summary: what :class:`textenvs.agents.experts.crafter_recollection.CrafterRecollection`
            writes.
    """
    try:
        now = read(observation)
    except ValueError:
        return "\n".join(filter(None, (summary, observation)))
    found = _SEEN.search(summary)
    remembered = dict(_REMEMBERED.findall(found.group(1))) if found else {}
    places = {kind: _place(*now.nearest[kind]) for kind in _KINDS if kind in now.nearest}
    near = {**remembered, **places}
    lines = [
        _SEEN.sub("", summary),
        ", ".join(f"{kind} {near[kind]}" for kind in _KINDS if kind in near) + ".",
        _foes(now),
        ", ".join(f"{side} {now.sides[side]}" for side in SIDES) + f". Facing {now.facing}.",
        _body(now),
    ]
    return "\n".join(filter(None, lines))


def _place(dx: int, dy: int) -> str:
    along = f"{abs(dy)} {'north' if dy < 0 else 'south'}" if dy else ""
    across = f"{abs(dx)} {'west' if dx < 0 else 'east'}" if dx else ""
    return " ".join(filter(None, (along, across)))


def _foes(now: Reading) -> str:
    return ", ".join(
        f"{kind} {_place(dx, dy)}" for foe in _FOES for kind, dx, dy in now.things if kind == foe
    )


def _body(now: Reading) -> str:
    items = ", ".join(f"{count} {name}" for name, count in now.items.items())
    state = "".join(
        f" {word}." for word, holds in (("Asleep", now.asleep), ("Night", now.night)) if holds
    )
    vitals = f"Health {now.health}, food {now.food}, drink {now.drink}, energy {now.energy}."
    return f"{vitals} {items}.{state}" if items else f"{vitals}{state}"
