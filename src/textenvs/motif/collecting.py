"""Pairs of captions from games that were played."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

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
    traces = (trace for folder in folders for trace in islice(read_traces(folder), episodes))
    moments = _Moments(traces, caption)
    texts, episode_of = moments.texts, moments.episode
    last = max(len(texts) - length + 1, 0)
    starts = np.flatnonzero(episode_of[:last] == episode_of[len(episode_of) - last :])
    if distinct:
        firsts = {tuple(texts[i : i + length]): i for i in reversed(starts)}
        starts = np.array(sorted(firsts.values()), dtype=int)
    if len(starts) < 2:
        raise TraceError(
            f"expected traces with two {'different ' if distinct else ''}moments of {length} steps "
            "or more, found "
            f"{moments.episodes} traces with {len(texts)} steps in {', '.join(map(str, folders))}"
        )
    rng = np.random.default_rng(seed)
    again = 2 * count > len(starts)
    drawn = rng.choice(starts, (count, 2), replace=again)
    chosen = drawn[:, :, None] + np.arange(length)
    info = {
        "score": moments.score,
        "return": moments.returns[episode_of],
        "steps": moments.steps,
        "episode": episode_of,
    }
    about = {
        "episodes": moments.episodes,
        "steps": len(texts),
        "envs": sorted(moments.envs),
        "agents": sorted(moments.agents),
        "caption": moments.caption,
        "length": length,
        "seed": seed,
        "different": len(set(texts)),
        "repeated_draws": bool(again),
        "distinct": distinct,
    }
    write_pairs(out, texts, chosen, info, _WIDTHS[moments.caption], about)
    return {**about, "pairs": count}


class _Moments:
    """What was to be read after every step of all traces; one trace at a time is in memory.

    Attributes:
        caption: what was to be read, one of :data:`CAPTIONS`.
        texts: of every step; equal ones are one object.
        episode, steps: of every step: of which trace it is, and which in it, from 1.
        score: what had been paid until then, that step included.
        returns: of every trace.
        episodes: how many traces there were.
        envs, agents: who played what.
    """

    def __init__(self, traces: Iterable[Trace], caption: str | None) -> None:
        if caption is not None:
            choose("caption", caption, CAPTIONS)
        self.texts: list[str] = []
        self.episodes = 0
        self.envs: set[str] = set()
        self.agents: set[str] = set()
        known: dict[str, str] = {}
        episode, steps, scores, returns = ([np.zeros(0, kind)] for kind in (int, int, float, float))
        for trace in traces:
            if caption is None and trace.steps:
                caption = "message" if "messages" in trace.steps[0] else "observation"
            self.envs.add(str(trace.header.get("env_id")))
            self.agents.add(str(trace.header.get("agent")))
            games = sorted({family_of(each) for each in self.envs})
            if len(games) > 1:
                raise TraceError(f"expected traces of one game, got {', '.join(games)}")
            texts = _texts(trace, caption or CAPTIONS[0])[: len(trace.steps)]
            self.texts += [known.setdefault(text, text) for text in texts]
            paid = np.cumsum([float(step["reward"]) for step in trace.steps])
            episode.append(np.full(len(texts), self.episodes))
            steps.append(np.array([step["t"] + 1 for step in trace.steps], int)[: len(texts)])
            scores.append(paid[: len(texts)])
            returns.append(paid[-1:] if len(paid) else np.zeros(1))
            self.episodes += 1
        self.caption = caption or CAPTIONS[0]
        self.episode, self.steps = np.concatenate(episode), np.concatenate(steps)
        self.score, self.returns = np.concatenate(scores), np.concatenate(returns)


def _texts(trace: Trace, caption: str) -> list[str]:
    if caption == "message":
        if any("messages" not in step for step in trace.steps):
            raise TraceError(
                f"{trace.path}: expected a game that tells its messages (NetHack): compare "
                "observations (--caption observation)"
            )
        return [_JOINT.join(step["messages"]) for step in trace.steps]
    last = [] if trace.end is None else [str(trace.end["observation"])]
    return [str(step["observation"]) for step in trace.steps[1:]] + last
