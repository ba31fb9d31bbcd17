"""The part of the page that says whose play is mostly one action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import result_rows
from craftergpt_parts.collapse import COLLAPSED
from craftergpt_parts.order import ordered
from craftergpt_parts.published import PUBLISHED_GAMES, PUBLISHED_SKEW, PUBLISHED_TOP
from result_rows import Row

__all__ = ["collapse_page"]

_COLLAPSE = """## Does the play collapse to one action?

Collapsed: more than {threshold:.0f} % of all steps are the same action. The threshold is ours; for
comparison, 38 % of the expert humans' steps are Noops while awake, and each action has 6 % in
uniformly random play. "Effective actions" is exp(entropy) of the actions of all steps: so many of
the 17, played equally often, would be as varied.

{table}

{said}
- "With effect": uses of the most frequent action that changed what is carried, as making and
  placing do, of those of which the captions tell; "-" for other actions, of which they do not.
- What was played counts; for an answer that names no action that is `Do`.
{known}
"""


def collapse_page(rows: Sequence[Row], replay: Mapping[str, Any] | None) -> str:
    """Whose play is mostly one action: ours, the recorded games, and what is known of others."""
    # Results of earlier calls may lack the counts.
    players = [
        (f"{row.player}, seed {row.seed}", row.more["collapse"])
        for row in ordered(rows)
        if "collapse" in row.more
    ]
    files = [] if replay is None else [file for file in replay["files"] if "collapse" in file]
    lines = [_collapse_line(name, collapse) for name, collapse in players]
    counts = {(file["group"], file["seed"]): file["collapse"] for file in files}
    notes = []
    for group, games in PUBLISHED_GAMES.items():
        name = f"CrafterGPT, {group.replace('_', '-')}"
        together = {} if replay is None else replay.get("collapse", {})
        if group in together:
            players.append((f"{name}, {together[group]['games']} recorded games", together[group]))
            lines.append(_collapse_line(*players[-1]))
        for seed in games:
            if (group, seed) in counts:
                lines.append(_collapse_line(f"{name}, seed {seed}", counts[group, seed]))
            elif (group, seed) in PUBLISHED_SKEW:
                lines.append(_absent_line(name, group, seed))
        notes.append(_top_line(name, group, together.get(group)))
    notes += [_skew_line(key, counts[key]) for key in PUBLISHED_SKEW if key in counts]
    columns = (
        *("player", "games", "steps", "most frequent action", "uses", "share %"),
        *("effective actions", "with effect", "collapsed", "games collapsed"),
    )
    return _COLLAPSE.format(
        threshold=100 * COLLAPSED,
        table=result_rows.table(columns, lines),
        said="\n".join(_sentence(name, collapse) for name, collapse in players),
        known="\n".join(notes),
    )


def _collapse_line(name: str, collapse: Mapping[str, Any]) -> tuple[object, ...]:
    games = collapse["games"]
    return (
        *(name, games, collapse["steps"], collapse["action"], collapse["uses"]),
        f"{100 * collapse['share']:.1f}",
        f"{collapse['effective_actions']:.1f}",
        f"{collapse['effects']} of {collapse['told']}" if collapse["told"] else "-",
        "yes" if collapse["collapsed"] else "no",
        f"{collapse['games_collapsed']} of {games}",
    )


def _absent_line(name: str, group: str, seed: int) -> tuple[object, ...]:
    """A game that is not there, of which a count is known."""
    action, uses = PUBLISHED_SKEW[group, seed]
    rows, _ = PUBLISHED_GAMES[group][seed]
    share = uses / rows
    collapsed = share > COLLAPSED
    return (
        *(
            f"{name}, seed {seed} (not there, by an earlier count)",
            1,
            rows,
            action,
            uses,
            f"{100 * share:.1f}",
        ),
        *("-", "-", "yes" if collapsed else "no", f"{int(collapsed)} of 1"),
    )


def _sentence(name: str, collapse: Mapping[str, Any]) -> str:
    """In plain words."""
    said = "collapsed" if collapse["collapsed"] else "not collapsed"
    sentence = (
        f"- {name}: **{said}**. The most frequent action, `{collapse['action']}`, is "
        f"{collapse['uses']} of {collapse['steps']} steps ({100 * collapse['share']:.1f} %)"
    )
    if collapse["told"]:
        sentence += f"; {collapse['effects']} of {collapse['told']} uses had an effect"
    return f"{sentence}."


def _top_line(name: str, group: str, together: Mapping[str, Any] | None) -> str:
    top = PUBLISHED_TOP[group]
    line = f"- {name}, all ten games, by an earlier count: mostly {_listed(top)}"
    if together is None:
        return f"{line}."
    counted = [f"{action} ({n})" for action, n in together["actions"].items()][: len(top)]
    return f"{line}; the {together['games']} that were there: {_listed(counted)}."


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _skew_line(key: tuple[str, int], collapse: Mapping[str, Any]) -> str:
    action, uses = PUBLISHED_SKEW[key]
    counted = collapse["actions"].get(action, 0)
    found = "the same here" if counted == uses else f"here {counted}"
    return f"- Seed {key[1]}, by an earlier count: {uses} times `{action}`; {found}."
