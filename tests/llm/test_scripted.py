"""A function in place of a model, and what all models share: settings and answers."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.models import prompt
from textenvs.errors import UnknownName, Unsupported
from textenvs.llm import Completion, Messages, Sampling, ToolCall, Usage, get_model
from textenvs.llm.backends.scripted import ScriptedModel


def shout(messages: Messages) -> str:
    return str(messages[-1]["content"]).upper()


class Counter:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, messages: Messages) -> str:
        self.n += 1
        return str(self.n)


# Scripted models


def test_a_function_answers_each_prompt() -> None:
    model = ScriptedModel(shout)
    answers = model.generate([prompt("a"), prompt("b")], Sampling())
    assert answers == [Completion("A"), Completion("B")]
    assert model.name.endswith(":shout")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_text_is_an_empty_answer(text: str) -> None:
    assert ScriptedModel(lambda _: text).generate([prompt("a")], Sampling())[0].status == "empty"


def test_a_whole_completion_is_taken_as_it_is() -> None:
    whole = Completion("n", "cut", (ToolCall("act", "{}"),), "why", Usage(1, 2, 3, 4), 0.5)
    assert ScriptedModel(lambda _: whole).generate([prompt("a")], Sampling()) == [whole]


def test_whatever_can_be_called_can_answer() -> None:
    for function in (Counter(), partial(lambda n, _: str(n), 1)):
        model = ScriptedModel(function)
        assert model.generate([prompt("a")], Sampling())[0].text == "1"
        assert model.name.startswith("scripted:")


def test_a_name_of_its_own() -> None:
    assert ScriptedModel(Counter(), name="mine").name == "mine"


def test_a_function_is_found_by_its_module_and_name() -> None:
    model = get_model("scripted:posixpath:basename")
    assert model.name == "scripted:posixpath:basename"


@pytest.mark.parametrize(
    "where",
    ["nowhere:f", "json", "json:", "json:nothing", "json:__name__", ":f", ".json:f", "json:a:b"],
)
def test_what_is_no_function_is_told(where: str) -> None:
    with pytest.raises(UnknownName, match=f"expected a function as MODULE:FUNCTION, got '{where}'"):
        get_model(f"scripted:{where}")


def test_it_has_no_scores() -> None:
    with pytest.raises(Unsupported, match="expected a model of the kind 'hf' or 'vllm'"):
        ScriptedModel(shout).score(["a"], [["b"]])


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -0.1}, "temperature of 0 or more"),
        ({"temperature": math.nan}, "temperature of 0 or more"),
        ({"temperature": math.inf}, "temperature of 0 or more"),
        ({"top_p": 0.0}, r"top_p in \(0, 1\]"),
        ({"top_p": 1.1}, r"top_p in \(0, 1\]"),
        ({"top_p": math.nan}, r"top_p in \(0, 1\]"),
        ({"max_tokens": 0}, "max_tokens of 1 or more"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"expected (a )?{message}, got"):
        Sampling(**settings)


def test_settings_at_the_ends_of_their_ranges() -> None:
    Sampling(temperature=0.0, top_p=1.0, max_tokens=1)
    Sampling(temperature=100.0, top_p=1e-9)
    Sampling(temperature=None)


def test_greedy_is_a_temperature_of_zero_alone() -> None:
    assert Sampling().greedy
    assert not Sampling(temperature=1e-6).greedy
    assert not Sampling(temperature=None).greedy  # the server's default is what it is


def test_settings_as_json_leave_out_what_says_nothing() -> None:
    assert Sampling().as_json() == {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 1024,
        "stop": [],
    }
    tool = {"type": "function", "function": {"name": "act"}}
    assert Sampling(None, 0.5, 7, ("a", "b"), (tool,), "required").as_json() == {
        "temperature": None,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["a", "b"],
        "tools": [tool],
        "tool_choice": "required",
    }
    assert json.loads(json.dumps(Sampling(tools=(tool,)).as_json()))


# Answers

usages = st.builds(Usage, *[st.integers(0, 10**9)] * 4)
answers = st.builds(
    Completion,
    text=st.text(st.characters(exclude_categories=())),
    status=st.sampled_from(["ok", "cut", "empty", "refused"]),
    tool_calls=st.lists(st.builds(ToolCall, st.text(), st.text()), max_size=3).map(tuple),
    reasoning=st.text(),
    usage=usages,
    usd=st.none() | st.floats(0, 1e6),
)


@given(answers)
def test_an_answer_goes_through_json_and_back(answer: Completion) -> None:
    assert Completion.from_json(answer.as_json()) == answer
    assert Completion.from_json(json.loads(json.dumps(answer.as_json()))) == answer


@given(usages, usages)
def test_usage_adds_up(one: Usage, other: Usage) -> None:
    both = one + other
    assert both == other + one
    assert both.total == one.total + other.total
    assert one + Usage() == one
    assert both.cached_input_tokens == one.cached_input_tokens + other.cached_input_tokens
    assert both.reasoning_tokens == one.reasoning_tokens + other.reasoning_tokens
