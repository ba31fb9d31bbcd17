"""The published Crafter (1.8.3), made deterministic.

Two things make the published game differ between runs of one seed, and both are pinned down here
without touching its rules:

* it keeps the creatures of a chunk in a set ordered by memory address, and draws the one to remove
  from it: here in order of their creation;
* drawing a frame at night takes its noise from the world's generator, so that the number of frames
  drawn, and their size, change the game: here the draws of one 64x64 frame a step are always made,
  and kept, and pictures use what was kept.

So the game is the published one as it is played at its default size with one frame a step.
"""

from __future__ import annotations

import copy
from typing import Any

import crafter
import numpy as np
from crafter import engine, objects
from numpy.typing import NDArray

from textenvs.envs.crafter.drawing import KeptNoiseView

__all__ = ["ReferenceCrafter"]

NIGHT = 0.5
_NIGHT_NOISE_SHAPE = (63, 49)  # the local view of a 64x64 frame: 9x7 cells of 7 pixels


class _OrderedWorld(engine.World):
    """A world that hands out the objects of a chunk in order of creation."""

    def add(self, obj: Any) -> None:
        obj.creation = len(self._objects)
        super().add(obj)

    @property
    def chunks(self) -> dict[Any, list[Any]]:
        return {
            key: sorted(members, key=lambda obj: obj.creation)
            for key, members in self._chunks.items()
        }


class ReferenceCrafter(crafter.Env):
    """crafter.Env, deterministic and drawing no frame unless asked.

    ``reset`` and ``step`` return what crafter's do, with None in place of the frame; pictures come
    from ``render``, pixel for pixel crafter's own at size 64x64.

    Args:
        area: width and height of the world, in cells.
        view: width and height of the view, in cells, the inventory's rows included.
        size: width and height of a picture, in pixels.
        length: steps after which an episode is over; 0 for no limit.

    Attributes:
        unlocked: the achievements of this game, in the order in which they were unlocked.
    """

    def __init__(
        self,
        area: tuple[int, int] = (64, 64),
        view: tuple[int, int] = (9, 9),
        size: tuple[int, int] = (64, 64),
        length: int = 10_000,
    ) -> None:
        super().__init__(area=area, view=view, size=size, length=length, seed=0)
        self._world = _OrderedWorld(area, crafter.constants.materials, (12, 12))
        grid = self._local_view._grid
        self._local_view: KeptNoiseView = KeptNoiseView(self._world, self._textures, grid)
        self._sem_view._world = self._world

    def seed_world(self, seed: int) -> None:
        """Make the next ``reset`` the first episode of ``crafter.Env(seed=seed)``."""
        self._seed = int(seed)
        self._episode = 0

    def _obs(self) -> None:
        """Make the draws of a 64x64 frame, and no frame."""
        if self._world.daylight < NIGHT:
            self._local_view.kept = self._world.random.uniform(32, 127, _NIGHT_NOISE_SHAPE)

    def reset(self) -> None:
        """Begin the next episode."""
        super().reset()
        self.unlocked: list[str] = []

    def play(self, action: int) -> tuple[float, bool]:
        """Play one action: the reward, and whether the limit of steps is reached."""
        _, _, _, info = self.step(action)
        self.unlocked += sorted(self._unlocked.difference(self.unlocked))
        return float(info["reward"]), bool(self._length and self._step >= self._length)

    def picture(self) -> NDArray[np.uint8]:
        """The frame, (height, width, 3) uint8."""
        frame: NDArray[np.uint8] = self.render()
        return frame

    def facts(self) -> dict[str, Any]:
        """What captions need (see :mod:`textenvs.captioners.crafter`), as copies."""
        player = self._player
        return {
            "semantic": self._sem_view(),
            "player_pos": (int(player.pos[0]), int(player.pos[1])),
            "player_facing": (int(player.facing[0]), int(player.facing[1])),
            "inventory": {name: int(count) for name, count in player.inventory.items()},
            "sleeping": bool(player.sleeping),
            "dead": bool(player.health <= 0),
            "daylight": float(self._world.daylight),
            "ripe": tuple(
                (int(obj.pos[0]), int(obj.pos[1]))
                for obj in self._world.objects
                if isinstance(obj, objects.Plant) and obj.ripe
            ),
            "achievements": {name: int(n) for name, n in player.achievements.items()},
        }

    def get_state(self) -> dict[str, Any]:
        """The whole game; a copy that pickles."""
        # One copy of all, so that the player is the one in the world.
        return copy.deepcopy(self._moving_parts())

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state, of which a copy is taken."""
        for name, value in copy.deepcopy(state["parts"]).items():
            setattr(self, name, value)
        self._local_view._world = self._sem_view._world = self._world

    def _moving_parts(self) -> dict[str, Any]:
        names = (
            *("_world", "_player", "_step", "_unlocked", "_last_health", "_seed", "_episode"),
            "unlocked",
        )
        return {"parts": {name: getattr(self, name) for name in names}}
