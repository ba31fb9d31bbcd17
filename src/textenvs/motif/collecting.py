"""Pairs of captions from games that were played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from textenvs.errors import TraceError, choose
from textenvs.motif.pairs import write_pairs
from textenvs.motif.prompts import family_of
from textenvs.traces import Trace, read_traces

__all__ = ["CAPTIONS", "pairs_from_traces"]

CAPTIONS = ("message", "observation")
"""What is compared: what the game said in a step (NetHack), or what was observed after it."""

_WIDTHS = {"message": 256, "observation": 1024}  # bytes; 256 is Motif's
_JOINT = " "


class _Moment(NamedTuple):
    text: str
    episode: int
    steps: int
    score: float


def pairs_from_traces(
    folders: Sequence[Path],
    out: Path,
    *,
    count: int,
    length: int = 1,
    caption: str | None = None,
    seed: int = 0,
    episodes: int | None = None,
    distinct: bool = False,
) -> dict[str, Any]:
    """Draw pairs of moments, uniformly over all steps of all episodes.

    Most steps of a game are alike, so that what is rare is in few pairs of few steps; with
    ``distinct`` draws are uniform over different texts.

    Args:
        folders: of traces; of agents of different strength, best.
        out: where the pairs go (see :mod:`textenvs.motif.pairs`).
        count: pairs.
        length: steps of a moment, one after another in an episode.
        caption: one of :data:`CAPTIONS`; None for what the game says if it says anything.
        seed: of the draws.
        episodes: of each folder, at most; None for all.
        distinct: whether each different text is there once, where it came first.

    Returns:
        Where the pairs come from, as ``pairs.json`` has it.

    Raises:
        TraceError: if there is nothing to draw from, if messages are wanted of a game that has
            none, or if the traces are of different games.
    """
    traces = [trace for folder in folders for trace in islice(read_traces(folder), episodes)]
    games = sorted({family_of(str(trace.header.get("env_id"))) for trace in traces})
    if len(games) > 1:
        raise TraceError(f"expected traces of one game, got {', '.join(games)}")
    if caption is None:
        says = any("messages" in step for trace in traces for step in trace.steps[:1])
        caption = "message" if says else "observation"
    choose("caption", caption, CAPTIONS)
    moments = [each for i, trace in enumerate(traces) for each in _moments(trace, i, caption)]
    episode_of = np.array([each.episode for each in moments])
    last = len(moments) - length + 1
    last = max(last, 0)
    starts = np.flatnonzero(episode_of[:last] == episode_of[len(episode_of) - last :])
    if distinct:
        texts = [each.text for each in moments]
        firsts = {tuple(texts[i : i + length]): i for i in reversed(starts)}
        starts = np.array(sorted(firsts.values()), dtype=int)
    if len(starts) < 2:
        raise TraceError(
            f"expected traces with two {'different ' if distinct else ''}moments of {length} steps "
            "or more, found "
            f"{len(traces)} traces with {len(moments)} steps in {', '.join(map(str, folders))}"
        )
    rng = np.random.default_rng(seed)
    again = 2 * count > len(starts)
    drawn = rng.choice(starts, (count, 2), replace=again)
    chosen = drawn[:, :, None] + np.arange(length)
    returns = np.array([_return(trace) for trace in traces])
    info = {
        "score": np.array([each.score for each in moments]),
        "return": returns[episode_of],
        "steps": np.array([each.steps for each in moments]),
        "episode": episode_of,
    }
    about = {
        "episodes": len(traces),
        "steps": len(moments),
        "envs": sorted({str(trace.header.get("env_id")) for trace in traces}),
        "agents": sorted({str(trace.header.get("agent")) for trace in traces}),
        "caption": caption,
        "length": length,
        "seed": seed,
        "different": len({each.text for each in moments}),
        "repeated_draws": bool(again),
        "distinct": distinct,
    }
    write_pairs(out, [each.text for each in moments], chosen, info, _WIDTHS[caption], about)
    return {**about, "pairs": count}


def _moments(trace: Trace, episode: int, caption: str) -> Iterator[_Moment]:
    """What was to be read after every step, and what had been paid until then."""
    score = 0.0
    for step, text in zip(trace.steps, _texts(trace, caption), strict=False):
        score += float(step["reward"])
        yield _Moment(text, episode, int(step["t"]) + 1, score)


def _texts(trace: Trace, caption: str) -> Iterable[str]:
    if caption == "message":
        if any("messages" not in step for step in trace.steps):
            raise TraceError(
                f"{trace.path}: expected a game that tells its messages (NetHack): compare "
                "observations (--caption observation)"
            )
        return [_JOINT.join(step["messages"]) for step in trace.steps]
    last = [] if trace.end is None else [str(trace.end["observation"])]
    return [str(step["observation"]) for step in trace.steps[1:]] + last


def _return(trace: Trace) -> float:
    return sum(float(step["reward"]) for step in trace.steps)
