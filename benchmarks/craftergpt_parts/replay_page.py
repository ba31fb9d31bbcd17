"""The part of the page about the recorded games."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import result_rows
from craftergpt_parts.published import GAMES, PUBLISHED_GAMES, PUBLISHED_MEANS

__all__ = ["replay_page"]

_REPLAY = """## The recorded games, replayed

Each recorded action is given to our environment as an answer, `"Make Wood Pickaxe"`, and every
observation, reward and end is compared with the recorded one. The published game removes creatures
in an order that depends on memory addresses; eight of the twenty games need to be told which
(`choices`), the other twelve come out as they are. {chosen}

{files}

{means}
{log}"""


def replay_page(replay: Mapping[str, Any]) -> str:
    """What the replay found."""
    files, log = replay["files"], replay["reward_log"]
    lines = [
        (
            file["group"],
            file["seed"],
            file["rows"],
            file["choices"] or "-",
            "all equal" if not file["differs"] else f"`{file['differs']}`",
            f"{file['recorded']:.1f}",
            f"{file['replayed']:.1f}" if not file["differs"] else "-",
        )
        for file in files
    ]
    columns = ("group", "seed", "rows", "choices", "first difference", "recorded", "replayed")
    chosen = sum(bool(file["choices"]) for file in files)
    return _REPLAY.format(
        chosen=f"Of the eight, {chosen or 'none'} were there." if len(files) < GAMES else "",
        files=result_rows.table(columns, lines),
        means="\n".join(_means(group, files) for group in PUBLISHED_GAMES) + "\n",
        log=_log_line(files, log),
    )


def _means(group: str, files: Sequence[Mapping[str, Any]]) -> str:
    there = [file for file in files if file["group"] == group]
    exact = [file for file in there if not file["differs"]]
    every = PUBLISHED_GAMES[group]
    name = group.replace("_", "-")
    if not there:
        return f"- {name}: none of the {len(every)} games was there."
    mean = statistics.mean(file["recorded"] for file in there)
    said = f"- {name}: {len(there)} of {len(every)} games were there, {len(exact)} replayed exactly"
    if exact:
        played = statistics.mean(file["replayed"] for file in exact)
        said += f" (mean {played:.2f} replayed)"
    published = f"{PUBLISHED_MEANS[group]:.2f}"
    if {file["seed"] for file in there} == set(every):
        return f"{said}; mean of all {mean:.2f} recorded, {published} published."
    return (
        f"{said}; mean {mean:.2f} recorded. These are not all: the published {published} is the "
        f"mean of all {len(every)}, and cannot be recomputed from these."
    )


def _log_line(files: Sequence[Mapping[str, Any]], log: Mapping[str, Any] | None) -> str:
    if log is None:
        return "- `reward_log.txt` was not there to compare with.\n"
    exact = [file for file in files if not file["differs"]]
    # JSON has texts for keys, so that seeds are looked up as both.
    agree = 0
    for file in exact:
        rewards = {int(seed): reward for seed, reward in log[file["group"]]["rewards"].items()}
        agree += abs(rewards[file["seed"]] - file["replayed"]) < 0.05
    means = ", ".join(
        f"{group.replace('_', '-')} {statistics.mean(part['rewards'].values()):.2f} "
        f"(it says {part['mean']:g})"
        for group, part in log.items()
    )
    return (
        f"- `reward_log.txt`: {agree} of the {len(exact)} games that were replayed exactly have "
        f"the reward that it lists. The means of the ten rewards that it lists: {means}.\n"
    )
