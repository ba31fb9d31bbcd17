"""The Crafter human dataset: its npz files read, and what they do not record worked out.

A file is an episode of T - 1 steps: row 0 is the reset, row k the state after ``action[k]``. Which
way the player faces and whether it sleeps is not recorded. Both follow from the actions by the
rules of crafter 1.8.3: every move that is carried out turns the player, whether or not the way is
free, and a sleep lasts, whatever is pressed, until the energy is full or something hurts. The hurt
is told from the rest of health's changes by keeping crafter's own counter of recovery. Where a
recording contradicts this (the player acts while it should sleep, or its energy rises while it
should be awake) the recording is believed, and the contradiction is counted.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.captioners.crafter_view import NAMES, PLAYER, VITALS, Info
from textenvs.envs.crafter.tasks import ACTION_NAMES
from textenvs.errors import TraceError
from textenvs.finetuning.reasoning import FULL, MOVES

__all__ = ["ITEMS", "Hidden", "Moment", "Recording", "hidden", "moments", "read_recording"]

ITEMS = (
    *VITALS,
    *("sapling", "wood", "stone", "coal", "iron", "diamond"),
    *("wood_pickaxe", "stone_pickaxe", "iron_pickaxe"),
    *("wood_sword", "stone_sword", "iron_sword"),
)
"""The vitals and items, in crafter's order."""

_OF_INVENTORY = ("inventory_", "ainventory_")  # the dataset's; what crafter's recorder writes
_OF_ACHIEVEMENTS = ("achivement_", "achievement_")  # in this order too, both as they are spelt
_VIEW = (9, 9)
_PAST = 10  # CrafterGPT's prompt shows ten
_SLEEP = ACTION_NAMES.index("Sleep")
_CRAFTERS_NAMES = (
    *("noop", "move_left", "move_right", "move_up", "move_down"),
    *(name.lower().replace(" ", "_") for name in ACTION_NAMES[5:]),
)
_UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Recording:
    """An episode as it was recorded; every array has a row a state, the first the reset's.

    Attributes:
        path: the file.
        actions: (T,), the action that led to each state.
        semantic: (T, width, height), ids.
        positions: (T, 2).
        inventory: name -> (T,).
        woke: (T,), how often the player had woken up so far; None if the file does not tell.
        first: the first state that was recorded: 1 where the reset's row is filled with zeros.
    """

    path: Path
    actions: NDArray[np.int64]
    semantic: NDArray[np.uint8]
    positions: NDArray[np.int64]
    inventory: Mapping[str, NDArray[np.int64]]
    woke: NDArray[np.int64] | None
    first: int

    @property
    def steps(self) -> int:
        """How many steps were played."""
        return len(self.actions) - 1


@dataclass(frozen=True)
class Hidden:
    """What a recording does not have, a row a state.

    Attributes:
        played: the action that the game carried out: Sleep where the player slept on; row 0 is
            None.
        facing: (dx, dy).
        sleeping: whether the player sleeps.
        contradictions: how often the recording had to be believed against the rules.
    """

    played: list[int | None]
    facing: list[tuple[int, int]]
    sleeping: list[bool]
    contradictions: int


@dataclass(frozen=True)
class Moment:
    """A state in which an action was chosen.

    Attributes:
        step: its row.
        info: the state, as :mod:`textenvs.captioners.crafter` describes it, with ``action``, the
            name that crafter has for what led here; None where the state was not recorded.
        past: the actions that were played before, in words, the oldest first.
        choice: the action that was chosen, in words; where the player slept on, Sleep.
    """

    step: int
    info: Info | None
    past: tuple[str, ...]
    choice: str


def read_recording(path: Path) -> Recording:
    """Read a file of the dataset, or one of crafter's ``EpisodeRecorder``.

    Pictures are not read, and nothing in the file is executed (no pickles).

    Raises:
        TraceError: if it is none: broken, without a field, or with what crafter does not have.
    """
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise TraceError(f"{path}: expected an npz file, got a single array")
        with file:
            return _recording(path, file)
    except TraceError:
        raise
    except _UNREADABLE as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise TraceError(f"{path}: expected an npz file of numbers, got: {said}") from error


def _recording(path: Path, file: Any) -> Recording:
    lengths: list[int] = []

    def column(*names: str, shape: tuple[int, ...] = ()) -> NDArray[Any]:
        """A field, by the first of its names that is there; 0 in the shape stands for any size."""
        found = next((name for name in names if name in file.files), None)
        if found is None:
            raise TraceError(f"{path}: expected the field {' or '.join(names)}, got none")
        values: NDArray[Any] = file[found]
        whole = values.dtype.kind in "bui" or (
            values.dtype.kind == "f" and bool((values == np.floor(values)).all())
        )
        fits = values.ndim == 1 + len(shape) and all(
            n in (0, m) for n, m in zip(shape, values.shape[1:], strict=True)
        )
        lengths.append(len(values) if values.ndim else 0)
        if not (whole and fits) or lengths[-1] != lengths[0]:
            raise TraceError(
                f"{path}: expected whole numbers, one row a state, in {found}, got the shape "
                f"{values.shape} of {values.dtype}"
            )
        return values

    actions = column("action").astype(np.int64)
    if len(actions) < 2:
        raise TraceError(f"{path}: expected the reset's row and one a step, got {len(actions)}")
    if actions.min() < 0 or actions.max() >= len(ACTION_NAMES):
        raise TraceError(
            f"{path}: expected actions from 0 to {len(ACTION_NAMES) - 1}, got "
            f"{actions[(actions < 0) | (actions >= len(ACTION_NAMES))][0]}"
        )
    semantic = column("semantic", shape=(0, 0))
    if semantic.min() < 0 or semantic.max() >= len(NAMES):
        raise TraceError(
            f"{path}: expected ids from 0 to {len(NAMES) - 1} in semantic, got "
            f"{semantic.min()} to {semantic.max()}"
        )
    positions = column("player_pos", shape=(2,)).astype(np.int64)
    inventory = {
        item: column(*[f"{prefix}{item}" for prefix in _OF_INVENTORY]).astype(np.int64)
        for item in ITEMS
    }
    woke = [name for prefix in _OF_ACHIEVEMENTS if (name := f"{prefix}wake_up") in file.files]
    recording = Recording(
        path=path,
        actions=actions,
        semantic=semantic.astype(np.uint8),
        positions=positions,
        inventory=inventory,
        woke=column(*woke).astype(np.int64) if woke else None,
        first=0 if semantic[0].any() else 1,
    )
    _check_positions(recording)
    return recording


