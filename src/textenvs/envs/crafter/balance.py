"""How many creatures a world keeps: spawning and despawning, chunk by chunk."""

from __future__ import annotations

from textenvs.envs.crafter.creatures import distance
from textenvs.envs.crafter.difficulty import Difficulty
from textenvs.envs.crafter.player import PlayersWorld
from textenvs.envs.crafter.things import COW, SKELETON, SLOT, ZOMBIE, Thing
from textenvs.envs.crafter.world import GRASS, PATH

__all__ = ["balance"]


def balance(game: PlayersWorld, hard: Difficulty, light: float) -> None:
    """Spawn and despawn creatures chunk by chunk."""
    most_zombies = int(hard.zombie * (3.5 - 3 * light))
    most_cows = int(hard.cow * (1.5 + light))
    few_cows, few_skeletons, most_skeletons = (
        int(hard.cow),
        int(hard.skeleton),
        int(2 * hard.skeleton),
    )
    grass, path = game.grass, game.path
    for chunk, (zombies, skeletons, cows) in game.creatures.items():
        space = grass[chunk]
        low = most_zombies if space >= 50 else 0
        if not low <= len(zombies) <= most_zombies:
            _correct(game, chunk, ZOMBIE, GRASS, low, (6, 0), (0.3 * hard.zombie, 0.4))
        low = few_skeletons if path[chunk] >= 6 else 0
        if not low <= len(skeletons) <= most_skeletons:
            _correct(game, chunk, SKELETON, PATH, low, (7, 7), (0.1 * hard.skeleton, 0.1))
        low = few_cows if space >= 30 else 0
        if not low <= len(cows) <= most_cows:
            _correct(game, chunk, COW, GRASS, low, (5, 5), (0.01 * hard.cow, 0.1))


def _correct(
    game: PlayersWorld,
    chunk: int,
    kind: int,
    material: int,
    low: int,
    distances: tuple[int, int],
    chances: tuple[float, float],
) -> None:
    """Perhaps add a creature where there are too few, or take one where there are too many."""
    creatures = game.creatures[chunk][SLOT[kind]]
    random = game.random
    if len(creatures) < low:
        if game.uniform() < chances[0]:
            space = game.grass if material == GRASS else game.path
            cell = game.nth_cell(chunk, material, random.randint(space[chunk]))
            x, y = divmod(cell, game.height)
            far = abs(game.player.x - x) + abs(game.player.y - y) >= distances[0]
            if far and game.at[cell] is None:
                game.add(Thing(kind, x, y, game.created))
    elif game.uniform() < chances[1]:
        oldest_first = sorted(creatures, key=_by_creation)
        creature = oldest_first[random.randint(len(creatures))]
        if distance(game, creature) >= distances[1]:
            game.remove(creature)


def _by_creation(thing: Thing) -> int:
    return thing.creation
