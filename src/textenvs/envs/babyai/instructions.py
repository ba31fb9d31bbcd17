"""Missions in words, as minigrid's instructions.

`parse_mission` reads what `Instr.surface` writes; `override` gives a freshly reset world another
mission. Whether a level is strict about order is not told by its mission, so parsed instructions
are not strict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from minigrid.core.constants import COLOR_NAMES
from minigrid.core.world_object import WorldObj
from minigrid.envs.babyai.core.roomgrid_level import RejectSampling, RoomGridLevel
from minigrid.envs.babyai.core.verifier import (
    ActionInstr,
    AfterInstr,
    AndInstr,
    BeforeInstr,
    GoToInstr,
    Instr,
    ObjDesc,
    OpenInstr,
    PickupInstr,
    PutNextInstr,
    SeqInstr,
)

from textenvs.errors import InvalidMission

__all__ = ["ThingDesc", "override", "parse_mission"]

_TYPES = ("object", "door", "key", "ball", "box")
_PLACES = {
    "in front of you": "front",
    "behind you": "behind",
    "on your left": "left",
    "on your right": "right",
}
_OBJECT = re.compile(
    rf"(?:a|an|the) (?:({'|'.join(COLOR_NAMES)}) )?({'|'.join(_TYPES)})(?: ({'|'.join(_PLACES)}))?"
)
_UNDERSTOOD = (
    "Understood are 'go to X', 'pick up X', 'open X' and 'put X next to Y', two of them joined by "
    "' and ', and two such clauses joined by ', then ' or ' after you '; X is 'a' or 'the', "
    f"perhaps a colour ({', '.join(COLOR_NAMES)}), one of {', '.join(_TYPES)}, and perhaps one of "
    f"{', '.join(map(repr, _PLACES))}. Only doors are opened, and doors are neither picked up nor "
    "put anywhere."
)


class ThingDesc(ObjDesc):
    """A description of an object of any type; unlike in minigrid's own, a wall is none."""

    obj_set: list[WorldObj]
    obj_poss: list[tuple[int, int]]

    def find_matching_objs(
        self, env: RoomGridLevel, use_location: bool = True
    ) -> tuple[list[WorldObj], list[tuple[int, int]]]:
        """Find the objects that match, and their positions."""
        super().find_matching_objs(env, use_location)
        if use_location:  # otherwise only tracked objects were looked for
            found = zip(self.obj_set, self.obj_poss, strict=True)
            things = [(obj, pos) for obj, pos in found if obj.type != "wall"]
            self.obj_set = [obj for obj, _ in things]
            self.obj_poss = [pos for _, pos in things]
        return self.obj_set, self.obj_poss


def parse_mission(mission: str) -> Instr:
    """Parse a BabyAI mission into an instruction of minigrid's verifier.

    Args:
        mission: Lower case, without a final full stop, e.g. "open the red door, then go to a key".

    Returns:
        An instruction whose `surface` says the mission again, up to "a" and "the".

    Raises:
        InvalidMission: If a part of the mission is not understood.
    """
    for joint, sequence in ((", then ", BeforeInstr), (" after you ", AfterInstr)):
        first, found, second = mission.partition(joint)
        if found:
            return sequence(_parse_clause(first, mission), _parse_clause(second, mission))
    return _parse_clause(mission, mission)


def override(env: RoomGridLevel, mission: str) -> bool:
    """Give a world another mission, if it can host it.

    Call it right after `env.reset`. The observation that `reset` returned still has the old
    mission; `env.gen_obs()` has the new one. An object in the agent's hand counts as absent.

    Args:
        env: A level that was just reset (not a wrapper around one).
        mission: What `parse_mission` understands.

    Returns:
        Whether the world has the objects named within reach and the mission was installed. If
        not, the environment is left as it was.

    Raises:
        InvalidMission: If a part of the mission is not understood.
    """
    instr = parse_mission(mission)
    if not _hosts(env, instr):
        return False
    # Minigrid declares this attribute nowhere.
    env.instrs = instr  # pyright: ignore[reportAttributeAccessIssue]
    env.mission = env.surface = mission
    instr.reset_verifier(env)
    if not env.fixed_max_steps:
        rooms = env.num_rows * env.num_cols
        env.max_steps = env.num_navs_needed(instr) * env.room_size**2 * rooms
    return True


