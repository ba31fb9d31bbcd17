"""What the player does and suffers, by Crafter's rules."""

from __future__ import annotations

from textenvs.captioners.crafter import NAMES
from textenvs.envs.crafter.rules import Rules
from textenvs.envs.crafter.things import COW, PLANT, SKELETON, ZOMBIE, Thing, is_ripe
from textenvs.envs.crafter.words import WorldRandom
from textenvs.envs.crafter.world import World

__all__ = ["PlayersWorld"]

_WATER, _LAVA = NAMES.index("water"), NAMES.index("lava")
_SWORDS = (("wood_sword", 2), ("stone_sword", 3), ("iron_sword", 5))


class PlayersWorld(World):
    """A world with a player in it.

    Args:
        rules: what can be done.
        area: width and height of the world.

    Attributes:
        random: the world's numbers.
        inventory: name -> count.
        achievements: name -> how often.
        unlocked: the achievements of this game, in the order in which they were unlocked.
        facing: (dx, dy).
        sleeping: whether the player sleeps.
        player: the player's thing.
        land: by material id, whether creatures walk on it.
        arrow_land: by material id, whether arrows fly over it.
    """

    player: Thing

    def __init__(self, rules: Rules, area: tuple[int, int]) -> None:
        super().__init__(*area)
        self.rules = rules
        self.random = WorldRandom()
        self.uniform = self.random.uniform  # looked up often
        self._least_limit = min(rules.most.values())
        self.land = tuple(rules.walkable)
        self._player_land = _with(rules.walkable, _LAVA)
        self.arrow_land = _with(rules.walkable, _WATER, _LAVA)

    def _be_born(self) -> None:
        """Give the player what a game begins with."""
        self.inventory: dict[str, int] = dict(self.rules.initial)
        self.achievements: dict[str, int] = dict.fromkeys(self.rules.achievements, 0)
        self.unlocked: list[str] = []
        self.facing = (0, 1)
        self.sleeping = False
        self._hunger = self._thirst = self._fatigue = self._recover = 0.0
        self._health_before = self.inventory["health"]

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
        self.move(player, *direction, self._player_land)
        if self.materials[player.x * self.height + player.y] == _LAVA:
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
        thing = self.at[cell]
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
        if material == _WATER:
            self._thirst = 0
        rule = self.rules.collecting.get(material)
        inventory = self.inventory
        if rule is None or any(inventory[name] < n for name, n in rule.require.items()):
            return
        if material != rule.leaves:
            self.set_material(cell, rule.leaves)
        if self.uniform() > rule.probability:
            return
        for name, amount in rule.receive.items():
            if not self.rules.counts_full and inventory[name] == self.rules.most[name]:
                return
            inventory[name] += amount
            self._achieve(f"collect_{name}")

    def _place(self, name: str) -> None:
        cell = self._target()
        if cell is None or self.at[cell] is not None:
            return
        rule, inventory = self.rules.placing[name], self.inventory
        if self.materials[cell] not in rule.where:
            return
        if any(inventory[item] < n for item, n in rule.uses.items()):
            return
        for item, n in rule.uses.items():
            inventory[item] -= n
        if rule.material is not None:
            self.set_material(cell, rule.material)
        else:
            self.add(Thing(PLANT, *divmod(cell, self.height), self.created))
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

    def hurt(self, damage: int) -> None:
        """Take from the player's health."""
        self.inventory["health"] = max(0, self.inventory["health"] - damage)


def _with(walkable: tuple[bool, ...], *materials: int) -> tuple[bool, ...]:
    return tuple(flag or material in materials for material, flag in enumerate(walkable))
