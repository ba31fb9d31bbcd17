"""CrafterGPT's and SmartPlay's prompts."""

from __future__ import annotations

import re
from collections.abc import Callable

from textenvs.envs.crafter.rules import crafter_folder, load_rules
from textenvs.prompts import Situation
from textenvs.prompts.crafter_facts import ACHIEVEMENTS, ACTIONS
from textenvs.prompts.craftergpt import CRAFTERGPT
from textenvs.prompts.smartplay import SMARTPLAY

Make = Callable[..., Situation]


def test_the_facts_are_the_games(situation_after: Make) -> None:
    rules = load_rules(crafter_folder(needed_by="this test"))
    assert sorted(name.lower().replace(" ", "_") for name in ACHIEVEMENTS) == sorted(
        rules.achievements
    )
    assert tuple(ACTIONS) == situation_after("Crafter", 0).actions
    costs = {name: rule.uses for name, rule in {**rules.placing, **rules.crafting}.items()}
    for name, needs in ACTIONS.items():
        thing = "_".join(name.lower().split()[1:])
        for item, n in costs.get(thing, {}).items():
            assert re.search(rf"\b{n} {item}", needs), name


def test_craftergpts_sections_and_their_order(situation_after: Make) -> None:
    (message,) = CRAFTERGPT.messages(situation_after("Crafter", 3), "", "window")
    assert message["role"] == "user"
    assert re.findall(r"^([A-Z][a-z]+ ?[A-Z]?[a-z]*):$", message["content"], re.M) == [
        "Environment Description",
        "Current Observation",
        "Action History",
        "Instruction",
        "Action List",
    ]


def test_craftergpts_blocks_are_eight(situation_after: Make) -> None:
    (message,) = CRAFTERGPT.messages(situation_after("Crafter", 0), "", "text")
    blocks = message["content"].partition("\n\nCurrent Observation:\n")[0]
    assert re.findall(r"^(\d+)\. ", blocks, re.M) == list("12345678")
    assert all(f"\n- {name}: " in blocks for name in (*ACHIEVEMENTS, *ACTIONS))
    assert "Place Table: 2 wood" in blocks
    assert "Place Furnace: 4 stones" in blocks


def test_craftergpt_shows_the_last_ten_actions_and_four_bullets(situation_after: Make) -> None:
    situation = situation_after("Crafter", 12)
    (message,) = CRAFTERGPT.messages(situation, "", "window")
    text = message["content"]
    observation = text.partition("Current Observation:\n")[2].partition("\n\nAction History:\n")[0]
    history = text.partition("Action History:\n")[2].partition("\n\nInstruction:\n")[0]
    bullets = text.partition("Instruction:\n")[2].partition("\n\nAction List:\n")[0]
    assert observation == "seen 12"
    assert history.split("\n") == [f"- {turn.action}" for turn in situation.turns[-10:]]
    assert bullets.count("\n- ") == 3
    assert "quotation marks" in bullets.split("\n")[3]
    actions = text.partition("Action List:\n")[2]
    assert actions.split("\n") == [f"- {action}" for action in situation.actions]
    assert CRAFTERGPT.turns == 10


def test_craftergpt_prints_an_empty_history_as_a_bare_dash(situation_after: Make) -> None:
    (message,) = CRAFTERGPT.messages(situation_after("Crafter", 0), "", "window")
    assert "Action History:\n- \n\nInstruction:" in message["content"]


def test_smartplay_has_role_manual_past_present_and_question(situation_after: Make) -> None:
    messages = SMARTPLAY.messages(situation_after("Crafter", 2), "", "window")
    role, manual, past, present, question = (message["content"] for message in messages)
    assert [message["role"] for message in messages] == [*("system",) * 4, "user"]
    assert "game" in role
    assert all(f"\n- {name}: requires " in manual for name in (*ACHIEVEMENTS, *ACTIONS))
    assert "2 most recent steps" in past
    assert past.endswith("\n\nStep 0:\nseen 0\n\nStep 1:\nseen 1")
    assert present.endswith("\n\nseen 2")
    assert "step by step" in question


def test_smartplay_has_no_past_at_first(situation_after: Make) -> None:
    messages = SMARTPLAY.messages(situation_after("Crafter", 0), "", "window")
    assert [message["role"] for message in messages] == [*("system",) * 3, "user"]


def test_smartplays_second_question_lists_the_actions(situation_after: Make) -> None:
    situation = situation_after("Crafter", 0)
    question = SMARTPLAY.follow_up.format(actions="\n".join(situation.actions))
    assert "\nNoop\nMove West\n" in question
    assert "exact name" in question
