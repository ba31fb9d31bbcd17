"""Small datasets of random play."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from textenvs.knowledge import Dataset, Episode, write_shard

_IDS = {
    "minigrid": "BabyAI-Text-GoToLocal-Pretraining-S20-v0",
    "crafter": "Crafter-Text-Reward-v0",
}


def played(env_id: str, seed: int, longest: int) -> tuple[Episode, list[str]]:
    """A game of random play."""
    env = gymnasium.make(env_id, obs="dict", style="background_knowledge")
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    seen, actions, rewards = [observation], [], []
    terminated = truncated = False
    while not (terminated or truncated) and len(actions) < longest:
        actions.append(int(rng.integers(env.action_space.n)))  # type: ignore[attr-defined]
        observation, reward, terminated, truncated, _ = env.step(actions[-1])
        seen.append(observation)
        rewards.append(float(reward))
    arrays = [key for key in seen[0] if not isinstance(seen[0][key], str)]
    return Episode(
        observations={key: np.stack([np.asarray(each[key]) for each in seen]) for key in arrays},
        texts=[each["text"] for each in seen],
        actions=np.array(actions),
        rewards=np.array(rewards),
        terminated=terminated,
        truncated=not terminated,
        seed=seed,
    ), list(env.get_wrapper_attr("action_names"))


def make_dataset(folder: Path, game: str, episodes: int = 3, longest: int = 40) -> Dataset:
    """A dataset of random play, in two shards."""
    found = [played(_IDS[game], seed, longest) for seed in range(episodes)]
    meta = {
        "env": _IDS[game],
        "game": game,
        "style": "background_knowledge",
        "action_names": found[0][1],
    }
    write_shard(folder / "shard-0.npz", [found[0][0]], meta)
    write_shard(folder / "shard-1.npz", [each for each, _ in found[1:]], meta)
    return Dataset(folder)
