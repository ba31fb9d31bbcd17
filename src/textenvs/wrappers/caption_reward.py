"""Reward captions by any reward of theirs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.errors import UnknownName
from textenvs.motif.counting import count_keys
from textenvs.motif.rule import MotifRule, caption_now
from textenvs.rewards import add_part, check_weights

__all__ = ["CaptionReward", "find_reward"]


def find_reward(reward: str | Callable[[Sequence[str]], Any]) -> Callable[[Sequence[str]], Any]:
    """A reward of captions, or the one that is called ``"module:name"``.

    Raises:
        UnknownName: if there is nothing of that name.
    """
    if not isinstance(reward, str):
        return reward
    module, _, name = reward.partition(":")
    try:
        found: Callable[[Sequence[str]], Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownName(
            f"expected a reward of captions as 'module:name', got {reward!r} ({error})"
        ) from error
    return found


class CaptionReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pay for captions by a function of theirs, the less the oftener they were seen.

    The reward is ``extrinsic_coef`` times the game's and ``intrinsic_coef`` times what
    :class:`textenvs.motif.MotifRule` pays. ``info["rewards"]`` has the parts: ``game``, without its
    weight, and ``part``, with it.

    Args:
        env: a game with captions.
        reward: captions -> numbers, or where that is, ``"module:name"``.
        part: what its part of the reward is called.
        caption: one of :data:`textenvs.motif.collecting.CAPTIONS`.
        extrinsic_coef: weight of the game's reward; 0 for none of it.
        intrinsic_coef: weight of what captions pay.
        beta: exponent of how often a caption was seen in the episode.
        threshold: reward up to which a caption pays nothing.
        counts: one of :data:`textenvs.motif.COUNTS`, what counts as the same caption.
        pays_for: one of :data:`textenvs.motif.PAYS_FOR`.
        embeddings: the sentence-transformers model of ``counts="embedding"``.

    Raises:
        UnknownName: if a choice is none.
        ValueError: if a weight is out of range.

    Source: Klissarov et al., ICLR 2024, arXiv:2310.00166.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        reward: str | Callable[[Sequence[str]], Any],
        part: str = "caption",
        caption: str = "observation",
        extrinsic_coef: float = 1.0,
        intrinsic_coef: float = 0.1,
        beta: float = 3.0,
        threshold: float = 0.0,
        counts: str = "exact",
        pays_for: str = "caused",
        embeddings: str = DEFAULT_EMBEDDINGS,
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            reward=reward,
            part=part,
            caption=caption,
            extrinsic_coef=extrinsic_coef,
            intrinsic_coef=intrinsic_coef,
            beta=beta,
            threshold=threshold,
            counts=counts,
            pays_for=pays_for,
            embeddings=embeddings,
        )
        gymnasium.Wrapper.__init__(self, env)
        check_weights(extrinsic_coef=extrinsic_coef, intrinsic_coef=intrinsic_coef)
        self._reward_of = find_reward(reward)
        self._part, self._caption = part, caption
        self._rule = MotifRule(threshold, beta, pays_for)
        self._keys = count_keys(counts, embeddings)
        self._extrinsic, self._intrinsic = extrinsic_coef, intrinsic_coef

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in which no caption was seen yet."""
        observation, info = self.env.reset(seed=seed, options=options)
        captions = [caption_now(observation, info, self._caption)]
        self._rule.begin(self._keys(captions)[0], self._reward_of(captions)[0])
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play an action, and pay for the caption."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        captions = [caption_now(observation, info, self._caption)]
        worth = self._rule.step(self._keys(captions)[0], self._reward_of(captions)[0])
        paid = self._intrinsic * worth
        total = self._extrinsic * float(reward) + paid
        rewards = add_part(info, float(reward), self._part, paid)
        return observation, total, terminated, truncated, {**info, "rewards": rewards}
