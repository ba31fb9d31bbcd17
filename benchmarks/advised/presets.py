"""What is learned, from which advice, and how: the published configurations and a mended one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textenvs.rl.settings import TrainSettings

__all__ = ["CONDITIONS", "PRESETS", "WORLDS", "Run", "World", "settings_of"]

CONDITIONS = ("baseline", "reward", "policy", "both")
"""Without advice; advice that pays; advice in the policy's logits; both (in5490 calls it A2C2)."""

PRESETS = ("published", "mended")
"""in5490's configurations, one an environment and condition, and one of ours for all of them."""

_ADVICE: Mapping[str, tuple[str, ...]] = {
    "baseline": (),
    "reward": ("reward",),
    "policy": ("policy",),
    "both": ("policy", "reward"),
}


@dataclass(frozen=True)
class World:
    """An environment of the comparison.

    Attributes:
        env_id: its id.
        env: arguments of it.
        max_steps: after which an episode is cut off; None for the level's own limit.
        style: the caption that the model is asked about.
        encoder: what the learner reads.
        episodes: of a published run.
        steps: of a run of ours.
        bin: episodes to a point of the published curves.
        final: episodes whose mean is the final return.
        thresholds: returns whose first reaching is told.
        published: whether it is one of in5490's.
    """

    env_id: str
    steps: int
    env: Mapping[str, Any]
    max_steps: int | None = None
    style: str = "in5490"
    encoder: str = "mlp"
    episodes: int = 2000
    bin: int = 50
    final: int = 100
    thresholds: tuple[float, ...] = (0.2, 0.5, 0.7)
    published: bool = True

    @property
    def is_grid(self) -> bool:
        """Whether it is one of MiniGrid: the others have other observations and actions."""
        return self.env_id.startswith("MiniGrid")


_LONG = {"max_steps": 1024}  # of the level: its reward falls to 0.1 until then

WORLDS: Mapping[str, World] = {
    "empty": World(
        "MiniGrid-Text-Empty-16x16-v0",
        steps=200_000,
        env=_LONG,
        episodes=200,
        bin=10,
        final=20,
        thresholds=(0.5, 0.9),
    ),
    "doorkey": World("MiniGrid-Text-DoorKey-8x8-v0", steps=500_000, env=_LONG),
    "unlockpickup": World(
        "MiniGrid-Text-UnlockPickup-v0", steps=500_000, env=_LONG, thresholds=(0.02, 0.05, 0.1)
    ),
    "multiroom": World("MiniGrid-Text-MultiRoom-N2-S4-v0", steps=200_000, env={}, published=False),
    "nethack": World(
        "NetHack-Text-Staircase-v0",
        steps=100_000,
        env={"success_reward": 1.0},
        max_steps=1000,
        style="brief",
        encoder="nethack",
        final=20,
        thresholds=(0.2, 0.5),
        published=False,
    ),
}
"""in5490's three, and two others."""

# in5490's ppo.py and hyperparams.json: an update an episode, Monte Carlo returns, ten epochs of
# eight parts, episodes padded with zeros, no clipping of gradients; two networks of 64 and 64.
_PUBLISHED_PPO: Mapping[str, Any] = {
    "n_steps": 1024,
    "n_epochs": 10,
    "learning_rate": 3e-4,
    "gae_lambda": 1.0,
    "clip_range": 0.2,
    "vf_coef": 0.3,
    "ent_coef": 0.0,
    "max_grad_norm": 1e9,
    "normalize_advantage": False,
    "padded": True,
}
_NETWORKS: Mapping[str, Any] = {"net_arch": {"pi": [64, 64], "vf": [64, 64]}}
_PUBLISHED_NETWORKS: Mapping[str, Any] = {**_NETWORKS, "optimizer_kwargs": {"eps": 1e-8}}

_PUBLISHED_REWARD: Mapping[str, Any] = {"beta": 0.005, "reward_threshold": 0.84, "pays": "first"}
# The code changed between the published sets of data, and so do these (see docs/advice.md). Of
# DoorKey's policy the advice was added as it was, to everything.
_SCALED = {"scaled": True, "policy_threshold": 0.84, "strength": 0.1, "anneal_episodes": 700}
_PUBLISHED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("empty", "policy"): {
        "scaled": True,
        "policy_threshold": 0.7,
        "strength": 1.0,
        "anneal_episodes": 600,
    },
    ("empty", "both"): {
        "scaled": True,
        "policy_threshold": 0.7,
        "strength": 5.0,
        "anneal_episodes": 1000,
        "pays": "always",
    },
    ("doorkey", "policy"): {"strength": 0.1, "policy_threshold": 0.0},
    ("doorkey", "both"): _SCALED,
    ("unlockpickup", "policy"): _SCALED,
    ("unlockpickup", "both"): _SCALED,
}

# Sixteen games side by side, PPO as Stable-Baselines3 has it with a little entropy; captions of
# what actions really do; a threshold above the 0.868 of "turn left." and "turn right.".
_MENDED_PPO: Mapping[str, Any] = {
    "n_steps": 128,
    "batch_size": 256,
    "n_epochs": 4,
    "learning_rate": 1e-3,
    "ent_coef": 0.01,
}
_MENDED_THRESHOLD = 0.9
_MENDED_STRENGTH = 2.0
_MENDED_GAMES = 16


@dataclass(frozen=True)
class Run:
    """A training of the comparison.

    Attributes:
        preset: one of :data:`PRESETS`.
        world: a key of :data:`WORLDS`.
        condition: one of :data:`CONDITIONS`.
        seed: of the run.
        settings: what it is.
    """

    preset: str
    world: str
    condition: str
    seed: int
    settings: TrainSettings

    def folder(self, work: Path) -> Path:
        """Where it is kept."""
        return work / self.preset / self.world / self.condition / str(self.seed)


def settings_of(
    preset: str, world: str, condition: str, seed: int, llm: str, embeddings: str, style: str
) -> TrainSettings:
    """The settings of a run.

    Args:
        preset: one of :data:`PRESETS`.
        world: a key of :data:`WORLDS`.
        condition: one of :data:`CONDITIONS`.
        seed: of the run.
        llm: who advises, by name.
        embeddings: the sentence-transformers model.
        style: the caption that the adviser is asked about.
    """
    found = WORLDS[world]
    base = TrainSettings(
        env_id=found.env_id,
        env={**found.env, "style": style},
        max_steps=found.max_steps,
        encoder=found.encoder,
        seed=seed,
        advice=_ADVICE[condition],
        llm=llm if _ADVICE[condition] else None,
        embeddings=embeddings,
        prompt="bare" if llm.startswith("recorded:") else "advice",
        missing="none",
        policy=_NETWORKS,
    )
    if preset == "published":
        return replace(
            base,
            algo="episode_ppo",
            hyper=_PUBLISHED_PPO,
            policy=_PUBLISHED_NETWORKS,
            num_envs=1,
            total_episodes=found.episodes,
            total_timesteps=found.episodes * 1024,
            captions="in5490",
            **{**_PUBLISHED_REWARD, **_PUBLISHED.get((world, condition), {})},
        )
    return replace(
        base,
        algo="ppo",
        hyper=_MENDED_PPO,
        num_envs=_MENDED_GAMES,
        total_timesteps=found.steps,
        captions="effects" if found.is_grid else "names",
        match="similarity" if found.is_grid else "names",
        beta=0.02,
        reward_threshold=_MENDED_THRESHOLD if found.is_grid else 0.0,
        policy_threshold=_MENDED_THRESHOLD if found.is_grid else 0.0,
        strength=_MENDED_STRENGTH,
        anneal=found.steps // 2,
    )
