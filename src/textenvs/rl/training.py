"""Training by Stable-Baselines3, from checkpoint to checkpoint."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from textenvs.llm import LanguageModel
from textenvs.rl.algorithms import algorithm_named, new_model
from textenvs.rl.making import make_training_env, potential_of
from textenvs.rl.run_files import EPISODES, POTENTIAL, drop_after, read_lines, save
from textenvs.rl.settings import CHECKPOINT, TrainSettings, check_settings, keep_settings
from textenvs.rl.watching import RECENT, Watch, mean_of_episodes

__all__ = ["load_trained", "train"]


def train(
    settings: TrainSettings,
    out: Path,
    *,
    llm: LanguageModel | None = None,
    tensorboard: bool = True,
    on_progress: Callable[[int, Mapping[str, float]], None] = lambda steps, told: None,
) -> BaseAlgorithm:
    """Train, or go on with a training that was stopped.

    ``out`` gets ``settings.json``, ``episodes.jsonl`` (of every episode the steps until its end,
    its length, the game's own return and success), ``evaluations.jsonl``, ``model.zip`` with the
    last checkpoint, TensorBoard's logs and, if there is a potential, ``potential.json`` with its
    ``mean`` and ``deviation`` and how often it failed (``faults``).

    Args:
        settings: what is trained.
        out: the folder of the run.
        llm: who advises, in place of the model that the settings name (a gateway with a cache).
        tensorboard: whether logs for TensorBoard are written.
        on_progress: called after every rollout with the steps and what is known of the episodes.

    Returns:
        The trained algorithm.

    Raises:
        ValueError: if the folder has a run with other settings.
    """
    out = Path(out)
    check_settings(settings, out)
    env = make_training_env(settings, llm, settings.num_envs, learning=True, folder=out)
    potential = potential_of(env)
    checkpoint = out / CHECKPOINT
    logs = str(out / "tensorboard") if tensorboard else None
    if checkpoint.exists():
        kind = algorithm_named(settings.algo)
        model = kind.load(checkpoint, env=env, device="cpu", tensorboard_log=logs)
        drop_after(out, model.num_timesteps)
        if potential is not None and (out / POTENTIAL).exists():
            potential.go_on(json.loads((out / POTENTIAL).read_text(encoding="utf-8")))
        if hasattr(model, "learning_starts"):  # what was played before is not kept
            starts = inspect.signature(kind).parameters["learning_starts"].default
            model.learning_starts = (
                settings.hyper.get("learning_starts", starts) + model.num_timesteps
            )
    else:
        model = new_model(settings, env, logs)
        drop_after(out, -1)  # of a run that was stopped before its first checkpoint
    keep_settings(settings, out)  # not before they have made something
    env.seed(_world_seed(settings.seed, model.num_timesteps))
    left = settings.total_timesteps - model.num_timesteps
    played = len(read_lines(out / EPISODES))
    if left > 0 and (settings.total_episodes is None or played < settings.total_episodes):
        watch = Watch(settings, out, llm, on_progress, played, env)
        model.learn(
            left, callback=watch, reset_num_timesteps=False, tb_log_name="run", log_interval=10
        )
        save(model, out, potential)
    else:
        recent = [json.loads(line) for line in read_lines(out / EPISODES)[-RECENT:]]
        on_progress(model.num_timesteps, mean_of_episodes(recent))
    env.close()
    return model


def load_trained(settings: TrainSettings, out: Path) -> BaseAlgorithm:
    """The last checkpoint of a training, to play with.

    Args:
        settings: what was trained.
        out: the folder of the run.

    Raises:
        ValueError: if there is no checkpoint.
    """
    checkpoint = Path(out) / CHECKPOINT
    if not checkpoint.exists():
        raise ValueError(f"expected a trained model, got none: {checkpoint} is missing")
    return algorithm_named(settings.algo).load(checkpoint, device="cpu")


def _world_seed(seed: int, steps: int) -> int:
    """The seed of the first game; those beside it get the next numbers.

    Far from that of the next run, whose games would else be nearly all the same, and another one
    where a run goes on, which would else begin with the worlds that it began with.
    """
    return int(np.random.SeedSequence([seed, steps]).generate_state(1)[0] // 2)
