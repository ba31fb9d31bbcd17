"""Where knowledge is kept: a folder with ``knowledge.json`` and what belongs to its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError, choose
from textenvs.traces import replace_file

__all__ = [
    "KINDS",
    "READY",
    "check_fits",
    "find_knowledge",
    "keep_knowledge",
    "read_knowledge",
    "ready_folder",
]

KINDS = ("code", "preference", "goal", "preference-labels")
"""What knowledge is given as; from the last one a preference is learned."""

_COMMANDS = {
    "code": "label-code",
    "preference": "train-preference",
    "goal": "label-goals",
    "preference-labels": "label-preference",
}

READY = "ready"
"""The path that means what came with the package."""

_FILE, _FORMAT, _VERSION = "knowledge.json", "textenvs-knowledge", 1


def keep_knowledge(folder: Path, kind: str, told: Mapping[str, Any]) -> None:
    """Write what knowledge is of: its kind, its game, its caption, who gave it and when.

    Args:
        folder: where it is.
        kind: one of :data:`KINDS`.
        told: ``game``, ``style``, ``action_names``, ``llm``, ``date`` and more.
    """
    record = {"format": _FORMAT, "version": _VERSION, "kind": kind, **told}
    replace_file(folder / _FILE, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_knowledge(folder: Path | str, kind: str) -> dict[str, Any]:
    """What knowledge is of.

    Args:
        folder: where it is.
        kind: what it is expected to be, one of :data:`KINDS`.

    Raises:
        TraceError: if there is none of that kind.
    """
    choose("kind of knowledge", kind, KINDS)
    path = Path(folder) / _FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TraceError(
            f"{folder}: expected knowledge as {kind}, as `textenvs {_COMMANDS[kind]}` writes it, "
            f"got: {error}"
        ) from error
    found = (told.get("format"), told.get("version"), told.get("kind"))
    if found != (_FORMAT, _VERSION, kind):
        raise TraceError(f"{path}: expected {_FORMAT} {_VERSION} {kind}, got {found}")
    return told


def ready_folder(game: str, kind: str) -> Path:
    """Where the knowledge is that came with the package.

    Raises:
        TraceError: if there is none of that kind of that game.
    """
    folder = Path(str(files("textenvs.knowledge"))) / READY / game / kind
    if not folder.is_dir():
        raise TraceError(
            f"expected knowledge as {kind} of {game} in the package, found none: make it with "
            f"`textenvs {_COMMANDS[kind]}`"
        )
    return folder


def find_knowledge(
    path: Path | str, kind: str, game: str | None = None
) -> tuple[Path, dict[str, Any]]:
    """Where knowledge is, and what it is of.

    Args:
        path: a folder, or :data:`READY`.
        kind: one of :data:`KINDS`.
        game: which game it is for; None for any.

    Raises:
        TraceError: if there is none, or it is of another game.
        ValueError: if the game is not told and the path is :data:`READY`.
    """
    if str(path) == READY:
        if game is None:
            raise ValueError(
                "expected a game, whose ready-made knowledge is meant, got none: make the "
                'environment (BabyAI, MiniGrid or Crafter) with obs="dict", or name the game'
            )
        path = ready_folder(game, kind)
    told = read_knowledge(path, kind)
    if game is not None and told["game"] != game:
        raise TraceError(f"{path}: expected knowledge of {game}, got that of {told['game']}")
    return Path(path), told


def check_fits(
    told: Mapping[str, Any], action_names: Sequence[str], style: str | None = None
) -> None:
    """Check that knowledge is of the actions, and of the captions, that there are.

    Args:
        told: what :func:`read_knowledge` gave.
        action_names: of the environment.
        style: of its captions; None where they are not read.

    Raises:
        TraceError: if it is of others.
    """
    known = told.get("action_names")
    if known and list(known) != list(action_names):
        raise TraceError(
            f"expected actions that the knowledge is of ({', '.join(known)}), got "
            f"{', '.join(action_names)}: choose an id with those, as Crafter-Text-Reward-v0"
        )
    if style is not None and told.get("style") not in (None, style):
        raise TraceError(
            f"expected captions that the knowledge is of, got style={style!r}: make the "
            f"environment with style={told['style']!r}"
        )
