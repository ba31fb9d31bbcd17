"""Rewards by their folders, without torch before one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textenvs.errors import require

if TYPE_CHECKING:
    from textenvs.motif.reward_model import StoredReward

__all__ = ["get_reward"]


def get_reward(folder: str) -> StoredReward:
    """The reward of a folder.

    Raises:
        MissingExtra: if torch is not installed.
        TraceError: if there is none.
    """
    require("torch", extra="rl", needed_by="a reward that was learned from preferences")
    from textenvs.motif.reward_model import load_reward

    return load_reward(folder)
