"""Crafter, step by step as the published game, on small integers.

The world is three flat arrays of one entry a cell (x * height + y): the material, the thing that
stands there, and the id that is seen. Things are updated in order of creation, the player first;
every draw from the world's generator is made in the published order, so that the whole game is the
published one, made deterministic (see :mod:`textenvs.envs.crafter.reference`).
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.envs.crafter.balance import balance
from textenvs.envs.crafter.creatures import UPDATE
from textenvs.envs.crafter.difficulty import Difficulty
from textenvs.envs.crafter.player import PlayersWorld
from textenvs.envs.crafter.rules import Rules
from textenvs.envs.crafter.things import PLAYER, Thing, is_ripe
from textenvs.envs.crafter.worldgen import generate

__all__ = ["Engine", "daylight"]

_BALANCE_EVERY = 10
_NIGHT = 0.5
_NIGHT_NOISE = 63 * 49  # the draws of a frame of 64x64 pixels
_WATCH_STEPS = 4  # the player and a thing come at most two cells a step closer to one another
_MOVING_PARTS = (
    *("steps", "light", "inventory", "achievements", "unlocked", "facing", "sleeping", "plants"),
    *("noise", "things", "player", "materials", "seen", "_hunger", "_thirst", "_fatigue"),
    *("_recover", "_health_before", "_health_paid", "created", "at", "creatures", "grass"),
    *("path", "_seed", "_episode"),
)


@lru_cache(maxsize=100_000)
def daylight(step: int) -> float:
    """How light it is, in [0, 1]; the expression is the published one, to the last bit."""
    progress = (step / 300) % 1 + 0.3
    return float(1 - np.abs(np.cos(np.pi * progress)) ** 3)


class Engine(PlayersWorld):
    """A game of Crafter.

    Args:
        rules: what can be done.
        area: width and height of the world.
        view: width and height of the view, as crafter counts it; things farther from the player
            than twice the longer side stand still.
        length: steps after which a game is over, 0 for no limit.
        difficulty: how likely things are.
        keep_noise: keep the numbers that darken a picture at night, see :attr:`noise`.

    Attributes:
        inventory: name -> count.
        achievements: name -> how often.
        unlocked: the achievements of this game, in the order in which they were unlocked.
        facing: (dx, dy).
        sleeping: whether the player sleeps.
        steps: how many were played.
        player: the player's thing.
        things: all that is in the world, in order of creation, the player first.
        light: how light it is, in [0, 1].
        materials: the material ids, x * height + y.
        seen: the ids that are seen, things above materials.
        plants: the plants in the world.
        noise: (63, 49) uniforms in [0, 1), of the last step by night, if they are kept.
    """

    def __init__(
        self,
        rules: Rules,
        area: tuple[int, int],
        view: tuple[int, int],
        length: int,
        difficulty: Difficulty,
        keep_noise: bool = False,
    ) -> None:
        super().__init__(rules, area)
        self.difficulty = difficulty
        self._reach = 2 * max(view)
        self._length = length
        self._keep_noise = keep_noise
        self._seed = 0
        self._episode = 0

    def seed_world(self, seed: int) -> None:
        """Make the next ``reset`` the first episode of ``crafter.Env(seed=seed)``."""
        self._seed = int(seed)
        self._episode = 0

    def reset(self) -> None:
        """Begin the next episode."""
        self._episode += 1
        self.random.seed(hash((self._seed, self._episode)) % (2**31 - 1))
        self.steps = 0
        self.light = daylight(0)
        self.noise: NDArray[np.float64] | None = None
        self._watch_until = 0  # see `play`
        self._be_born()
        self._health_paid = self.inventory["health"]
        world = generate(self.width, self.height, self.random, self.difficulty, self.land)
        self.fill(world.materials)
        self.player = self.add(Thing(PLAYER, self.width // 2, self.height // 2, 0))
        for kind, x, y in world.creatures:
            self.add(Thing(kind, x, y, self.created))

    def play(self, action: int) -> tuple[float, bool]:
        """Play one action.

        Returns:
            The reward (the change of health / 10, and 1 if anything was unlocked), and whether the
            limit of steps is reached.
        """
        self.steps = steps = self.steps + 1
        self.light = light = daylight(steps)
        before = len(self.unlocked)
        if steps >= self._watch_until:
            self.watched = self._within(self.things[1:], self._reach + 2 * _WATCH_STEPS)
            self._watch_until = steps + _WATCH_STEPS
        others = self.watched[:]  # what comes into the world now has its first turn next time
        self._act(action)
        # Who is near can be told beforehand: each moves in its own turn only.
        for thing in self._within(others, self._reach):
            UPDATE[thing.kind](self, thing)
        if steps % _BALANCE_EVERY == 0:
            balance(self, self.difficulty, light)
        if light < _NIGHT:
            if self._keep_noise:
                self.noise = self.random.uniforms(_NIGHT_NOISE).reshape(63, 49)
            else:
                self.random.skip_uniforms(_NIGHT_NOISE)
        health = self.inventory["health"]
        reward = (health - self._health_paid) / 10
        self._health_paid = health
        if len(self.unlocked) > before:
            reward += 1.0
        return reward, bool(self._length and steps >= self._length)

    def _within(self, things: list[Thing], reach: int) -> list[Thing]:
        """The things that are less than so many steps from the player."""
        x, y = self.player.x, self.player.y
        left, right, top, bottom = x - reach, x + reach, y - reach, y + reach
        return [
            thing
            for thing in things
            if left < thing.x < right
            and top < thing.y < bottom
            and abs(thing.x - x) + abs(thing.y - y) < reach
        ]

    def facts(self) -> dict[str, Any]:
        """What captions need (see :mod:`textenvs.captioners.crafter`), as copies."""
        player = self.player
        seen = np.frombuffer(bytearray(self.seen), np.uint8)
        return {
            "semantic": seen.reshape(self.width, self.height),
            "player_pos": (player.x, player.y),
            "player_facing": self.facing,
            "inventory": dict(self.inventory),
            "sleeping": self.sleeping,
            "dead": self.inventory["health"] <= 0,
            "daylight": self.light,
            "ripe": tuple((plant.x, plant.y) for plant in self.plants if is_ripe(plant)),
            "achievements": dict(self.achievements),
        }

    def get_state(self) -> dict[str, Any]:
        """The whole game; a copy that pickles."""
        parts = {name: getattr(self, name) for name in _MOVING_PARTS}
        # Through pickle, which keeps things that are the same the same.
        return {"parts": pickle.dumps(parts), "random": self.random.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, value in pickle.loads(state["parts"]).items():
            setattr(self, name, value)
        self._watch_until = 0
        self.random.set_state(state["random"])
