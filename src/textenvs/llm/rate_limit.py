"""No more requests and tokens a second than a server allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["RateLimiter"]


class RateLimiter:
    """Spaces requests evenly, so that over any second no more are sent than allowed.

    Tokens are known only when an answer is there: they are booked then, and the next request waits
    until they are worked off.

    Args:
        requests_per_second: at most so many; None for no limit.
        tokens_per_second: at most so many, of input and output; None for no limit.
        clock: seconds, for tests.

    Raises:
        ValueError: if a limit is not positive.
    """

    def __init__(
        self,
        requests_per_second: float | None = None,
        tokens_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for limit in (requests_per_second, tokens_per_second):
            if limit is not None and not limit > 0:
                raise ValueError(f"expected a rate above 0 a second, got {limit}")
        self._interval = 0.0 if requests_per_second is None else 1.0 / requests_per_second
        self._a_token = 0.0 if tokens_per_second is None else 1.0 / tokens_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next_request = self._tokens_free = clock()

    def reserve(self) -> float:
        """Take the next place; returns the seconds to wait for it."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_request, self._tokens_free)
            self._next_request = start + self._interval
            return start - now

    def spend(self, tokens: int) -> None:
        """Book the tokens of an answer."""
        with self._lock:
            self._tokens_free = max(self._clock(), self._tokens_free) + tokens * self._a_token
