"""Episodes of a learner at several stages of its training, for a language model to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from textenvs.knowledge.dataset import Episode, write_shard
from textenvs.knowledge.games import game_of
from textenvs.rl.making import make_training_env
from textenvs.rl.settings import TrainSettings, check_settings
from textenvs.rl.training import train
from textenvs.wrappers.vector.scenes import action_names, single_observations

__all__ = ["collect", "play_episodes"]

_SEED = 2**32  # of the first game that is collected; far from those of evaluations
_MOST_EPISODES = 1000  # between the seeds of two stages


def collect(
    settings: TrainSettings,
    out: Path,
    *,
    every: int,
    episodes: int,
    on_progress: Callable[[int, Mapping[str, float]], None] = lambda steps, told: None,
) -> Iterator[Path]:
    """Train, and play games with the learner after its first update, every so often, at the end.

    The same call goes on where one was stopped.

    Args:
        settings: what is trained; the caption of its environment is the one that is kept.
        out: gets ``shard-*.npz`` (see :class:`textenvs.knowledge.Dataset`), and in ``learner`` what
            :func:`textenvs.rl.training.train` writes.
        every: steps between two collections.
        episodes: of each collection, actions drawn from the policy.
        on_progress: as of ``train``.

    Yields:
        Every shard, as soon as it is there.

    Raises:
        ValueError: if ``out`` has a run with other settings.
    """
    learner = out / "learner"
    check_settings(settings, learner)
    total = settings.total_timesteps
    stages = sorted({settings.num_envs, *range(every, total + 1, every), total})
    for number, steps in enumerate(stages):
        path = out / f"shard-{steps:010d}.npz"
        if not path.exists():
            stage = replace(settings, total_timesteps=steps)
            model = train(stage, learner, on_progress=on_progress, tensorboard=number > 0)
            seed = _SEED + _MOST_EPISODES * (steps // settings.num_envs)
            played, meta = play_episodes(model, settings, episodes, seed)
            write_shard(path, played, {**meta, "steps": model.num_timesteps})
        yield path


def play_episodes(
    model: BaseAlgorithm, settings: TrainSettings, count: int, seed: int
) -> tuple[list[Episode], dict[str, Any]]:
    """Play games with actions drawn from the policy.

    Args:
        model: who plays.
        settings: of its training.
        count: games, each of them once, side by side.
        seed: of the first one; the others have the next numbers.

    Returns:
        The episodes, and what they are of.
    """
    env = make_training_env(settings, None, count, learning=False)
    games = env.env
    raw, _ = games.reset(seed=seed)
    seen = [[each] for each in single_observations(games, raw)]
    actions: list[list[int]] = [[] for _ in range(count)]
    rewards: list[list[float]] = [[] for _ in range(count)]
    ended = np.zeros((2, count), np.bool_)  # terminated, truncated
    state, starts = None, np.ones(count, np.bool_)
    while not ended.any(axis=0).all():
        masks: dict[str, Any] = {}
        if settings.algo == "maskable_ppo":
            masks["action_masks"] = np.stack(env.env_method("action_masks"))
        chosen, state = model.predict(
            env.observe(raw), state=state, episode_start=starts, deterministic=False, **masks
        )
        raw, paid, terminated, truncated, infos = games.step(chosen)
        starts = np.asarray(terminated | truncated)
        now = single_observations(games, raw)
        for i in np.flatnonzero(~ended.any(axis=0)).tolist():
            actions[i].append(int(chosen[i]))
            rewards[i].append(float(paid[i]))
            seen[i].append(infos["final_obs"][i] if starts[i] else now[i])
            ended[:, i] = terminated[i], truncated[i]
    meta = {
        "env": settings.env_id,
        "game": game_of(settings.env_id).name,
        "style": settings.env.get("style"),
        "action_names": list(action_names(games)),
        "algo": settings.algo,
        "seed": settings.seed,
    }
    env.close()
    found = [
        Episode(
            observations={
                key: np.stack([np.asarray(each[key]) for each in seen[i]])
                for key in seen[i][0]
                if not isinstance(seen[i][0][key], str)
            },
            texts=[str(each["text"]) for each in seen[i]],
            actions=np.array(actions[i]),
            rewards=np.array(rewards[i]),
            terminated=bool(ended[0, i]),
            truncated=bool(ended[1, i]),
            seed=seed + i,
        )
        for i in range(count)
    ]
    return found, meta