def _check_positions(recording: Recording) -> None:
    """Refuse maps on which the player does not stand where it is said to."""
    semantic, positions = recording.semantic, recording.positions
    width, height = semantic.shape[1:]
    rows = np.arange(recording.first, len(positions))
    xs, ys = positions[rows].T
    inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    there = inside & (semantic[rows, xs.clip(0, width - 1), ys.clip(0, height - 1)] == PLAYER)
    if not there.all():
        row = int(rows[np.argmin(there)])
        raise TraceError(
            f"{recording.path}: expected the player at player_pos {positions[row].tolist()} of "
            f"the map in row {row}, got something else there"
        )


def hidden(recording: Recording) -> Hidden:
    """Work out which way the player faces in each state, and whether it sleeps."""
    played: list[int | None] = [None]
    facing, asleep = (0, 1), False
    all_facing, all_asleep = [facing], [asleep]
    recovery = _Recovery()
    contradictions = 0
    steps = list(MOVES.values())
    before = {name: FULL if name in VITALS else 0 for name in ITEMS}
    if recording.first == 0:
        before = _inventory(recording, 0)
    for row in range(1, recording.steps + 1):
        after = _inventory(recording, row)
        action = int(recording.actions[row])
        held = asleep and before["energy"] < FULL
        if held and _acted(recording, row, before, after):
            held = False
            contradictions += 1
        if held:
            action = _SLEEP
        asleep = held or (action == _SLEEP and before["energy"] < FULL)
        if not asleep and after["energy"] > before["energy"]:
            asleep, action = True, _SLEEP
            contradictions += 1
        if 1 <= action <= len(steps):
            facing = steps[action - 1]
        if recovery.hurt(before["health"], after, asleep):
            asleep = False
        played.append(action)
        all_facing.append(facing)
        all_asleep.append(asleep)
        before = after
    return Hidden(played, all_facing, all_asleep, contradictions)


def _inventory(recording: Recording, row: int) -> dict[str, int]:
    return {name: int(counts[row]) for name, counts in recording.inventory.items()}


def _acted(
    recording: Recording, row: int, before: Mapping[str, int], after: Mapping[str, int]
) -> bool:
    """Whether the player did something that no sleeper does."""
    if any(before[name] != after[name] for name in ITEMS if name not in VITALS):
        return True
    if recording.woke is not None and recording.woke[row] > recording.woke[row - 1]:
        return True
    known = row - 1 >= recording.first
    return known and bool((recording.positions[row] != recording.positions[row - 1]).any())


class _Recovery:
    """Crafter's counter of recovery, by which hunger and rest change health, and blows stand out.

    The player has its turn before the others: it notices a blow, and wakes up, a step later.
    """

    def __init__(self) -> None:
        self._counter = 0.0
        self._blow = 0

    def hurt(self, health: int, after: Mapping[str, int], asleep: bool) -> bool:
        """Go on by a step; whether the player notices in it that it was hurt.

        Args:
            health: the health before the step.
            after: the inventory after it.
            asleep: whether the player sleeps in it.
        """
        fed = after["food"] > 0 and after["drink"] > 0 and (after["energy"] > 0 or asleep)
        self._counter += (2 if asleep else 1) if fed else (-0.5 if asleep else -1)
        change = 0
        if self._counter > 25:
            self._counter, change = 0, 1
        elif self._counter < -15:
            self._counter, change = 0, -1
        at_turns_end = max(0, min(FULL, health + change))
        noticed = at_turns_end < health + self._blow
        self._blow = max(0, at_turns_end - after["health"])
        return noticed


def moments(recording: Recording, found: Hidden | None = None) -> Iterator[Moment]:
    """The states in which an action was chosen, each with its choice.

    Args:
        recording: the episode.
        found: what :func:`hidden` found of it; None to work it out.
    """
    found = hidden(recording) if found is None else found
    past: list[str] = []
    for row in range(recording.steps):
        led_here, chosen = found.played[row], found.played[row + 1]
        assert chosen is not None  # only the reset's is
        if led_here is not None:
            past.append(ACTION_NAMES[led_here])
        yield Moment(
            step=row,
            info=_info(recording, found, row) if row >= recording.first else None,
            past=tuple(past[-_PAST:]),
            choice=ACTION_NAMES[chosen],
        )


def _info(recording: Recording, found: Hidden, row: int) -> dict[str, Any]:
    inventory, led_here = _inventory(recording, row), found.played[row]
    x, y = recording.positions[row].tolist()
    return {
        "semantic": recording.semantic[row],
        "player_pos": (x, y),
        "player_facing": found.facing[row],
        "inventory": inventory,
        "sleeping": found.sleeping[row],
        "dead": inventory["health"] <= 0,
        "view": _VIEW,
        "action": None if led_here is None else _CRAFTERS_NAMES[led_here],
    }
