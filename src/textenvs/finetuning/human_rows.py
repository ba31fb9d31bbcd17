"""Training rows from the Crafter human dataset: what is kept, what is left out, in numbers."""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.captioners.crafter import smartplay
from textenvs.envs.crafter.tasks import ACTION_NAMES
from textenvs.errors import TraceError, choose
from textenvs.finetuning.balance import split_keys
from textenvs.finetuning.human import Moment, Recording, hidden, moments, read_recording
from textenvs.finetuning.reasoning import MOVES, answer, must_sleep, options, seen_at
from textenvs.prompts.craftergpt import messages
from textenvs.prompts.situation import Message, Situation, Turn

__all__ = [
    "FORMATS",
    "LEFT_OUT",
    "Example",
    "HumanRows",
    "Selection",
    "example_of",
    "human_rows",
    "write_rows",
]

_NOOP = "Noop"

LEFT_OUT = {
    "state_not_recorded": "the reset's row is filled with zeros",
    "asleep": "the player slept on, whatever was pressed",
    "without_effect": "the action did nothing (a move against what was already faced, ...)",
    "into_lava": "a step into lava",
    "duplicate": "the same prompt and answer as an earlier row",
    "noop": "a Noop beyond --max-noop-share",
}
"""Why a step makes no row."""


@dataclass(frozen=True)
class Example:
    """A state, and what the human chose in it.

    Attributes:
        observation: the state in words.
        past: the actions before.
        choice: the action.
        answer: what leads to it, in words, and the choice.
    """

    observation: str
    past: tuple[str, ...]
    choice: str
    answer: str

    @property
    def prompt(self) -> str:
        """CrafterGPT's prompt."""
        situation = Situation(
            game="Crafter",
            actions=ACTION_NAMES,
            observation=self.observation,
            turns=tuple(Turn(observation="", answer="", action=action) for action in self.past),
        )
        (message,) = messages(situation)
        return str(message["content"])


def _asked(example: Example) -> list[Message]:
    return [{"role": "user", "content": example.prompt}]


def _answered(example: Example) -> list[Message]:
    return [{"role": "assistant", "content": example.answer}]


def _chat(example: Example) -> dict[str, Any]:
    return {"messages": [*_asked(example), *_answered(example)]}


def _prompt_completion(example: Example) -> dict[str, Any]:
    return {"prompt": _asked(example), "completion": _answered(example)}


def _text(example: Example) -> dict[str, Any]:
    return {"text": f"User:\n{example.prompt}\n\nAssistant:\n{example.answer}"}


FORMATS: dict[str, Callable[[Example], dict[str, Any]]] = {
    "chat": _chat,
    "prompt-completion": _prompt_completion,
    "text": _text,
}
"""How a row is written: the same forms as those of :mod:`textenvs.finetuning.rows`."""


@dataclass(frozen=True)
class Selection:
    """What becomes a row.

    Attributes:
        validation: the share of the episodes that is kept for validation, in [0, 1).
        max_noop_share: the greatest share of Noop among the rows of a file, in [0, 1].
        with_asleep: whether states in which the player sleeps on make rows (with the choice Sleep).
        keep_duplicates: whether rows may repeat.
        seed: of what is drawn: the episodes for validation, and the Noops that stay.

    Raises:
        ValueError: if a share is out of range.
    """

    validation: float = 0.0
    max_noop_share: float = 1.0
    with_asleep: bool = False
    keep_duplicates: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.validation < 1:
            raise ValueError(f"expected a share for validation in [0, 1), got {self.validation}")
        if not 0 <= self.max_noop_share <= 1:
            raise ValueError(f"expected a share of Noops in [0, 1], got {self.max_noop_share}")


@dataclass
class HumanRows:
    """The rows, and how they came about.

    Attributes:
        training, validation: the examples, in the order of the files and their steps.
        episodes: how many each has.
        problems: (file, what is wrong) of the files that were skipped.
        steps: how many were played in the files that were read.
        left_out: reason -> steps that make no row; the keys of :data:`LEFT_OUT`.
        awake, awake_noops: steps in which the player could choose, and in which it chose Noop.
        contradictions: how often a recording was believed against the rules of sleep.
    """

    training: list[Example] = field(default_factory=list)
    validation: list[Example] = field(default_factory=list)
    episodes: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    steps: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    awake: int = 0
    awake_noops: int = 0
    contradictions: int = 0

    def stats(self) -> dict[str, Any]:
        """All counts, as JSON types."""
        return {
            "episodes": self.episodes,
            "skipped_files": len(self.problems),
            "problems": [{"file": file, "why": why} for file, why in self.problems],
            "steps": self.steps,
            "rows": {"training": len(self.training), "validation": len(self.validation)},
            "left_out": {reason: self.left_out[reason] for reason in LEFT_OUT},
            "noop_share": {
                "of_awake_steps": self.awake_noops / self.awake if self.awake else None,
                "training": _noop_share(self.training),
                "validation": _noop_share(self.validation),
            },
            "actions": {
                "training": _actions(self.training),
                "validation": _actions(self.validation),
            },
            "sleep_contradictions": self.contradictions,
        }


