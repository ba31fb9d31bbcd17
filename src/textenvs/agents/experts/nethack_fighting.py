"""Rules of NetHack's expert for fights: what to hit, to shoot at, to leave or to flee from."""

from __future__ import annotations

import re

from textenvs.agents.experts.expert import Decision
from textenvs.agents.experts.nethack_going import descend, dig_down, go
from textenvs.agents.experts.nethack_reading import Reading, place_words
from textenvs.agents.experts.nethack_scene import (
    SECOND_BOW,
    WAND_OF_SLEEP,
    Scene,
    digger_of,
    letter_of,
    missile_of,
)

__all__ = [
    "fight",
    "fire",
    "flee_down",
    "hunt",
    "is_hostile",
    "may_hunt",
    "run_down",
    "shoot",
    "wield",
    "zap",
]

_PEACEFUL = frozenset(
    {"shopkeeper", "guard", "watchman", "watch captain", "aligned priest", "Oracle"}
)
_LEAVE = frozenset(
    {"floating eye", "blue jelly", "brown mold", "green mold"}
    | {"gas spore", "cockatrice", "chickatrice", "spotted jelly", "ochre jelly"}
    | _PEACEFUL
)
_WEAK = frozenset(
    {"newt", "jackal", "fox", "coyote", "sewer rat", "giant rat", "rabid rat", "gecko", "grid bug"}
    | {"kobold", "large kobold", "goblin", "hobbit", "gnome", "gnome lord", "kitten", "little dog"}
    | {"cave spider", "centipede", "acid blob", "lichen", "manes", "kobold zombie", "gnome zombie"}
    | {"bat", "giant bat", "garter snake", "homunculus", "imp", "lemming", "killer bee", "housecat"}
)
_BOW_NAME = re.compile(r"\bbow\b")
_THROWN = re.compile(r"dart|dagger|shuriken")
_EXPLOSION = 20
_RANGE = 5
_FIT = 15  # hit points to attack a peaceful dwarf with
_READY = 100  # turns in which a hero gets ready
_DEEP = 7  # from this level on nobody is fought who can be left behind


def is_hostile(name: str) -> bool:
    """Whether a creature of this name may attack."""
    return not name.startswith("tame ") and name not in _PEACEFUL


def _enemy_of(scene: Scene) -> tuple[str, str] | None:
    """Name and direction of a hostile creature beside the hero."""
    for sight in scene.now.creatures:
        word = place_words(sight.spot).removeprefix("adjacent ")
        if sight.is_adjacent and is_hostile(sight.name) and word not in scene.facts.peaceful:
            return sight.name, word
    return None


def fight(scene: Scene) -> Decision | None:
    """Hit what stands beside one and may be touched; from a strong one rather dig down."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 5:
        return None
    if now.is_swallowed:
        return Decision("fight: inside", "north")
    enemy = _enemy_of(scene)
    if (
        digger_of(now)
        and enemy
        and enemy[0] not in _WEAK
        and not facts.up
        and (dig := dig_down(scene))
    ):
        return dig  # the way down is safer
    for sight in now.creatures:
        if not sight.is_adjacent or sight.name.startswith("tame "):
            continue
        if sight.name in _LEAVE and not _may_touch(sight.name, now):
            continue
        word = place_words(sight.spot).removeprefix("adjacent ")
        if word not in facts.peaceful:
            return Decision(f"fight: {sight.name} {word}", word)
    return None


def _may_touch(name: str, now: Reading) -> bool:
    """A gas spore's explosion takes up to 24 hit points, most often much less."""
    return name == "gas spore" and now.hp > _EXPLOSION


def shoot(scene: Scene) -> Decision | None:
    """Throw something at what had better not be touched and may be in the way."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 5 or not missile_of(now):
        return None
    for sight in now.creatures:
        dx, dy = sight.spot
        in_line = not dx or not dy or abs(dx) == abs(dy)
        if sight.name in _LEAVE - _PEACEFUL and in_line and max(abs(dx), abs(dy)) < 4:
            return Decision(f"throw: {sight.name} {place_words(sight.spot).split()[1]}", "throw")
    return None


def wield(scene: Scene) -> Decision | None:
    """Take the bow in hand for which there are arrows in the quiver."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.typed or facts.idle > 6 or now.turn > _READY:
        return None
    has_arrows = any("arrow" in item.name and "in quiver" in item.name for item in now.items)
    if not has_arrows or not letter_of(now, SECOND_BOW):
        return None
    return Decision("wield: bow", "wield")


def zap(scene: Scene) -> Decision | None:
    """Put to sleep what is winning a fight; then it is an easy prey."""
    now, facts = scene.now, scene.facts
    enemy = _enemy_of(scene)
    if enemy is None or facts.jumps >= 0 or facts.idle > 6:
        return None
    name, word = enemy
    if scene.thought.startswith(("zap", "fight asleep")):
        return Decision(f"fight asleep: {name} {word}", word)
    if now.hp * 2 > now.hp_max or not letter_of(now, WAND_OF_SLEEP):
        return None
    return Decision(f"zap: {name} {word}", "zap")


def fire(scene: Scene) -> Decision | None:
    """Fire what is in the quiver at what is near and in line."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.idle > 6 or not _has_volley(now):
        return None
    for sight in now.creatures:
        dx, dy = sight.spot
        reach = max(abs(dx), abs(dy))
        if (dx and dy and abs(dx) != abs(dy)) or reach > _RANGE or not is_hostile(sight.name):
            continue
        word = place_words(sight.spot).split()[1]
        if word not in facts.peaceful and now.free.get(word, 0) >= reach - 1:
            return Decision(f"fire: {sight.name} {word}", "fire")
    return None


def _has_volley(now: Reading) -> bool:
    """Whether the quiver holds something that is thrown, or arrows for the bow in hand."""
    ready = [i.name for i in now.items if "in quiver" in i.name or "at the ready" in i.name]
    bow = any(_BOW_NAME.search(i.name) and "weapon in hand" in i.name for i in now.items)
    return any(_THROWN.search(name) or (bow and "arrow" in name) for name in ready)


def may_hunt(now: Reading) -> bool:
    """Whether the hero lacks something to dig with, and is fit to fight for it."""
    return not digger_of(now) and now.hp >= _FIT and now.hp * 3 >= now.hp_max * 2


def hunt(scene: Scene) -> Decision | None:
    """Go for a dwarf: what he digs with is worth more than his peace."""
    facts = scene.facts
    if facts.prey is None or facts.jumps >= 0 or facts.idle > 6 or not may_hunt(scene.now):
        return None
    if facts.prey.is_adjacent:
        return Decision(f"fight: {facts.prey.name} {facts.prey.way}", facts.prey.way)
    return go("hunt", facts.prey, scene)


def flee_down(scene: Scene) -> Decision | None:
    """Deep down, or nearly dead, the way on is safer than a fight."""
    now, enemy = scene.now, _enemy_of(scene)
    if enemy is None or (now.depth < _DEEP and now.hp * 3 > now.hp_max):
        return None
    is_worth_it = now.depth >= _DEEP and enemy[0] not in _WEAK
    return descend(scene) or (dig_down(scene) if is_worth_it else None)


def run_down(scene: Scene) -> Decision | None:
    """With the way down in reach, do not stay for a fight that is not easily won."""
    now, down, enemy = scene.now, scene.facts.down, _enemy_of(scene)
    if enemy is None or down is None or down.way == "travel" or scene.facts.idle > 3:
        return None
    is_easy = enemy[0] in _WEAK and now.hp * 2 > now.hp_max
    return None if is_easy else go("down", down, scene)
