"""What a step is paid for its caption: Motif's reward, within one episode."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textenvs.asked_once import ask_once
from textenvs.errors import choose

__all__ = ["PAYS_FOR", "CaptionRewards", "MotifRule", "caption_now"]

PAYS_FOR = ("caused", "previous")
"""The caption that is paid: that of what an action led to; or, as published, that of what it was
chosen at, so that what a game ends with is never paid."""

_KEPT = 1_000_000  # captions whose reward is remembered


def caption_now(observation: Any, info: Mapping[str, Any], kind: str) -> str:
    """The caption of a moment.

    Args:
        observation: a text, or a dict with one.
        info: of the same moment.
        kind: one of :data:`textenvs.motif.collecting.CAPTIONS`.

    Raises:
        ValueError: if a message is wanted of a game that has none.
    """
    if kind == "message":
        if "messages" not in info:
            raise ValueError(
                "expected a game that tells its messages (NetHack) for a reward of messages, got "
                f"an info with {', '.join(info)}: take captions of observations "
                "(caption='observation', `textenvs pairs --caption observation`)"
            )
        return " ".join(info["messages"])
    return str(observation["text"] if isinstance(observation, Mapping) else observation)


class CaptionRewards:
    """The rewards of captions, each asked for once, unknown ones of a step in one batch.

    Args:
        reward: captions -> normalised rewards.
    """

    def __init__(self, reward: Callable[[Sequence[str]], Any]) -> None:
        self._reward = reward
        self._known: dict[str, float] = {}

    def __call__(self, captions: Sequence[str]) -> list[float]:
        """The rewards of n captions."""
        return ask_once(self._known, captions, self._ask, _KEPT)

    def _ask(self, captions: Sequence[str]) -> list[float]:
        return list(map(float, self._reward(captions)))


class MotifRule:
    """Pays for captions, the less the oftener they were seen in the episode.

    A caption whose normalised reward z is above the threshold pays z / N^beta, N how often it was
    seen in the episode, this time included; others pay nothing (Klissarov et al.,
    arXiv:2310.00166, equation 2; ``learner.py``, 51b5f47). The caption that an episode begins with
    is counted, and paid only if ``pays_for`` is ``"previous"``.

    Args:
        threshold: normalised reward up to which nothing is paid.
        beta: exponent of the count.
        pays_for: one of :data:`PAYS_FOR`.

    Raises:
        UnknownName: if a choice is none.
        ValueError: if a number is out of range.
    """

    def __init__(self, threshold: float, beta: float = 3.0, pays_for: str = "caused") -> None:
        choose("pays_for", pays_for, PAYS_FOR)
        if math.isnan(threshold):
            raise ValueError(f"expected a number as threshold, got {threshold}")
        if not 0 <= beta < math.inf:
            raise ValueError(f"expected a beta of 0 or more, got {beta}")
        self._threshold, self._beta = threshold, beta
        self._previous = pays_for == "previous"
        self._seen: Counter[str] = Counter()
        self._due = 0.0

    def begin(self, key: str, reward: float) -> None:
        """Begin an episode.

        Args:
            key: what the caption of its first observation is counted as.
            reward: of that caption, normalised.
        """
        self._seen.clear()
        self._due = self._worth(key, reward)

    def step(self, key: str, reward: float) -> float:
        """What a step pays.

        Args:
            key: what the caption of what it led to is counted as (see :mod:`.counting`).
            reward: of that caption, normalised.
        """
        worth = self._worth(key, reward)
        paid, self._due = (self._due, worth) if self._previous else (worth, 0.0)
        return paid

    def _worth(self, key: str, reward: float) -> float:
        self._seen[key] += 1
        if reward <= self._threshold:
            return 0.0
        return float(reward / self._seen[key] ** self._beta)
