"""The order of rows on the page."""

from __future__ import annotations

from collections.abc import Sequence

from result_rows import Row

__all__ = ["ordered"]


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Models first, then random play and humans."""
    kinds = ("model", "random", "expert")
    return sorted(rows, key=lambda row: (kinds.index(row.kind), row.player, row.seed or 0))
