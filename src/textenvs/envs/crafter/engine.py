"""Crafter, step by step as the published game, on small integers.

The world is three flat arrays of one entry a cell (x * height + y): the material, the thing that
stands there, and the id that is seen. Things are updated in order of creation, the player first;
every draw from the world's generator is made in the published order, so that the whole game is the
published one, made deterministic (see :mod:`textenvs.envs.crafter.reference`).
"""

from __future__ import annotations

import math
import pickle
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.difficulty import Difficulty
from textenvs.envs.crafter.rules import Rules
from textenvs.envs.crafter.words import WorldRandom
from textenvs.envs.crafter.worldgen import generate

__all__ = ["ARROW", "PLANT", "Engine", "Thing", "daylight", "is_ripe"]

PLAYER, COW, ZOMBIE, SKELETON, ARROW, PLANT = (
    NAMES.index(name) for name in ("player", "cow", "zombie", "skeleton", "arrow", "plant")
)
WATER, GRASS, PATH, LAVA = (NAMES.index(name) for name in ("water", "grass", "path", "lava"))
_BROKEN_BY_ARROWS = frozenset(map(NAMES.index, ("table", "furnace")))

_SLOT = {ZOMBIE: 0, SKELETON: 1, COW: 2}  # where a chunk keeps its creatures
_HEALTH = {PLAYER: 9, COW: 3, ZOMBIE: 5, SKELETON: 3, ARROW: 0, PLANT: 1}
_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
_CHUNK = 12
_BALANCE_EVERY = 10
_NIGHT = 0.5
_NIGHT_NOISE = 63 * 49  # the draws of a frame of 64x64 pixels
_RIPE = 300
_WATCH_STEPS = 4  # the player and a thing come at most two cells a step closer to one another
_MOVING_PARTS = (
    *("steps", "light", "inventory", "achievements", "unlocked", "facing", "sleeping", "plants"),
    *("noise", "things", "player", "materials", "seen", "_hunger", "_thirst", "_fatigue"),
    *("_recover", "_health_before", "_health_paid", "_created", "_at", "_creatures", "_grass"),
    *("_path", "_seed", "_episode"),
)
_SWORDS = (("wood_sword", 2), ("stone_sword", 3), ("iron_sword", 5))


@lru_cache(maxsize=100_000)
def daylight(step: int) -> float:
    """How light it is, in [0, 1]; the expression is the published one, to the last bit."""
    progress = (step / 300) % 1 + 0.3
    return float(1 - np.abs(np.cos(np.pi * progress)) ** 3)


class Thing:
    """A creature, an arrow, a plant or the player.

    Attributes:
        kind: its id.
        x, y: where it is.
        health: what is left; a creature at 0 goes at its next turn.
        timer: a zombie's cooldown, a skeleton's reload, how long a plant has grown.
        dx, dy: where an arrow flies.
        creation: how many things there were before it.
        removed: whether it has left the world.
    """

    __slots__ = ("creation", "dx", "dy", "health", "kind", "removed", "timer", "x", "y")

    def __init__(self, kind: int, x: int, y: int, creation: int, dx: int = 0, dy: int = 0) -> None:
        self.kind = kind
        self.x = x
        self.y = y
        self.health = _HEALTH[kind]
        self.timer = 0
        self.dx = dx
        self.dy = dy
        self.creation = creation
        self.removed = False

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.kind, self.x, self.y, self.creation, self.dx, self.dy)
        return _restore_thing, (*fields, self.health, self.timer, self.removed)


def is_ripe(plant: Thing) -> bool:
    """Whether a plant can be eaten."""
    return plant.timer > _RIPE


def _restore_thing(
    kind: int,
    x: int,
    y: int,
    creation: int,
    dx: int,
    dy: int,
    health: int,
    timer: int,
    removed: bool,
) -> Thing:
    thing = Thing(kind, x, y, creation, dx, dy)
    thing.health, thing.timer, thing.removed = health, timer, removed
    return thing


