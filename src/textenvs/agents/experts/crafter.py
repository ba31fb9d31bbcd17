"""A scripted expert for Crafter that sees no more than the default caption tells."""

from __future__ import annotations

from collections.abc import Callable

from textenvs.agents.experts.crafter_garden import garden, sapling
from textenvs.agents.experts.crafter_going import Scene, explore, get
from textenvs.agents.experts.crafter_needs import drink, eat, fight, nap, sleep_on, survive
from textenvs.agents.experts.crafter_reading import read
from textenvs.agents.experts.crafter_recollection import CrafterRecollection
from textenvs.agents.experts.crafter_shelter import shelter, stock
from textenvs.agents.experts.crafter_tools import (
    craft,
    furnace,
    iron_tools,
    more_wood,
    ore,
    stone_tools,
    wood_tools,
)
from textenvs.agents.experts.expert import Decision, Expert

__all__ = ["CrafterExpert"]

Rule = Callable[[Scene], Decision | None]


def _hunt(scene: Scene) -> Decision | None:
    """Go for a first zombie and a first skeleton, with a sword."""
    if scene.todo("zombie") and "zombie" in scene.now.nearest and scene.has("wood sword"):
        return get(scene, "zombie", "zombie")
    if scene.todo("skeleton") and scene.has("stone sword"):
        return get(scene, "skeleton", "skeleton", 30)
    return None


def _wait(scene: Scene) -> Decision | None:
    """Do nothing, for want of anything better."""
    return Decision("wait", "Noop")


RULES: tuple[Rule, ...] = (
    sleep_on,
    fight,
    survive,
    shelter,
    drink,
    eat,
    nap,
    stock,
    sapling,
    craft,
    _hunt,
    ore,
    wood_tools,
    more_wood,
    stone_tools,
    furnace,
    iron_tools,
    garden,
    explore,
    _wait,
)
"""What is thought of, the most pressing first; the first rule that has an answer decides."""


class CrafterExpert(Expert):
    """Plays ``Crafter-Text-v0`` by rules, from its default caption."""

    name = "crafter-expert"
    games = ("Crafter",)

    def recollection(self) -> CrafterRecollection:
        """A recollection of an episode that begins."""
        return CrafterRecollection()

    def decide(self, text: str, recollection: CrafterRecollection, thought: str) -> Decision:
        """Decide what to do: the first rule that has an answer."""
        scene = Scene(read(text), recollection.facts, thought)
        for rule in RULES:
            decision = rule(scene)
            if decision is not None:
                return decision
        raise AssertionError("the last rule always has an answer")
