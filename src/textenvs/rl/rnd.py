"""PPO with random network distillation: a bonus for what is new (Burda et al., arXiv:1810.12894).

A network learns to say what another one, random and fixed, says of an observation; where it fails,
the observation is new, and its error is the bonus. Two values are learned side by side: of what the
game pays, in episodes, and of the bonus, across their borders.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.utils import obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

__all__ = ["RndPPO", "RndPolicy", "discounted_advantages"]

_WIDTH = 128  # of what the random network says
_WARM_UP = 5  # rollouts before the bonus counts: at first everything is new, and is so no more soon


class RndPolicy(MultiInputActorCriticPolicy):
    """A policy with a second value, of the bonus, and the two networks that the bonus comes from.

    The networks read what the policy reads, through features of their own.
    """

    def _build_mlp_extractor(self) -> None:
        super()._build_mlp_extractor()
        self.intrinsic_value_net = nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
        random_features, features = self.make_features_extractor(), self.make_features_extractor()
        size = features.features_dim
        self.random_network = nn.Sequential(
            random_features, nn.Linear(size, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, _WIDTH)
        )
        self.random_network.requires_grad_(False)
        self.predictor = nn.Sequential(
            features,
            nn.Linear(size, _WIDTH),
            nn.ReLU(),
            nn.Linear(_WIDTH, _WIDTH),
            nn.ReLU(),
            nn.Linear(_WIDTH, _WIDTH),
        )
        for each in (*self.random_network.modules(), *self.predictor.modules()):
            if isinstance(each, nn.Linear | nn.Conv2d):  # else nearly everything is said alike
                nn.init.orthogonal_(each.weight, 2**0.5)
                nn.init.zeros_(each.bias)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        # Of its own: the predictor's gradients are small beside the policy's.
        self.predictor_optimizer = torch.optim.Adam(self.predictor.parameters(), lr_schedule(1))

    def novelty(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Half the squared error of the predictor at each observation: (n,)."""
        seen: Any = preprocess_obs(observations, self.observation_space)
        return 0.5 * (self.random_network(seen) - self.predictor(seen)).pow(2).sum(dim=1)

    def predict_intrinsic(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """The value of the bonus to come: (n,)."""
        features: Any = self.extract_features(observations)
        latent = self.mlp_extractor.forward_critic(
            features if self.share_features_extractor else features[1]
        )
        return self.intrinsic_value_net(latent).flatten()

    def evaluate_both(
        self, observations: dict[str, torch.Tensor], actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Both values, the log-probabilities of actions, and the entropy: each (n,)."""
        features: Any = self.extract_features(observations)
        if self.share_features_extractor:
            for_policy, for_value = self.mlp_extractor(features)
        else:
            for_policy = self.mlp_extractor.forward_actor(features[0])
            for_value = self.mlp_extractor.forward_critic(features[1])
        distribution = self._get_action_dist_from_latent(for_policy)
        entropy = distribution.entropy()
        assert entropy is not None
        return (
            self.value_net(for_value).flatten(),
            self.intrinsic_value_net(for_value).flatten(),
            distribution.log_prob(actions),
            entropy,
        )


class _Samples(NamedTuple):
    """A part of a rollout, in the form of Stable-Baselines3, with the returns of the bonus."""

    observations: dict[str, torch.Tensor]
    actions: torch.Tensor
    old_log_prob: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    intrinsic_returns: torch.Tensor


class _Rollout(DictRolloutBuffer):
    """A rollout with the returns of the bonus: ``intrinsic_returns``, (n_steps, n_envs)."""

    intrinsic_returns: NDArray[np.float32]

    def parts(self, size: int) -> Generator[_Samples, None, None]:
        """All of the rollout once, in parts of a size, at random."""
        count = self.buffer_size * self.n_envs
        flat = {
            key: each.reshape(count, *each.shape[2:]) for key, each in self.observations.items()
        }
        for part in np.array_split(np.random.permutation(count), math.ceil(count / size)):
            yield _Samples(
                {key: self.to_torch(each[part]) for key, each in flat.items()},
                self.to_torch(self.actions.reshape(count, -1)[part]),
                *(
                    self.to_torch(each.reshape(count)[part])
                    for each in (
                        self.log_probs,
                        self.advantages,
                        self.returns,
                        self.intrinsic_returns,
                    )
                ),
            )


class RndPPO(PPO):
    """PPO with random network distillation.

    The advantage is ``ext_coef`` times that of the game's rewards and ``int_coef`` times that of
    the bonus, which is divided by the running standard deviation of its discounted sum and does not
    stop where episodes end. The first five rollouts have no bonus: they only teach the predictor
    what is ordinary. A step is rewarded for the observation that comes after it; after an episode
    that is the first one of the next.

    Args:
        policy: :class:`RndPolicy`.
        env: of observations that are dicts.
        *args: as PPO's.
        ext_coef: weight of the game's rewards.
        int_coef: weight of the bonus.
        int_gamma: discount of the bonus.
        update_proportion: share of a rollout from which the predictor learns.
        **kwargs: as PPO's, without ``target_kl`` and ``clip_range_vf``.

    Raises:
        ValueError: if one of these two is given.

    Source: Burda et al., arXiv:1810.12894, 2.2 to 2.4; coefficients as background-knowledge-rl has
    them (5f62882, ``train_rnd.py``).
    """

    policy: RndPolicy
    rollout_buffer: _Rollout
    _last_obs: Any

    def __init__(
        self,
        policy: Any,
        env: Any,
        *args: Any,
        ext_coef: float = 2.0,
        int_coef: float = 1.0,
        int_gamma: float = 0.99,
        update_proportion: float = 0.25,
        **kwargs: Any,
    ) -> None:
        for name in ("target_kl", "clip_range_vf"):
            if kwargs.get(name) is not None:
                raise ValueError(f"expected no {name}, which {type(self).__name__} does not have")
        self.ext_coef, self.int_coef, self.int_gamma = ext_coef, int_coef, int_gamma
        self.update_proportion = update_proportion
        self.bonus_scale = RunningMeanStd(shape=())
        self.bonus_sum: NDArray[np.float64] = np.zeros(0)
        self.rollouts = 0
        kwargs.setdefault("rollout_buffer_class", _Rollout)
        super().__init__(policy, env, *args, **kwargs)

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
    ) -> bool:
        """Play, and add the advantages of the bonus (see Stable-Baselines3)."""
        goes_on = super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)
        if goes_on:
            self._add_bonus()
        return goes_on

    def _add_bonus(self) -> None:
        """The bonus of what every step led to, its values and advantages, in one batch each."""
        buffer = self.rollout_buffer
        steps, games = buffer.buffer_size, buffer.n_envs
        seen = {
            key: np.concatenate([each, self._last_obs[key].reshape(1, *each.shape[1:])])
            for key, each in buffer.observations.items()
        }
        flat = {key: each.reshape(-1, *each.shape[2:]) for key, each in seen.items()}
        with torch.no_grad():
            tensors: Any = obs_as_tensor(flat, self.device)
            values = self.policy.predict_intrinsic(tensors).cpu().numpy().reshape(steps + 1, games)
            later = {key: each[games:] for key, each in tensors.items()}
            bonus = self.policy.novelty(later).cpu().numpy().reshape(steps, games)
        self.rollouts += 1
        counts = self.rollouts > _WARM_UP
        bonus = bonus / self._deviation(bonus) if counts else np.zeros_like(bonus)
        advantages = discounted_advantages(bonus, values, self.int_gamma, self.gae_lambda)
        buffer.intrinsic_returns = advantages + values[:-1]
        buffer.advantages = self.ext_coef * buffer.advantages + self.int_coef * advantages
        self.logger.record("rnd/bonus", float(bonus.mean()))

    def _deviation(self, bonus: NDArray[np.float32]) -> float:
        """The standard deviation of the discounted sum of bonuses, of all so far."""
        if len(self.bonus_sum) != bonus.shape[1]:
            self.bonus_sum = np.full(bonus.shape[1], bonus.mean() / (1 - self.int_gamma))
        sums = np.empty(bonus.shape)
        for t, row in enumerate(bonus):
            self.bonus_sum = self.int_gamma * self.bonus_sum + row
            sums[t] = self.bonus_sum
        self.bonus_scale.update(sums.reshape(-1))
        return float(np.sqrt(self.bonus_scale.var)) + 1e-8

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        states, variables = super()._get_torch_save_params()
        return [*states, "policy.predictor_optimizer"], variables

    def train(self) -> None:
        """Learn from the rollout: PPO's loss, two values, and the predictor's error."""
        self.policy.set_training_mode(True)
        self._update_learning_rate([self.policy.optimizer, self.policy.predictor_optimizer])
        assert callable(self.clip_range)
        clip = self.clip_range(self._current_progress_remaining)
        told: dict[str, list[float]] = {}
        for _ in range(self.n_epochs):
            for part in self.rollout_buffer.parts(self.batch_size):
                losses = self._losses(part, clip)
                weights = {"value": self.vf_coef, "intrinsic_value": self.vf_coef}
                weights["entropy"] = self.ent_coef
                loss = sum(weights.get(key, 1.0) * each for key, each in losses.items())
                assert isinstance(loss, torch.Tensor)
                self.policy.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
                self.policy.optimizer.step()
                losses["predictor"] = self._predictor_loss(part)
                self.policy.predictor_optimizer.zero_grad()
                losses["predictor"].backward()
                self.policy.predictor_optimizer.step()
                for key, each in losses.items():
                    told.setdefault(key, []).append(float(each.detach()))
        self._n_updates += self.n_epochs
        for key, found in told.items():
            self.logger.record(f"train/{key}_loss", float(np.mean(found)))

    def _losses(self, part: _Samples, clip: float) -> dict[str, torch.Tensor]:
        actions = part.actions.flatten()
        if isinstance(self.action_space, spaces.Discrete):
            actions = actions.long()
        values, intrinsic, log_prob, entropy = self.policy.evaluate_both(part.observations, actions)
        advantages = part.advantages
        if self.normalize_advantage and len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        ratio = torch.exp(log_prob - part.old_log_prob)
        clipped = torch.clamp(ratio, 1 - clip, 1 + clip)
        mse = nn.functional.mse_loss
        return {
            "policy": -torch.min(advantages * ratio, advantages * clipped).mean(),
            "value": mse(values, part.returns),
            "intrinsic_value": mse(intrinsic, part.intrinsic_returns),
            "entropy": -entropy.mean(),
        }

    def _predictor_loss(self, part: _Samples) -> torch.Tensor:
        """The mean squared error of the predictor, over a share of the part."""
        errors = self.policy.novelty(part.observations)
        learned = (torch.rand_like(errors) < self.update_proportion).float()
        return 2 / _WIDTH * (errors * learned).sum() / learned.sum().clamp(min=1)


def discounted_advantages(
    rewards: NDArray[np.float32], values: NDArray[np.float32], gamma: float, gae_lambda: float
) -> NDArray[np.float32]:
    """Generalised advantages of a stream that never ends (Schulman et al., arXiv:1506.02438).

    Args:
        rewards: (steps, games).
        values: (steps + 1, games), the last row of what follows.
        gamma: discount.
        gae_lambda: of the estimator.

    Returns:
        (steps, games) float32.
    """
    found = np.zeros_like(rewards, dtype=np.float32)
    last = np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        error = rewards[t] + gamma * values[t + 1] - values[t]
        last = error + gamma * gae_lambda * last
        found[t] = last
    return found