class Engine:
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
        self.rules = rules
        self.width, self.height = area
        self.difficulty = difficulty
        self._reach = 2 * max(view)
        self._length = length
        self._keep_noise = keep_noise
        self._random = WorldRandom()
        self._uniform = self._random.uniform  # looked up often
        self._seed = 0
        self._episode = 0
        self._least_limit = min(rules.most.values())
        self._land = tuple(rules.walkable)
        self._player_land = _with(rules.walkable, LAVA)
        self._arrow_land = _with(rules.walkable, WATER, LAVA)
        self._chunk_of, self._bounds = _chunks(*area)

    def seed_world(self, seed: int) -> None:
        """Make the next ``reset`` the first episode of ``crafter.Env(seed=seed)``."""
        self._seed = int(seed)
        self._episode = 0

    def reset(self) -> None:
        """Begin the next episode."""
        self._episode += 1
        self._random.seed(hash((self._seed, self._episode)) % (2**31 - 1))
        self.steps = 0
        self.light = daylight(0)
        self.inventory: dict[str, int] = dict(self.rules.initial)
        self.achievements: dict[str, int] = dict.fromkeys(self.rules.achievements, 0)
        self.unlocked: list[str] = []
        self.facing = (0, 1)
        self.sleeping = False
        self.plants: list[Thing] = []
        self.noise: NDArray[np.float64] | None = None
        self._hunger = self._thirst = self._fatigue = self._recover = 0.0
        self._health_before = self._health_paid = self.inventory["health"]
        self._created = 0
        self.things: list[Thing] = []
        # Of all things those that can come near in the next steps; see `play`.
        self._watched: list[Thing] = []
        self._watch_until = 0
        self._at: list[Thing | None] = [None] * (self.width * self.height)
        self._creatures: dict[int, tuple[list[Thing], list[Thing], list[Thing]]] = {}
        world = generate(
            self.width, self.height, self._random, self.difficulty, self.rules.walkable
        )
        self.materials = world.materials
        self.seen = bytearray(world.materials)
        self._count_materials()
        self.player = self._add(Thing(PLAYER, self.width // 2, self.height // 2, 0))
        for kind, x, y in world.creatures:
            self._add(Thing(kind, x, y, self._created))

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
            self._watched = self._within(self.things[1:], self._reach + 2 * _WATCH_STEPS)
            self._watch_until = steps + _WATCH_STEPS
        others = self._watched[:]  # what comes into the world now has its first turn next time
        self._act(action)
        # Who is near can be told beforehand: each moves in its own turn only.
        update = self._update
        for thing in self._within(others, self._reach):
            update[thing.kind](self, thing)
        if steps % _BALANCE_EVERY == 0:
            self._balance()
        if light < _NIGHT:
            if self._keep_noise:
                self.noise = self._random.uniforms(_NIGHT_NOISE).reshape(63, 49)
            else:
                self._random.skip_uniforms(_NIGHT_NOISE)
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
        return {"parts": pickle.dumps(parts), "random": self._random.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, value in pickle.loads(state["parts"]).items():
            setattr(self, name, value)
        self._watch_until = 0
        self._random.set_state(state["random"])

    # The world

    def _count_materials(self) -> None:
        """Count grass and path by chunk: what creatures are balanced by."""
        chunk_of = np.array(self._chunk_of)
        ids = np.frombuffer(bytes(self.materials), np.uint8)
        n = len(self._bounds)
        self._grass = np.bincount(chunk_of[ids == GRASS], minlength=n).tolist()
        self._path = np.bincount(chunk_of[ids == PATH], minlength=n).tolist()

    def _set_material(self, cell: int, material: int) -> None:
        old = self.materials[cell]
        for kind, counts in ((GRASS, self._grass), (PATH, self._path)):
            counts[self._chunk_of[cell]] += (material == kind) - (old == kind)
        self.materials[cell] = material
        if self._at[cell] is None:
            self.seen[cell] = material

    def _members(self, chunk: int) -> tuple[list[Thing], list[Thing], list[Thing]]:
        """A chunk's zombies, skeletons and cows; chunks stand in the order of their first thing."""
        members = self._creatures.get(chunk)
        if members is None:
            members = self._creatures[chunk] = ([], [], [])
        return members

    def _add(self, thing: Thing) -> Thing:
        cell = thing.x * self.height + thing.y
        self._created += 1
        self.things.append(thing)
        self._watched.append(thing)
        self._at[cell] = thing
        self.seen[cell] = thing.kind
        members = self._members(self._chunk_of[cell])
        if thing.kind in _SLOT:
            members[_SLOT[thing.kind]].append(thing)
        if thing.kind == PLANT:
            self.plants.append(thing)
        return thing

    def _remove(self, thing: Thing) -> None:
        if thing.removed:
            return
        cell = thing.x * self.height + thing.y
        thing.removed = True
        self.things.remove(thing)
        if thing in self._watched:
            self._watched.remove(thing)
        self._at[cell] = None
        self.seen[cell] = self.materials[cell]
        if thing.kind in _SLOT:
            self._members(self._chunk_of[cell])[_SLOT[thing.kind]].remove(thing)
        if thing.kind == PLANT:
            self.plants.remove(thing)

    def _move(self, thing: Thing, dx: int, dy: int, land: tuple[bool, ...]) -> bool:
        """Move by a step if the cell is free; whether it was."""
        x, y, height = thing.x + dx, thing.y + dy, self.height
        if not (0 <= x < self.width and 0 <= y < height):
            return False
        new = x * height + y
        at, materials = self._at, self.materials
        if at[new] is not None or not land[materials[new]]:
            return False
        if thing.removed:
            return True
        old = new - dx * height - dy
        at[old] = None
        at[new] = thing
        self.seen[old] = materials[old]
        self.seen[new] = thing.kind
        thing.x = x
        thing.y = y
        left, entered = self._chunk_of[old], self._chunk_of[new]
        if left != entered:
            members = self._members(entered)
            if thing.kind in _SLOT:
                slot = _SLOT[thing.kind]
                self._members(left)[slot].remove(thing)
                members[slot].append(thing)
        return True

    # The player

    def _achieve(self, name: str) -> None:
        self.achievements[name] += 1
        if self.achievements[name] == 1:
            self.unlocked.append(name)

    def _act(self, action: int) -> None:
        inventory = self.inventory
        deed, what = self.rules.deeds[action]
        if self.sleeping:
            if inventory["energy"] < self.rules.most["energy"]:
                deed = "sleep"
            else:
                self.sleeping = False
                self._achieve("wake_up")
        if deed == "move":
            self._walk(what)
        elif deed == "do":
            self._do()
        elif deed == "sleep":
            if inventory["energy"] < self.rules.most["energy"]:
                self.sleeping = True
        elif deed == "place":
            self._place(what)
        elif deed == "make":
            self._make(what)
        self._live()
        self._clamp()
        if inventory["health"] < self._health_before:
            self.sleeping = False
        self._health_before = inventory["health"]

    def _clamp(self) -> None:
        """Keep every count between 0 and what can be carried."""
        counts = self.inventory.values()
        if max(counts) <= self._least_limit and min(counts) >= 0:
            return
        most = self.rules.most
        for name, amount in self.inventory.items():
            if amount > most[name]:
                self.inventory[name] = most[name]
            elif amount < 0:
                self.inventory[name] = 0

    def _walk(self, direction: tuple[int, int]) -> None:
        player = self.player
        self.facing = direction
        self._move(player, *direction, self._player_land)
        if self.materials[player.x * self.height + player.y] == LAVA:
            self.inventory["health"] = 0

    def _target(self) -> int | None:
        """The cell in front of the player; None beyond the map."""
        x, y = self.player.x + self.facing[0], self.player.y + self.facing[1]
        inside = 0 <= x < self.width and 0 <= y < self.height
        return x * self.height + y if inside else None

    def _do(self) -> None:
        cell = self._target()
        if cell is None:
            return
        thing = self._at[cell]
        if thing is None:
            self._collect(cell)
        elif thing.kind == PLANT:
            if is_ripe(thing):
                thing.timer = 0
                self.inventory["food"] += 4
                self._achieve("eat_plant")
        elif thing.kind in (ZOMBIE, SKELETON, COW):
            self._hit(thing)

    def _hit(self, thing: Thing) -> None:
        inventory = self.inventory
        armed = [damage for sword, damage in _SWORDS if inventory[sword]]
        thing.health = max(0, thing.health - max([self.rules.unarmed_damage, *armed]))
        if thing.health > 0:
            return
        if thing.kind == COW:
            inventory["food"] += 6
            self._hunger = 0
            self._achieve("eat_cow")
        else:
            self._achieve("defeat_zombie" if thing.kind == ZOMBIE else "defeat_skeleton")

    def _collect(self, cell: int) -> None:
        material = self.materials[cell]
        if material == WATER:
            self._thirst = 0
        rule = self.rules.collecting.get(material)
        inventory = self.inventory
        if rule is None or any(inventory[name] < n for name, n in rule.require.items()):
            return
        if material != rule.leaves:
            self._set_material(cell, rule.leaves)
        if self._uniform() > rule.probability:
            return
        for name, amount in rule.receive.items():
            if not self.rules.counts_full and inventory[name] == self.rules.most[name]:
                return
            inventory[name] += amount
            self._achieve(f"collect_{name}")

    def _place(self, name: str) -> None:
        cell = self._target()
        if cell is None or self._at[cell] is not None:
            return
        rule, inventory = self.rules.placing[name], self.inventory
        if self.materials[cell] not in rule.where:
            return
        if any(inventory[item] < n for item, n in rule.uses.items()):
            return
        for item, n in rule.uses.items():
            inventory[item] -= n
        if rule.material is not None:
            self._set_material(cell, rule.material)
        else:
            self._add(Thing(PLANT, *divmod(cell, self.height), self._created))
        self._achieve(f"place_{name}")

    def _make(self, name: str) -> None:
        rule, inventory = self.rules.crafting[name], self.inventory
        if any(inventory[item] < n for item, n in rule.uses.items()):
            return
        if not rule.nearby <= self._nearby():
            return
        for item, n in rule.uses.items():
            inventory[item] -= n
        inventory[name] += rule.gives
        self._achieve(f"make_{name}")

    def _nearby(self) -> set[int]:
        """The materials of the 3x3 cells around the player.

        A slice that begins before the map is empty, as in the published code.
        """
        x, y, height = self.player.x, self.player.y, self.height
        if x < 1 or y < 1:
            return set()
        near: set[int] = set()
        for column in range(x - 1, min(x + 2, self.width)):
            near.update(
                self.materials[column * height + y - 1 : column * height + min(y + 2, height)]
            )
        return near

    def _live(self) -> None:
        """Hunger, thirst, fatigue, and what they do to health."""
        inventory, asleep = self.inventory, self.sleeping
        self._hunger += 0.5 if asleep else 1
        if self._hunger > 25:
            self._hunger = 0
            inventory["food"] -= 1
        self._thirst += 0.5 if asleep else 1
        if self._thirst > 20:
            self._thirst = 0
            inventory["drink"] -= 1
        self._fatigue = min(self._fatigue - 1, 0) if asleep else self._fatigue + 1
        if self._fatigue < -10:
            self._fatigue = 0
            inventory["energy"] += 1
        if self._fatigue > 30:
            self._fatigue = 0
            inventory["energy"] -= 1
        if inventory["food"] > 0 and inventory["drink"] > 0 and (inventory["energy"] > 0 or asleep):
            self._recover += 2 if asleep else 1
        else:
            self._recover -= 0.5 if asleep else 1
        if self._recover > 25:
            self._recover = 0
            inventory["health"] += 1
        if self._recover < -15:
            self._recover = 0
            inventory["health"] = max(0, inventory["health"] - 1)

    def _hurt_player(self, damage: int) -> None:
        self.inventory["health"] = max(0, self.inventory["health"] - damage)

    # The others

    def _toward_player(self, thing: Thing, long_axis: bool) -> tuple[int, int]:
        player = self.player
        dx, dy = player.x - thing.x, player.y - thing.y
        if abs(dx) > abs(dy) if long_axis else abs(dx) <= abs(dy):
            return (dx > 0) - (dx < 0), 0
        return 0, (dy > 0) - (dy < 0)

    def _distance(self, thing: Thing) -> int:
        player = self.player
        return abs(player.x - thing.x) + abs(player.y - thing.y)

    def _wander(self, thing: Thing) -> None:
        dx, dy = _SIDES[self._random.word() & 3]  # what randint(4) makes of a word
        self._move(thing, dx, dy, self._land)

    def _update_cow(self, cow: Thing) -> None:
        if cow.health <= 0:
            self._remove(cow)
        if self._uniform() < 0.5:
            self._wander(cow)

    def _update_zombie(self, zombie: Thing) -> None:
        if zombie.health <= 0:
            self._remove(zombie)
        uniform = self._uniform
        if self._distance(zombie) <= 8 and uniform() < 0.9:
            dx, dy = self._toward_player(zombie, uniform() < 0.8)
            self._move(zombie, dx, dy, self._land)
        else:
            self._wander(zombie)
        if self._distance(zombie) <= 1:
            if zombie.timer:
                zombie.timer -= 1
            else:
                self._hurt_player(7 if self.sleeping else 2)
                zombie.timer = 5

    def _update_skeleton(self, skeleton: Thing) -> None:
        if skeleton.health <= 0:
            self._remove(skeleton)
        skeleton.timer = max(0, skeleton.timer - 1)
        distance, uniform = self._distance(skeleton), self._uniform
        if distance <= 3:
            dx, dy = self._toward_player(skeleton, uniform() < 0.6)
            if self._move(skeleton, -dx, -dy, self._land):
                return
        if distance <= 5 and uniform() < 0.5:
            self._shoot(skeleton)
        elif distance <= 8 and uniform() < 0.3:
            self._move(skeleton, *self._toward_player(skeleton, uniform() < 0.6), self._land)
        elif uniform() < 0.2:
            self._wander(skeleton)

    def _shoot(self, skeleton: Thing) -> None:
        dx, dy = self._toward_player(skeleton, True)
        if skeleton.timer > 0 or (dx, dy) == (0, 0):
            return
        x, y = skeleton.x + dx, skeleton.y + dy
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        cell = x * self.height + y
        if self._at[cell] is None and self._arrow_land[self.materials[cell]]:
            self._add(Thing(ARROW, x, y, self._created, dx, dy))
            skeleton.timer = 4

    def _update_arrow(self, arrow: Thing) -> None:
        x, y = arrow.x + arrow.dx, arrow.y + arrow.dy
        if not (0 <= x < self.width and 0 <= y < self.height):
            self._remove(arrow)
            return
        cell = x * self.height + y
        hit, material = self._at[cell], self.materials[cell]
        if hit is not None:
            if hit.kind == PLAYER:
                self._hurt_player(2)
            else:
                hit.health = max(0, hit.health - 2)
            self._remove(arrow)
        elif not self._arrow_land[material]:
            self._remove(arrow)
            if material in _BROKEN_BY_ARROWS:
                self._set_material(cell, PATH)
        else:
            self._move(arrow, arrow.dx, arrow.dy, self._arrow_land)

    def _update_plant(self, plant: Thing) -> None:
        plant.timer += 1
        for dx, dy in _SIDES:
            x, y = plant.x + dx, plant.y + dy
            if 0 <= x < self.width and 0 <= y < self.height:
                eater = self._at[x * self.height + y]
                if eater is not None and eater.kind in (ZOMBIE, SKELETON, COW):
                    plant.health = max(0, plant.health - 1)
                    break
        if plant.health <= 0:
            self._remove(plant)

    _update = {  # noqa: RUF012  # of the class, and never changed
        COW: _update_cow,
        ZOMBIE: _update_zombie,
        SKELETON: _update_skeleton,
        ARROW: _update_arrow,
        PLANT: _update_plant,
    }

    # Balance

    def _balance(self) -> None:
        """Spawn and despawn creatures chunk by chunk."""
        hard = self.difficulty
        most_zombies = int(hard.zombie * (3.5 - 3 * self.light))
        most_cows = int(hard.cow * (1.5 + self.light))
        few_cows, few_skeletons, most_skeletons = (
            int(hard.cow),
            int(hard.skeleton),
            int(2 * hard.skeleton),
        )
        grass, path = self._grass, self._path
        for chunk, (zombies, skeletons, cows) in self._creatures.items():
            space = grass[chunk]
            low = most_zombies if space >= 50 else 0
            if not low <= len(zombies) <= most_zombies:
                self._correct(chunk, ZOMBIE, GRASS, low, (6, 0), (0.3 * hard.zombie, 0.4))
            low = few_skeletons if path[chunk] >= 6 else 0
            if not low <= len(skeletons) <= most_skeletons:
                self._correct(chunk, SKELETON, PATH, low, (7, 7), (0.1 * hard.skeleton, 0.1))
            low = few_cows if space >= 30 else 0
            if not low <= len(cows) <= most_cows:
                self._correct(chunk, COW, GRASS, low, (5, 5), (0.01 * hard.cow, 0.1))

    def _correct(
        self,
        chunk: int,
        kind: int,
        material: int,
        low: int,
        distances: tuple[int, int],
        chances: tuple[float, float],
    ) -> None:
        """Perhaps add a creature where there are too few, or take one where there are too many."""
        creatures = self._creatures[chunk][_SLOT[kind]]
        random = self._random
        if len(creatures) < low:
            if self._uniform() < chances[0]:
                space = self._grass if material == GRASS else self._path
                cell = self._nth_cell(chunk, material, random.randint(space[chunk]))
                x, y = divmod(cell, self.height)
                far = abs(self.player.x - x) + abs(self.player.y - y) >= distances[0]
                if far and self._at[cell] is None:
                    self._add(Thing(kind, x, y, self._created))
        elif self._uniform() < chances[1]:
            oldest_first = sorted(creatures, key=_by_creation)
            creature = oldest_first[random.randint(len(creatures))]
            if self._distance(creature) >= distances[1]:
                self._remove(creature)

    def _nth_cell(self, chunk: int, material: int, n: int) -> int:
        """The n-th cell of a material in a chunk, column by column."""
        left, right, top, bottom = self._bounds[chunk]
        for x in range(left, right):
            start = x * self.height + top
            column = self.materials[start : start + bottom - top]
            here = column.count(material)
            if n < here:
                place = -1
                for _ in range(n + 1):
                    place = column.index(material, place + 1)
                return start + place
            n -= here
        raise IndexError(f"chunk {chunk} has no such cell of {NAMES[material]}")


def _by_creation(thing: Thing) -> int:
    return thing.creation


def _with(walkable: tuple[bool, ...], *materials: int) -> tuple[bool, ...]:
    return tuple(flag or material in materials for material, flag in enumerate(walkable))


@lru_cache(maxsize=8)
def _chunks(width: int, height: int) -> tuple[list[int], list[tuple[int, int, int, int]]]:
    """The chunk of each cell, and the bounds (left, right, top, bottom) of each chunk."""
    rows = math.ceil(height / _CHUNK)
    chunk_of = [(x // _CHUNK) * rows + y // _CHUNK for x in range(width) for y in range(height)]
    bounds = [
        (x, min(x + _CHUNK, width), y, min(y + _CHUNK, height))
        for x in range(0, width, _CHUNK)
        for y in range(0, height, _CHUNK)
    ]
    return chunk_of, bounds
