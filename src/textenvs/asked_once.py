"""Values that are asked for in batches, each once while it is remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

__all__ = ["ask_once"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def ask_once(
    known: dict[K, V], keys: Sequence[K], ask: Callable[[list[K]], Iterable[V]], limit: int
) -> list[V]:
    """The values of keys; those that are not known are asked for in one batch.

    Args:
        known: what is remembered; it is added to, and above the limit its older half forgotten.
        keys: whose values are wanted.
        ask: keys -> their values, in their order.
        limit: how many are remembered before some are forgotten.

    Example:
        >>> known = {}
        >>> ask_once(known, ["a", "bb", "a"], lambda new: map(len, new), 10)
        [1, 2, 1]
        >>> known
        {'a': 1, 'bb': 2}
    """
    new = [key for key in dict.fromkeys(keys) if key not in known]
    if new:
        known |= zip(new, ask(new), strict=True)
    values = [known[key] for key in keys]
    if len(known) > limit:
        for key in list(islice(known, len(known) // 2)):
            del known[key]
    return values
