"""The levels of GLAM's BabyAI-Text that minigrid lacks.

`MixedTrainLocal` and `MixedTestLocal` are what GLAM trains and tests on; the `PickUp…` and
`GoToAfter…` levels test sequences. `ComposedLevel` stands for the levels that GLAM's package took
over from ELLA (colours always named, two clauses joined). The two French levels are left out.

Where the published code drew the kind of a mixed level once an instance, from an unseeded
generator, it is drawn here at every reset from the environment's own. For a given kind and seed
the draws are those of the published code, in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from minigrid.core.constants import COLOR_NAMES
from minigrid.core.roomgrid import RoomGrid
from minigrid.core.world_object import Door, WorldObj
from minigrid.envs.babyai.core.levelgen import LevelGen
from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel
from minigrid.envs.babyai.core.verifier import (
    OBJ_TYPES,
    AfterInstr,
    AndInstr,
    BeforeInstr,
    GoToInstr,
    Instr,
    ObjDesc,
    OpenInstr,
    PickupInstr,
    PutNextInstr,
)

from textenvs.errors import choose

Action: TypeAlias = GoToInstr | PickupInstr | OpenInstr | PutNextInstr

KINDS = ("goto", "pickup", "open", "putnext", "pick_up_seq_go_to")
"""The kinds of task of the mixed levels."""

HELD_OUT = frozenset(
    {("yellow", "box"), ("red", "key"), ("red", "door"), ("green", "ball"), ("grey", "door")}
)
"""The nouns (colour, type) that training never names and testing names only."""


class LocalLevel(RoomGridLevel):
    """One task in one room (two for `open`), told with the nouns that the level allows.

    An episode of kind `open` has a grid two rooms wide, so `env.width` follows the kind. As in
    minigrid, the steps of an episode are limited to room_size² x rooms x navigations: with rooms
    of 8 that is 64 for `goto` and `pickup`, 128 for the other kinds.
    """

    door_colors: ClassVar[tuple[str, ...]] = ("yellow", "green", "blue", "purple")
    may_hide_door_color: ClassVar[bool] = True
    sequences: ClassVar[tuple[type[BeforeInstr] | type[AfterInstr], ...]] = (
        BeforeInstr,
        AfterInstr,
    )
    second: ClassVar[type[GoToInstr] | type[PickupInstr]] = GoToInstr

    def __init__(self, kinds: Sequence[str], room_size: int, num_dists: int, **kwargs: Any) -> None:
        self.kinds = tuple(kinds)
        self.kind = self.kinds[0]
        self.num_dists = num_dists
        num_cols = self._columns(self.kind)
        super().__init__(room_size=room_size, num_rows=1, num_cols=num_cols, **kwargs)

    @staticmethod
    def _columns(kind: str) -> int:
        return 2 if kind == "open" else 1

    @staticmethod
    def allows(color: str, kind: str) -> bool:
        """Return whether a mission may name this noun."""
        return (color, kind) not in HELD_OUT

    def _gen_grid(self, width: int, height: int) -> None:
        # Drawn outside of minigrid's rejection loop: kinds that are rejected more often would
        # otherwise become rarer.
        self.kind = self._rand_elem(self.kinds)
        self.num_cols = self._columns(self.kind)
        self.width = self.num_cols * (self.room_size - 1) + 1
        super()._gen_grid(self.width, height)

    def gen_mission(self) -> None:
        """Draw worlds until one has a mission of allowed nouns and everything within reach."""
        build = {
            "goto": self._go_to,
            "pickup": self._pick_up,
            "open": self._open,
            "putnext": self._put_next,
            "pick_up_seq_go_to": self._sequence,
        }[self.kind]
        while True:
            # The world is drawn anew even the first time, so that a seed gives the published one.
            RoomGrid._gen_grid(self, self.width, self.height)
            self.instrs, nouns = build()
            allowed = all(self.allows(color, kind) for color, kind in nouns)
            if allowed and self.check_objs_reachable(raise_exc=False):
                return

    def _furnish(self, targets: int) -> list[WorldObj]:
        self.place_agent()
        return self.add_distractors(num_distractors=self.num_dists + targets, all_unique=False)

    def _go_to(self) -> tuple[Instr, list[tuple[str, str]]]:
        noun = _noun(self._rand_elem(self._furnish(1)))
        return GoToInstr(_desc(noun)), [noun]

    def _pick_up(self) -> tuple[Instr, list[tuple[str, str]]]:
        noun = _noun(self._rand_elem(self._furnish(1)))
        return PickupInstr(_desc(noun)), [noun]

    def _put_next(self) -> tuple[Instr, list[tuple[str, str]]]:
        moved, fixed = self._two_nouns()
        return PutNextInstr(_desc(moved), _desc(fixed)), [moved, fixed]

    def _sequence(self) -> tuple[Instr, list[tuple[str, str]]]:
        noun, then = self._two_nouns()
        first, second = PickupInstr(_desc(noun)), self.second(_desc(then))
        if self._rand_elem(self.sequences) is BeforeInstr:
            return BeforeInstr(first, second), [noun, then]
        return AfterInstr(second, first), [noun, then]

    def _two_nouns(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Draw two objects; they share a noun only if the room has several such objects."""
        objs = self._furnish(2)
        nouns = [_noun(obj) for obj in objs]
        first, second = self._rand_elem(nouns), self._rand_elem(nouns)
        while second == first and nouns.count(first) < 2:
            second = self._rand_elem(nouns)
        return first, second

    def _open(self) -> tuple[Instr, list[tuple[str, str]]]:
        color = self._rand_elem(self.door_colors)
        locked_column = self._add_locked_room(color)
        self.connect_all()
        free_column = 1 - locked_column
        self.add_distractors(free_column, 0, num_distractors=self.num_dists, all_unique=False)
        self.place_agent()
        while self.room_from_pos(*self.agent_pos) is self.get_room(locked_column, 0):
            self.place_agent()
        told = self._rand_elem((None, color)) if self.may_hide_door_color else color
        return OpenInstr(ObjDesc("door", told)), [(color, "door")]

    def _add_locked_room(self, color: str) -> int:
        """Lock one of the two rooms, put the key into the other, return the locked column."""
        while True:
            column = self._rand_int(0, self.num_cols)
            self._rand_int(0, self.num_rows)
            side = self._rand_int(0, 4)
            if self.get_room(column, 0).neighbors[side] is not None:
                break
        door: Door = self.add_door(column, 0, side, color, locked=True)[0]
        while True:
            key_column = self._rand_int(0, self.num_cols)
            self._rand_int(0, self.num_rows)
            if key_column != column:
                break
        self.add_object(key_column, 0, "key", door.color)
        return column


