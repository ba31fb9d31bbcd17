"""Who advises: recorded answers, or any model, and which share of the prompts was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import gymnasium

import common
import textenvs  # noqa: F401  # registers the ids
from advised.presets import WORLDS, World
from textenvs.llm.backends.recorded import RecordedModel

__all__ = ["Adviser", "Coverage", "adviser_of", "coverage"]

_OWN = Path(__file__).resolve().parent.parent / "answers" / "minigrid_advice.jsonl"
_PUBLISHED = "in5490_policy_cache.json"


class Adviser(NamedTuple):
    """Who advises in a world.

    Attributes:
        llm: the model's name, as ``get_model`` reads it.
        label: what it is called in the tables.
        style: the caption that it is asked about.
    """

    llm: str
    label: str
    style: str


class Coverage(NamedTuple):
    """Which share of the prompts of random play was recorded.

    Attributes:
        prompts: how many different ones came.
        of_prompts: the share of them that was recorded.
        of_steps: the share of the steps in which it was.
    """

    prompts: int
    of_prompts: float
    of_steps: float


def adviser_of(name: str, args: argparse.Namespace) -> Adviser:
    """Who advises in a world.

    DoorKey: Llama-2-7B-chat's published answers, with the older template that they were asked with.
    Empty and UnlockPickup, whose answers were not published, MultiRoom and NetHack: those in
    ``benchmarks/answers``.
    """
    if args.llm:
        return Adviser(args.llm, args.label or args.llm, WORLDS[name].style)
    if name == "doorkey":
        path = common.data_folder() / _PUBLISHED
        return Adviser(f"recorded:{path}", "Llama-2-7B-chat, recorded", "in5490_distances")
    return Adviser(f"recorded:{_OWN}", "Claude, recorded", WORLDS[name].style)


def coverage(world: World, adviser: Adviser, steps: int, seed: int) -> Coverage | None:
    """Play at random, and see which prompts are among the recorded ones; None if none are."""
    kind, _, path = adviser.llm.partition(":")
    if kind != "recorded":
        return None
    recorded = RecordedModel(path)
    env = gymnasium.make(
        world.env_id,
        obs="dict",
        style=adviser.style,
        max_episode_steps=world.max_steps,
        **world.env,
    )
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    came: dict[str, int] = {}
    for _ in range(steps):
        prompt = f"My goal is: {info['mission']}. {observation['text']}"
        came[prompt] = came.get(prompt, 0) + 1
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        if terminated or truncated:
            observation, info = env.reset()
    env.close()
    known = [p for p in came if [{"role": "user", "content": p}] in recorded]
    return Coverage(len(came), len(known) / len(came), sum(came[p] for p in known) / steps)
