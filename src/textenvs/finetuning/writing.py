"""The rows of the episodes that a filter keeps, as training files."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import gymnasium

from textenvs.errors import MissingExtra, TraceError
from textenvs.finetuning.balance import capped_counts, chosen, split_keys
from textenvs.finetuning.counting import RowTokens, characters
from textenvs.finetuning.examining import Skipped
from textenvs.finetuning.filtering import Criteria, Episode, Filtered
from textenvs.finetuning.rows import Rendering, trace_rows
from textenvs.finetuning.statistics import statistics
from textenvs.traces import Trace, read_trace, replace_file

__all__ = ["Output", "stats_path", "validation_path", "write_rows"]

TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class Output:
    """How rows are written.

    Attributes:
        validation: which share of the episodes is held out; 0 for none.
        seed: what is drawn is drawn by this.
        max_action_share: no action has more than this share of the training rows; None for any.
        caps: action -> how many training rows it may have.
        tokenizer: a tokenizer that counts tokens; None to count characters.
        metadata: whether a row says which trace and step it is of.

    Raises:
        ValueError: if a number is out of range.
    """

    validation: float = 0.0
    seed: int = 0
    max_action_share: float | None = None
    caps: Mapping[str, int] = field(default_factory=dict)
    tokenizer: str | None = None
    metadata: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.validation < 1:
            raise ValueError(f"expected a validation from 0 to below 1, got {self.validation}")
        if self.max_action_share is not None and not 0 < self.max_action_share <= 1:
            raise ValueError(
                f"expected a max_action_share above 0 and up to 1, got {self.max_action_share}"
            )
        for action, cap in self.caps.items():
            if cap < 0:
                raise ValueError(f"expected a cap of 0 or more for {action!r}, got {cap}")


def validation_path(path: Path) -> Path:
    """Where the held-out rows of a training file go."""
    stem = path.name.removesuffix(".jsonl")
    return path.with_name(f"{stem}.validation.jsonl")


def stats_path(path: Path) -> Path:
    """Where a training file's settings, counts and sources go."""
    return path.with_name(f"{path.name}.stats.json")


