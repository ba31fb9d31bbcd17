"""Rules of NetHack's expert for its way: down, back up, to what digs, to what is unknown."""

from __future__ import annotations

from textenvs.agents.experts.expert import Decision
from textenvs.agents.experts.nethack_facts import Target
from textenvs.agents.experts.nethack_reading import STEPS, place_words
from textenvs.agents.experts.nethack_recollection import DIGITS, MANY_JUMPS
from textenvs.agents.experts.nethack_scene import Scene, digger_of
from textenvs.agents.experts.nethack_ways import WAYS_DOWN

__all__ = [
    "count_search",
    "descend",
    "dig_down",
    "explore",
    "go",
    "go_down",
    "leave_mines",
    "search",
    "take",
    "visit",
]

_NO_DIGGING = frozenset({"stairs up", "stairs down", "ladder up", "ladder down"}) | frozenset(
    {"altar", "fountain", "throne", "sink"}
)
_SEARCHED = 15  # turns of one search
_HOPELESS = 4  # below it is too far to leave the Mines
_FAR = 5  # a gap that the cursor crosses by eights


def go(goal: str, target: Target, scene: Scene) -> Decision:
    """Follow the way to a target, or steer the cursor of the travel command to it."""
    facts, cursor = scene.facts, scene.now.cursor
    aim = f"{goal}: {target.name} {place_words(target.spot)}"
    if facts.jumps >= 0:
        name = cursor.name if cursor else ""
        if name == target.name and target.name in ("stairs down", "stairs up"):
            return Decision(f"{aim}, confirm", "wait")
        if target.name in ("stairs down", "stairs up") and facts.jumps < 4:
            return Decision(f"{aim}, jump", goal if goal == "down" else "up")
        if facts.gap == "here" and facts.cursor == "unreachable":
            return Decision(f"{aim}, no way", "esc")
        if facts.gap == "here":
            return Decision(f"{aim}, confirm", "wait")
        if facts.jumps > 20 or not facts.gap:
            return Decision(f"{aim}, no", "esc")
        count, word = facts.gap.split()[:2]
        is_far = count.isdigit() and int(count) >= _FAR
        return Decision(f"{aim}, cursor {count} {word}", f"far {word}" if is_far else word)
    if target.way == "travel":
        return Decision(f"{aim} by travel", "travel")
    if target.way == "here":
        return Decision(f"{aim}, wait", "search")
    first, _, word = target.way.partition(" ")
    if first.isdigit():
        return Decision(f"{aim} by {target.way}", word if facts.typed else DIGITS[int(first)])
    return Decision(f"{aim} by {target.way}", target.way)


def count_search(aim: str, scene: Scene) -> Decision:
    """Search for some turns: the digits first, then the command."""
    count = scene.facts.typed
    if scene.facts.few_keys:
        return Decision(aim, "search")
    typed = str(_SEARCHED)
    left = typed.removeprefix(count)
    if count == typed:
        return Decision(aim, "search")
    if count and left == typed:
        return Decision("leave the count", "esc")
    return Decision(f"{aim}, count {left}", DIGITS[int(left[0])])


def descend(scene: Scene) -> Decision | None:
    """Go down where one is on the way down; not back into the Mines, nor on there to dig."""
    now = scene.now
    if scene.facts.mine_stairs:
        return None
    if now.underfoot in WAYS_DOWN and scene.facts.jumps < 0 and scene.facts.idle < 5:
        if digger_of(now) and scene.facts.up:
            return None
        return Decision(f"descend: {now.underfoot} here", "down")
    return None


def dig_down(scene: Scene) -> Decision | None:
    """Dig through the floor, beside what cannot be dug through."""
    now, facts = scene.now, scene.facts
    if not digger_of(now) or facts.hard_floor or facts.jumps >= 0:
        return None
    if now.underfoot in _NO_DIGGING:
        word = next(iter(now.free), "")
        return Decision(f"dig: step {word}", word) if word else None
    return Decision("dig: apply", "apply")


def leave_mines(scene: Scene) -> Decision | None:
    """Go back up to where one can dig deeper than to the bottom of the Mines."""
    now, up = scene.now, scene.facts.up
    if up is None or now.depth > _HOPELESS:
        return None
    if now.underfoot == "stairs up":
        return Decision("ascend: stairs up here", "up") if scene.facts.jumps < 0 else None
    return go("ascend", up, scene)


def go_down(scene: Scene) -> Decision | None:
    """Go to the way down."""
    down = scene.facts.down
    return go("down", down, scene) if down else None


def visit(scene: Scene) -> Decision | None:
    """Go to the nearest place that was not visited, and kick a locked door open."""
    for target in scene.facts.unvisited[:1]:
        if target.name == "locked door" and target.is_adjacent and target.way in STEPS:
            return Decision(f"kick: locked door {target.way}", "kick")
        return go("go", target, scene)
    return None


def explore(scene: Scene) -> Decision | None:
    """Let the travel command's cursor jump to what is unexplored."""
    facts, cursor = scene.facts, scene.now.cursor
    if facts.none_unexplored:
        return None
    if facts.jumps < 0:
        return Decision("explore: travel", "travel")
    if cursor and facts.cursor == "new" and facts.jumps:
        return Decision(f"explore: {cursor.name} {place_words(cursor.spot)}", "wait")
    if facts.jumps >= MANY_JUMPS or (facts.jumps and not cursor):
        return Decision("explore: nothing", "esc")
    return Decision("explore: jump", "swap")


def search(scene: Scene) -> Decision | None:
    """Search for what is hidden, where that is likeliest."""
    facts = scene.facts
    target = facts.search
    if target is None:
        return None
    if target.way != "here":
        return go("search", target, scene)
    return count_search(f"search: {target.name} here", scene)


def take(scene: Scene) -> Decision | None:
    """Take what one can dig with; look at piles and spoils, which may have it."""
    facts, tool = scene.facts, scene.facts.tool
    if digger_of(scene.now) or facts.idle > 6:
        return None
    if facts.pile and facts.jumps < 0:
        return Decision("look: pile", "look")
    if facts.spoils:
        return go("look", facts.spoils, scene)
    if tool is None:
        return None
    if tool.way == "here":
        return Decision(f"take: {tool.name} here", "pickup")
    return go("take", tool, scene)
