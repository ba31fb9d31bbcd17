"""Policies for Stable-Baselines3 that listen to advice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentMultiInputActorCriticPolicy
from stable_baselines3.common.policies import MultiInputActorCriticPolicy

from textenvs.rl.advised_logits import advised_logits

__all__ = ["AdvicePolicy", "MaskableAdvicePolicy", "RecurrentAdvicePolicy"]


class _Advised:
    """Adds the observation's advice to the logits, wherever the policy is asked.

    What is sampled from is what the log-probabilities, the entropy and the update are of.

    Args:
        *args: as the policy's.
        advice_strength: how much advice counts (see :func:`advised_logits`).
        advice_threshold: advice up to which nothing is added.
        advice_scaled: in5490's rule, which scales advice with the logits.
        **kwargs: as the policy's.

    Attributes:
        anneal: a factor of the strength; whoever trains lowers it, between rollouts only.
    """

    _anneal: torch.Tensor

    def __init__(
        self,
        *args: Any,
        advice_strength: float = 1.0,
        advice_threshold: float = 0.0,
        advice_scaled: bool = False,
        **kwargs: Any,
    ) -> None:
        self.advice_strength = advice_strength
        self.advice_threshold = advice_threshold
        self.advice_scaled = advice_scaled
        self._advice: torch.Tensor | None = None
        super().__init__(*args, **kwargs)
        self.register_buffer("_anneal", torch.ones(()))  # type: ignore[attr-defined]

    @property
    def anneal(self) -> float:
        """A factor of the strength; saved with the weights."""
        return float(self._anneal)

    @anneal.setter
    def anneal(self, factor: float) -> None:
        self._anneal.fill_(factor)

    def forward(self, obs: Any, *args: Any, **kwargs: Any) -> Any:
        """Act (see Stable-Baselines3)."""
        with self._listening(obs):
            return super().forward(obs, *args, **kwargs)  # type: ignore[misc]

    def evaluate_actions(self, obs: Any, *args: Any, **kwargs: Any) -> Any:
        """Log-probabilities and entropy of what was sampled from (see Stable-Baselines3)."""
        with self._listening(obs):
            return super().evaluate_actions(obs, *args, **kwargs)  # type: ignore[misc]

    def get_distribution(self, obs: Any, *args: Any, **kwargs: Any) -> Any:
        """The distribution of the actions (see Stable-Baselines3)."""
        with self._listening(obs):
            return super().get_distribution(obs, *args, **kwargs)  # type: ignore[misc]

    def _get_action_dist_from_latent(self, latent_pi: torch.Tensor) -> Any:
        logits = self.action_net(latent_pi)  # type: ignore[attr-defined]
        if self._advice is not None:
            logits = advised_logits(
                logits,
                self._advice,
                strength=self.advice_strength * self.anneal,
                threshold=self.advice_threshold,
                scaled=self.advice_scaled,
            )
        return self.action_dist.proba_distribution(action_logits=logits)  # type: ignore[attr-defined]

    @contextmanager
    def _listening(self, obs: Any) -> Iterator[None]:
        self._advice = obs["advice"]
        try:
            yield
        finally:
            self._advice = None

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            **super()._get_constructor_parameters(),  # type: ignore[misc]
            "advice_strength": self.advice_strength,
            "advice_threshold": self.advice_threshold,
            "advice_scaled": self.advice_scaled,
        }


class AdvicePolicy(_Advised, MultiInputActorCriticPolicy):
    """A policy for PPO and A2C, on observations with ``advice``."""


class RecurrentAdvicePolicy(_Advised, RecurrentMultiInputActorCriticPolicy):
    """A policy for sb3-contrib's RecurrentPPO."""


class MaskableAdvicePolicy(_Advised, MaskableMultiInputActorCriticPolicy):
    """A policy for sb3-contrib's MaskablePPO: masked actions stay masked."""
