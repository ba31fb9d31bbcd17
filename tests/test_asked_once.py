"""Values that are asked for in batches: each once, as long as it is remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textenvs.asked_once import ask_once


@given(st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=20), st.integers(0, 12))
def test_values_are_right_whatever_is_remembered(batches: list[list[int]], limit: int) -> None:
    known: dict[int, str] = {}
    for batch in batches:
        assert ask_once(known, batch, lambda new: map(str, new), limit) == [*map(str, batch)]
        assert len(known) <= max(limit, 8)


def test_what_is_known_is_not_asked_for() -> None:
    known: dict[str, int] = {}
    asked: list[str] = []

    def lengths(new: list[str]) -> list[int]:
        asked.extend(new)
        return [len(each) for each in new]

    assert ask_once(known, ["a", "bb", "a"], lengths, 3) == [1, 2, 1]
    assert ask_once(known, ["bb", "c"], lengths, 3) == [2, 1]
    assert asked == ["a", "bb", "c"]
    ask_once(known, ["d"], lengths, 3)  # one more than are remembered: the older half goes
    assert [*known] == ["c", "d"]


def test_as_many_values_as_keys_are_expected() -> None:
    with pytest.raises(ValueError, match="argument"):
        ask_once({}, ["a", "b"], lambda new: [1], 3)
