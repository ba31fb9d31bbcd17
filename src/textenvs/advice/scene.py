"""What advice is asked about: a moment of a game in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.babyai_actions import action_captions
from textenvs.errors import choose

__all__ = ["CAPTIONS", "Scene", "action_number", "check_captions", "names_of", "read_scene"]

CAPTIONS = ("names", "effects", "in5490")
"""How actions are put in words: by their names; by what they would do in MiniGrid; by in5490's
table of that, its slips included (see :mod:`textenvs.captioners.babyai_actions`)."""


class Scene(NamedTuple):
    """A moment of a game.

    Attributes:
        text: the caption.
        mission: what is to be done, "" if the game has no mission.
        captions: each action in words, here and now.
    """

    text: str
    mission: str
    captions: tuple[str, ...]


def check_captions(captions: str, observation_space: Any) -> None:
    """Check that the observations have what captions of a kind are made of.

    Raises:
        UnknownName: if there is no such kind.
        ValueError: if the view is missing.
    """
    choose("captions", captions, CAPTIONS)
    if captions != "names" and "image" not in getattr(observation_space, "keys", list)():
        has = ", ".join(getattr(observation_space, "keys", list)()) or "texts alone"
        raise ValueError(
            f"expected observations with MiniGrid's image for captions={captions!r}, got {has}: "
            'make the environment with obs="dict", or, of another game, take captions="names"'
        )


def names_of(env: Any) -> tuple[str, ...]:
    """The texts of an environment's actions.

    Raises:
        ValueError: if it does not tell them.
    """
    try:
        return tuple(env.get_wrapper_attr("action_names"))
    except AttributeError as error:
        raise ValueError(f"expected a game that names its actions, got {env}") from error


def action_number(action: Any) -> int:
    """An action as its number.

    Raises:
        ValueError: if it is something else, such as a text.
    """
    try:
        return int(action)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"expected the number of an action, got {action!r}: put the wrapper that reads texts "
            "(ParseTextAction) around this one"
        ) from error


def read_scene(observation: Any, mission: str, names: Sequence[str], captions: str) -> Scene:
    """The scene of one environment's observation.

    Args:
        observation: a text, or a dict with ``text`` and, unless captions are names, ``image``.
        mission: as ``info`` tells it.
        names: the actions' texts.
        captions: one of :data:`CAPTIONS`.
    """
    arrays: Mapping[str, Any] = observation if isinstance(observation, Mapping) else {}
    text = str(arrays["text"]) if arrays else str(observation)
    if captions == "names":
        return Scene(text, mission, tuple(names))
    image: NDArray[Any] = np.asarray(arrays["image"])
    said = action_captions(image, published=captions == "in5490")
    return Scene(text, mission, said[: len(names)])
