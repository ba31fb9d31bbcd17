"""BALROG's prompt: contents and order as published."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from textenvs.prompts import Situation, Turn
from textenvs.prompts.balrog import BALROG, NETHACK_ACTIONS, instruction

Make = Callable[..., Situation]
ASK = "One action, please."
GOALS = (
    *("Collect Wood", "Place Table", "Eat Cow", "Collect Sapling", "Collect Drink"),
    *("Make Wood Pickaxe", "Make Wood Sword", "Place Plant", "Defeat Zombie", "Collect Stone"),
    *("Place Stone", "Eat Plant", "Defeat Skeleton", "Make Stone Pickaxe", "Make Stone Sword"),
    *("Wake Up", "Place Furnace", "Collect Coal", "Collect Iron", "Make Iron Pickaxe"),
    *("Make Iron Sword", "Collect Diamond"),
)
WORDS = (
    *("annotate", "apply", "call", "cast", "close", "open", "dip", "drop", "droptype", "eat"),
    *("esc", "engrave", "enhance", "fire", "fight", "force", "inventory", "invoke", "jump"),
    *("kick", "look", "loot", "monster", "offer", "overview", "pay", "pickup", "pray", "puton"),
    *("quaff", "quiver", "read", "remove", "rub", "search", "swap", "takeoff", "takeoffall"),
    *("teleport", "throw", "travel", "twoweapon", "untrap", "wear", "wield", "wipe", "zap"),
)
SIDES = ("north", "east", "south", "west", "northeast", "southeast", "southwest", "northwest")


def listed(text: str) -> list[str]:
    """The actions of the list: lines that end in a comma, and a last one that ends in a dot."""
    block = text.split("\n\n")[1]
    assert block.endswith(".")
    lines = block.removesuffix(".").split(",\n")
    assert all(re.fullmatch(r"[\w ]+: [^\n]+", line) for line in lines)
    return [line.partition(":")[0] for line in lines]


def test_crafter_has_role_17_actions_22_achievements_aim_and_call(situation_after: Make) -> None:
    situation = situation_after("Crafter", 0)
    text = instruction(situation)
    role, _, achievements, aim, call = text.split("\n\n")
    assert "Crafter" in role
    assert listed(text) == list(situation.actions)
    assert achievements.split("\n")[1:] == [f"{n}. {name}" for n, name in enumerate(GOALS, 1)]
    assert "as far as you can" in aim
    assert call == "Now play."


def test_babyai_has_the_mission_six_actions_and_two_tips(situation_after: Make) -> None:
    situation = replace(situation_after("BabyAI", 0), mission="put the key next to the box")
    text = instruction(situation)
    role, actions, coming, tips, _ = text.split("\n\n")
    assert "put the key next to the box" in role
    assert listed(text) == list(situation.actions[:6])
    assert "pick up: take the object below you" in actions  # as published, though it is in front
    assert "observation" in coming
    assert tips.count("\n- ") == 2
    assert "toggle" in tips


@pytest.mark.nethack
def test_nethack_has_80_actions_and_eight_tips() -> None:
    from nle.nethack import ACTIONS

    from textenvs.envs.nethack.actions import describe

    actions = tuple(action.name for action in describe(ACTIONS))
    text = instruction(Situation("NetHack", actions, "seen"))
    _, _, tips, _, _ = text.split("\n\n")
    assert tuple(listed(text)) == NETHACK_ACTIONS
    assert tips.count("\n- ") == 8
    assert tips.count("\n  - ") == 1


def test_the_order_of_nethacks_actions() -> None:
    expected = (
        *SIDES,
        *(f"far {side}" for side in SIDES),
        *("up", "down", "wait", "more", *WORDS, "minus", "space", "apos", *"0123456789"),
    )
    assert expected == NETHACK_ACTIONS
    assert len(NETHACK_ACTIONS) == 80


@pytest.mark.nethack
def test_every_action_that_the_prompt_promises_is_accepted() -> None:
    import gymnasium

    import textenvs  # noqa: F401
    from textenvs.wrappers import ParseTextAction

    env = ParseTextAction(gymnasium.make("NetHack-Text-Challenge-v0"), on_invalid="raise")
    digits = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    env.reset(seed=0)
    for action in NETHACK_ACTIONS:
        *_, info = env.step(action)
        played = digits[int(action)] if action.isdigit() else action
        assert (info["text_action"], info["parse_stage"]) == (played, "exact")
        env.reset()


def test_other_actions_than_the_published_ones_are_listed_as_they_are(
    situation_after: Make,
) -> None:
    situation = situation_after("NetHack", 0)
    actions = instruction(situation).split("\n\n")[1].removesuffix(".").split(",\n")
    assert [line.partition(":")[0] for line in actions] == list(situation.actions)
    fewer = replace(situation_after("Crafter", 0), actions=("drink", "Sleep"))
    assert instruction(fewer).split("\n\n")[1].startswith("drink,\nSleep: ")


def test_the_frame_is_one_user_message_then_the_past_then_the_present(
    situation_after: Make,
) -> None:
    situation = situation_after("Crafter", 2, status="health: 9")
    assert BALROG.messages(situation, ASK, "window") == [
        {"role": "user", "content": instruction(situation)},
        {"role": "user", "content": "Observation:\nseen 0"},
        {"role": "assistant", "content": "answer 0"},
        {"role": "user", "content": "Observation:\nseen 1"},
        {"role": "assistant", "content": "answer 1"},
        {"role": "user", "content": f"Current Observation:\nhealth: 9\nseen 2\n\n{ASK}"},
    ]


def test_without_a_status_there_is_no_line_of_it(situation_after: Make) -> None:
    *_, last = BALROG.messages(situation_after("BabyAI", 1), ASK, "window")
    assert last["content"] == f"Current Observation:\nseen 1\n\n{ASK}"


def test_an_empty_answer_leaves_no_message() -> None:
    turns = (Turn("seen 0", "", "Noop", invalid=True), Turn("seen 1", "Sleep", "Sleep"))
    messages = BALROG.messages(Situation("Crafter", ("Noop", "Sleep"), "now", turns), "", "window")
    assert [message["role"] for message in messages] == [*("user",) * 3, "assistant", "user"]


def test_a_full_window_has_33_messages_and_begins_with_an_answer(situation_after: Make) -> None:
    assert BALROG.sliding
    assert BALROG.turns == 16
    fifteen = BALROG.messages(situation_after("BabyAI", 15), ASK, "window")
    assert len(fifteen) == 32
    for played in (16, 17, 40):
        messages = BALROG.messages(situation_after("BabyAI", played, played - 16), ASK, "window")
        assert len(messages) == 33
        assert messages[1] == {"role": "assistant", "content": f"answer {played - 16}"}
        assert messages[2]["content"] == f"Observation:\nseen {played - 15}"


def test_as_text_it_is_one_message(situation_after: Make) -> None:
    (message,) = BALROG.messages(situation_after("BabyAI", 1), ASK, "text")
    assert message["role"] == "user"
    assert message["content"].endswith(
        "Now play.\n\nObservation:\nseen 0\n\nAction:\nanswer 0\n\n"
        f"Current Observation:\nseen 1\n\n{ASK}"
    )


def test_the_feedback_ends_with_the_header_of_the_observation() -> None:
    feedback = BALROG.feedback.format(action="Noop")
    assert re.fullmatch(r"\n\n[^\n]+: Noop\n\nObservation:", feedback)
