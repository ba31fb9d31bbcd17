"""PPO that learns after every episode, as the in5490 project has it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv

__all__ = ["EpisodePPO"]


class EpisodePPO(PPO):
    """PPO with one update an episode, of one game, without bootstrapping where it was cut off.

    Each epoch goes through the episode in ``minibatches`` parts. The returns are what the episode
    gave (in5490's ppo.py: Monte Carlo returns, A = G - V), if ``gae_lambda`` is 1.

    Args:
        *args: as PPO's.
        minibatches: parts of an episode that an update is made of.
        padded: whether an episode is filled up to ``n_steps`` with zeros, which are learned from
            too, as in5490 does it: without an advantage, and to be worth nothing. It changes little
            but the size of the steps, which get smaller as episodes get shorter.
        **kwargs: as PPO's; ``n_steps`` is the longest episode.

    Raises:
        ValueError: if there is more than one game.
    """

    _last_obs: Any
    _last_episode_starts: Any

    def __init__(
        self, *args: Any, minibatches: int = 8, padded: bool = False, **kwargs: Any
    ) -> None:
        self.minibatches = minibatches
        self.padded = padded
        super().__init__(*args, **kwargs)
        if self.env is not None and self.env.num_envs != 1:
            raise ValueError(
                f"expected one game to learn from by episodes, got {self.env.num_envs}: give "
                "--num-envs 1"
            )

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
    ) -> bool:
        """Play an episode (see Stable-Baselines3)."""
        assert self._last_obs is not None, "learn() comes first"
        self.policy.set_training_mode(False)
        rollout_buffer.buffer_size = n_rollout_steps
        rollout_buffer.reset()
        callback.on_rollout_start()
        done = False
        while not done and rollout_buffer.pos < n_rollout_steps:
            with torch.no_grad():
                seen = obs_as_tensor(self._last_obs, self.device)
                actions, values, log_probs = self.policy(seen)
            played = actions.cpu().numpy()
            new_obs, rewards, dones, infos = env.step(played)
            self.num_timesteps += 1
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
            rollout_buffer.add(
                self._last_obs,
                played.reshape(-1, 1),
                rewards,
                self._last_episode_starts,
                values,
                log_probs,
            )
            self._last_obs = new_obs
            self._last_episode_starts = dones
            done = bool(dones[0])
        _cut(rollout_buffer)
        with torch.no_grad():
            last = self.policy.predict_values(obs_as_tensor(self._last_obs, self.device))
        rollout_buffer.compute_returns_and_advantage(last_values=last, dones=dones)
        if self.padded:
            _pad(rollout_buffer, n_rollout_steps)
        self.batch_size = math.ceil(rollout_buffer.buffer_size / self.minibatches)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True


def _cut(buffer: RolloutBuffer) -> None:
    """Make a buffer as long as what it holds; ``reset`` makes it anew."""
    length = buffer.pos
    for name, values in vars(buffer).items():
        if isinstance(values, np.ndarray):
            setattr(buffer, name, values[:length])
    observations: Any = buffer.observations
    if isinstance(observations, dict):
        buffer.observations = {key: each[:length] for key, each in observations.items()}
    buffer.buffer_size = length
    buffer.full = True


def _pad(buffer: RolloutBuffer, length: int) -> None:
    """Fill a buffer up with zeros."""

    def filled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        missing = np.zeros((length - len(values), *values.shape[1:]), values.dtype)
        return np.concatenate([values, missing])

    for name, values in vars(buffer).items():
        if isinstance(values, np.ndarray):
            setattr(buffer, name, filled(values))
    observations: Any = buffer.observations
    if isinstance(observations, dict):
        buffer.observations = {key: filled(each) for key, each in observations.items()}
    buffer.buffer_size = length
