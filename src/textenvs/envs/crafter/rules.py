"""Crafter's rules: data, read from the ``data.yaml`` of the installed crafter."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from textenvs.captioners.crafter import NAMES
from textenvs.errors import MissingExtra

__all__ = ["Collecting", "Crafting", "Placing", "Rules", "crafter_folder", "load_rules"]

_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass(frozen=True)
class Collecting:
    """What comes of doing something to a material: needs, gives, how likely, and what it leaves."""

    require: Mapping[str, int]
    receive: Mapping[str, int]
    leaves: int
    probability: float


@dataclass(frozen=True)
class Placing:
    """What placing takes, on which materials, and the material it makes (None: an object)."""

    uses: Mapping[str, int]
    where: frozenset[int]
    material: int | None


@dataclass(frozen=True)
class Crafting:
    """What crafting takes, which materials must be near, and how many it gives."""

    uses: Mapping[str, int]
    nearby: frozenset[int]
    gives: int


@dataclass(frozen=True)
class Rules:
    """The rules of a game.

    Attributes:
        actions: crafter's name of each action, in the order of their numbers.
        deeds: what each action does: (deed, argument), the deeds being noop, move, do, sleep,
            place and make.
        initial: item -> how many the player begins with.
        most: item -> how many can be carried.
        achievements: their names, in crafter's order.
        walkable: by material id, whether creatures walk on it.
        collecting: by material id.
        placing: by the name of what is placed.
        crafting: by the name of what is made.
        unarmed_damage: what a blow without a sword takes.
        counts_full: whether collecting what cannot be carried counts as an achievement.
    """

    actions: tuple[str, ...]
    deeds: tuple[tuple[str, Any], ...]
    initial: Mapping[str, int]
    most: Mapping[str, int]
    achievements: tuple[str, ...]
    walkable: tuple[bool, ...]
    collecting: Mapping[int, Collecting]
    placing: Mapping[str, Placing]
    crafting: Mapping[str, Crafting]
    unarmed_damage: int = 1
    counts_full: bool = True


def crafter_folder(needed_by: str) -> Path:
    """Where the installed crafter lies; it is not imported.

    Raises:
        MissingExtra: if it is not installed.
    """
    try:
        spec = importlib.util.find_spec("crafter")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise MissingExtra(
            f"{needed_by} needs the package 'crafter', which is not installed: "
            'pip install "textenvs[crafter]"'
        )
    return Path(spec.origin).parent


@lru_cache(maxsize=2)
def load_rules(folder: Path) -> Rules:
    """Read the rules of crafter 1.8.3.

    Args:
        folder: see :func:`crafter_folder`.
    """
    from ruamel.yaml import YAML

    data = YAML(typ="safe", pure=True).load((folder / "data.yaml").read_text())
    return Rules(
        actions=tuple(data["actions"]),
        deeds=tuple(map(_deed, data["actions"])),
        initial={name: item["initial"] for name, item in data["items"].items()},
        most={name: item["max"] for name, item in data["items"].items()},
        achievements=tuple(data["achievements"]),
        walkable=tuple(name in data["walkable"] for name in NAMES),
        collecting={
            NAMES.index(material): Collecting(
                require=rule["require"],
                receive=rule["receive"],
                leaves=NAMES.index(rule["leaves"]),
                probability=rule.get("probability", 1),
            )
            for material, rule in data["collect"].items()
        },
        placing={
            name: Placing(
                uses=rule["uses"],
                where=frozenset(map(NAMES.index, rule["where"])),
                material=NAMES.index(name) if rule["type"] == "material" else None,
            )
            for name, rule in data["place"].items()
        },
        crafting={
            name: Crafting(
                uses=rule["uses"],
                nearby=frozenset(map(NAMES.index, rule["nearby"])),
                gives=rule["gives"],
            )
            for name, rule in data["make"].items()
        },
    )


def _deed(action: str) -> tuple[str, Any]:
    verb, _, what = action.partition("_")
    return (verb, _DIRECTIONS[what]) if verb == "move" else (verb, what)
