"""Rewards by their folders, without torch before one is asked for."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from textenvs.errors import require

if TYPE_CHECKING:
    from textenvs.motif.reward_model import StoredReward

__all__ = ["READY", "get_reward"]

READY = "ready"
"""The folder that means the reward for NetHack's messages that came with the package."""


def get_reward(folder: str) -> StoredReward:
    """The reward of a folder, or the ready-made one.

    Raises:
        MissingExtra: if torch is not installed.
        TraceError: if there is none.
    """
    require("torch", extra="rl", needed_by="a reward that was learned from preferences")
    from textenvs.motif.reward_model import load_reward

    if folder == READY:
        folder = str(files("textenvs.motif")) + "/ready/nethack"
    return load_reward(folder)
