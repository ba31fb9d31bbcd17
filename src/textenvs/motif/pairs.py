"""Pairs of captions in Motif's layout: arrays in files, memory-mapped.

=========================  ========================================================================
``data/message.npy``       (N, 2, L, W) uint8, captions as UTF-8, filled up with zeros
``info/*.npy``             (N, 2), of the observations: ``score``, ``return``, ``steps``, ...
``preference/NAME.npy``    (N,) int8 of an annotator: 0 the first is better, 1 the second, 2 a tie,
                           3 unknown
``pairs.json``             ours: where the pairs come from
=========================  ========================================================================

The first three are Motif's (``rlaif/dataset.py``, 51b5f47), where W is 256 and L is 1.
"""

from __future__ import annotations

import filecmp
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from textenvs.errors import TraceError
from textenvs.traces import replace_file

__all__ = ["FIRST", "SECOND", "TIE", "UNKNOWN", "Pairs", "caption_of", "encode_text", "write_pairs"]

FIRST, SECOND, TIE, UNKNOWN = 0, 1, 2, 3
"""The labels of a pair."""

_MESSAGES = Path("data") / "message.npy"
_ABOUT = "pairs.json"


class Pairs:
    """A directory of pairs; nothing is read before it is asked for.

    Args:
        directory: in the layout of this module, or in the published one.

    Attributes:
        directory: where they are.
        messages: (N, 2, L, W) uint8, memory-mapped.

    Raises:
        TraceError: if there are no pairs.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        path = self.directory / _MESSAGES
        try:
            self.messages: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise TraceError(
                f"{directory}: expected pairs, as `textenvs pairs` writes them ({_MESSAGES}), got: "
                f"{error}"
            ) from error
        if self.messages.ndim != 4 or self.messages.shape[1] != 2 or self.messages.dtype != "u1":
            raise TraceError(
                f"{path}: expected (N, 2, L, W) uint8, got {self.messages.shape} "
                f"{self.messages.dtype}"
            )
        if not len(self.messages):
            raise TraceError(f"{path}: expected pairs, got none: `textenvs pairs` draws them")

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.messages)

    @property
    def about(self) -> dict[str, Any]:
        """Where the pairs come from; nothing for published ones."""
        path = self.directory / _ABOUT
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def captions(self, number: int) -> tuple[str, str]:
        """The captions of a pair."""
        first, second = np.asarray(self.messages[number])
        return caption_of(first), caption_of(second)

    def info(self, name: str) -> NDArray[Any]:
        """What is known of the observations: (N, 2), memory-mapped.

        Raises:
            TraceError: if it is not.
        """
        path = self.directory / "info" / f"{name}.npy"
        if not path.exists():
            known = sorted(each.stem for each in path.parent.glob("*.npy"))
            raise TraceError(f"{path} is missing: there is {', '.join(known) or 'nothing'}")
        return np.load(path, mmap_mode="r", allow_pickle=False)

    @property
    def annotators(self) -> list[str]:
        """Whose labels there are."""
        return sorted(each.stem for each in (self.directory / "preference").glob("*.npy"))

    def path_of(self, annotator: str) -> Path:
        """The file of an annotator's labels.

        Raises:
            ValueError: if the name is none of a file.
        """
        if annotator in ("", "..") or Path(annotator).name != annotator:
            raise ValueError(f"expected a name of labels that a file can have, got {annotator!r}")
        return self.directory / "preference" / f"{annotator}.npy"

    def labels(self, annotator: str, mode: Literal["r", "r+"] = "r") -> NDArray[np.int8]:
        """The labels of an annotator: (N,) int8, memory-mapped.

        Args:
            annotator: the name of its file.
            mode: ``"r"``, or ``"r+"`` to write; then a file is made where there is none, of
                unknown labels, once for all processes.

        Raises:
            TraceError: if there are none, or not as many as pairs.
            ValueError: if the name is none of a file.
        """
        path = self.path_of(annotator)
        if mode == "r+" and not path.exists():
            _make_once(path, len(self))
        if not path.exists():
            raise TraceError(
                f"{path} is missing: there are labels of {', '.join(self.annotators) or 'nobody'}; "
                "`textenvs annotate` makes them"
            )
        found: NDArray[np.int8] = np.load(path, mmap_mode=mode, allow_pickle=False)
        if found.shape != (len(self),):
            raise TraceError(f"{path}: expected {len(self)} labels, got {found.shape}")
        return found


def _make_once(path: Path, count: int) -> None:
    """Make a file of unknown labels, whole before it has its name; the first process wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as file:
        np.save(file, np.full(count, UNKNOWN, np.int8))
        fresh = Path(file.name)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was faster
    finally:
        fresh.unlink()


