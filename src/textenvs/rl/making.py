"""Vector environments for learners: games, a model's advice around them, one adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

import textenvs  # noqa: F401  # registers the ids
from textenvs.llm import LanguageModel
from textenvs.rewards import add_parts
from textenvs.rl.nethack_features import NETHACK_KEYS
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.rl.settings import TrainSettings
from textenvs.shaping import Normalized
from textenvs.wrappers import vector

__all__ = ["make_games", "make_training_env", "potential_of"]

_SHAPED: Mapping[str, Any] = {
    "code": vector.CodeShapingReward,
    "preference": vector.PreferenceShapingReward,
    "goal": vector.GoalShapingReward,
}


class _Weighted(VectorWrapper):
    """The game's rewards times a weight; ``info["rewards"]["game"]`` is what the game gave."""

    def __init__(self, env: VectorEnv[Any, Any, Any], weight: float) -> None:
        super().__init__(env)
        self._weight = weight

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        total = self._weight * np.asarray(rewards, np.float64)
        infos = add_parts(infos, rewards, "weight", total - rewards)
        return observations, total, terminated, truncated, infos


def make_games(
    env_id: str,
    num_envs: int,
    kwargs: Mapping[str, Any],
    mode: AutoresetMode = AutoresetMode.SAME_STEP,
) -> VectorEnv[Any, Any, Any]:
    """Games side by side: by the id's own vector environment, if it has one.

    Args:
        env_id: an id of this package.
        num_envs: how many.
        kwargs: arguments of the environment, ``max_episode_steps`` included.
        mode: how they begin anew.
    """
    if gymnasium.spec(env_id).vector_entry_point is not None:
        return gymnasium.make_vec(env_id, num_envs, autoreset_mode=mode, **kwargs)
    return SyncVectorEnv([lambda: gymnasium.make(env_id, **kwargs)] * num_envs, autoreset_mode=mode)


def make_training_env(
    settings: TrainSettings, llm: str | LanguageModel | None, num_envs: int, *, learning: bool
) -> Sb3VecEnv:
    """What an algorithm of Stable-Baselines3 learns in, or is evaluated in.

    Args:
        settings: of the training.
        llm: who advises; None for the settings' own.
        num_envs: how many games.
        learning: whether advice and potentials pay; in an evaluation they do not.
    """
    kwargs: dict[str, Any] = {"obs": "dict", **settings.env}
    if settings.encoder == "nethack":
        kwargs.setdefault("observation_keys", NETHACK_KEYS)
    if settings.max_steps is not None:
        kwargs["max_episode_steps"] = settings.max_steps
    games = make_games(settings.env_id, num_envs, kwargs)
    asked: dict[str, Any] = {
        "llm": llm or settings.llm,
        "match": settings.match,
        "captions": settings.captions,
        "prompt": settings.prompt,
        "embeddings": settings.embeddings,
        "missing": settings.missing,
    }
    if learning and settings.shaping is not None:
        read = {"embeddings": settings.embeddings} if settings.shaping == "goal" else {}
        games = _SHAPED[settings.shaping](
            games,
            settings.shaping_path,
            **read,
            gamma=settings.gamma,
            scale=settings.shaping_scale,
            normalize=settings.shaping_normalize,
        )
    if learning and settings.reward_dir is not None:
        games = vector.MotifReward(
            games,
            settings.reward_dir,
            extrinsic_coef=settings.extrinsic_coef,
            intrinsic_coef=settings.intrinsic_coef,
            beta=settings.count_beta,
            quantile=settings.quantile,
        )
    elif learning and settings.extrinsic_coef != 1:
        games = _Weighted(games, settings.extrinsic_coef)
    if learning and "reward" in settings.advice:
        games = vector.AdviceReward(
            games,
            beta=settings.beta,
            threshold=settings.reward_threshold,
            pays=settings.pays,
            **asked,
        )
    if settings.shows_advice:
        games = vector.AddAdviceObservation(games, **asked)
    return Sb3VecEnv(games, tokens=settings.tokens)


def potential_of(env: Sb3VecEnv) -> Normalized | None:
    """The potential that games are shaped by; None without one."""
    games: Any = env.env
    while not isinstance(games, vector.PotentialShapingReward):
        if not isinstance(games, VectorWrapper):
            return None
        games = games.env
    return games.potential
