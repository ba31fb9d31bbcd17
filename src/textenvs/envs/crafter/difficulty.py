"""How hard a world is: numbers of trees, ore, animals and monsters, as data.

The multipliers of ``easy``, ``hard`` and ``peaceful`` are those of synth-ai's world configurations,
which were claimed there but, above 1 or for materials, never took effect; here they do, both when
a world is made and in how many creatures are kept up while it is played.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFICULTIES", "Difficulty"]


@dataclass(frozen=True)
class Difficulty:
    """Multipliers of how likely things are; 1 is the published game.

    Attributes:
        tree, coal, iron, diamond: of the material where it can be.
        cow, zombie, skeleton: of the creature, at the beginning and later.
    """

    tree: float = 1
    coal: float = 1
    iron: float = 1
    diamond: float = 1
    cow: float = 1
    zombie: float = 1
    skeleton: float = 1


DIFFICULTIES = {
    "normal": Difficulty(),
    "easy": Difficulty(tree=1.5, coal=1.5, iron=1.5, diamond=3, cow=2, zombie=0.3, skeleton=0.2),
    "hard": Difficulty(tree=0.5, coal=0.5, iron=0.5, diamond=0.3, cow=0.3, zombie=3, skeleton=3),
    "peaceful": Difficulty(zombie=0, skeleton=0),
}
