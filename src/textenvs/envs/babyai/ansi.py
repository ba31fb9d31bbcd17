"""A Minigrid world as letters."""

from __future__ import annotations

from typing import Any

from textenvs.captioners.babyai import COLORS, OBJECTS

__all__ = ["draw"]

_AGENT = (">", "v", "<", "^")
_OBJECT_LETTERS = dict(zip(OBJECTS, "?.#_DKABGL@", strict=True))  # A: a ball; B: a box
_DOOR_LETTERS = ("O", "D", "L")  # open, closed, locked


def draw(game: Any) -> str:
    """Draw the whole grid, two letters a cell: the object, then the first letter of its colour."""
    cells = game.grid.encode()
    agent = (int(game.agent_pos[0]), int(game.agent_pos[1]))
    return "\n".join(
        " ".join(
            f"{_AGENT[game.agent_dir]} " if (x, y) == agent else _cell(*cells[x, y].tolist())
            for x in range(game.width)
        ).rstrip()
        for y in range(game.height)
    )


def _cell(kind: int, color: int, state: int) -> str:
    name = OBJECTS[kind]
    if name == "empty":
        return ". "
    if name == "wall":
        return "##"
    letter = _DOOR_LETTERS[state] if name == "door" else _OBJECT_LETTERS[name]
    return f"{letter}{COLORS[color][0]}"
