"""Crafter-Text and its parts against crafter as installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from speeds.comparing import Row, compare
from speeds.crafter_captions import caption_rows

__all__ = ["crafter"]

_VECTOR = 8


def crafter(steps: int, rounds: int) -> list[Row]:
    """Crafter-Text and its parts against crafter as installed."""
    steps = min(steps, 1000)  # of the peer, which is slow
    rows = [
        compare(name, ours(steps), peer(steps), "steps/s", rounds)
        for name, ours, peer in (
            ("Crafter-Text-v0 / crafter.Env", _crafter_text, _crafter_env),
            ("Crafter-Text-v0 / crafter.Env without rendering", _crafter_text, _crafter_unrendered),
            ("Crafter's engine, no text / crafter.Env", _crafter_engine, _crafter_env),
            ("Crafter-Text-v0, 8 in a vector / crafter.Env", _crafter_vector, _crafter_env),
            ("the same / 8 in a SyncVectorEnv", _crafter_vector, _crafter_sync_vector),
        )
    ]
    rows.append(
        compare(
            "a reset of Crafter-Text-v0 / of crafter.Env",
            _crafter_reset,
            _published_reset,
            "/s",
            rounds,
        )
    )
    return rows + caption_rows(rounds)


def _actions(steps: int) -> list[int]:
    return np.random.default_rng(0).integers(17, size=steps).tolist()


def _timed_steps(
    reset: Callable[[int], Any], step: Callable[[int], bool], steps: int
) -> Callable[[], float]:
    """Random steps a second, the same ones each time, resets left out."""
    actions = _actions(steps)

    def play() -> float:
        seed, spent = 0, 0.0
        reset(seed)
        start = time.process_time()
        for action in actions:
            if step(action):
                spent += time.process_time() - start
                seed += 1
                reset(seed)
                start = time.process_time()
        return steps / (spent + time.process_time() - start)

    return play


def _crafter_text(steps: int) -> Callable[[], float]:
    env = gymnasium.make("Crafter-Text-v0")

    def step(action: int) -> bool:
        _, _, terminated, truncated, _ = env.step(action)
        return terminated or truncated

    return _timed_steps(lambda seed: env.reset(seed=seed), step, steps)


def _crafter_engine(steps: int) -> Callable[[], float]:
    from textenvs.envs.crafter.env import CrafterTextEnv

    env = CrafterTextEnv()
    game = env.game
    play, inventory = game.play, lambda: game.inventory

    def step(action: int) -> bool:
        _, over = play(action)
        return over or not inventory()["health"]

    return _timed_steps(lambda seed: env.reset(seed=seed), step, steps)


def _published(unrendered: bool, steps: int) -> Callable[[], float]:
    import crafter as published

    games: list[Any] = []

    def reset(seed: int) -> None:
        games[:] = [published.Env(seed=seed)]
        if unrendered:
            games[0].render = lambda *size: None
        games[0].reset()

    return _timed_steps(reset, lambda action: games[0].step(action)[2], steps)


def _crafter_env(steps: int) -> Callable[[], float]:
    return _published(False, steps)


def _crafter_unrendered(steps: int) -> Callable[[], float]:
    return _published(True, steps)


def _vector_steps(mode: str, steps: int) -> Callable[[], float]:
    envs = gymnasium.make_vec("Crafter-Text-v0", num_envs=_VECTOR, vectorization_mode=mode)
    actions = np.random.default_rng(0).integers(17, size=(steps, _VECTOR))

    def play() -> float:
        envs.reset(seed=0)
        start = time.process_time()
        for action in actions:
            envs.step(action)
        return steps * _VECTOR / (time.process_time() - start)

    return play


def _crafter_vector(steps: int) -> Callable[[], float]:
    return _vector_steps("vector_entry_point", steps)


def _crafter_sync_vector(steps: int) -> Callable[[], float]:
    return _vector_steps("sync", steps)


def _crafter_reset() -> float:
    return _resets_per_second(lambda env, seed: env.reset(seed=seed), 20)


def _resets_per_second(reset: Callable[[Any, int], Any], n: int) -> float:
    env = gymnasium.make("Crafter-Text-v0")
    env.reset(seed=0)  # the geometry of the noise, once a process
    start = time.process_time()
    for seed in range(n):
        reset(env, seed)
    return n / (time.process_time() - start)


def _published_reset() -> float:
    import crafter as published

    game = published.Env(seed=0)
    start = time.process_time()
    game.reset()
    return 1 / (time.process_time() - start)
