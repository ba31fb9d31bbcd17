"""Captions of Crafter against the plain way to write one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from speeds.comparing import Row, compare
from textenvs.captioners import crafter as captioner
from textenvs.captioners.crafter import NAMES

__all__ = ["caption_rows"]


def caption_rows(rounds: int) -> list[Row]:
    """Crafter's captions against the plain way to write one."""
    env = gymnasium.make("Crafter-Text-v0")
    infos = [env.reset(seed=0)[1]]
    random = np.random.default_rng(0)
    while len(infos) < 300:
        *_, terminated, truncated, info = env.step(int(random.integers(17)))
        infos.append(info)
        if terminated or truncated:
            infos.append(env.reset()[1])

    def rate(caption: Callable[[Any], str]) -> Callable[[], float]:
        def measure() -> float:
            start = time.process_time()
            for info in infos:
                caption(info)
            return len(infos) / (time.process_time() - start)

        return measure

    return [
        compare(
            f"a caption of Crafter, {name} / scanning the view",
            rate(caption),
            rate(_scanned_caption),
            "/s",
            rounds,
        )
        for name, caption in {
            "smartplay": lambda info: captioner.smartplay(info, info["action"]),
            "default": captioner.default,
        }.items()
    ]


def _scanned_caption(info: Any) -> str:
    """SmartPlay's list of what is seen, found by measuring the distance to every cell of a kind."""
    (px, py), (vx, vy) = info["player_pos"], info["view"]
    area = info["semantic"][
        max(px - vx // 2, 0) : px + vx // 2 + 1, max(py - vy // 2 + 1, 0) : py + vy // 2
    ]
    center = np.array([min(px, vx // 2), min(py, vy // 2 - 1)])
    lines = []
    for kind in np.unique(area):
        if NAMES[kind] == "player":
            continue
        xs, ys = np.where(area == kind)
        distances = np.abs(xs - center[0]) + np.abs(ys - center[1])
        nearest = np.argmin(distances)
        dx, dy = np.array([xs[nearest], ys[nearest]]) - center
        words = [
            ("north" if dy < 0 else "south") if dy else "",
            ("west" if dx < 0 else "east") if dx else "",
        ]
        lines.append(
            f"- {NAMES[kind]} {distances[nearest]} steps to your {'-'.join(filter(None, words))}"
        )
    vitals = [
        f"- {name}: {info['inventory'][name]}/9" for name in ("health", "food", "drink", "energy")
    ]
    items = [f"- {name}: {count}" for name, count in info["inventory"].items() if count]
    return "\n".join([*lines, *vitals, *items])
