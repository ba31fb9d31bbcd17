"""Vector environments for learners: games, a model's advice around them, one adapter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

import textenvs  # noqa: F401  # registers the ids
from textenvs.advice import Advisor
from textenvs.llm import LanguageModel
from textenvs.motif.prompts import game_of
from textenvs.rewards import add_parts
from textenvs.rl.nethack_features import NETHACK_KEYS
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.rl.settings import TrainSettings
from textenvs.shaping import Normalized
from textenvs.wrappers import vector

__all__ = ["advisors_of", "make_games", "make_training_env", "potential_of"]

_SHAPED: Mapping[str, Any] = {
    "code": vector.CodeShapingReward,
    "preference": vector.PreferenceShapingReward,
    "goal": vector.GoalShapingReward,
}


class _Scaled(VectorWrapper):
    """The game's rewards times a number; ``info["rewards"]["game"]`` is what the game gave."""

    def __init__(
        self, env: VectorEnv[Any, Any, Any], part: str, scale: float, clip: float | None = None
    ) -> None:
        super().__init__(env)
        self._part = part
        self._scale, self._clip = scale, math.inf if clip is None else clip

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        total = (self._scale * np.asarray(rewards, np.float64)).clip(-self._clip, self._clip)
        infos = add_parts(infos, rewards, self._part, total - rewards)
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
    settings: TrainSettings,
    llm: str | LanguageModel | None,
    num_envs: int,
    *,
    learning: bool,
    folder: Path | None = None,
) -> Sb3VecEnv:
    """What an algorithm of Stable-Baselines3 learns in, or is evaluated in.

    Args:
        settings: of the training.
        llm: who advises; None for the settings' own.
        num_envs: how many games.
        learning: whether advice and potentials pay; in an evaluation they do not.
        folder: of the run, in which feedback is kept.
    """
    kwargs: dict[str, Any] = {"obs": "dict", **settings.env}
    if settings.encoder == "nethack":
        kwargs.setdefault("observation_keys", NETHACK_KEYS)
    if settings.max_steps is not None:
        kwargs["max_episode_steps"] = settings.max_steps
    try:
        games = make_games(settings.env_id, num_envs, kwargs)
    except TypeError as error:  # what constructors say of an argument that they do not take
        given = ", ".join(f"{key}={value!r}" for key, value in settings.env.items())
        raise ValueError(f"{settings.env_id} does not take {given}: {error}") from error
    asked: dict[str, Any] = {
        "llm": llm or settings.llm,
        "match": settings.match,
        "captions": settings.captions,
        "prompt": settings.prompt,
        "embeddings": settings.embeddings,
        "missing": settings.missing,
    }
    if learning and (settings.reward_scale != 1 or settings.reward_clip is not None):
        games = _Scaled(games, "scale", settings.reward_scale, settings.reward_clip)
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
    if learning:
        games = _with_captions_that_pay(games, settings, llm, folder)
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


def _with_captions_that_pay(
    games: VectorEnv[Any, Any, Any],
    settings: TrainSettings,
    llm: str | LanguageModel | None,
    folder: Path | None,
) -> VectorEnv[Any, Any, Any]:
    """Add what captions pay, if they do, to the game's reward with its weight."""
    weights: dict[str, Any] = {
        "extrinsic_coef": settings.extrinsic_coef,
        "intrinsic_coef": settings.intrinsic_coef,
        "beta": settings.count_beta,
        "counts": settings.counts,
        "embeddings": settings.embeddings,
    }
    if settings.reward_dir is not None:
        return vector.MotifReward(games, settings.reward_dir, quantile=settings.quantile, **weights)
    if settings.feedback is not None:
        asked = llm or settings.llm
        assert asked is not None
        game = game_of(settings.env_id)
        return vector.OnlineFeedbackReward(
            games,
            asked,
            settings.feedback,
            None if folder is None else str(folder / "feedback"),
            settings.feedback_goal,
            game,
            "message" if game == "nethack" else "observation",
            seed=settings.seed,
            **weights,
        )
    if settings.extrinsic_coef == 1:
        return games
    return _Scaled(games, "weight", settings.extrinsic_coef)


def potential_of(env: Sb3VecEnv) -> Normalized | None:
    """The potential that games are shaped by; None without one."""
    shaped = (each for each in _wrappers(env) if isinstance(each, vector.PotentialShapingReward))
    return next((each.potential for each in shaped), None)


def advisors_of(env: Sb3VecEnv) -> list[Advisor]:
    """Who advises, in each of the wrappers that ask."""
    kinds = (vector.AdviceReward, vector.AddAdviceObservation)
    return [each.advisor for each in _wrappers(env) if isinstance(each, kinds)]


def _wrappers(env: Sb3VecEnv) -> Iterator[VectorWrapper]:
    games: Any = env.env
    while isinstance(games, VectorWrapper):
        yield games
        games = games.env