def write_rows(
    path: Path | str,
    found: Filtered,
    criteria: Criteria,
    rendering: Rendering | None = None,
    output: Output | None = None,
    inputs: Sequence[Path | str] = (),
) -> dict[str, Any]:
    """Write the rows of the episodes that are kept, and what they are made of.

    A row that is there already is left out. Episodes of the same id and seed are on the same side
    of the split. Only training rows are balanced: what is held out stays as it was played. Each
    file replaces an older one whole, when all rows are made.

    Args:
        path: the training file; see also :func:`validation_path` and :func:`stats_path`.
        found: what :func:`~textenvs.finetuning.filtering.filter_traces` found.
        criteria: by which.
        rendering: how steps become rows.
        output: how they are written.
        inputs: where the traces are from, to be named.

    Returns:
        What is written beside the rows.

    Raises:
        UnknownName: if a prompt is not made for a game.
        TraceError: if the rows are of different shapes.
        ModelError: if the tokenizer does not load, or refuses a row.
        ValueError: if the balance that is asked for cannot be.
        OSError: if a file cannot be read or written.
    """
    path = Path(path)
    output = output or Output()
    if path.resolve() in {Path(episode.file).resolve() for episode in found.episodes}:
        raise ValueError(f"expected an output that is no trace of the input, got {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    tokens = None if output.tokenizer is None else RowTokens(output.tokenizer)
    spool = path.with_name(f".{path.name}.{os.getpid()}.rows")
    try:
        with spool.open("w+b") as file:
            writer = _Writer(file, rendering or Rendering(), output, tokens)
            writer.add_all(found.kept)
            return writer.finish(path, found, criteria, inputs)
    finally:
        spool.unlink(missing_ok=True)


@dataclass
class _Line:
    """A row that is written to the spool."""

    start: int
    size: int
    digest: bytes
    action: str
    side: str
    source: int
    length: int  # tokens, or characters


class _Writer:
    """Makes rows, and writes those that are left of them."""

    def __init__(
        self, spool: BinaryIO, rendering: Rendering, output: Output, tokens: RowTokens | None
    ) -> None:
        self.spool = spool
        self.rendering = rendering
        self.output = output
        self.tokens = tokens
        self.measure: Callable[[Mapping[str, Any]], int] = (
            characters if tokens is None else tokens.count
        )
        self.lines: list[_Line] = []
        self.left_out: Counter[str] = Counter()
        self.sources: list[dict[str, Any]] = []
        self.skipped: list[Skipped] = []
        self.duplicates = 0
        self.mended = 0
        self._seen: set[bytes] = set()
        self._at = 0
        self._shape: tuple[bool, str] | None = None
        self._actions: dict[str, tuple[str, ...]] = {}

    def add_all(self, episodes: Sequence[Episode]) -> None:
        """Make the rows of all episodes that have steps."""
        keys = [_world(episode) for episode in episodes]
        held_out = split_keys(keys, self.output.validation, self.output.seed)
        for episode, key in zip(episodes, keys, strict=True):
            if episode.recorded and episode.windows != ():
                self._add(episode, VALIDATION if key in held_out else TRAIN)

    def _add(self, episode: Episode, side: str) -> None:
        path = Path(episode.file)
        try:
            trace = read_trace(path)
            rows, left = trace_rows(trace, self.rendering, self._names(trace), episode.windows)
        except TraceError as error:
            self.skipped.append(Skipped(episode.file, "broken", str(error)))
            return
        self.left_out += left
        for row in rows:
            self._check_shape(row.content, episode.file)
            line = self._encoded(row.content)
            digest = hashlib.sha256(line).digest()[:16]
            if digest in self._seen:
                self.duplicates += 1
                continue
            self._seen.add(digest)
            length = self.measure(row.content)
            if self.output.metadata:
                told = {"episode": episode.file, "t": row.t, "action": row.action}
                line = self._encoded({**row.content, "metadata": told})
            self.spool.write(line)
            self.lines.append(
                _Line(self._at, len(line), digest, row.action, side, len(self.sources), length)
            )
            self._at += len(line)
        self.sources.append(
            {
                "file": episode.file,
                "env_id": episode.env_id,
                "episode": episode.episode,
                "seed": episode.seed,
                "side": side,
                "rows": 0,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )

    def _names(self, trace: Trace) -> tuple[str, ...]:
        """The texts of a game's actions, where a row shows them."""
        header = trace.header
        if self.rendering.prompt is None and header.get("agent") != "react":
            return ()
        key = json.dumps([header["env_id"], header.get("env_spec")], sort_keys=True)
        if key not in self._actions:
            self._actions[key] = _action_names(trace)
        return self._actions[key]

    def _check_shape(self, content: Mapping[str, Any], file: str) -> None:
        """Keep texts to go on with and parts of chats in files of their own."""
        is_text = isinstance(content.get("prompt"), str)
        if self._shape is None:
            self._shape = is_text, file
        elif self._shape[0] != is_text:
            names = {True: "texts", False: "chats"}
            raise TraceError(
                f"expected prompts that are {names[self._shape[0]]}, as in {self._shape[1]}, got "
                f"{names[is_text]} in {file}: filter them into files of their own"
            )

    def _encoded(self, content: Mapping[str, Any]) -> bytes:
        text = json.dumps(content, ensure_ascii=False)
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:  # half of a character, which no file in UTF-8 has
            self.mended += 1
            return text.encode("utf-8", "replace") + b"\n"

    def finish(
        self, path: Path, found: Filtered, criteria: Criteria, inputs: Sequence[Path | str]
    ) -> dict[str, Any]:
        """Write what is left when the rows are balanced, and what it is made of."""
        train = [line for line in self.lines if line.side == TRAIN]
        held_out = [line for line in self.lines if line.side == VALIDATION]
        before = Counter(line.action for line in train)
        limits = capped_counts(before, self.output.max_action_share, self.output.caps)
        actions, digests = [line.action for line in train], [line.digest for line in train]
        left = chosen(actions, digests, limits, self.output.seed)
        written = {TRAIN: [train[n] for n in sorted(left)], VALIDATION: held_out}
        for line in [*written[TRAIN], *held_out]:
            self.sources[line.source]["rows"] += 1
        files = {TRAIN: self._write(path, written[TRAIN])}
        if self.output.validation:
            files[VALIDATION] = self._write(validation_path(path), held_out)
        from textenvs import __version__

        told: dict[str, Any] = {
            "textenvs": __version__,
            "inputs": [str(each) for each in inputs],
            "criteria": asdict(criteria),
            "rendering": asdict(self.rendering),
            "output": asdict(self.output),
            "statistics": statistics(found, criteria),
            "rows": {
                **{side: len(lines) for side, lines in written.items()},
                "duplicates": self.duplicates,
                "left_out": dict(self.left_out),
                "balanced_away": len(train) - len(left),
                "mended_characters": self.mended,
            },
            "actions": {
                "before": dict(before.most_common()),
                **{
                    side: dict(Counter(line.action for line in lines).most_common())
                    for side, lines in written.items()
                },
            },
            "tokens" if self.tokens else "characters": {
                side: _lengths(lines) for side, lines in written.items() if lines
            },
            "files": files,
            "skipped": [asdict(each) for each in [*found.skipped, *self.skipped]],
            "sources": self.sources,
        }
        if self.tokens:
            told["chat_template"] = self.tokens.has_template
        replace_file(stats_path(path), json.dumps(told, indent=2, default=str) + "\n")
        return told

    def _write(self, path: Path, lines: Sequence[_Line]) -> dict[str, str]:
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        digest = hashlib.sha256()
        try:
            with fresh.open("wb") as file:
                for line in lines:
                    self.spool.seek(line.start)
                    content = self.spool.read(line.size)
                    digest.update(content)
                    file.write(content)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return {"file": str(path), "sha256": digest.hexdigest()}


def _world(episode: Episode) -> tuple[str, object]:
    """What episodes share that must not be on both sides of a split."""
    world = episode.file if episode.seed is None else episode.seed
    return episode.env_id, world


def _action_names(trace: Trace) -> tuple[str, ...]:
    """The texts of a game's actions.

    The id is looked up among the registered ones: what else a trace says of its environment only
    sets arguments, and never names code to be run.
    """
    spec = trace.header.get("env_spec") or {}
    for wrapper in spec.get("additional_wrappers") or ():
        names = (wrapper.get("kwargs") or {}).get("action_names")
        if names:
            return tuple(map(str, names))
    own = spec.get("kwargs") or {} if spec.get("id") == trace.header["env_id"] else {}
    try:
        env = gymnasium.make(trace.header["env_id"], disable_env_checker=True, **own)
    except MissingExtra:
        raise
    except (gymnasium.error.Error, AssertionError, AttributeError, TypeError, ValueError) as error:
        # What constructors of the games say of an argument that they do not take.
        said = " ".join(str(error).split())[:200]
        raise TraceError(
            f"{trace.path}: expected an environment of textenvs, got {trace.header['env_id']!r}: "
            f"{said}"
        ) from error
    try:
        return tuple(env.get_wrapper_attr("action_names"))
    finally:
        env.close()


def _lengths(lines: Sequence[_Line]) -> dict[str, float]:
    lengths = sorted(line.length for line in lines)
    return {
        "total": sum(lengths),
        "mean": round(sum(lengths) / len(lengths), 1),
        "median": lengths[len(lengths) // 2],
        "max": lengths[-1],
    }