def _actions(examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(example.choice for example in examples)
    return {name: counts[name] for name in ACTION_NAMES}


def _noop_share(examples: Sequence[Example]) -> float | None:
    if not examples:
        return None
    return sum(example.choice == _NOOP for example in examples) / len(examples)


def example_of(moment: Moment) -> Example | str:
    """The example that a moment makes, or else why there is none: a key of :data:`LEFT_OUT`."""
    info = moment.info
    if info is None:
        return "state_not_recorded"
    step = MOVES.get(moment.choice)
    if step is not None and seen_at(info, *step) == "lava":
        return "into_lava"
    if moment.choice not in options(info):
        return "without_effect"
    return Example(
        observation=smartplay(info, info["action"]),
        past=moment.past,
        choice=moment.choice,
        answer=answer(info, moment.choice),
    )


def human_rows(
    folder: Path, selection: Selection | None = None, progress: Callable[[Path], None] | None = None
) -> HumanRows:
    """Make examples of all files below a folder.

    Files that cannot be read are skipped and named. A row that repeats another is left out wherever
    the other is, so that no row of the validation is in the training too.

    Args:
        folder: where the npz files are.
        selection: what becomes a row.
        progress: called with each file before it is read.

    Raises:
        TraceError: if there is no npz file, or none that can be read.
    """
    selection = selection or Selection()
    paths = sorted(folder.rglob("*.npz"))
    if not paths:
        raise TraceError(f"{folder}: expected npz files of the human dataset, found none")
    found = HumanRows()
    names: list[str] = []
    by_episode: list[list[Example]] = []
    known: set[bytes] = set()
    for path in paths:
        if progress is not None:
            progress(path)
        try:
            recording = read_recording(path)
        except TraceError as error:
            found.problems.append((str(path), str(error).removeprefix(f"{path}: ")))
            continue
        names.append(path.relative_to(folder).as_posix())
        examples = _examples(recording, selection, found)
        by_episode.append(examples if selection.keep_duplicates else _new(examples, known, found))
    if not by_episode:
        raise TraceError(
            f"{folder}: expected npz files of the human dataset, got {len(paths)} that cannot be "
            f"read; {found.problems[0][0]}: {found.problems[0][1]}"
        )
    # Named, not numbered: another file that is skipped moves none to the other side.
    for_validation = split_keys(names, selection.validation, selection.seed)
    found.episodes = {
        "read": len(by_episode),
        "training": len(by_episode) - len(for_validation),
        "validation": len(for_validation),
    }
    for name, examples in zip(names, by_episode, strict=True):
        (found.validation if name in for_validation else found.training).extend(examples)
    found.training = _with_fewer_noops(found.training, selection, found)
    found.validation = _with_fewer_noops(found.validation, selection, found)
    return found


def _examples(recording: Recording, selection: Selection, found: HumanRows) -> list[Example]:
    examples = []
    unrecorded = hidden(recording)
    found.steps += recording.steps
    found.contradictions += unrecorded.contradictions
    for moment in moments(recording, unrecorded):
        sleeps = moment.info is not None and must_sleep(moment.info)
        found.awake += not sleeps
        found.awake_noops += not sleeps and moment.choice == _NOOP
        example = "asleep" if sleeps and not selection.with_asleep else example_of(moment)
        if isinstance(example, str):
            found.left_out[example] += 1
        else:
            examples.append(example)
    return examples


def _new(examples: Iterable[Example], known: set[bytes], found: HumanRows) -> list[Example]:
    """Those that are not known yet; they are from now on."""
    new = []
    for example in examples:
        said = "\0".join((example.observation, *example.past, example.answer))
        digest = hashlib.sha256(said.encode()).digest()
        if digest in known:
            found.left_out["duplicate"] += 1
        else:
            known.add(digest)
            new.append(example)
    return new


def _with_fewer_noops(
    examples: list[Example], selection: Selection, found: HumanRows
) -> list[Example]:
    """Leave out Noops, drawn at random, until their share is what it may be."""
    noops = [n for n, example in enumerate(examples) if example.choice == _NOOP]
    share, others = selection.max_noop_share, len(examples) - len(noops)
    if share == 1:
        return examples
    # n / (n + others) <= share; the slack is for shares that have no exact binary form.
    most = math.floor(share * others / (1 - share) + 1e-9)
    if len(noops) <= most:
        return examples
    dropped = set(random.Random(selection.seed).sample(noops, len(noops) - most))
    found.left_out["noop"] += len(dropped)
    return [example for n, example in enumerate(examples) if n not in dropped]


def write_rows(path: Path, examples: Iterable[Example], form: str = "chat") -> None:
    """Write a row a line; the file is replaced as a whole.

    Args:
        path: where to.
        examples: what to write.
        form: a key of :data:`FORMATS`.

    Raises:
        UnknownName: for a format that does not exist.
        OSError: if it cannot be written.
    """
    choose("format", form, FORMATS)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Row by row, since the prompts of the whole dataset take hundreds of megabytes.
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with fresh.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(FORMATS[form](example), ensure_ascii=False) + "\n")
    fresh.replace(path)
