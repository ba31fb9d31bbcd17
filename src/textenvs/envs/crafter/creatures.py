"""How the others behave: cows, zombies, skeletons, arrows and plants."""

from __future__ import annotations

from collections.abc import Callable

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.player import PlayersWorld
from textenvs.envs.crafter.things import ARROW, COW, PLANT, PLAYER, SKELETON, ZOMBIE, Thing
from textenvs.envs.crafter.world import PATH

__all__ = ["UPDATE", "distance"]

_BROKEN_BY_ARROWS = frozenset(map(NAMES.index, ("table", "furnace")))
_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))


def toward_player(game: PlayersWorld, thing: Thing, long_axis: bool) -> tuple[int, int]:
    player = game.player
    dx, dy = player.x - thing.x, player.y - thing.y
    if abs(dx) > abs(dy) if long_axis else abs(dx) <= abs(dy):
        return (dx > 0) - (dx < 0), 0
    return 0, (dy > 0) - (dy < 0)


def distance(game: PlayersWorld, thing: Thing) -> int:
    """The steps between the player and a thing, without obstacles."""
    player = game.player
    return abs(player.x - thing.x) + abs(player.y - thing.y)


def _wander(game: PlayersWorld, thing: Thing) -> None:
    dx, dy = _SIDES[game.random.word() & 3]  # what randint(4) makes of a word
    game.move(thing, dx, dy, game.land)


def _cow(game: PlayersWorld, cow: Thing) -> None:
    if cow.health <= 0:
        game.remove(cow)
    if game.uniform() < 0.5:
        _wander(game, cow)


def _zombie(game: PlayersWorld, zombie: Thing) -> None:
    if zombie.health <= 0:
        game.remove(zombie)
    uniform = game.uniform
    if distance(game, zombie) <= 8 and uniform() < 0.9:
        dx, dy = toward_player(game, zombie, uniform() < 0.8)
        game.move(zombie, dx, dy, game.land)
    else:
        _wander(game, zombie)
    if distance(game, zombie) <= 1:
        if zombie.timer:
            zombie.timer -= 1
        else:
            game.hurt(7 if game.sleeping else 2)
            zombie.timer = 5


def _skeleton(game: PlayersWorld, skeleton: Thing) -> None:
    if skeleton.health <= 0:
        game.remove(skeleton)
    skeleton.timer = max(0, skeleton.timer - 1)
    steps, uniform = distance(game, skeleton), game.uniform
    if steps <= 3:
        dx, dy = toward_player(game, skeleton, uniform() < 0.6)
        if game.move(skeleton, -dx, -dy, game.land):
            return
    if steps <= 5 and uniform() < 0.5:
        _shoot(game, skeleton)
    elif steps <= 8 and uniform() < 0.3:
        game.move(skeleton, *toward_player(game, skeleton, uniform() < 0.6), game.land)
    elif uniform() < 0.2:
        _wander(game, skeleton)


def _shoot(game: PlayersWorld, skeleton: Thing) -> None:
    dx, dy = toward_player(game, skeleton, True)
    if skeleton.timer > 0 or (dx, dy) == (0, 0):
        return
    x, y = skeleton.x + dx, skeleton.y + dy
    if not (0 <= x < game.width and 0 <= y < game.height):
        return
    cell = x * game.height + y
    if game.at[cell] is None and game.arrow_land[game.materials[cell]]:
        game.add(Thing(ARROW, x, y, game.created, dx, dy))
        skeleton.timer = 4


def _arrow(game: PlayersWorld, arrow: Thing) -> None:
    x, y = arrow.x + arrow.dx, arrow.y + arrow.dy
    if not (0 <= x < game.width and 0 <= y < game.height):
        game.remove(arrow)
        return
    cell = x * game.height + y
    hit, material = game.at[cell], game.materials[cell]
    if hit is not None:
        if hit.kind == PLAYER:
            game.hurt(2)
        else:
            hit.health = max(0, hit.health - 2)
        game.remove(arrow)
    elif not game.arrow_land[material]:
        game.remove(arrow)
        if material in _BROKEN_BY_ARROWS:
            game.set_material(cell, PATH)
    else:
        game.move(arrow, arrow.dx, arrow.dy, game.arrow_land)


def _plant(game: PlayersWorld, plant: Thing) -> None:
    plant.timer += 1
    for dx, dy in _SIDES:
        x, y = plant.x + dx, plant.y + dy
        if 0 <= x < game.width and 0 <= y < game.height:
            eater = game.at[x * game.height + y]
            if eater is not None and eater.kind in (ZOMBIE, SKELETON, COW):
                plant.health = max(0, plant.health - 1)
                break
    if plant.health <= 0:
        game.remove(plant)


UPDATE: dict[int, Callable[[PlayersWorld, Thing], None]] = {
    COW: _cow,
    ZOMBIE: _zombie,
    SKELETON: _skeleton,
    ARROW: _arrow,
    PLANT: _plant,
}
"""What a thing does in its turn, by kind."""
