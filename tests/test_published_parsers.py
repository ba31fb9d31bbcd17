"""How the published systems read an action."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textenvs.envs.babyai.env import ACTION_NAMES as BABYAI
from textenvs.envs.crafter.tasks import ACTION_NAMES as CRAFTER
from textenvs.errors import UnknownName
from textenvs.parsing import ActionParser, ParsedAction, Parser
from textenvs.published_parsers import (
    PARSERS,
    Accident,
    BalrogParser,
    CrafterGPTParser,
    SmartPlayParser,
    accident,
    get_parser,
)


def read(parser: Parser, text: object) -> tuple[str | None, str]:
    action, stage = parser.parse(text)
    return (None if action is None else CRAFTER[action]), stage


# What all share


@pytest.mark.parametrize("name", PARSERS)
@settings(derandomize=True, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_parses_to_an_action_or_to_none(name: str, text: str) -> None:
    action, stage = get_parser(name, CRAFTER, {"do": 5, "5": 3}).parse(text)
    assert (action is None) == (stage == "")
    assert action is None or action in range(len(CRAFTER))


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("names", [CRAFTER, BABYAI])
def test_every_name_is_read_as_itself(name: str, names: tuple[str, ...]) -> None:
    parser = get_parser(name, names)
    assert [parser.parse(each).action for each in names] == list(range(len(names)))


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("thing", [None, 3, b"Noop", ["Noop"], object()])
def test_what_is_no_text_names_no_action(name: str, thing: object) -> None:
    assert get_parser(name, CRAFTER).parse(thing) == ParsedAction(None, "")


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "text",
    ['"' * 60_000, "<|ACTION|>" * 6_000, "ACTION:" * 9_000, "mov" * 20_000, "<|END|>" * 9_000],
)
def test_a_model_that_repeats_itself_for_ever_is_read_in_no_time(name: str, text: str) -> None:
    start = time.perf_counter()
    assert get_parser(name, CRAFTER).parse(text) == ParsedAction(None, "")
    assert time.perf_counter() - start < 1


def test_the_parsers_have_names() -> None:
    published = ["craftergpt", "smartplay", "balrog", "balrog_cot", "balrog_robust"]
    assert list(PARSERS) == ["default", *published]
    assert isinstance(get_parser("default", CRAFTER), ActionParser)


def test_an_unknown_parser_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown parser 'gpt': expected one of 'default', "):
        get_parser("gpt", CRAFTER)


def test_an_unknown_agent_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown agent 'few_shot': expected one of 'naive', "):
        BalrogParser(CRAFTER, agent="few_shot")


def test_the_default_parser_takes_its_arguments() -> None:
    text = "Move West, or else Sleep"
    assert get_parser("default", CRAFTER).parse(text).action == 6
    assert get_parser("default", CRAFTER, mention="first").parse(text).action == 1
    assert get_parser("default", CRAFTER, {"jump": 2}).parse("jump").action == 2


@pytest.mark.parametrize(
    ("name", "default"),
    [("default", None), ("craftergpt", 5), ("smartplay", 0), ("balrog", None)],
)
def test_some_bring_along_what_they_play_for_a_text_that_names_nothing(
    name: str, default: int | None
) -> None:
    assert get_parser(name, CRAFTER).default == default


def test_where_there_is_no_do_craftergpt_has_no_default() -> None:
    assert CrafterGPTParser(BABYAI).default is None


# Each by itself


@pytest.mark.parametrize(
    ("text", "name", "stage"),
    [
        ('I choose "move west".', "Move West", "quoted"),
        ('"Sleep" or "Do"', "Sleep", "quoted"),
        ('"Attack" or "Sleep": move east', "Move East", "substring"),  # only the first quote counts
        ('"Sleep', "Sleep", "substring"),
        ("Sleep first, then Move West", "Move West", "substring"),  # the order of the list
        ("I am doing well down here", "Do", "substring"),  # within words
        ("MOVE SOUTHWARDS", "Move South", "substring"),
        ("nothing", None, ""),
        ("", None, ""),
    ],
)
def test_craftergpt(text: str, name: str | None, stage: str) -> None:
    assert read(CrafterGPTParser(CRAFTER), text) == (name, stage)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sleep first, then Move West", "Sleep"),
        ("The window is open: move west", "Do"),
        ("'move west'", "Move West"),
        ("nothing", None),
    ],
)
def test_smartplay(text: str, name: str | None) -> None:
    assert read(SmartPlayParser(CRAFTER), text) == (name, "substring" if name else "")


def test_smartplay_takes_the_first_in_the_list_of_names_at_the_same_place() -> None:
    assert SmartPlayParser(["north", "far", "far north"]).parse("far north").action == 1


@pytest.mark.parametrize(
    ("agent", "text", "name", "stage"),
    [
        ("naive", "Move West", "Move West", "exact"),
        ("naive", " **Move West**.\n", "Move West", "exact"),
        ("naive", "move west", None, ""),
        ("naive", "1. Move West", None, ""),
        ("naive", "ACTION: Move West", None, ""),
        ("naive", "Move North-East", None, ""),
        ("naive", "", None, ""),
        ("cot", "I am tired. ACTION: Sleep", "Sleep", "tagged"),
        ("cot", "ACTION: Sleep\nACTION:\n'Do'", "Do", "tagged"),
        ("cot", "Action: Sleep", None, ""),
        ("cot", "Sleep", "Sleep", "exact"),
        ("cot", "ACTION: Sleep because I am tired", None, ""),
        ("robust_naive", "hm <|ACTION|> Sleep\n<|END|> <|ACTION|>Do<|END|>", "Sleep", "tagged"),
        ("robust_naive", "<|ACTION|>Sleep.<|END|>", None, ""),
        ("robust_naive", "<|ACTION|>Sleep", None, ""),
        ("robust_naive", "Sleep", "Sleep", "exact"),
    ],
)
def test_balrog(agent: str, text: str, name: str | None, stage: str) -> None:
    assert read(BalrogParser(CRAFTER, agent=agent), text) == (name, stage)


def test_balrog_knows_the_keys_that_are_letters_and_its_filter_deletes_digits() -> None:
    aliases = {"k": 0, ":": 1, "5": 1, "left": 1}
    naive = BalrogParser(["north", "look"], aliases)
    assert [naive.parse(text).action for text in ("k", ":", "5", "left")] == [0, None, None, None]
    robust = BalrogParser(["north", "look"], aliases, "robust_naive")
    assert robust.parse("<|ACTION|>5<|END|>") == (1, "tagged")


# Llama-2's recorded answers


class Answer(NamedTuple):
    step: int
    text: str
    recorded: str


def recorded_answers(folder: Path) -> list[Answer]:
    """The answers of the log of seed 44, without what the program itself printed behind them."""
    answers = []
    for part in ("first", "last"):
        log = (folder / f"prompt_only_log_{part}_20_steps.txt").read_text()
        for entry in re.split(r"^=+ Step: ", log, flags=re.MULTILINE)[1:]:
            printed = entry.split("LLM output: ", 1)[1].rstrip()
            text, _, recorded = printed.rpartition("\nAction: ")
            text = re.sub(r"\nAction \"[^\n]*\" not found in action list\.$", "", text)
            answers.append(Answer(int(entry.split(",")[0]), text, recorded))
    return answers


@pytest.fixture
def answers(published_data: Path) -> list[Answer]:
    return recorded_answers(published_data / "craftergpt")


def test_craftergpts_parser_reads_every_recorded_action(
    answers: list[Answer], published_data: Path
) -> None:
    with (published_data / "craftergpt" / "prompt_only_seed_44.csv").open(newline="") as file:
        played = {int(row["step"]): row["action"] for row in csv.DictReader(file)}
    assert [answer.step for answer in answers] == [*range(21), *range(154, 174)]
    parser = CrafterGPTParser(CRAFTER)
    stages = []
    for step, text, recorded in answers:
        name, stage = read(parser, text)
        assert name == recorded == played[step], step
        stages.append(stage)
    assert {stage: stages.count(stage) for stage in stages} == {"quoted": 32, "substring": 9}


def test_which_of_craftergpts_choices_were_accidents(answers: list[Answer]) -> None:
    found = {answer.step: accident(answer.text, CRAFTER) for answer in answers}
    assert {step: each for step, each in found.items() if each} == {
        # "I choose to make Wood Pickaxe", but Move West is the first option in the list.
        16: Accident("Move West", "Make Wood Pickaxe", False),
        159: Accident("Move West", "Make Iron Pickaxe", False),
        # "Defeat Zombie", "Attack Zombie" and "Attack the zombie with my iron sword." are no
        # actions; the last became Sleep beside a zombie, and ended the game.
        158: Accident("Move West", None, False),
        161: Accident("Move West", None, False),
        169: Accident("Move West", None, False),
        173: Accident("Sleep", None, False),
    }


def test_the_default_parser_reads_the_other_recorded_answers_as_craftergpt_does(
    answers: list[Answer],
) -> None:
    stages = [ActionParser(CRAFTER).parse(answer.text).stage for answer in answers]
    assert {stage: stages.count(stage) for stage in stages} == {
        "quoted": 32,
        "tagged": 1,
        "mention": 4,
        "": 4,
    }


def test_smartplays_rule_takes_most_options_for_choices(answers: list[Answer]) -> None:
    parser = SmartPlayParser(CRAFTER)
    differ = [answer for answer in answers if read(parser, answer.text)[0] != answer.recorded]
    assert len(differ) == 22


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I flee", None),  # names nothing: CrafterGPT's default, no accident
        ("I am going down", Accident("Do", None, True)),
        ("I am doing well", Accident("Do", None, True)),
        ("Sleep is what I am doing", Accident("Do", "Sleep", True)),
        ('"Sleep"', None),
        ("I will move west", None),
        ("Sleep, or rather Move West. No: Sleep", Accident("Move West", "Sleep", False)),
    ],
)
def test_accidents(text: str, expected: Accident | None) -> None:
    assert accident(text, CRAFTER) == expected
