"""How often each action is an answer, and fewer of those that are too frequent."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence

__all__ = ["capped_counts", "chosen", "split_keys"]

_ROUNDING = 1e-9


def capped_counts(
    counts: Mapping[str, int], max_share: float | None, caps: Mapping[str, int] | None = None
) -> dict[str, int]:
    """How many rows of each action are left, so that none has more than a share of what is left.

    As many rows as possible are left.

    Args:
        counts: action -> rows.
        max_share: no action has more than this share of the rows that are left; None for any.
        caps: action -> how many rows it may have at most, whatever its share is.

    Raises:
        ValueError: if there are too few actions for the share, or a cap is of no action that there
            is.

    Example:
        >>> capped_counts({"Noop": 380, "Do": 320, "Sleep": 60, "Move West": 240}, 0.3)
        {'Noop': 180, 'Do': 180, 'Sleep': 60, 'Move West': 180}
        >>> capped_counts({"Noop": 380, "Do": 320}, None, {"Noop": 50})
        {'Noop': 50, 'Do': 320}
    """
    caps = caps or {}
    for action in caps:
        if action not in counts:
            there = ", ".join(map(repr, sorted(counts))) or "none"
            raise ValueError(f"expected a cap of an action of the rows ({there}), got {action!r}")
    left = {action: min(n, caps.get(action, n)) for action, n in counts.items()}
    rows = [n for n in left.values() if n]
    if max_share is None or not rows:
        return left
    if len(rows) * max_share < 1 - _ROUNDING:
        raise ValueError(
            f"expected a max_action_share of 1/{len(rows)} or more, for rows of {len(rows)} "
            f"actions, got {max_share:g}"
        )
    # What a cap leaves grows ever more slowly with the cap, so that caps up to some one fit.
    low, high = 1, max(rows)
    while low < high:
        cap = (low + high + 1) // 2
        fits = cap <= max_share * sum(min(n, cap) for n in rows) + _ROUNDING
        low, high = (cap, high) if fits else (low, cap - 1)
    return {action: min(n, low) for action, n in left.items()}


def chosen(
    actions: Sequence[str], keys: Sequence[bytes], limits: Mapping[str, int], seed: int
) -> set[int]:
    """Which rows are left, by their numbers: drawn by a seed, whatever order they come in.

    Args:
        actions: of each row.
        keys: what tells the rows apart.
        limits: action -> how many are left.
        seed: of the draw.
    """
    drawn: dict[str, list[tuple[bytes, int]]] = defaultdict(list)
    for number, (action, key) in enumerate(zip(actions, keys, strict=True)):
        drawn[action].append((_draw(seed, "balance", key), number))
    return {
        number
        for action, found in drawn.items()
        for _, number in sorted(found)[: limits.get(action, 0)]
    }


def split_keys(keys: Collection[Hashable], share: float, seed: int) -> set[Hashable]:
    """Which of some episodes are for validation: a share of them, drawn by a seed.

    One at least where there are two or more, and never all of them.
    """
    distinct = sorted(Counter(keys), key=lambda key: _draw(seed, "split", repr(key).encode()))
    if not share or len(distinct) < 2:
        return set()
    number = min(max(1, round(share * len(distinct))), len(distinct) - 1)
    return set(distinct[:number])


def _draw(seed: int, purpose: str, key: bytes) -> bytes:
    return hashlib.sha256(f"{seed} {purpose} ".encode() + key).digest()
