"""Crafter, BabyAI/MiniGrid and NetHack as text environments for Gymnasium.

Importing this module registers its ids::

    import gymnasium, textenvs

    env = gymnasium.make("Crafter-Text-v0")
    text, info = env.reset(seed=0)

No game and no other heavy package is imported before an environment that needs it is made.
"""

from __future__ import annotations

from textenvs.registration import env_specs, register_envs

__all__ = ["__version__", "env_specs", "register_envs"]

__version__ = "0.1.0"

register_envs()
