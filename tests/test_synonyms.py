"""Words for actions that are no names of actions."""

from __future__ import annotations

import pytest

from textenvs.envs.babyai.env import ACTION_NAMES as BABYAI
from textenvs.envs.crafter.tasks import ACTION_NAMES as CRAFTER
from textenvs.envs.nethack.actions import TASK_ACTION_NAMES as NETHACK
from textenvs.published_parsers import get_parser
from textenvs.synonyms import SYNONYMS, synonyms_of


@pytest.mark.parametrize(
    ("names", "text", "name"),
    [
        (CRAFTER, "Drink", "Do"),
        (CRAFTER, "Attack", "Do"),
        (CRAFTER, "Eat Plant", "Do"),
        (CRAFTER, "Collect Stone", "Do"),
        (CRAFTER, "Place Sapling", "Place Plant"),
        (CRAFTER, "do nothing", "Noop"),
        (CRAFTER, "ACTION: attack the zombie", "Do"),
        (BABYAI, "open the door", "toggle"),
        (BABYAI, "Grab the key", "pick up"),
        (NETHACK, "rest", "wait"),
    ],
)
def test_a_synonym_counts_only_if_asked_for(names: tuple[str, ...], text: str, name: str) -> None:
    assert get_parser("default", names).parse(text).action is None
    assert get_parser("default", names, synonyms=True).parse(text).action == names.index(name)


@pytest.mark.parametrize("text", ["Wake Up", "Pickup Stone", "Move North-East", "Get closer", ""])
def test_with_synonyms_too_some_answers_name_no_action(text: str) -> None:
    assert get_parser("default", CRAFTER, synonyms=True).parse(text).action is None


@pytest.mark.parametrize("names", [CRAFTER, BABYAI, NETHACK])
def test_names_and_aliases_come_before_synonyms(names: tuple[str, ...]) -> None:
    parser = get_parser("default", names, {"drink": 0, "open": 1}, synonyms=True)
    assert [parser.parse(name).action for name in names] == list(range(len(names)))
    assert parser.parse("drink").action == 0
    assert parser.parse("a drink, said I").action == 0


def test_a_game_that_is_not_known_has_no_synonyms() -> None:
    assert synonyms_of(("up", "down")) == {}


@pytest.mark.nethack
def test_every_synonym_is_of_an_action_that_exists() -> None:
    from nle import nethack as nle

    from textenvs.envs.nethack.actions import describe

    nethack = tuple(action.name for action in describe(nle.ACTIONS))
    for names, table in zip((CRAFTER, BABYAI, nethack), SYNONYMS.values(), strict=True):
        assert set(table) <= set(names)
        words = [word for words in table.values() for word in words]
        assert len(words) == len(set(words))
        assert not set(words) & set(names)
