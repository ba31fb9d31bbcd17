"""What holds for every prompt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from textenvs.errors import UnknownName
from textenvs.parsing import ActionParser
from textenvs.prompts import ASK, LAYOUTS, PROMPTS, Situation, get_prompt
from textenvs.registration import GAMES

Make = Callable[..., Situation]
EVERY = [(name, game) for name, prompt in PROMPTS.items() for game in prompt.games]
of_every_game = pytest.mark.parametrize(("name", "game"), EVERY)


def test_the_names() -> None:
    published = ["balrog", "craftergpt", "smartplay", "glam"]
    assert list(PROMPTS) == ["default", *published, "react", "bare"]
    assert all(get_prompt(name).name == name for name in PROMPTS)
    assert {game for _, game in EVERY} == set(GAMES)


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(UnknownName, match=r"unknown prompt 'spring'.*'balrog'"):
        get_prompt("spring")


def test_what_has_feedback_names_the_action_that_was_played() -> None:
    told = {name for name, prompt in PROMPTS.items() if prompt.feedback}
    assert told == {"default", "balrog", "react"}
    assert all("{action}" in PROMPTS[name].feedback for name in told)


@of_every_game
@pytest.mark.parametrize("layout", LAYOUTS)
def test_messages_are_a_pure_function_and_plain(
    name: str, game: str, layout: str, situation_after: Make
) -> None:
    situation = situation_after(game, 3)
    messages = PROMPTS[name].messages(situation, ASK["naive"], layout)
    assert messages == PROMPTS[name].messages(situation, ASK["naive"], layout)
    assert all(set(message) == {"role", "content"} for message in messages)
    assert all(isinstance(message["content"], str) and message["content"] for message in messages)
    assert messages[-1]["role"] == "user"
    assert any("seen 3" in message["content"] for message in messages)


@of_every_game
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_step_has_no_past(
    name: str, game: str, layout: str, situation_after: Make
) -> None:
    messages = PROMPTS[name].messages(situation_after(game, 0), ASK["naive"], layout)
    assert all(message["role"] != "assistant" for message in messages)


@pytest.mark.parametrize("how", ASK)
def test_what_is_asked_for_is_what_the_parser_reads(how: str) -> None:
    parser = ActionParser(("go forward", "turn left"))
    tagged, last_line = "<|ACTION|>", "ACTION: "
    assert (tagged in ASK[how]) == how.startswith("robust")
    assert (last_line in ASK[how]) == (how == "cot")
    answers = {
        "naive": "turn left",
        "cot": "I could go forward.\nACTION: turn left",
        "robust": "<|ACTION|>turn left<|END|>",
        "robust_cot": "I could go forward.\n<|ACTION|>turn left<|END|>",
    }
    assert parser.parse(answers[how]).action == 1
