"""NetHack's expert: what it reads, what it remembers, what it does."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from textenvs.agents.experts.nethack import NetHackExpert
from textenvs.agents.experts.nethack_facts import Facts, Target
from textenvs.agents.experts.nethack_reading import Item, Sight, place_words, read
from textenvs.agents.experts.nethack_recollection import NetHackRecollection

ROOM = """\
Message: You descend the stairs.
Status: HP 12/15, Pw 2/2, AC 4, Xp 2/30, gold 5, score 7, turn 150, Dlvl 2 at (10, 5){states}
You: lawful samurai, St 18/01, Dx 9, Co 11, In 7, Wi 8, Ch 9
You stand on: stairs up
Free steps: north 2, northeast 2, east 4, southeast 3, south 3
{more}
Inventory:
a: a katana (weapon in hand)
d: 2 food rations"""


def _room(more: str = "Places: doorway 2 northeast 3 east", states: str = "") -> str:
    return ROOM.format(more=more, states=states)


def _decide(text: str, thought: str = "") -> tuple[str, str]:
    """Decide at the first sight of a text."""
    expert = NetHackExpert()
    recollection = expert.recollection()
    recollection.see(text, "")
    return tuple(expert.decide(text, recollection, thought))


def test_a_caption_is_read_back() -> None:
    seen = read(
        _room(
            "Creatures: tame little dog adjacent northwest; jackal 3 east, 1 southwest 4 south\n"
            "Places: doorway 2 northeast 3 east, 4 north, and 3 more; stairs down 7 west\n"
            "Cursor: floor 2 east",
            ", Gnomish Mines, hungry",
        )
    )
    assert seen.alive
    assert not seen.covered
    assert (seen.hp, seen.hp_max, seen.turn, seen.depth) == (12, 15, 150, 2)
    assert seen.position == (10, 5)
    assert (seen.branch, seen.states, seen.underfoot) == (
        "Gnomish Mines",
        ("hungry",),
        "stairs up",
    )
    assert seen.free == {"north": 2, "northeast": 2, "east": 4, "southeast": 3, "south": 3}
    assert seen.creatures == (
        Sight("tame little dog", (-1, -1)),
        Sight("jackal", (3, 0)),
        Sight("jackal", (-1, 5)),
    )
    assert seen.places[0] == Sight("doorway", (5, -2))
    assert seen.incomplete == ("doorway",)
    assert seen.cursor == Sight("floor", (2, 0))
    assert seen.items[1] == Item("d", "2 food rations")


def test_what_is_no_caption_of_a_running_game_is_not_alive() -> None:
    assert not read("The game is over. 12 Agent-Sam-Hum died").alive
    assert not read("").alive


@pytest.mark.parametrize(
    ("spot", "words"),
    [
        ((0, 0), "here"),
        ((-1, 0), "adjacent west"),
        ((5, -2), "2 northeast 3 east"),
        ((0, 4), "4 south"),
    ],
)
def test_places_are_named_as_the_caption_does(spot: tuple[int, int], words: str) -> None:
    assert place_words(spot) == words


def test_the_recollection_names_where_one_has_not_been_and_the_way() -> None:
    recollection = NetHackRecollection()
    recollection.see(_room(), "")
    assert recollection.text() == (
        "Unvisited: doorway 2 northeast 3 east by far northeast. Never prayed."
    )


def test_a_place_is_visited_only_once() -> None:
    recollection = NetHackRecollection()
    recollection.see(_room("Places: doorway adjacent east"), "")
    there = _room("Places: stairs up adjacent west").replace("(10, 5)", "(11, 5)")
    there = there.replace("stand on: stairs up", "stand on: doorway").replace(
        "turn 150", "turn 151"
    )
    recollection.see(there, "east")
    assert not any(target.name == "doorway" for target in recollection.facts().unvisited)


def test_a_locked_door_is_remembered_and_kicked() -> None:
    expert, recollection = NetHackExpert(), NetHackRecollection()
    door = _room("Places: closed door adjacent east").replace("east 4", "west 4")
    recollection.see(door, "")
    assert expert.decide(door, recollection, "").action == "east"
    locked = door.replace("You descend the stairs.", "This door is locked.")
    recollection.see(locked, "east")
    decision = expert.decide(locked, recollection, "go: closed door")
    assert decision == ("kick: locked door east", "kick")
    asked = door.replace("You descend the stairs.", "In what direction?")
    recollection.see(asked, "kick")
    assert expert.decide(asked, recollection, "kick:").action == "east"
    recollection.see(door.replace("You descend the stairs.", "WHAMM!!"), "east")
    assert "locked door adjacent east kicked 1 by east" in recollection.text()


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (_room().replace("stairs up", "stairs down"), "down"),
        (_room("Creatures: jackal adjacent east"), "east"),
        (_room("Creatures: floating eye adjacent east\nPlaces: doorway 2 north"), "far north"),
        (_room().replace("HP 12/", "HP 2/"), "pray"),
        (_room(states=", hungry"), "eat"),
        (_room().replace("d: 2 food rations", "d: a +0 pick-axe"), "north"),
        (_room().replace("stairs.", "stairs. Really attack the gnome? [yn] (n)"), "esc"),
        (
            _room().replace("stairs.", "stairs. Are you sure you want to pray? [yn] (n)"),
            "northwest",
        ),
        ("The game is over.", "esc"),
    ],
)
def test_the_rules(text: str, action: str) -> None:
    assert _decide(text)[1] == action


def _menu(weapon: str, tool: str, page: str = "end") -> str:
    return f"""\
