"""The types of the command line's options, and what several commands ask of an id."""

from __future__ import annotations

import argparse
import difflib
import json
import math
from collections.abc import Sequence
from typing import Any

import gymnasium

from textenvs.errors import UnknownName
from textenvs.registration import env_specs

__all__ = [
    "check_id",
    "finite",
    "key_value",
    "make_env",
    "not_negative",
    "positive",
    "positive_number",
    "seed",
]


def positive(text: str) -> int:
    """An integer of 1 or more."""
    return _integer(text, 1)


def not_negative(text: str) -> int:
    """An integer of 0 or more."""
    return _integer(text, 0)


seed = not_negative


def _integer(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected an integer of {least} or more, got {text!r}")
    return number


def positive_number(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def finite(text: str) -> float:
    """A number that is neither infinite nor none at all."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}")
    return number


def key_value(text: str) -> tuple[str, Any]:
    """KEY=VALUE, the value JSON, or else a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def check_id(env_id: str) -> str:
    """Check that an id is one of textenvs.

    Raises:
        UnknownName: naming the ids that are spelt alike.
    """
    known = [spec.id for spec in env_specs()]
    if env_id not in known:
        close = difflib.get_close_matches(env_id, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise UnknownName(f"unknown id {env_id!r}: {hint}`textenvs list` shows them all")
    return env_id


def make_env(
    env_id: str,
    style: str | None,
    settings: Sequence[tuple[str, Any]],
    render_mode: str | None = None,
) -> gymnasium.Env[Any, Any]:
    """Make an environment from the options of the command line.

    Raises:
        UnknownName: for an id, a style or an argument that does not exist.
        MissingExtra: if the game is not installed.
    """
    kwargs = {**dict(settings), **({} if style is None else {"style": style})}
    own = gymnasium.spec(check_id(env_id)).kwargs
    for key in kwargs:
        if key in own:
            raise UnknownName(f"{key} is what {env_id} itself sets: choose another id instead")
    try:
        return gymnasium.make(env_id, render_mode=render_mode, **kwargs)
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        # What constructors of the games say of an argument that they do not take.
        if not settings or isinstance(error, UnknownName):
            raise
        given = ", ".join(f"{key}={value!r}" for key, value in settings)
        said = str(error) or type(error).__name__
        raise UnknownName(f"{env_id} does not take {given}: {said}") from error
