"""The errors of textenvs: what a user can get wrong, each with a message that says what to do."""

from __future__ import annotations

import importlib
from types import ModuleType

from gymnasium.error import DependencyNotInstalled, Error

__all__ = [
    "BudgetExhausted",
    "CacheError",
    "InvalidActionText",
    "InvalidMission",
    "MissingExtra",
    "ModelError",
    "NotCached",
    "TraceError",
    "UnknownName",
    "Unsupported",
]


class MissingExtra(DependencyNotInstalled):
    """An optional package is needed and not installed."""


class UnknownName(Error, ValueError):
    """A style, id, agent or task that does not exist was named."""


class InvalidActionText(Error, ValueError):
    """A text names no action, and the policy for that is to raise."""


class InvalidMission(Error, ValueError):
    """A mission cannot be understood, or no world of the level can host it."""


class TraceError(Error, ValueError):
    """A trace cannot be read, or does not fit what it is used for."""


class Unsupported(Error):
    """A model was asked for what it cannot do."""


class ModelError(Error):
    """A model gives no answer, and asking again would not help."""


class BudgetExhausted(Error):
    """A budget is spent: the run stops, and goes on with a larger one."""


class CacheError(Error, ValueError):
    """A cache or a file of recorded answers cannot be read."""


class NotCached(ModelError):
    """An answer is not there, and the model must not be asked."""


def choose(kind: str, name: str, choices: object) -> None:
    """Check that ``name`` is one of ``choices``.

    Raises:
        UnknownName: naming the kind of thing, what came, and what there is.
    """
    known = list(choices)  # type: ignore[call-overload]
    if name not in known:
        raise UnknownName(f"unknown {kind} {name!r}: expected one of {', '.join(map(repr, known))}")


def require(module: str, *, extra: str, needed_by: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: the module's name.
        extra: the extra of textenvs that installs it.
        needed_by: the id or feature that needs it, for the message.

    Raises:
        MissingExtra: naming what needs the module and the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there and misses something of its own: its error says more
        raise MissingExtra(
            f"{needed_by} needs the package {package!r}, which is not installed: "
            f'pip install "textenvs[{extra}]"'
        ) from error
