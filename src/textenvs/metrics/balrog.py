"""BALROG's progress of an episode, from 0 to 1, and its standard error.

There is no ``progress_corrected`` in which an ascension counts 1: neither ``info`` nor a trace says
in a field of its own that a game of NetHack was won (``end_status`` is "over" for a death, an
escape and an ascension alike).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from textenvs.envs.nethack.progress import progress
from textenvs.metrics.crafter import CRAFTER_ACHIEVEMENTS, check_names
from textenvs.metrics.samples import checked

__all__ = ["babyai_progress", "crafter_progress", "nethack_progress", "standard_error_balrog"]


def crafter_progress(achievements: Mapping[str, int]) -> float:
    """BALROG's progress of a Crafter episode: the share of the 22 achievements it unlocked.

    Args:
        achievements: how often the episode did each.

    Raises:
        ValueError: if they are not Crafter's 22.

    Source: balrog-ai/BALROG af7d1f1, ``balrog/environments/crafter/env.py``.
    """
    check_names(achievements)
    return sum(count > 0 for count in achievements.values()) / len(CRAFTER_ACHIEVEMENTS)


def babyai_progress(success: bool) -> float:
    """BALROG's progress of a BabyAI episode: 1 for a success (any positive reward), else 0.

    Source: balrog-ai/BALROG af7d1f1, ``balrog/environments/babyai_text/clean_lang_wrapper.py``.
    """
    return float(bool(success))


def nethack_progress(states: Iterable[tuple[int, int]]) -> float:
    """BALROG's progress of a game of NetHack: the greatest of all its states.

    The environment's ``info["progress"]`` is this, as far as the game has come.
    :func:`textenvs.envs.nethack.progress.progress` gives the progress of one state.

    Args:
        states: depth and experience level after each step.

    Source: balrog-ai/BALROG af7d1f1, ``balrog/environments/nle/progress.py``. An ascension does not
    count 1 there: the most that can be had is depth 50's 0.807.
    """
    return max((progress(depth, level) for depth, level in states), default=0.0)


def standard_error_balrog(values: Sequence[float]) -> float:
    """The standard error as BALROG publishes it: the population's deviation (ddof 0) / sqrt(n).

    For recomputing published rows: it is too small by a factor of sqrt((n - 1) / n), 11 % with five
    episodes, and 0 for a single one. :func:`textenvs.metrics.bootstrap_mean` and
    :func:`textenvs.metrics.wilson` give intervals to compare by.

    Raises:
        ValueError: if there are no values, or one of them is no finite number.

    Source: balrog-ai/BALROG af7d1f1, ``balrog/utils.py``.
    """
    data = checked(values, "to take a standard error of")
    return float(np.std(data)) / math.sqrt(len(data))
