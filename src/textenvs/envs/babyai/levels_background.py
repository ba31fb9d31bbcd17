"""The levels of background-knowledge-rl: one large room, one or two named objects in it.

The classes are parameterised; `level_table.BACKGROUND_LEVELS` says which of the 17 published ids
is which. Objects, agent and instruction are drawn in the order of the published code, and all
from the environment's own generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrid.core.world_object import WorldObj
from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel
from minigrid.envs.babyai.core.verifier import (
    AfterInstr,
    BeforeInstr,
    GoToInstr,
    ObjDesc,
    PickupInstr,
)


def _describe(obj: WorldObj) -> ObjDesc:
    return ObjDesc(obj.type, obj.color)


class OneRoom(RoomGridLevel):
    """A single room with distractors of any colour and type, repetitions included."""

    def __init__(self, room_size: int = 20, num_dists: int = 7, **kwargs: Any) -> None:
        self.num_dists = num_dists
        super().__init__(room_size=room_size, num_rows=1, num_cols=1, **kwargs)

    def _furnish(self, *nouns: tuple[str, str]) -> list[WorldObj]:
        """Place the objects of these (colour, type) pairs, then the distractors."""
        named = [self.add_object(0, 0, kind, color)[0] for color, kind in nouns]
        self.add_distractors(num_distractors=self.num_dists, all_unique=False)
        return named

    def _furnish_first(self, *nouns: tuple[str, str]) -> list[WorldObj]:
        """Place all objects before the agent, as the levels built on `LevelGen` do."""
        # LevelGen draws whether there is a locked room even where its probability is zero;
        # without that draw a seed would not give the published world.
        self._rand_float(0, 1)
        named = self._furnish(*nouns)
        self.place_agent()
        self.check_objs_reachable()
        return named


class GoToTarget(OneRoom):
    """Go to an object whose colour and type are drawn from the given ones at every episode.

    With one colour and one type it is a downstream task of the paper; the pretraining level has
    three colours and two types. There the published code drew from numpy's global generator, so
    that a seed did not fix the episode; here it does.
    """

    def __init__(self, colors: Sequence[str], types: Sequence[str], **kwargs: Any) -> None:
        self.colors = tuple(colors)
        self.types = tuple(types)
        super().__init__(**kwargs)

    def gen_mission(self) -> None:
        """Place the agent, the target and the distractors."""
        self.place_agent()
        color = self._rand_elem(self.colors)
        (target,) = self._furnish((color, self._rand_elem(self.types)))
        self.check_objs_reachable()
        self.instrs = GoToInstr(_describe(target))


class GoToBoth(OneRoom):
    """Go to a first object and then to a second one; the mission says it in either order.

    The published id `PurpleBallGreenKey` built a purple ball and a purple *box*. Here it is what
    its name says, a purple ball and a green key, so its numbers do not compare with published
    ones.
    """

    def __init__(self, first: Sequence[str], second: Sequence[str], **kwargs: Any) -> None:
        self.first = (first[0], first[1])
        self.second = (second[0], second[1])
        super().__init__(**kwargs)

    def gen_mission(self) -> None:
        """Place the objects and the agent, and draw how the order is told."""
        first, second = (
            GoToInstr(_describe(obj)) for obj in self._furnish_first(self.first, self.second)
        )
        if self._rand_elem(("before", "after")) == "before":
            self.instrs = BeforeInstr(first, second)
        else:
            self.instrs = AfterInstr(second, first)


class PickUpTarget(OneRoom):
    """Pick up the object of a given colour and type."""

    def __init__(self, color: str, type: str, num_dists: int = 8, **kwargs: Any) -> None:
        self.target = (color, type)
        super().__init__(num_dists=num_dists, **kwargs)

    def gen_mission(self) -> None:
        """Place the objects and the agent."""
        (target,) = self._furnish_first(self.target)
        self.instrs = PickupInstr(_describe(target))
