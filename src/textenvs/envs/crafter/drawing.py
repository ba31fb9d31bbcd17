"""Crafter's pictures, drawn with crafter's own textures and views, and never with its numbers.

The published game darkens a picture at night with noise from the world's generator. Here the noise
was drawn beforehand, as part of the game; a picture only looks at it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from crafter import constants, engine
from numpy.typing import NDArray

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.engine import Engine
from textenvs.envs.crafter.things import ARROW, PLANT, Thing, is_ripe

__all__ = ["KeptNoiseView", "Painter"]

_ITEMS = 16
_FACING = {(-1, 0): "left", (1, 0): "right", (0, -1): "up", (0, 1): "down"}


class KeptNoiseView(engine.LocalView):
    """Crafter's local view, darkened with noise that was drawn before.

    Attributes:
        kept: (63, 49) numbers in [32, 127), those of a picture of 64x64 pixels; they are stretched
            over pictures of other sizes.
    """

    kept: NDArray[np.float64] = np.zeros((63, 49))

    def _noise(self, canvas: NDArray[Any], amount: float, stddev: float) -> NDArray[Any]:
        width, height = canvas.shape[:2]
        columns = np.arange(width) * self.kept.shape[0] // width
        rows = np.arange(height) * self.kept.shape[1] // height
        noise = self.kept[columns[:, None], rows[None, :], None]
        mask = amount * self._vignette(canvas.shape, stddev)[..., None]
        return (1 - mask) * canvas + mask * noise


class _Scene:
    """What crafter's views ask of a world, answered by an engine."""

    def __init__(self, area: tuple[int, int]) -> None:
        self.area = area
        self.daylight = 1.0
        self.objects: list[_Drawn] = []

    def show(self, game: Engine) -> _Drawn:
        self._materials, self._height = game.materials, game.height
        self.daylight = game.light
        self.objects = [_Drawn(thing, game) for thing in game.things]
        return self.objects[0]

    def __getitem__(self, place: Any) -> tuple[str | None, None]:
        x, y = int(place[0]), int(place[1])
        return NAMES[self._materials[x * self._height + y]], None


class _Drawn:
    """What crafter's views ask of a thing."""

    def __init__(self, thing: Thing, game: Engine) -> None:
        self.pos = np.array((thing.x, thing.y))
        self.sleeping = thing is game.player and game.sleeping
        self.texture = _texture(thing, game)


def _texture(thing: Thing, game: Engine) -> str:
    if thing is game.player:
        return "player-sleep" if game.sleeping else f"player-{_FACING[game.facing]}"
    if thing.kind == ARROW:
        return f"arrow-{_FACING[thing.dx, thing.dy]}"
    if thing.kind == PLANT and is_ripe(thing):
        return "plant-ripe"
    return NAMES[thing.kind]


class Painter:
    """Draws an engine's game as crafter does.

    Args:
        area: width and height of the world, in cells.
        view: width and height of the view, in cells, the inventory's rows included.
        size: width and height of a picture, in pixels.
    """

    def __init__(self, area: tuple[int, int], view: tuple[int, int], size: tuple[int, int]) -> None:
        self._scene = _Scene(area)
        self._size, self._unit = np.array(size), np.array(size) // np.array(view)
        self._border = (self._size - self._unit * np.array(view)) // 2
        textures = engine.Textures(constants.root / "assets")
        rows = math.ceil(_ITEMS / view[0])
        self._world_view = KeptNoiseView(self._scene, textures, [view[0], view[1] - rows])
        self._item_view = engine.ItemView(textures, [view[0], rows])

    def paint(self, game: Engine) -> NDArray[np.uint8]:
        """Draw the player's view and the inventory, (height, width, 3) uint8."""
        player = self._scene.show(game)
        if game.noise is not None:
            self._world_view.kept = 32 + (127 - 32) * game.noise
        picture = np.concatenate(
            [
                self._world_view(player, self._unit),
                self._item_view(game.inventory, self._unit),
            ],
            1,
        )
        canvas = np.zeros((*self._size, 3), np.uint8)
        (x, y), (width, height) = self._border, picture.shape[:2]
        canvas[x : x + width, y : y + height] = picture
        return canvas.transpose((1, 0, 2))
