"""The ids of textenvs, registered with Gymnasium by tables and loops.

Nothing but Gymnasium and tables is imported here: every entry point is a string, loaded at
``make``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gymnasium.envs.registration import EnvSpec, register, registry

from textenvs.envs.babyai.level_table import LEVELS, MINIGRID_IDS
from textenvs.errors import choose

__all__ = ["GAMES", "env_specs", "register_envs"]

GAMES = ("Crafter", "BabyAI", "MiniGrid", "NetHack")

_CRAFTER_TASKS = (
    *("", "NoReward", "SmartPlay", "BALROG"),
    *("Reward", "PlaceCraftingTable", "MakeWoodPickAxe", "CollectDrink", "EatCow"),
)
# BALROG's evaluator stops an episode after 2000 steps of the agent; its hidden Noop is not one.
_CRAFTER_LIMITS = {"BALROG": 2000}

_NETHACK_TASKS = (
    *("Score", "Staircase", "StaircaseLvl3", "StaircaseLvl4"),
    *("StaircaseContinual", "StaircaseLvl3Continual", "StaircaseLvl4Continual"),
    *("Oracle", "OracleSober", "Gold", "Eat", "Scout", "Challenge"),
)
_NETHACK_LIMIT = 5_000  # NLE's, which its tasks and Motif's run under
_NETHACK_LIMITS = {"Challenge": 1_000_000}


def _crafter() -> Iterator[dict[str, Any]]:
    for task in _CRAFTER_TASKS:
        yield {
            "id": f"Crafter-Text-{task}-v0" if task else "Crafter-Text-v0",
            "entry_point": "textenvs.envs.crafter.env:CrafterTextEnv",
            "vector_entry_point": "textenvs.envs.crafter.vector:CrafterTextVectorEnv",
            "kwargs": {"task": task},
            "max_episode_steps": _CRAFTER_LIMITS.get(task),
        }


def _minigrid() -> Iterator[dict[str, Any]]:
    for level in MINIGRID_IDS:
        family, _, name = level.partition("-")
        yield {
            "id": f"{family}-Text-{name}",
            "entry_point": "textenvs.envs.babyai.env:MiniGridTextEnv",
            "kwargs": {"level": level},
        }
    for level in LEVELS:
        yield {
            "id": f"BabyAI-Text-{level}-v0",
            "entry_point": "textenvs.envs.babyai.env:MiniGridTextEnv",
            "kwargs": {"level": level},
        }


def _nethack() -> Iterator[dict[str, Any]]:
    for task in _NETHACK_TASKS:
        yield {
            "id": f"NetHack-Text-{task}-v0",
            "entry_point": "textenvs.envs.nethack.env:NetHackTextEnv",
            "kwargs": {"task": task},
            "max_episode_steps": _NETHACK_LIMITS.get(task, _NETHACK_LIMIT),
        }


def register_envs() -> None:
    """Register every id that is not registered yet."""
    for arguments in (*_crafter(), *_minigrid(), *_nethack()):
        if arguments["id"] not in registry:
            # What Gymnasium's checker looks at in a first step, the tests check for every id.
            register(disable_env_checker=True, **arguments)


def env_specs(game: str = "") -> list[EnvSpec]:
    """The specs of all ids of textenvs, or of those of one game ("Crafter", "BabyAI", ...).

    Raises:
        UnknownName: if there is no such game.
    """
    specs = [spec for spec in registry.values() if str(spec.entry_point).startswith("textenvs.")]
    if game:
        choose("game", game.casefold(), [name.casefold() for name in GAMES])
        specs = [
            spec for spec in specs if spec.id.casefold().startswith(f"{game.casefold()}-text-")
        ]
    return specs
