"""The numbers of NumPy's RandomState, drawn in blocks.

A scalar draw of ``numpy.random.RandomState`` costs microseconds; here the 32-bit words of its
Mersenne twister come in blocks, and ``uniform`` and ``randint`` are read off them exactly as
RandomState makes them: the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WorldRandom"]

_FIRST_BLOCK, _LONGEST_BLOCK = 32, 256  # words; blocks grow as long as none is dropped
_SKIPPED_AT_ONCE = 4096


class WorldRandom:
    """``RandomState(seed).uniform()`` and ``.randint(0, n)``, without their overhead.

    Attributes:
        word: the next 32-bit word, a function.
    """

    __slots__ = (
        *("_bits", "_block", "_generator", "_legacy", "_scrap", "_size"),
        *("_waiting", "_words", "word"),
    )

    def __init__(self) -> None:
        self._bits = np.random.MT19937(0)
        self._legacy = np.random.RandomState(self._bits)
        self._generator = np.random.Generator(self._bits)
        self._scrap = np.empty(_SKIPPED_AT_ONCE)
        self._waiting: list[int] = []
        self._size = _FIRST_BLOCK
        self._take([])
        # Block after block without end; going from one word to the next runs no Python.
        self.word: Callable[[], int] = chain.from_iterable(iter(self._next_block, None)).__next__

    def seed(self, seed: int) -> None:
        """Begin as ``RandomState(seed)`` does."""
        self._legacy.seed(seed)
        self._drop_words()

    def uniform(self) -> float:
        """A number in [0, 1), of 53 bits from two words."""
        word = self.word
        return ((word() >> 5) * 67108864.0 + (word() >> 6)) / 9007199254740992.0

    def randint(self, n: int) -> int:
        """An integer in [0, n); none is drawn where there is no choice."""
        most = n - 1
        if not most:
            return 0
        mask, word = (1 << most.bit_length()) - 1, self.word
        while True:
            value = word() & mask
            if value <= most:
                return value

    def skip_uniforms(self, n: int) -> None:
        """Draw n numbers that nobody looks at."""
        left = self._block.__length_hint__() + len(self._waiting)
        missing = 2 * n - left
        if missing <= 0:
            for _ in range(2 * n):
                self.word()
            return
        self._drop_words()
        # Whole numbers are drawn faster than words.
        numbers, odd_word = divmod(missing, 2)
        while numbers:
            some = min(numbers, _SKIPPED_AT_ONCE)
            self._generator.random(out=self._scrap[:some])
            numbers -= some
        if odd_word:
            self._bits.random_raw()

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """N numbers in [0, 1)."""
        numbers, words = self.take(n)
        self.give_back(words, n)
        return np.array(numbers)

    def take(self, most: int) -> tuple[list[float], NDArray[np.uint64]]:
        """The next numbers in [0, 1), at most so many, of which any number is used.

        Returns:
            The numbers, and their words, for :meth:`give_back`, which must follow.
        """
        rest = self._left()
        fresh = self._bits.random_raw(max(0, 2 * most - len(rest)))
        words = np.concatenate((np.array(rest, np.uint64), fresh))
        self._drop_words()
        return _numbers(words[: 2 * most]).tolist(), words

    def give_back(self, words: NDArray[np.uint64], used: int) -> None:
        """Put the words back of what was taken and not used."""
        self._put_back(words[2 * used :].tolist())

    def get_state(self) -> dict[str, Any]:
        """What the next draws follow from; a copy that pickles."""
        return {"bits": self._bits.state, "words": self._left()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._bits.state = state["bits"]
        self._drop_words()
        self._put_back(state["words"])

    def _left(self) -> list[int]:
        """The words of the block that nobody has had."""
        return self._words[len(self._words) - self._block.__length_hint__() :] + self._waiting

    def _drop_words(self) -> None:
        self._waiting = []
        self._size = _FIRST_BLOCK
        self._block.__setstate__(len(self._words))

    def _take(self, words: list[int]) -> Any:
        self._words = words
        # The list's own iterator knows how many are left, and can be set to its end.
        self._block: Any = iter(words)
        return self._block

    def _put_back(self, words: list[int]) -> None:
        """Make these the words that come before the next block."""
        self._waiting = words

    def _next_block(self) -> Any:
        words = self._waiting
        self._waiting = []
        if not words:
            words = self._bits.random_raw(self._size).tolist()
            self._size = min(2 * self._size, _LONGEST_BLOCK)
        return self._take(words)


def _numbers(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """RandomState's 53-bit numbers, each from a pair of words."""
    high = (words[0::2] >> np.uint64(5)).astype(np.float64)
    low = (words[1::2] >> np.uint64(6)).astype(np.float64)
    return (high * 67108864.0 + low) / 9007199254740992.0
