"""Asking for a call of a tool."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from textenvs.prompts import ASK, Situation, interact_tool
from textenvs.prompts.default import DEFAULT
from textenvs.prompts.react import ASK_INTERACT, MOST_ACTIONS, REACT
from textenvs.registration import GAMES

Make = Callable[..., Situation]


def test_the_tool_takes_one_to_five_of_the_actions_and_the_reasons() -> None:
    tool = interact_tool(("Noop", "Do"))
    assert json.loads(json.dumps(tool)) == tool
    assert tool["type"] == "function"
    function = tool["function"]
    assert function["name"] == "interact"
    parameters = function["parameters"]
    assert parameters["required"] == ["actions", "reasoning"]
    actions, reasoning = (parameters["properties"][name] for name in ("actions", "reasoning"))
    assert (actions["type"], actions["minItems"], actions["maxItems"]) == ("array", 1, 5)
    assert actions["items"] == {"type": "string", "enum": ["Noop", "Do"]}
    assert reasoning["type"] == "string"
    assert MOST_ACTIONS == 5


@pytest.mark.parametrize("game", GAMES)
def test_it_is_our_own_prompt_that_asks_for_the_tool(game: str, situation_after: Make) -> None:
    situation = situation_after(game, 1)
    expected = DEFAULT.messages(situation, ASK_INTERACT, "window")
    assert REACT.messages(situation, "", "window") == expected
    assert "`interact`" in expected[0]["content"]


def test_told_how_to_answer_it_asks_for_that(situation_after: Make) -> None:
    head, *_ = REACT.messages(situation_after("BabyAI", 0), ASK["naive"], "window")
    assert head["content"].endswith(ASK["naive"])


def test_the_published_agent_shows_no_history() -> None:
    assert REACT.turns == 0
