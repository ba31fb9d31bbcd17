"""The numbers of NumPy's RandomState, drawn in blocks.

A scalar draw of ``numpy.random.RandomState`` costs microseconds; here the 32-bit words of its
Mersenne twister come in blocks, and ``uniform`` and ``randint`` are read off them exactly as
RandomState makes them: the same numbers in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WorldRandom"]

_BLOCK = 256
_SKIPPED_AT_ONCE = 4096


class WorldRandom:
    """``RandomState(seed).uniform()`` and ``.randint(0, n)``, without their overhead."""

    __slots__ = ("_bits", "_generator", "_legacy", "_next", "_scrap", "_words")

    def __init__(self) -> None:
        self._bits = np.random.MT19937(0)
        self._legacy = np.random.RandomState(self._bits)
        self._generator = np.random.Generator(self._bits)
        self._scrap = np.empty(_SKIPPED_AT_ONCE)
        self._words: list[int] = []
        self._next = 0

    def seed(self, seed: int) -> None:
        """Begin as ``RandomState(seed)`` does."""
        self._legacy.seed(seed)
        self._words, self._next = [], 0

    def uniform(self) -> float:
        """A number in [0, 1), of 53 bits from two words."""
        i = self._next
        if i + 2 > len(self._words):
            self._refill()
            i = 0
        self._next = i + 2
        words = self._words
        return ((words[i] >> 5) * 67108864.0 + (words[i + 1] >> 6)) / 9007199254740992.0

    def randint(self, n: int) -> int:
        """An integer in [0, n); none is drawn where there is no choice."""
        most = n - 1
        if not most:
            return 0
        mask = (1 << most.bit_length()) - 1
        while True:
            i = self._next
            if i >= len(self._words):
                self._refill()
                i = 0
            self._next = i + 1
            value = self._words[i] & mask
            if value <= most:
                return value

    def skip_uniforms(self, n: int) -> None:
        """Draw n numbers that nobody looks at."""
        left = len(self._words) - self._next
        missing = 2 * n - left
        if missing <= 0:
            self._next += 2 * n
            return
        # Whole numbers are drawn faster than words.
        numbers, odd_word = divmod(missing, 2)
        while numbers:
            some = min(numbers, _SKIPPED_AT_ONCE)
            self._generator.random(out=self._scrap[:some])
            numbers -= some
        if odd_word:
            self._bits.random_raw()
        self._words, self._next = [], 0

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """N numbers in [0, 1)."""
        rest = self._words[self._next :]
        fresh = self._bits.random_raw(max(0, 2 * n - len(rest)))
        words = np.concatenate((np.array(rest, np.uint64), fresh))
        self._words, self._next = words[2 * n :].tolist(), 0
        high = (words[0 : 2 * n : 2] >> np.uint64(5)).astype(np.float64)
        low = (words[1 : 2 * n : 2] >> np.uint64(6)).astype(np.float64)
        return (high * 67108864.0 + low) / 9007199254740992.0

    def get_state(self) -> dict[str, Any]:
        """What the next draws follow from; a copy that pickles."""
        return {"bits": self._bits.state, "words": self._words[self._next :]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._bits.state = state["bits"]
        self._words, self._next = list(state["words"]), 0

    def _refill(self) -> None:
        self._words = self._words[self._next :] + self._bits.random_raw(_BLOCK).tolist()
        self._next = 0
