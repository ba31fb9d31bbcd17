"""Faults that pass, and how long to wait for that."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["FAULTS", "Fault", "RetryPolicy"]

FAULTS = ("rate_limited", "server_error", "broken_answer", "empty", "timeout", "connection")
"""The kinds of faults, as they are counted."""


class Fault(Exception):  # it is no error yet: asking again helps
    """A request failed in a way that may pass.

    Attributes:
        kind: one of :data:`FAULTS`.
        retry_after: seconds after which the server asks to be asked again; None if it says nothing.
    """

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after


@dataclass(frozen=True)
class RetryPolicy:
    """How often and when to ask again: exponential waits with jitter, or what the server says.

    Attributes:
        retries: how often a request is sent again. The default bridges about two minutes.
        first: the first wait, in seconds.
        longest: no wait is longer, in seconds, unless the server asks for it.
        most_patient: a wait that the server asks for is cut here, in seconds.
        empty_retries: how often an empty answer is asked for again: it may be the model's last
            word.
    """

    retries: int = 10
    first: float = 0.5
    longest: float = 30.0
    most_patient: float = 300.0
    empty_retries: int = 2

    def gives_up(self, fault: Fault, attempt: int) -> bool:
        """Whether a request has failed often enough; ``attempt`` counts from 0."""
        return attempt >= (self.empty_retries if fault.kind == "empty" else self.retries)

    def wait(self, fault: Fault, attempt: int) -> float:
        """Seconds to wait before asking again."""
        if fault.retry_after is not None and fault.retry_after > 0:  # "at once" is no advice
            return min(fault.retry_after, self.most_patient)
        if fault.kind == "empty":
            return 0.0
        longest = min(self.first * 2.0**attempt, self.longest)
        # Half of it at random, so that those who failed together do not come back together.
        return longest * random.uniform(0.5, 1.0)
