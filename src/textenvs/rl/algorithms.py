"""The algorithms that a training can be by, and how they are made."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from textenvs.errors import MissingExtra
from textenvs.rl.episode_ppo import EpisodePPO
from textenvs.rl.features import GameFeatures
from textenvs.rl.nethack_features import NetHackFeatures
from textenvs.rl.rnd import RndPolicy, RndPPO
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.rl.settings import TrainSettings

__all__ = ["algorithm_named", "new_model"]

_OURS: Mapping[str, type[BaseAlgorithm]] = {
    "ppo": PPO,
    "a2c": A2C,
    "dqn": DQN,
    "episode_ppo": EpisodePPO,
    "ppo-rnd": RndPPO,
}


def algorithm_named(name: str) -> type[BaseAlgorithm]:
    """The class of an algorithm.

    Raises:
        MissingExtra: if it is one of sb3-contrib's, which is not installed.
    """
    if name in _OURS:
        return _OURS[name]
    try:
        import sb3_contrib
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{name} needs the package 'sb3_contrib', which is not installed: "
            'pip install "textenvs[rl]"'
        ) from error
    return {
        "recurrent_ppo": sb3_contrib.RecurrentPPO,
        "maskable_ppo": sb3_contrib.MaskablePPO,
    }[name]


def new_model(
    settings: TrainSettings, env: Sb3VecEnv, tensorboard_log: str | None
) -> BaseAlgorithm:
    """An algorithm with its policy, before it has learned anything.

    Args:
        settings: what is trained.
        env: the games that it learns from.
        tensorboard_log: where logs for TensorBoard go; None for none.

    Raises:
        ValueError: if the algorithm does not take what ``settings.hyper`` gives it, or needs to
            know which actions are valid and the game does not tell.
        MissingExtra: if it is one of sb3-contrib's, which is not installed.
    """
    kind = algorithm_named(settings.algo)
    _check_arguments(kind, settings.hyper)
    if settings.algo == "maskable_ppo":
        _check_masks(env, settings.env_id)
    arguments: dict[str, Any] = {
        "policy_kwargs": _policy_arguments(settings),
        "seed": settings.seed,
        "device": "cpu",
        "tensorboard_log": tensorboard_log,
        **settings.hyper,
    }
    try:
        return kind(_policy(settings), env, **arguments)
    except (TypeError, AssertionError) as error:  # what algorithms say of values
        given = ", ".join(f"{key}={value!r}" for key, value in settings.hyper.items())
        raise ValueError(f"{settings.algo} does not take {given or 'this'}: {error}") from error


def _check_arguments(kind: type[BaseAlgorithm], hyper: Mapping[str, Any]) -> None:
    known = {
        name
        for each in kind.__mro__
        if "__init__" in vars(each)
        for name in inspect.signature(vars(each)["__init__"]).parameters
    }
    for name in hyper:
        if name not in known:
            raise ValueError(
                f"unknown argument {name!r} of {kind.__name__}: expected one of "
                f"{', '.join(sorted(known - {'self', 'args', 'kwargs', 'policy', 'env'}))}"
            )


def _check_masks(env: Sb3VecEnv, env_id: str) -> None:
    try:
        env.get_attr("action_masks")
    except AttributeError as error:
        raise ValueError(
            f"expected a game that tells which actions are valid (Crafter, MiniGrid, BabyAI) for "
            f"maskable_ppo, got {env_id}: take another --algo"
        ) from error


def _policy(settings: TrainSettings) -> Any:
    if settings.algo == "ppo-rnd":
        return RndPolicy
    if "policy" not in settings.advice:
        recurrent = settings.algo == "recurrent_ppo"
        return "MultiInputLstmPolicy" if recurrent else "MultiInputPolicy"
    from textenvs.rl import advice_policy

    return {
        "recurrent_ppo": advice_policy.RecurrentAdvicePolicy,
        "maskable_ppo": advice_policy.MaskableAdvicePolicy,
    }.get(settings.algo, advice_policy.AdvicePolicy)


def _policy_arguments(settings: TrainSettings) -> dict[str, Any]:
    found: dict[str, Any] = {"features_extractor_class": NetHackFeatures, **settings.policy}
    if settings.encoder != "nethack":
        found = {
            "features_extractor_class": GameFeatures,
            "features_extractor_kwargs": {
                "encoder": settings.encoder,
                "sees_advice": "observation" in settings.advice,
            },
            **settings.policy,
        }
    if "policy" in settings.advice:
        found |= {
            "advice_strength": settings.strength,
            "advice_threshold": settings.policy_threshold,
            "advice_scaled": settings.scaled,
        }
    return found
