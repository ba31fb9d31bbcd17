"""What was learned in one environment, played in the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from advised.presets import Run, World
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.rl.settings import TrainSettings

__all__ = ["play_elsewhere", "play_randomly"]


def play_elsewhere(run: Run, world: World, work: Path, episodes: int) -> dict[str, list[float]]:
    """Play what a run learned in a world, greedily and without advice.

    Args:
        run: what was trained.
        world: another one, with the same observations.
        work: where the runs are kept.
        episodes: how many, always with the same seeds.

    Returns:
        As :func:`textenvs.rl.evaluating.evaluate_policy`.
    """
    from textenvs.rl.evaluating import evaluate_policy
    from textenvs.rl.training import load_trained

    model = load_trained(run.settings, run.folder(work))
    if hasattr(model.policy, "anneal"):
        model.policy.anneal = 0.0
    silent = ScriptedModel(lambda messages: "", "silent")
    return evaluate_policy(model, _in_world(run.settings, world, episodes), silent)


def play_randomly(world: World, episodes: int, seed: int) -> list[float]:
    """The returns of random play, one for each episode."""
    env = gymnasium.make(world.env_id, max_episode_steps=world.max_steps, **world.env)
    env.action_space.seed(seed)
    found: list[float] = []
    for number in range(episodes):
        env.reset(seed=seed + number)
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total, over = total + float(reward), terminated or truncated
        found.append(round(total, 5))
    env.close()
    return found


def _in_world(settings: TrainSettings, world: World, episodes: int) -> TrainSettings:
    return replace(
        settings,
        env_id=world.env_id,
        env={**world.env, "style": settings.env["style"]},
        max_steps=world.max_steps,
        eval_episodes=episodes,
    )
