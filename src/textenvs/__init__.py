"""Crafter, BabyAI/MiniGrid and NetHack as text environments for Gymnasium.

Importing this module registers its ids::

    import gymnasium, textenvs

    env = gymnasium.make("Crafter-Text-v0")
    text, info = env.reset(seed=0)

No game and no other heavy package is imported before an environment that needs it is made.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from textenvs.loop import Episode, episode_seed, rollout
from textenvs.registration import env_specs, register_envs

__all__ = ["Episode", "__version__", "env_specs", "episode_seed", "register_envs", "rollout"]

__version__ = "0.1.0"

_MODULES = (
    *("agents", "captioners", "errors", "evaluation", "llm", "metrics", "prompts", "spaces"),
    *("summary", "traces", "wrappers"),
)

register_envs()


def __getattr__(name: str) -> ModuleType:
    """Import a part of the package at its first use, so that importing the package stays light."""
    if name in _MODULES:
        return importlib.import_module(f"textenvs.{name}")
    raise AttributeError(f"module 'textenvs' has no attribute {name!r}")
