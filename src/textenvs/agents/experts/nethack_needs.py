"""Rules of NetHack's expert for what it needs: hit points, food, prayers."""

from __future__ import annotations

from textenvs.agents.experts.expert import Decision
from textenvs.agents.experts.nethack_fighting import is_hostile
from textenvs.agents.experts.nethack_going import count_search, go
from textenvs.agents.experts.nethack_scene import Scene, digger_of, food_of, potion_of

__all__ = ["eat_fresh", "rest", "survive"]

_EDIBLE = frozenset(
    {"newt", "jackal", "sewer rat", "giant rat", "gecko", "gnome", "gnome lord", "dwarf", "hobbit"}
    | {"goblin", "hill orc", "Mordor orc", "Uruk-hai", "rothe", "pony", "horse", "fox", "coyote"}
    | {"lichen", "giant ant", "acid blob", "floating eye", "baby crocodile", "winter wolf cub"}
    | {"wolf", "jaguar", "lynx", "rock piercer", "bugbear", "giant beetle", "iguana", "imp"}
    | {"cave spider", "grid bug", "dwarf lord", "gnome king", "woodchuck"}
    | {"hill giant", "monkey", "ape", "owlbear"}
)
_FIRST_PRAYER, _NEXT_PRAYER = 105, 800  # turns
_MEALTIME = 400  # turns; a hero who begins is not hungry
_TIRED, _RESTED = 11, 17  # twentieths of the hit points below which, and until which, one rests


def survive(scene: Scene) -> Decision | None:
    """Drink, pray or eat when it is urgent."""
    now, facts = scene.now, scene.facts
    if facts.jumps >= 0 or facts.typed:
        return None
    dying = now.hp <= 5 or now.hp * 7 <= now.hp_max
    starving = "weak from hunger" in now.states or "fainting" in now.states
    heard = now.turn > _FIRST_PRAYER if facts.prayed < 0 else facts.prayed >= _NEXT_PRAYER
    if now.hp * 3 <= now.hp_max and potion_of(now):
        return Decision("drink: HP low", "quaff")
    if dying and heard and now.hp < now.hp_max:
        return Decision("pray: HP low", "pray")
    if ("hungry" in now.states or starving) and food_of(now):
        return Decision("eat", "eat")
    if starving and heard:
        return Decision("pray: weak", "pray")
    return None


def rest(scene: Scene) -> Decision | None:
    """Wait for hit points while nothing hostile is in sight."""
    now, facts = scene.now, scene.facts
    wanted = now.hp_max * (_RESTED if scene.thought.startswith("rest") else _TIRED) // 20
    if digger_of(now) and now.hp * 3 > now.hp_max:
        return None
    hungry = any(state in now.states for state in ("hungry", "weak from hunger", "fainting"))
    if now.hp > wanted or hungry or facts.jumps >= 0 or facts.idle > 6:
        return None
    if any(is_hostile(sight.name) for sight in now.creatures):
        return None
    return count_search("rest: HP low", scene)


def eat_fresh(scene: Scene) -> Decision | None:
    """Eat what was just killed, if it is harmless: before one is hungry there may be no other."""
    now, fresh = scene.now, scene.facts.fresh
    if fresh is None or now.turn < _MEALTIME or "satiated" in now.states or scene.facts.idle > 6:
        return None
    if fresh.name.removesuffix(" corpse") not in _EDIBLE or digger_of(now):
        return None
    if fresh.way == "here":
        return Decision(f"eat: {fresh.name} here", "eat")
    return go("eat", fresh, scene)
