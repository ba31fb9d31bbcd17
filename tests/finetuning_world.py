"""A small recorder: episodes of our own environment as files of the human dataset's layout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.things import Thing

GRASS = NAMES.index("grass")


class World:
    """A game whose surroundings a test lays out, and which is recorded.

    Attributes:
        env: the environment.
        truth: the ``info`` of every state, the reset's first.
    """

    def __init__(self, seed: int = 0, *, flat: bool = True) -> None:
        self.env = gymnasium.make("Crafter-Text-v0", style="smartplay")
        _, info = self.env.reset(seed=seed)
        self.game: Any = self.env.unwrapped.game  # type: ignore[attr-defined]
        if flat:
            for thing in self.game.things[1:]:
                self.game.remove(thing)
            for cell in range(self.game.width * self.game.height):
                self.game.set_material(cell, GRASS)
        self.truth: list[dict[str, Any]] = [info]
        self.images: list[np.ndarray[Any, Any]] = []
        self.actions: list[int] = [0]
        self.rewards: list[float] = [0.0]
        self.dones: list[bool] = [False]

    @property
    def position(self) -> tuple[int, int]:
        return self.game.player.x, self.game.player.y

    def put(self, name: str, dx: int, dy: int) -> Any:
        """Put a material or a creature so far from the player."""
        x, y = self.position[0] + dx, self.position[1] + dy
        kind = NAMES.index(name)
        if name in ("cow", "zombie", "skeleton", "arrow", "plant"):
            return self.game.add(Thing(kind, x, y, self.game.created))
        self.game.set_material(x * self.game.height + y, kind)
        return None

    def go_to(self, x: int, y: int) -> None:
        """Take the player to a cell without a walk."""
        game, player = self.game, self.game.player
        old, new = player.x * game.height + player.y, x * game.height + y
        game.at[old], game.seen[old] = None, game.materials[old]
        player.x, player.y = x, y
        game.at[new], game.seen[new] = player, player.kind

    def have(self, **inventory: int) -> None:
        self.game.inventory.update(inventory)

    def look(self) -> dict[str, Any]:
        """The state as it is now, for what a test laid out after the last step."""
        self.truth[-1] = {**self.truth[-1], **self.game.facts()}
        return self.truth[-1]

    def play(self, *names: str) -> dict[str, Any]:
        """Play actions by their names; the last state."""
        actions = list(self.env.unwrapped.action_names)  # type: ignore[attr-defined]
        self.look()
        for name in names:
            self.step(actions.index(name))
        return self.truth[-1]

    def step(self, action: int) -> bool:
        """Play an action by its number; whether the episode is over."""
        _, reward, terminated, truncated, info = self.env.step(action)
        self.truth.append(info)
        self.actions.append(action)
        self.rewards.append(float(reward))
        self.dones.append(terminated or truncated)
        return terminated or truncated

    def arrays(self, *, misspelt: bool = True, empty_first: bool = False) -> dict[str, Any]:
        """The fields of a file: the dataset's, or those that crafter's recorder writes.

        Args:
            misspelt: the dataset's prefixes (achivement_, inventory_) or the recorder's
                (achievement_, ainventory_).
            empty_first: whether the reset's row is filled with zeros, as the recorder does.
        """
        achievement, item = (
            ("achivement_", "inventory_") if misspelt else ("achievement_", "ainventory_")
        )
        rows: dict[str, Any] = {
            "image": np.zeros((len(self.truth), 64, 64, 3), np.uint8),
            "action": np.array(self.actions),
            "reward": np.array(self.rewards, np.float32),
            "done": np.array(self.dones),
            "discount": np.array([float(not info["dead"]) for info in self.truth], np.float32),
            "semantic": np.array([info["semantic"] for info in self.truth]),
            "player_pos": np.array([info["player_pos"] for info in self.truth]),
        }
        for name in self.truth[0]["inventory"]:
            rows[f"{item}{name}"] = np.array([info["inventory"][name] for info in self.truth])
        for name in self.truth[0]["achievements"]:
            rows[f"{achievement}{name}"] = np.array(
                [info["achievements"][name] for info in self.truth]
            )
        if empty_first:
            for name, values in rows.items():
                if name != "image":
                    values[0] = 0
        return rows

    def save(self, path: Path, **options: bool) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **self.arrays(**options))
        return path

    def play_out(self, actions: Iterable[int]) -> World:
        """Play until the actions or the episode end."""
        for action in actions:
            if self.step(action):
                break
        return self
