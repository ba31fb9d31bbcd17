"""Reward captions that a language model would rather see."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.motif.rule import CaptionRewards, MotifRule, caption_now
from textenvs.rewards import add_part

__all__ = ["MotifReward"]


class MotifReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pay for captions by a reward that was learned from preferences (Motif).

    The reward is ``extrinsic_coef`` times the game's and ``intrinsic_coef`` times what
    :class:`textenvs.motif.MotifRule` pays. ``info["rewards"]`` has the parts: ``game``, without its
    weight, and ``motif``, with it. A caption that is known costs no network.

    Args:
        env: a game whose captions are those that the reward was learned from.
        reward_dir: a folder of ``textenvs train-reward``; ``"ready"`` for the reward of NetHack's
            messages that came with the package.
        extrinsic_coef: weight of the game's reward; 0 for none of it.
        intrinsic_coef: weight of what captions pay.
        beta: exponent of how often a caption was seen in the episode.
        quantile: share of the different captions whose reward is no more than the threshold.
        counts: one of :data:`textenvs.motif.COUNTS`.
        pays_for: one of :data:`textenvs.motif.PAYS_FOR`.

    Raises:
        TraceError: if there is no such reward.
        MissingExtra: if torch is not installed.

    Source: Klissarov et al., ICLR 2024, arXiv:2310.00166.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        reward_dir: str = "ready",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        quantile: float = 0.5,
        counts: str = "exact",
        pays_for: str = "caused",
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            reward_dir=reward_dir,
            extrinsic_coef=extrinsic_coef,
            intrinsic_coef=intrinsic_coef,
            beta=beta,
            quantile=quantile,
            counts=counts,
            pays_for=pays_for,
        )
        gymnasium.Wrapper.__init__(self, env)
        from textenvs.motif.reward import get_reward

        stored = get_reward(reward_dir)
        self._kind = stored.model.settings.caption
        self._rewards = CaptionRewards(stored.normalized)
        self._rule = MotifRule(stored.threshold(quantile), beta, counts, pays_for)
        self._extrinsic, self._intrinsic = extrinsic_coef, intrinsic_coef

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in which no caption was seen yet."""
        observation, info = self.env.reset(seed=seed, options=options)
        caption = caption_now(observation, info, self._kind)
        self._rule.begin(caption, self._rewards([caption])[0])
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action, and pay for the caption."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        caption = caption_now(observation, info, self._kind)
        paid = self._intrinsic * self._rule.step(caption, self._rewards([caption])[0])
        total = self._extrinsic * float(reward) + paid
        rewards = add_part(info, float(reward), "motif", paid)
        return observation, total, terminated, truncated, {**info, "rewards": rewards}
