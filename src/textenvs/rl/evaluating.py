"""What a policy is worth: episodes that it plays greedily on fixed seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from textenvs.llm import LanguageModel
from textenvs.rl.making import make_training_env
from textenvs.rl.settings import TrainSettings

__all__ = ["evaluate_policy", "kept_of"]

_EVALUATION_SEED = 2**31  # far from what training draws


def evaluate_policy(
    model: BaseAlgorithm, settings: TrainSettings, llm: LanguageModel | None = None
) -> dict[str, list[float]]:
    """Play greedily, one episode on each of ``eval_episodes`` fixed seeds.

    Returns:
        ``return`` (the game's own), ``length``, ``success`` where the game tells it, and what
        ``keep`` names: a number for each episode.
    """
    count = settings.eval_episodes
    env = make_training_env(settings, llm, count, learning=False)
    env.seed(_EVALUATION_SEED)
    observations = env.reset()
    returns, lengths, over = np.zeros(count), np.zeros(count, int), np.zeros(count, bool)
    success: list[float | None] = [None] * count
    kept: dict[str, list[float]] = {key: [0.0] * count for key in settings.keep}
    state, starts = None, np.ones(count, bool)
    while not over.all():
        masks: dict[str, Any] = {}
        if settings.algo == "maskable_ppo":
            masks["action_masks"] = np.stack(env.env_method("action_masks"))
        actions, state = model.predict(
            observations, state=state, episode_start=starts, deterministic=True, **masks
        )
        observations, rewards, dones, infos = env.step(actions)
        starts = dones
        returns += np.where(over, 0, rewards)
        lengths += ~over
        for i in np.flatnonzero(dones & ~over):
            success[i] = infos[i].get("success")
            for key, value in kept_of(infos[i], settings.keep).items():
                kept[key][i] = value
        over |= dones
    env.close()
    found = {"return": returns.round(6).tolist(), "length": lengths.tolist()}
    if all(each is not None for each in success):
        found["success"] = [float(each) for each in success if each is not None]
    return found | kept


def kept_of(info: Mapping[str, Any], keys: Sequence[str]) -> dict[str, float]:
    """Entries of ``info`` as numbers.

    Raises:
        ValueError: if one is missing, or no number.
    """
    found = {}
    for key in keys:
        try:
            found[key] = float(info[key])
        except (KeyError, TypeError, ValueError) as error:
            numbers = [k for k, v in info.items() if isinstance(v, int | float | np.number)]
            raise ValueError(
                f"expected keep to name numbers in info ({', '.join(sorted(numbers))}), got {key!r}"
            ) from error
    return found
