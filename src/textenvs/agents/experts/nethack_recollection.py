"""What the texts of a game of NetHack told: its levels, and what was tried on them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textenvs.agents.experts.nethack_facts import Facts
from textenvs.agents.experts.nethack_reading import STEPS, Reading, Sight, Spot, place_words, read
from textenvs.agents.experts.nethack_targets import (
    DIGGERS,
    DIGGING,
    MOST_KICKS,
    TRIES,
    Lookout,
    searched_around,
)
from textenvs.agents.experts.nethack_ways import (
    DOORS,
    ORTHOGONAL,
    TRAPS,
    WAYS_DOWN,
    Level,
    Ways,
    add,
    between,
    is_in_room,
    span,
)

__all__ = ["DIGITS", "MANY_JUMPS", "NetHackRecollection"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_KEPT = (
    DOORS | WAYS_DOWN | {"stairs up", "ladder up", "altar", "fountain", "sink", "throne", "grave"}
)
_IN_VAIN = ("in vain", "cannot pass", "carrying too much", "too narrow", "too large", "no room")
_FOR_NOW = ("blocks your path", "in your way", "You stop", "swap places", "You move right into")
_MINES = "Gnomish Mines"
_MINE_STAIRS = "mine stairs"  # where one came up from the Mines
_ASKS = re.compile(r"In what direction|\](?: \(.\))?$|write in the dust here\?|:(?: \S*)?$")
_READ = re.compile(r"Things that are here|You see here|You feel here|no objects here")
_KILLED = re.compile(r"You kill (?:the )?([\w' -]+?)!")
_CLOSED_SHOP = "Closed for inventory"  # who breaks its door is killed
_LOCKED = "This door is locked"
_NO_WAY = "no travel path"
_NEARBY = 15  # turns for which a creature that proved peaceful is recognised
MANY_JUMPS = 14  # after so many without finding a place, nothing unexplored is left
_SLACK = 8  # cells that may come to be known before the game is asked again


class NetHackRecollection:
    """Remembers, level by level, where one can walk, what was seen there, and what was tried.

    Args:
        few_keys: whether there are no keys to travel, to count and to answer questions with, as
            among the 23 actions of NLE's tasks; ways are then told step by step.
    """

    def __init__(self, few_keys: bool = False) -> None:
        self._few_keys = few_keys
        self._levels: dict[tuple[str, int], Level] = {}
        self._level = Level()
        self._reading = Reading()
        self._count = ""
        self._jumps = -1
        self._kicking = False
        self._asked_to_pray = False
        self._prayed: int | None = None
        self._idle = 0
        self._peaceful: list[tuple[str, Spot, int]] = []
        self._facts: Facts | None = None

    def see(self, text: str, action: str) -> None:
        """Take in an observation, and the action that led to it ("" at the beginning)."""
        before, now = self._reading, read(text)
        self._facts = None
        if not now.alive:
            return
        self._reading = now
        key = (now.branch, now.depth)
        same_level = before.alive and (before.branch, before.depth) == key
        level = self._level
        self._follow_keys(before, now, action)
        self._idle = self._idle + 1 if before.alive and before.turn == now.turn else 0
        if action == "up" and before.branch == _MINES and now.branch != _MINES:
            self._levels.setdefault(key, Level()).places[now.position] = _MINE_STAIRS
        self._level = self._levels.setdefault(key, Level())
        if same_level:
            self._judge_move(level, before, now, action)
        if not now.covered and not now.is_swallowed:
            self._map(before if same_level else None, now, action)

    def text(self) -> str:
        """Write down what is worth knowing now and is not in the last observation."""
        return self.facts().text()

    def facts(self) -> Facts:
        """What :meth:`text` says, as a value."""
        if self._facts is None:
            self._facts = self._gather()
        return self._facts

    def _follow_keys(self, before: Reading, now: Reading, action: str) -> None:
        """Keep what was typed: a count, a place being chosen, a kick, a prayer."""
        if action in DIGITS and self._jumps < 0:
            self._count += str(DIGITS.index(action))
        else:
            self._count = ""
        if self._jumps >= 0:
            cursor = before.cursor
            if action in ("wait", "esc") or now.turn != before.turn:
                if cursor and (action == "wait" or _NO_WAY in before.message):
                    cell = add(before.position, cursor.spot)
                    lost = 2 if _NO_WAY in before.message else 1
                    self._level.tries[cell] = self._level.tries.get(cell, 0) + lost
                if (
                    action == "esc"
                    and self._jumps > 0
                    and (not cursor or self._jumps >= MANY_JUMPS)
                ):
                    self._level.explored_at = self._level.known()
                self._jumps = -1
            else:
                self._jumps += 1
        if "Where do you want to travel to" in now.message:
            self._jumps = 0
        if action == "northwest" and self._peaceful and "Really attack" in before.message:
            self._peaceful.pop()  # it is not any more
        if action == "northwest" and self._asked_to_pray:
            self._prayed = before.turn
        self._asked_to_pray = "want to pray?" in now.message
        if self._kicking and action in STEPS:
            cell = add(before.position, STEPS[action])
            self._level.locked[cell] = self._level.locked.get(cell, 0) + 1
        self._kicking = action == "kick" and "direction" in now.message
        if before.alive and ("eat it?" in before.message or "eat one?" in before.message):
            self._level.kills.pop(before.position, None)
        if action == "eat" and "eat" not in now.message:
            self._level.kills.pop(before.position, None)
        if action == "pickup":
            self._level.untaken[before.position] = self._level.untaken.get(before.position, 0) + 1
        if action == "search":
            here, turns = before.position, max(now.turn - before.turn, 0)
            self._level.searched[here] = self._level.searched.get(here, 0) + turns
        if "hard to dig" in now.message and "stairs" not in now.message:
            self._level.hard_floor = True

    def _judge_move(self, level: Level, before: Reading, now: Reading, action: str) -> None:
        """Remember moves that failed, doors that are locked, and creatures that are peaceful."""
        word = action.removeprefix("far ")
        if word not in STEPS or self._jumps >= 0 or _ASKS.search(before.message):
            return
        step = STEPS[word]
        cell = add(before.position, step)
        name = next((c.name for c in before.creatures if c.spot == step), "")
        killed = _KILLED.search(now.message)
        if killed and killed[1] == name:
            level.kills[cell] = (name, now.turn)
        if killed and killed[1] in DIGGING:
            level.spoils |= {
                add(before.position, sight.spot)
                for sight in before.creatures
                if sight.name == killed[1] and _is_towards(sight.spot, step)
            }
        if "Really attack" in now.message:
            self._peaceful.append((name, cell, now.turn))
            return
        if "in vain" in now.message:
            level.tries[cell] = level.tries.get(cell, 0) + 1
        if now.position != before.position or name:
            return
        if _LOCKED in now.message:
            level.locked.setdefault(cell, 0)
        elif level.places.get(cell) == "closed door" and now.turn != before.turn:
            pass  # it resists, or has just been opened
        elif any(words in now.message for words in _FOR_NOW):
            pass  # somebody stood there
        elif now.turn == before.turn or any(words in now.message for words in _IN_VAIN):
            level.bad.add((before.position, step))

    def _map(self, before: Reading | None, now: Reading, action: str) -> None:
        level, here = self._level, now.position
        level.walk.add(here)
        if before is None or before.position != here:
            level.been[here] = level.been.get(here, 0) + 1
            if before is not None and action.removeprefix("far ") in STEPS:
                for cell in between(before.position, here):
                    level.walk.add(cell)
                    level.been.setdefault(cell, 1)
        if _CLOSED_SHOP in now.message:
            for step in ORTHOGONAL:
                level.locked[add(here, step)] = MOST_KICKS
        self._keep_passages(now)
        self._keep_rays(now)
        self._keep_places(now)

    def _keep_passages(self, now: Reading) -> None:
        """Remember where else a corridor goes on, and where it ends."""
        level, here = self._level, now.position
        steps = {STEPS[word] for word in now.free}
        if is_in_room(steps):
            return
        if now.underfoot in DOORS:
            steps = {step for step in steps if 0 in step}
        exits = {add(here, step) for step in steps}
        new = exits - level.been.keys()
        level.passages |= new
        level.dead_ends.discard(here)
        if not new and _is_dead_end(exits):
            level.dead_ends.add(here)

    def _keep_rays(self, now: Reading) -> None:
        level, (x, y) = self._level, now.position
        free = now.free
        for word, count in free.items():
            dx, dy = STEPS[word]
            level.walk.update((x + dx * n, y + dy * n) for n in range(1, count + 1))
            if dx and dy and count > 1:
                across = free.get("east" if dx > 0 else "west", 0)
                along = free.get("south" if dy > 0 else "north", 0)
                level.soft.update(
                    (x + dx * i, y + dy * j)
                    for i in range(1, max(across, count) + 1)
                    for j in range(1, min(i, count, along or count) + 1)
                )
                level.soft.update(
                    (x + dx * i, y + dy * j)
                    for j in range(1, max(along, count) + 1)
                    for i in range(1, min(j, count, across or count) + 1)
                )

    def _keep_places(self, now: Reading) -> None:
        level, here = self._level, now.position
        listed = {add(here, sight.spot): sight.name for sight in now.places}
        far = {name: _reach(now.places, name) for name in now.incomplete}
        hidden = {add(here, sight.spot) for sight in (*now.creatures, *now.objects)}
        for cell in [*level.places]:
            name = level.places[cell]
            if name == _MINE_STAIRS:
                continue
            gone = cell != here and cell not in hidden and cell not in listed
            if gone and span(cell, here) < far.get(name, 999):
                del level.places[cell]
        reach = far.get("corridor end", 999)
        level.ends = {cell for cell in level.ends if span(cell, here) >= reach}
        for cell, name in listed.items():
            if name == "corridor end":
                level.ends.add(cell)
            elif (name in _KEPT or name in TRAPS) and level.places.get(cell) != _MINE_STAIRS:
                level.places[cell] = name
        if now.underfoot in _KEPT and level.places.get(here) != _MINE_STAIRS:
            level.places[here] = now.underfoot
        level.tools = {
            cell: name
            for cell, name in level.tools.items()
            if cell in hidden or (cell == here and "no objects here" not in now.message)
        }
        level.tools |= {
            add(here, sight.spot): name
            for sight in now.objects
            for name in DIGGERS
            if name in sight.name
        }
        self._look_at_pile(now, here)
        level.boulders = {add(here, s.spot) for s in now.objects if s.name == "boulder"}

    def _look_at_pile(self, now: Reading, here: Spot) -> None:
        """Read what lies where the hero stands."""
        level = self._level
        if here in level.spoils or "several objects here" in now.message:
            level.unread.add(here)
        level.spoils.discard(here)
        if not _READ.search(now.message):
            return
        level.unread.discard(here)
        found = next((name for name in DIGGERS if name in now.message), "")
        if found:
            level.tools[here] = found
        else:
            level.tools.pop(here, None)

    def _gather(self) -> Facts:
        now, level = self._reading, self._level
        if not now.alive:
            return Facts()
        here = now.position
        ways = Ways(level, now, self._few_keys)
        lookout = Lookout(level, now, ways, self._idle, self._jumps >= 0)
        down = lookout.nearest(
            cell
            for cell, name in level.places.items()
            if name in WAYS_DOWN and cell != here and level.tries.get(cell, 0) < TRIES
        )
        up = None
        has_digger = any(name in item.name for item in now.items for name in DIGGERS)
        if now.branch == _MINES and has_digger:
            cells = (
                cell
                for cell, name in level.places.items()
                if name == "stairs up" and level.tries.get(cell, 0) < TRIES
            )
            up = lookout.nearest(cells)
        in_shop = any(sight.name == "shopkeeper" for sight in now.creatures)
        tool = (
            None
            if in_shop or has_digger
            else lookout.nearest(
                cell
                for cell in level.tools
                if level.tries.get(cell, 0) < TRIES and level.untaken.get(cell, 0) < TRIES
            )
        )
        prey = None if has_digger or self._few_keys else lookout.prey()
        spoils = lookout.nearest(cell for cell in level.spoils if ways.is_near(cell))
        unvisited = lookout.unvisited()
        no_more = self._few_keys or level.explored_at >= level.known() - _SLACK
        search = lookout.search() if no_more and not unvisited and not down else None
        cursor = gap = ""
        if self._jumps >= 0:
            at = now.cursor.spot if now.cursor else (0, 0)
            cell = add(here, at)
            if now.cursor:
                known = level.been.get(cell) or level.tries.get(cell, 0) > 1
                known = known or now.cursor.name == "corridor"  # those are listed anyway
                cursor = "unreachable" if _NO_WAY in now.message else "been" if known else "new"
            goals = (spoils, tool, up, down, *unvisited, search)
            first = next((target for target in goals if target), None)
            if first:
                gap = place_words((first.spot[0] - at[0], first.spot[1] - at[1]))
        return Facts(
            few_keys=self._few_keys,
            typed=self._count,
            jumps=self._jumps,
            hard_floor=level.hard_floor,
            mine_stairs=level.places.get(here) == _MINE_STAIRS,
            pile=here in level.unread and not has_digger,
            peaceful=self._peaceful_around(),
            prayed=-1 if self._prayed is None else (now.turn - self._prayed) // 50 * 50,
            idle=self._idle if self._idle > 2 else 0,
            cursor=cursor,
            gap=gap,
            down=down,
            up=up,
            tool=tool,
            spoils=spoils,
            prey=prey,
            fresh=lookout.fresh(),
            unvisited=unvisited,
            none_unexplored=no_more,
            search=search,
            searched=searched_around(level.searched, here) if search else 0,
        )

    def _peaceful_around(self) -> tuple[str, ...]:
        now = self._reading
        self._peaceful = [p for p in self._peaceful if now.turn - p[2] <= _NEARBY]
        words = []
        for sight in now.creatures:
            cell = add(now.position, sight.spot)
            if sight.is_adjacent and any(
                name == sight.name and span(cell, at) <= now.turn - turn + 1
                for name, at, turn in self._peaceful
            ):
                words.append(place_words(sight.spot).removeprefix("adjacent "))
        return tuple(words)


def _reach(sights: Iterable[Sight], name: str) -> int:
    """How far the farthest listed thing of a name is."""
    return max((span(s.spot, (0, 0)) for s in sights if s.name == name), default=0)


def _is_towards(spot: Spot, step: Spot) -> bool:
    """Whether a place lies straight in the direction of a step."""
    reach = span(spot, (0, 0))
    return spot == (step[0] * reach, step[1] * reach)


def _is_dead_end(exits: set[Spot]) -> bool:
    """Whether all ways on lead the same way."""
    first, *others = exits or {(0, 0)}
    return not others or (len(others) == 1 and span(first, others[0]) == 1)