Message: Pick up what?
Weapons
a {weapon}
Tools
b {tool}
({page})
Status: HP 12/15, Pw 2/2, AC 4, Xp 2/30, gold 5, score 7, turn 150, Dlvl 3 at (10, 5)
You: lawful samurai, St 18/01, Dx 9, Co 11, In 7, Wi 8, Ch 9"""


@pytest.mark.parametrize(
    ("menu", "decision"),
    [
        (_menu("- a dwarvish mattock", "- a sack"), ("take: letter a", "apply")),
        (_menu("- a spear", "- a pick-axe"), ("take: letter b", "southwest")),
        (_menu("- a spear", "+ a pick-axe"), ("take: letter marked", "more")),
        (_menu("- a spear", "- a sack"), ("take: nothing", "esc")),
        (_menu("- a spear", "- a sack", "1 of 2"), ("take: next page", "down")),
        (_menu("- a spear", "- a sack", "2 of 2"), ("take: nothing", "esc")),
    ],
)
def test_of_a_pile_what_can_dig_is_marked(menu: str, decision: tuple[str, str]) -> None:
    assert _decide(menu) == decision


def test_a_dwarf_is_hunted_for_what_he_may_carry_by_who_is_fit() -> None:
    near = _room("Creatures: dwarf 3 east").replace("east 4", "east 2")
    assert not _decide(near)[0].startswith("hunt")
    fit = near.replace("HP 12/15", "HP 15/15")
    assert _decide(fit) == ("hunt: dwarf 3 east by far east", "far east")
    has_one = fit.replace("d: 2 food rations", "d: a +0 pick-axe")
    assert not _decide(has_one)[0].startswith("hunt")


def test_a_pile_is_looked_at_until_it_was_read() -> None:
    expert, recollection = NetHackExpert(), NetHackRecollection()
    pile = _room().replace("You descend the stairs.", "There are several objects here.")
    recollection.see(pile, "")
    assert expert.decide(pile, recollection, "").action == "look"
    eaten = _room().replace("You descend the stairs.", "You finish eating the newt corpse.")
    recollection.see(eaten, "north")
    assert expert.decide(eaten, recollection, "").action == "look"
    read_now = _room().replace("You descend the stairs.", "Things that are here: a rock")
    recollection.see(read_now, "look")
    assert expert.decide(read_now, recollection, "").action != "look"


def test_the_way_down_comes_before_what_was_not_visited() -> None:
    thought, action = _decide(_room("Places: doorway adjacent east; stairs down 3 east"))
    assert thought == "down: stairs down 3 east by 3 east"
    assert action == "three"


def test_all_facts_are_written() -> None:
    target = Target("stairs down", (3, 0), "3 east")
    facts = Facts(typed="15", jumps=2, cursor="new", gap="3 east", down=target, prayed=50, idle=4)
    assert facts.text() == (
        "Count 15. Choosing 2. Cursor new. Gap 3 east. Down: stairs down 3 east by 3 east. "
        "Prayed 50 ago. Idle 4."
    )


def _make(env_id: str = "NetHack-Text-Challenge-v0", **settings: Any) -> Any:
    if env_id.startswith("NetHack-Text-Challenge"):
        settings = {"character": "@", "no_progress_timeout": 150, "skip_more": True, **settings}
    return gymnasium.make(env_id, max_episode_steps=100_000, **settings)


def _play(env: Any, seed: int, steps: int) -> tuple[list[str], dict[str, Any]]:
    expert = NetHackExpert()
    expert.begin(0, env, seed)
    observation, info = env.reset(seed=seed)
    info["text_action"] = ""
    answers = []
    for _ in range(steps):
        action = expert.act([observation], [info])[0]
        answers.append(str(expert.notes(0)["answer"]))
        observation, _, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            break
    return answers, info


@pytest.mark.nethack
def test_games_are_played_the_same_again() -> None:
    env = _make()
    first, info = _play(env, 5, 150)
    second, _ = _play(env, 5, 150)
    assert first == second
    assert info["depth"] > 1


@pytest.mark.nethack
def test_it_copes_with_actions_and_thoughts_of_others() -> None:
    env = _make()
    expert, recollection = NetHackExpert(), NetHackRecollection()
    random = np.random.default_rng(0)
    names = [name for name in env.get_wrapper_attr("action_names") if name not in ("quit", "save")]
    thoughts = ["", "kick:", "dig", "fire: it 3 east", "down: stairs", "rest", "travel 9 9", ":"]
    text, _ = env.reset(seed=0)
    action, longest = "", 0
    for _ in range(400):
        recollection.see(text, action)
        longest = max(longest, len(recollection.text().split()))
        decision = expert.decide(text, recollection, str(random.choice(thoughts)))
        assert decision.action in env.get_wrapper_attr("action_names")
        action = decision.action if random.random() < 0.5 else str(random.choice(names))
        text, _, terminated, truncated, _ = env.step(names_index(env, action))
        if terminated or truncated:
            text, _ = env.reset()
            recollection, action = NetHackRecollection(), ""
    assert longest <= 60


def names_index(env: Any, action: str) -> int:
    return int(env.get_wrapper_attr("action_names").index(action))


@pytest.mark.nethack
def test_it_plays_with_few_keys() -> None:
    env = _make("NetHack-Text-Score-v0")
    answers, info = _play(env, 0, 300)
    assert len(answers) == 300 or info["end_status"] != "running"


@pytest.mark.nethack
@pytest.mark.slow
def test_it_dives() -> None:
    env = _make()
    depths = [_play(env, seed, 2000)[1]["depth"] for seed in range(10)]
    assert np.mean(depths) >= 3
