"""Our own prompt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from textenvs.envs.crafter.tasks import BACKGROUND_ACTION_NAMES
from textenvs.errors import UnknownName
from textenvs.prompts import ASK, Situation, Turn
from textenvs.prompts.default import DEFAULT, system
from textenvs.registration import GAMES

Make = Callable[..., Situation]
in_each_game = pytest.mark.parametrize("game", GAMES)
NAIVE = ASK["naive"]


@in_each_game
def test_the_rules_come_first_then_the_task_the_actions_and_how_to_answer(
    game: str, situation_after: Make
) -> None:
    situation = replace(situation_after(game, 0), mission="win")
    text = system(situation, NAIVE)
    rules, task, actions, how = text.rsplit("\n\n", 3)
    assert rules.startswith("You ")
    assert task == "Your task: win."
    assert how == NAIVE
    lines = actions.split("\n")[1:]
    assert [re.match(r"- ([^:]+): .+", line)[1] for line in lines] == list(  # type: ignore[index]
        situation.actions
    )


def test_the_actions_of_background_knowledge_are_described(situation_after: Make) -> None:
    situation = replace(situation_after("Crafter", 0), actions=BACKGROUND_ACTION_NAMES)
    text = system(situation, "")
    assert all(text.count(f"\n- {action}: ") == 1 for action in BACKGROUND_ACTION_NAMES)


@pytest.mark.nethack
def test_all_of_nethacks_actions_are_listed_once() -> None:
    from nle.nethack import ACTIONS

    from textenvs.envs.nethack.actions import describe

    actions = tuple(action.name for action in describe(ACTIONS))
    lines = system(Situation("NetHack", actions, ""), "").partition("The actions:\n")[2].split("\n")
    assert [line.removeprefix("- ").partition(":")[0] for line in lines] == list(actions)
    assert "- version" in lines  # what is not described is listed plainly


def test_an_unknown_game_is_told_what_there_is() -> None:
    with pytest.raises(UnknownName, match=r"unknown game 'Chess'.*'NetHack'"):
        system(Situation("Chess", ("e4",), ""), "")


@in_each_game
def test_what_is_true_of_the_game_is_said(game: str, situation_after: Make) -> None:
    text = system(situation_after(game, 0), "")
    said = {
        "Crafter": ("Place Table: 2 wood", "Place Furnace: 4 stones", "lava kills at once"),
        "BabyAI": ("object in the cell in front", "which must be free", "key of its colour"),
        "NetHack": ("Never go up from level 1", "150", "satiated", "Dlvl"),
    }
    for words in said[game if game != "MiniGrid" else "BabyAI"]:
        assert words in text


def test_the_past_is_a_chat(situation_after: Make) -> None:
    head, *rest = DEFAULT.messages(situation_after("BabyAI", 2), NAIVE, "window")
    assert head["role"] == "system"
    assert rest == [
        {"role": "user", "content": "seen 0"},
        {"role": "assistant", "content": "answer 0"},
        {"role": "user", "content": "seen 1"},
        {"role": "assistant", "content": "answer 1"},
        {"role": "user", "content": "seen 2"},
    ]


@in_each_game
@pytest.mark.parametrize("status", ["", "health: 9"])
def test_all_messages_but_the_last_are_a_prefix_of_the_next_prompt(
    game: str, status: str, situation_after: Make
) -> None:
    assert not DEFAULT.sliding
    for first in (0, 3):
        for played in range(first, 8):
            now = DEFAULT.messages(situation_after(game, played, first, status), NAIVE, "window")
            after = DEFAULT.messages(
                situation_after(game, played + 1, first, status), NAIVE, "window"
            )
            kept = len(now) - 1 if status else len(now)  # without a status, the last one as well
            assert after[:kept] == now[:kept]
            assert len(after) == len(now) + 2


def test_the_prefix_stays_after_invalid_answers_and_with_a_summary() -> None:
    turns = tuple(
        Turn(f"seen {n}", "" if n % 3 else "hm", "Noop", invalid=bool(n % 2)) for n in range(9)
    )
    prompts = [
        DEFAULT.messages(
            Situation("Crafter", ("Noop",), f"seen {n}", turns[:n], summary="All went well."),
            NAIVE,
            "window",
        )
        for n in range(9)
    ]
    for now, after in pairwise(prompts):
        assert after[: len(now)] == now


def test_the_status_is_added_unless_the_observation_has_it(situation_after: Make) -> None:
    situation = situation_after("Crafter", 0, status="health: 9")
    assert DEFAULT.messages(situation, "", "window")[-1]["content"] == "health: 9\nseen 0"
    situation = replace(situation, observation="health: 9, and a tree")
    assert DEFAULT.messages(situation, "", "window")[-1]["content"] == "health: 9, and a tree"


def test_an_empty_answer_is_shown_as_the_action_that_was_played() -> None:
    turns = (Turn("seen 0", "", "Noop", invalid=True),)
    messages = DEFAULT.messages(Situation("Crafter", ("Noop",), "seen 1", turns), "", "window")
    assert messages[2] == {"role": "assistant", "content": "Noop"}


@pytest.mark.parametrize("played", [0, 2])
def test_a_summary_stands_before_the_first_observation(played: int, situation_after: Make) -> None:
    situation = replace(situation_after("BabyAI", played), summary="A key was found.")
    messages = DEFAULT.messages(situation, "", "window")
    roles = [message["role"] for message in messages]
    assert roles == ["system", *("user", "assistant") * played, "user"]
    assert re.fullmatch(r"[^\n]+:\nA key was found\.\n\nseen 0", messages[1]["content"])


def test_as_text_the_past_is_in_one_message(situation_after: Make) -> None:
    head, message = DEFAULT.messages(situation_after("BabyAI", 2), NAIVE, "text")
    assert head["role"] == "system"
    assert message == {
        "role": "user",
        "content": "Observation:\nseen 0\n\nAction: turn left\n\n"
        "Observation:\nseen 1\n\nAction: turn right\n\nNow:\nseen 2",
    }


def test_keys_as_answers_are_told_of_only_where_all_keys_are_actions() -> None:
    few = Situation("NetHack", ("north", "eat"), "x")
    full = Situation("NetHack", ("north", "eat", "esc"), "x")
    assert "which item" not in DEFAULT.messages(few, "", "window")[0]["content"]
    assert "which item" in DEFAULT.messages(full, "", "window")[0]["content"]