def _parse_clause(text: str, mission: str) -> ActionInstr | AndInstr:
    first, joint, second = text.partition(" and ")
    if joint:
        return AndInstr(_parse_action(first, mission), _parse_action(second, mission))
    return _parse_action(text, mission)


def _parse_action(text: str, mission: str) -> ActionInstr:
    verbs = {"go to ": GoToInstr, "pick up ": PickupInstr, "open ": OpenInstr}
    for verb, action in verbs.items():
        if text.startswith(verb):
            desc = _parse_object(text.removeprefix(verb), mission)
            if (action is PickupInstr and desc.type == "door") or (
                action is OpenInstr and desc.type != "door"
            ):
                raise _not_understood(text, mission)
            return action(desc)
    moved, joint, fixed = text.removeprefix("put ").partition(" next to ")
    if not (text.startswith("put ") and joint):
        raise _not_understood(text, mission)
    desc = _parse_object(moved, mission)
    if desc.type == "door":
        raise _not_understood(text, mission)
    return PutNextInstr(desc, _parse_object(fixed, mission))


def _parse_object(text: str, mission: str) -> ObjDesc:
    match = _OBJECT.fullmatch(text)
    if match is None:
        raise _not_understood(text, mission)
    color, kind, place = match.groups()
    loc = _PLACES[place] if place else None
    return ThingDesc(None, color, loc) if kind == "object" else ObjDesc(kind, color, loc)


def _not_understood(part: str, mission: str) -> InvalidMission:
    return InvalidMission(f"{part!r} in the mission {mission!r} is not understood. {_UNDERSTOOD}")


def _hosts(env: Any, instr: Instr) -> bool:
    """Return whether the level could have asked for this in the world at hand."""
    # A level whose own mission may lie behind objects expects the agent to clear its way.
    reach = None if getattr(env, "unblocking", False) else _reachable(env)
    if reach is not None and not _is_within(reach, env.instrs):
        reach = None
    for action in _actions(instr):
        for desc, moved in _descriptions(action):
            objs, poss = desc.find_matching_objs(env)
            found = [
                pos
                for obj, pos in zip(objs, poss, strict=True)
                if (not moved or obj.can_pickup()) and (reach is None or pos in reach)
            ]
            if not any(_outside_locked_room(env, pos) for pos in found):
                return False
    try:
        env.validate_instrs(instr)
    except RejectSampling:
        return False
    return True


def _is_within(reach: set[tuple[int, int]], instr: Instr) -> bool:
    """Return whether all that an installed instruction names can be reached."""
    return all(
        any(pos in reach for pos in desc.obj_poss)
        for action in _actions(instr)
        for desc, _ in _descriptions(action)
    )


def _actions(instr: Instr) -> Iterator[Instr]:
    if isinstance(instr, SeqInstr):
        yield from _actions(instr.instr_a)
        yield from _actions(instr.instr_b)
    else:
        yield instr


def _descriptions(action: Instr) -> Iterator[tuple[ObjDesc, bool]]:
    """Yield what an action names, and whether the agent has to take it."""
    if isinstance(action, PutNextInstr):
        yield action.desc_move, True
        yield action.desc_fixed, False
    elif isinstance(action, GoToInstr | PickupInstr | OpenInstr):
        yield action.desc, isinstance(action, PickupInstr)


def _outside_locked_room(env: RoomGridLevel, pos: tuple[int, int]) -> bool:
    """Apply the rule of levels without implicit unlocking: not all matches are locked away."""
    room = getattr(env, "locked_room", None)
    return getattr(env, "implicit_unlock", True) or room is None or not room.pos_inside(*pos)


def _reachable(env: RoomGridLevel) -> set[tuple[int, int]]:
    """Collect the cells that can be reached or faced without moving an object.

    Doors count as passable, locked ones too, as in `RoomGridLevel.check_objs_reachable`, which
    tells only whether *all* objects are in reach.
    """
    x, y = env.agent_pos
    stack, reach = [(int(x), int(y))], set()
    while stack:
        x, y = stack.pop()
        if (x, y) in reach or not (0 <= x < env.grid.width and 0 <= y < env.grid.height):
            continue
        reach.add((x, y))
        cell = env.grid.get(x, y)
        if cell is None or cell.type == "door":
            stack += [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
    return reach
