"""``textenvs list``: the ids, the actions and the styles."""

from __future__ import annotations

import argparse

from textenvs.captioners import babyai, crafter
from textenvs.captioners.nethack_styles import STYLES as NETHACK_STYLES
from textenvs.envs.babyai.env import ACTION_NAMES as MINIGRID_ACTIONS
from textenvs.envs.crafter.tasks import ACTION_NAMES as CRAFTER_ACTIONS
from textenvs.envs.nethack.actions import TASK_ACTION_NAMES
from textenvs.registration import GAMES, env_specs

__all__ = ["run"]

_ACTIONS = {
    "Crafter": CRAFTER_ACTIONS,
    "BabyAI": MINIGRID_ACTIONS,
    "MiniGrid": MINIGRID_ACTIONS,
    "NetHack": TASK_ACTION_NAMES,
}
_STYLES = {
    "Crafter": tuple(crafter.STYLES),
    "BabyAI": tuple(babyai.STYLES),
    "MiniGrid": tuple(babyai.STYLES),
    "NetHack": tuple(NETHACK_STYLES),
}
_REMARKS = {
    "MiniGrid": "A few levels have the first three actions only.",
    "NetHack": 'With actions="all", and in Challenge, there are 121.',
}


def run(options: argparse.Namespace) -> int:
    """Print what there is, of all games or of one."""
    specs = env_specs(options.game)
    for game in GAMES:
        ids = [spec.id for spec in specs if spec.id.startswith(f"{game}-Text-")]
        if ids:
            print(f"{game}: {len(ids)} ids")
            print(f"  styles: {', '.join(_STYLES[game])}")
            print(f"  actions: {', '.join(_ACTIONS[game])}")
            if game in _REMARKS:
                print(f"  {_REMARKS[game]}")
            print("\n".join(f"    {env_id}" for env_id in ids))
    return 0
