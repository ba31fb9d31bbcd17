"""What is read of a model's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textenvs.advice.goals import parse_goals
from textenvs.knowledge.answers import parse_code, parse_preference

CODE = "def potential(a, b, c):\n    return 0.0\n"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("A > B", 0.0),
        ("B > A", 1.0),
        ("A = B", 0.5),
        ("A < B", 1.0),
        ("B < A", 0.0),
        ("B = A", 0.5),
        ("Both turn.\n\n**A > B**", 0.0),
        ("[Thoughts] A > B at first.\n[Rank] B > A", 1.0),
        ("`B > A`.", 1.0),
        ("A>B", 0.0),
        ("A > A", None),
        ("", None),
        ("The first one is better.", None),
        ("PLAN A > BASE", None),
    ],
)
def test_rankings(answer: str, label: float | None) -> None:
    assert parse_preference(answer) == label


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"```python\n{CODE}```", CODE),
        (f"```\n{CODE}```", CODE),
        (f"```py\n{CODE}```\nand so on", CODE),
        (f"Plan:\n```python\nx = 1\n```\nNow:\n```python\n{CODE}```", CODE),
        (f"```python\ndef potential(): pass\n```\nBetter:\n```python\n{CODE}```\n", CODE),
        (CODE, None),
        ("```python\ndef other(): pass\n```", None),
        ("", None),
    ],
)
def test_code_in_an_answer(answer: str, code: str | None) -> None:
    assert parse_code(answer, "potential") == code


@pytest.mark.parametrize("mark", ["-", "*", "•", "1.", "12)"])
def test_lists_of_goals(mark: str) -> None:
    answer = f"Goals:\n{mark} You see a ball.\n  {mark} You carry a key\nThat is all."
    assert parse_goals(answer) == ("you see a ball", "you carry a key")


@given(st.text())
def test_no_answer_is_an_error(answer: str) -> None:
    parse_code(answer, "potential")
    assert parse_preference(answer) in (None, 0.0, 0.5, 1.0)
    parse_goals(answer)