def _keep_labels(directory: Path, fresh: Path) -> None:
    """Refuse to put other pairs under labels: they would be taken for theirs.

    Raises:
        TraceError: if there are labels, and the pairs are not the same.
    """
    old = directory / _MESSAGES
    labelled = [each.stem for each in (directory / "preference").glob("*.npy")]
    if labelled and old.exists() and not filecmp.cmp(old, fresh, shallow=False):
        fresh.unlink()
        raise TraceError(
            f"{directory} has labels of other pairs ({', '.join(sorted(labelled))}): expected "
            "another folder for these"
        )


def caption_of(sequence: NDArray[np.uint8]) -> str:
    r"""The caption of L observations: those that repeat once, with how often, without empty ones.

    Args:
        sequence: (L, W) uint8.

    Example:
        >>> caption_of(np.stack([encode_text(t, 8) for t in ("a", "a", "", "b")]))
        'a (x2)\nb'
    """
    texts = [row[row != 0].tobytes().decode("utf-8", "replace") for row in sequence]
    lines = []
    for text, group in groupby(texts):
        count = len(list(group))
        if text:
            lines.append(text if count == 1 else f"{text} (x{count})")
    return "\n".join(lines)


def encode_text(text: str, width: int) -> NDArray[np.uint8]:
    """A text as UTF-8, cut at a width between two characters: (width,) uint8.

    Example:
        >>> encode_text("é!", 2).tolist()
        [195, 169]
    """
    data = text.replace("\0", "").encode("utf-8", "replace")[:width]
    data = data.decode("utf-8", "ignore").encode()
    return np.frombuffer(data.ljust(width, b"\0"), np.uint8)


def write_pairs(
    directory: Path,
    texts: Sequence[str],
    chosen: NDArray[np.int64],
    info: Mapping[str, NDArray[Any]],
    width: int,
    about: Mapping[str, Any],
) -> None:
    """Write pairs, one row at a time, so that what is written need not be in memory.

    Args:
        directory: where they go.
        texts: of all observations.
        chosen: (N, 2, L), which of them make the pairs.
        info: of all observations, name -> (len(texts),); of a sequence the last one's is kept.
        width: bytes of a text, at most.
        about: where the pairs come from.

    Raises:
        TraceError: if the directory has labels of other pairs.
    """
    count, _, length = chosen.shape
    encoded: dict[str, NDArray[np.uint8]] = {}
    (directory / "data").mkdir(parents=True, exist_ok=True)
    (directory / "info").mkdir(exist_ok=True)
    fresh = directory / "data" / "message.new.npy"
    messages = open_memmap(fresh, "w+", np.uint8, (count, 2, length, width))
    for i, row in enumerate(chosen.reshape(count, 2 * length).tolist()):
        for j, number in enumerate(row):
            text = texts[number]
            if text not in encoded:
                encoded[text] = encode_text(text, width)
            messages[i, j // length, j % length] = encoded[text]
    messages.flush()
    del messages
    _keep_labels(directory, fresh)
    moved = {}
    for name, values in info.items():
        path = directory / "info" / f"{name}.npy"
        np.save(path.with_suffix(".new.npy"), values[chosen[:, :, -1]])
        moved[path.with_suffix(".new.npy")] = path
    replace_file(directory / _ABOUT, json.dumps({**about, "pairs": count}, indent=1) + "\n")
    moved[fresh] = directory / _MESSAGES  # last: where it is, all is
    for new, path in moved.items():
        os.replace(new, path)
