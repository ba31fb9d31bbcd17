"""The game as RLlib learns it, and the published settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from textenvs.wrappers import MotifReward

__all__ = ["GAME_RETURN", "PUBLISHED", "ForRllib", "id_of", "make_game", "note_game_return"]

PUBLISHED: Mapping[str, Any] = {
    "workers": 24,
    "envs_per_worker": 20,
    "steps": 2_000_000_000,
    "batch": 4096,
    "epochs": 1,
    "rollout": 32,  # the recurrence as well
    "memory": 512,
    "gamma": 0.99,
    "vtrace_rho": 1.0,
    "vtrace_c": 1.0,
    "clip_ratio": 0.1,
    "clip_value": 1.0,
    "value_coef": 0.5,
    "entropy_coef": 0.003,
    "learning_rate": 1e-4,
    "adam_eps": 1e-6,
    "max_grad_norm": 4.0,
    "intrinsic_coef": 0.1,
    "beta": 3.0,
    "quantile": 0.5,
    "reward_scale": 0.1,  # of the game's rewards, before their weight
    "reward_clip": 10.0,
}
"""The published settings; the weight of the game's rewards is :func:`motif_preset`'s.

RLlib's APPO has no equal of some, and its own are left:

- ``clip_value``: values are not clipped.
- ``adam_eps``: 1e-8.
- ``clip_ratio`` bounds the ratio to the target network (within 0.9 and 1.1, published 1 / 1.1 and
  1.1), the policy of at most two batches ago, where the published one bounds that to the policy
  that played. V-trace, too, corrects towards the target network.
- ``vtrace_c`` is always 1.
- ``batch`` is whole fragments of all games of a worker: 7 x 640 = 4480 steps for 4096.
- Advantages are not normalised, and no ratio is cut at 0.05 and 20.
- What follows a fragment is worth the value of the observation after it; published, what the value
  of its last step implies.
"""

GAME_RETURN = "game_return"


def id_of(task: str) -> str:
    """The id of a task of NetHack."""
    return f"NetHack-Text-{task}-v0"


class ForRllib(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Show what can be batched: no text, and of ``info`` the game's own return at the end.

    Args:
        env: has ``info["episode"]`` of gymnasium's ``RecordEpisodeStatistics``.
        keys: of the observation that are kept.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], keys: Sequence[str]) -> None:
        super().__init__(env)
        self._keys = keys
        known: Any = env.observation_space
        self.observation_space = gymnasium.spaces.Dict({key: known[key] for key in keys})

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, _ = self.env.reset(seed=seed, options=options)
        return {key: observation[key] for key in self._keys}, {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        told = {GAME_RETURN: float(info["episode"]["r"])} if terminated or truncated else {}
        kept = {key: observation[key] for key in self._keys}
        return kept, reward, terminated, truncated, told


def make_game(config: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    """The game that is learned.

    Args:
        config: ``task``, further arguments of its game, ``game``, and those of
            :class:`textenvs.wrappers.MotifReward`.
    """
    from textenvs.rl.nethack_features import NETHACK_KEYS

    scale, clip = PUBLISHED["reward_scale"], PUBLISHED["reward_clip"]
    game: Any = gymnasium.make(
        id_of(config["task"]),
        obs="dict",
        observation_keys=NETHACK_KEYS,
        **config["game"],
    )
    game = gymnasium.wrappers.RecordEpisodeStatistics(game)
    game = gymnasium.wrappers.TransformReward(
        game, lambda reward: float(np.clip(scale * float(reward), -clip, clip))
    )
    game = MotifReward(
        game,
        config["reward_dir"],
        extrinsic_coef=config["extrinsic_coef"],
        intrinsic_coef=config["intrinsic_coef"],
        beta=config["beta"],
        quantile=config["quantile"],
    )
    return ForRllib(game, NETHACK_KEYS)


def note_game_return(*, episode: Any, metrics_logger: Any, **_: Any) -> None:
    """Tell RLlib the game's own return, at the end of an episode."""
    told = episode.get_infos(-1)[GAME_RETURN]
    metrics_logger.log_value(GAME_RETURN, told, reduce="sum")  # RLlib's means are of means
