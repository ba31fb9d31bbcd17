"""The one space of text: :class:`Utf8Text`.

``gymnasium.spaces.Text`` walks every character in ``contains``, refuses spaces and newlines by
default and, in an ``AsyncVectorEnv``, moves a text through shared memory one character at a time.
:class:`Utf8Text` is a ``Text`` (``isinstance`` holds) in which a string belongs if it is no longer
than ``max_length``, and which crosses shared memory as its UTF-8 bytes.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, unflatten
from gymnasium.vector.utils.shared_memory import (
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)
from numpy.typing import NDArray

__all__ = ["Utf8Text"]

_BYTES_PER_CHARACTER = 4  # the longest UTF-8 encoding of one code point
_LENGTH_BYTES = 4  # a slot in shared memory: the length as uint32, then the bytes
_ENCODING_ERRORS = "surrogatepass"  # a lone surrogate is a str too, and must not kill a worker


class Utf8Text(spaces.Text):
    r"""A space of all strings of at most ``max_length`` characters.

    Args:
        max_length: the longest string that belongs, in characters.
        seed: the seed of the space's own generator, which ``sample`` draws from.

    Example:
        >>> space = Utf8Text(100)
        >>> "You see a red ball.\n" in space, "x" * 101 in space
        (True, False)
    """

    # What `sample` draws from: enough to tell that arbitrary text is handled, cheap to draw.
    _SAMPLES = ("", "noop", "You see a red ball.\n- 2 steps left", "naïve café, 中文, 🙂")

    def __init__(self, max_length: int, *, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(max_length, min_length=0, seed=seed)

    def contains(self, x: Any) -> bool:
        """Return whether ``x`` is a string that is short enough; looks at no character."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Draw one of a few fixed strings, cut to ``max_length``.

        Raises:
            ValueError: if a mask or a probability is given: this space has no alphabet.
        """
        if mask is not None or probability is not None:
            raise ValueError("Utf8Text.sample takes no mask and no probability: it has no alphabet")
        return self._SAMPLES[int(self.np_random.integers(len(self._SAMPLES)))][: self.max_length]

    def __repr__(self) -> str:
        return f"Utf8Text({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Utf8Text) and self.max_length == other.max_length

    def __hash__(self) -> int:
        return hash((Utf8Text, self.max_length))

    @property
    def max_bytes(self) -> int:
        """The most bytes that a member can have in UTF-8."""
        return _BYTES_PER_CHARACTER * self.max_length


# Shared memory (AsyncVectorEnv): fixed slots of a length and that many UTF-8 bytes.


def _slot_size(space: Utf8Text) -> int:
    return _LENGTH_BYTES + space.max_bytes


@create_shared_memory.register(Utf8Text)
def _create(space: Utf8Text, n: int = 1, ctx: Any = multiprocessing) -> Any:
    return ctx.Array("B", n * _slot_size(space))


@write_to_shared_memory.register(Utf8Text)
def _write(space: Utf8Text, index: int, value: str, shared_memory: Any) -> None:
    if not space.contains(value):
        length = f" of {len(value)} characters" if isinstance(value, str) else ""
        raise ValueError(
            f"expected a str of at most {space.max_length} characters, "
            f"got a {type(value).__name__}{length}"
        )
    data = value.encode("utf-8", _ENCODING_ERRORS)
    memory = memoryview(shared_memory.get_obj()).cast("B")
    start = index * _slot_size(space)
    memory[start : start + _LENGTH_BYTES] = len(data).to_bytes(_LENGTH_BYTES, "little")
    memory[start + _LENGTH_BYTES : start + _LENGTH_BYTES + len(data)] = data


class _SharedTexts(Sequence[str]):
    """The texts that lie in shared memory now; a copy of it is a tuple of them.

    ``AsyncVectorEnv`` reads its shared memory once, as a view, and returns deep copies of that view
    after every step. For arrays NumPy makes such views; for text this is one.
    """

    def __init__(self, space: Utf8Text, shared_memory: Any, n: int) -> None:
        self._slot = _slot_size(space)
        self._shared_memory = shared_memory
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self._n)))
        start = range(self._n)[index] * self._slot
        memory = memoryview(self._shared_memory.get_obj()).cast("B")
        first = start + _LENGTH_BYTES
        length = int.from_bytes(memory[start:first], "little")
        return bytes(memory[first : first + length]).decode("utf-8", _ENCODING_ERRORS)

    def __copy__(self) -> tuple[str, ...]:
        return tuple(self)

    def __deepcopy__(self, memo: Any) -> tuple[str, ...]:
        return tuple(self)


@read_from_shared_memory.register(Utf8Text)
def _read(space: Utf8Text, shared_memory: Any, n: int = 1) -> Sequence[str]:
    return _SharedTexts(space, shared_memory, n)


# Flattening (FlattenObservation and the like): as in shared memory, padded with zeros.


@flatdim.register(Utf8Text)
def _flatdim(space: Utf8Text) -> int:
    return _slot_size(space)


@flatten_space.register(Utf8Text)
def _flatten_space(space: Utf8Text) -> spaces.Box:
    return spaces.Box(0, 255, (_slot_size(space),), np.uint8)


@flatten.register(Utf8Text)
def _flatten(space: Utf8Text, x: str) -> NDArray[np.uint8]:  # type: ignore[misc]
    data = x.encode("utf-8", _ENCODING_ERRORS)
    data = len(data).to_bytes(_LENGTH_BYTES, "little") + data
    return np.frombuffer(data.ljust(_slot_size(space), b"\0"), np.uint8)


@unflatten.register(Utf8Text)
def _unflatten(space: Utf8Text, x: NDArray[np.uint8]) -> str:  # type: ignore[misc]
    data = bytes(np.asarray(x, np.uint8))
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    return data[_LENGTH_BYTES : _LENGTH_BYTES + length].decode("utf-8", _ENCODING_ERRORS)
