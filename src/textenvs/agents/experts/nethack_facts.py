"""What is remembered of a game of NetHack and matters for the next action."""

from __future__ import annotations

from typing import NamedTuple

from textenvs.agents.experts.nethack_reading import Spot, place_words

__all__ = ["Facts", "Target"]


class Target(NamedTuple):
    """A place worth going to.

    Attributes:
        name: what is there.
        spot: where, seen from the hero.
        way: the first leg: "east", "far east", "3 east", or "travel" where the way is long or not
            known.
        tried: how often something was tried there (kicks at a locked door, turns of searching).
    """

    name: str
    spot: Spot
    way: str
    tried: int = 0

    @property
    def is_adjacent(self) -> bool:
        """Whether it is one step away."""
        return max(abs(self.spot[0]), abs(self.spot[1])) == 1

    def text(self, tried: str) -> str:
        """Write it; ``tried`` is the word for what was tried there."""
        count = f" {tried} {self.tried}" if self.tried else ""
        return f"{self.name} {place_words(self.spot)}{count} by {self.way}"


class Facts(NamedTuple):
    """What is remembered and matters now; :meth:`text` writes all of it.

    Attributes:
        few_keys: whether there are no keys to travel and to count with.
        typed: the number that was typed before a command, "" if none.
        jumps: keys pressed since a place to travel to is being chosen, -1 if none is.
        cursor: whether one has been at the place under the cursor: "new", "been",
            "unreachable", or "".
        gap: how far the cursor is from the first target, "" if no place is being chosen.
        down: the known way down that is nearest.
        up: the stairs up, where they matter.
        fresh: the corpse of what was killed lately.
        tool: what one can dig with and has seen lying there.
        unvisited: doors and ends of corridors where one has not been, nearest first.
        none_unexplored: whether the game's own jump found no unexplored place any more.
        search: the nearest place that has been searched least.
        searched: turns of searching where the hero stands.
        hard_floor: whether the floor of this level cannot be dug through.
        pile: whether the hero stands on a pile that was not looked at.
        spoils: where somebody was killed who may have left something to dig with.
        prey: somebody in sight who may have something to dig with.
        mine_stairs: whether these stairs lead to the Gnomish Mines.
        peaceful: directions of adjacent creatures that proved peaceful.
        prayed: turns since the last prayer, -1 if none.
        idle: actions in a row without a turn of the game.
    """

    few_keys: bool = False
    typed: str = ""
    jumps: int = -1
    cursor: str = ""
    gap: str = ""
    down: Target | None = None
    up: Target | None = None
    tool: Target | None = None
    fresh: Target | None = None
    unvisited: tuple[Target, ...] = ()
    none_unexplored: bool = False
    search: Target | None = None
    searched: int = 0
    hard_floor: bool = False
    mine_stairs: bool = False
    pile: bool = False
    spoils: Target | None = None
    prey: Target | None = None
    peaceful: tuple[str, ...] = ()
    prayed: int = -1
    idle: int = 0

    def text(self) -> str:
        """Write the facts in their order, leaving out what there is not."""
        parts = ["Few keys."] if self.few_keys else []
        if self.typed:
            parts.append(f"Count {self.typed}.")
        if self.jumps >= 0:
            parts.append(f"Choosing {self.jumps}.")
            if self.cursor:
                parts.append(f"Cursor {self.cursor}.")
            if self.gap:
                parts.append(f"Gap {self.gap}.")
        if self.peaceful:
            parts.append(f"Peaceful {', '.join(self.peaceful)}.")
        if self.hard_floor:
            parts.append("Hard floor.")
        if self.pile:
            parts.append("Pile.")
        if self.spoils:
            parts.append(f"Spoils: {self.spoils.text('')}.")
        if self.prey:
            parts.append(f"Prey: {self.prey.text('')}.")
        if self.mine_stairs:
            parts.append("Mine stairs.")
        if self.up:
            parts.append(f"Up: {self.up.text('')}.")
        if self.fresh:
            parts.append(f"Fresh: {self.fresh.text('')}.")
        if self.tool:
            parts.append(f"Tool: {self.tool.text('tried')}.")
        if self.down:
            parts.append(f"Down: {self.down.text('')}.")
        if self.unvisited:
            unvisited = "; ".join(target.text("kicked") for target in self.unvisited)
            parts.append(f"Unvisited: {unvisited}.")
        if self.none_unexplored:
            parts.append("Nothing unexplored.")
        if self.search:
            parts.append(f"Search: {self.search.text('searched')}.")
        if self.searched:
            parts.append(f"Searched here {self.searched}.")
        parts.append("Never prayed." if self.prayed < 0 else f"Prayed {self.prayed} ago.")
        if self.idle:
            parts.append(f"Idle {self.idle}.")
        return " ".join(parts)