def _noun(obj: WorldObj) -> tuple[str, str]:
    return obj.color, obj.type


def _desc(noun: tuple[str, str]) -> ObjDesc:
    color, kind = noun
    return ObjDesc(kind, color)


class MixedTrainLocal(LocalLevel):
    """GLAM's training level: five kinds of task that never name a held-out noun.

    Args:
        kind: One of `KINDS`; None draws it uniformly at every episode.
        room_size: Width and height of a room, walls included.
        num_dists: Objects beyond the ones that the task needs. BALROG plays with 0.
        **kwargs: Passed on to minigrid.

    Raises:
        UnknownName: If there is no such kind.
    """

    def __init__(
        self, kind: str | None = None, room_size: int = 8, num_dists: int = 8, **kwargs: Any
    ) -> None:
        if kind is not None:
            choose("kind", kind, KINDS)
        super().__init__((kind,) if kind else KINDS, room_size, num_dists, **kwargs)


class MixedTestLocal(MixedTrainLocal):
    """GLAM's test level: the tasks of `MixedTrainLocal`, told with held-out nouns only."""

    door_colors = ("red", "grey")
    may_hide_door_color = False

    @staticmethod
    def allows(color: str, kind: str) -> bool:
        """Return whether a mission may name this noun."""
        return (color, kind) in HELD_OUT


class PickUpSeqGoToLocal(LocalLevel):
    """Pick up an object, then go to another one; the mission says it in either order.

    The verifier is minigrid's: if both clauses have the same noun, one pick-up completes both.
    """

    def __init__(self, room_size: int = 8, num_dists: int = 8, **kwargs: Any) -> None:
        super().__init__(("pick_up_seq_go_to",), room_size, num_dists, **kwargs)


class PickUpThenGoToLocal(PickUpSeqGoToLocal):
    """Pick up an object, then go to another one, always told in this order."""

    sequences = (BeforeInstr,)


class GoToAfterPickUpLocal(PickUpSeqGoToLocal):
    """Go to an object after picking up another one, always told in this order."""

    sequences = (AfterInstr,)


class PickUpSeqPickUpLocal(PickUpSeqGoToLocal):
    """Pick up an object, then another one: the composition that training never shows."""

    second = PickupInstr


class ComposedLevel(LevelGen):
    """A `LevelGen` with named colours, two joined clauses and doors that may stand open.

    GLAM's package also has these levels of ELLA. `instr_kinds` may hold two more kinds than
    minigrid's: "x_and_y" joins one clause of each of the two `action_kinds` with "and", "seq1"
    orders two single clauses. The published `implicit_unlock=False` and `assert_first=True`
    never had an effect there, so the levels do without them.
    """

    def __init__(self, force_colors: bool = True, doors_open: bool = False, **kwargs: Any) -> None:
        self.force_colors = force_colors
        self.doors_open = doors_open
        super().__init__(**{"locations": False, "unblocking": False, **kwargs})

    def gen_mission(self) -> None:
        """Generate as minigrid does, then open the doors if they are to stand open."""
        super().gen_mission()
        if self.doors_open:
            self.open_all_doors()

    def rand_obj(
        self,
        types: Sequence[str] = OBJ_TYPES,
        colors: Sequence[str] = COLOR_NAMES,
        max_tries: int = 100,
    ) -> ObjDesc:
        """Draw a description that some object matches."""
        while True:
            desc = super().rand_obj(types, colors, max_tries)
            if desc.color is not None or not self.force_colors:
                return desc

    def rand_instr(
        self, action_kinds: Sequence[str], instr_kinds: Sequence[str], depth: int = 0
    ) -> Action | AndInstr | BeforeInstr | AfterInstr:
        """Draw an instruction of one of the kinds."""
        kind = self._rand_elem(instr_kinds)
        if kind == "x_and_y":
            first, second = (self._clause([action], depth) for action in action_kinds)
            return AndInstr(first, second)
        if kind == "seq1":
            first, second = self._clause(action_kinds, depth), self._clause(action_kinds, depth)
            return self._rand_elem((BeforeInstr, AfterInstr))(first, second)
        return super().rand_instr(action_kinds, [kind], depth)

    def _clause(self, action_kinds: Sequence[str], depth: int) -> Action:
        instr = super().rand_instr(action_kinds, ["action"], depth + 1)
        assert isinstance(instr, Action)
        return instr
