"""Crafter's scripted expert: what it reads, what it remembers, what it decides."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest

import textenvs  # noqa: F401  # registers the environments
from textenvs.agents.experts.crafter import CrafterExpert
from textenvs.agents.experts.crafter_reading import read
from textenvs.agents.experts.crafter_recollection import CrafterRecollection, Facts, Plant
from textenvs.agents.experts.expert import Decision

MEADOW = """\
You face south: grass. Beside you: north grass, east grass, west grass.
Steps away: cow 4 east, tree 3 north 4 west.
Health 9, food 9, drink 9, energy 9 (of 9). You carry nothing."""
CAVE = """\
You face north: stone. Beside you: east path, south young plant, west edge of the world.
Steps away: arrow 1 north 2 east, skeleton 3 east, skeleton 1 south 3 east.
Health 4, food 5, drink 6, energy 7 (of 9). You carry 2 saplings, 1 wood, 9 stone, 1 wood pickaxe.
It is night."""
DEED = {
    "sapling": "collect_sapling",
    "plant": "place_plant",
    "drink": "collect_drink",
    "cow": "eat_cow",
    "sleep": "wake_up",
    "zombie": "defeat_zombie",
    "stone": "place_stone",
    "furnace": "place_furnace",
    "skeleton": "defeat_skeleton",
    "fruit": "eat_plant",
}
THOUGHTS = (
    "",
    "wood",
    "shelter east south 9, 9 left: wall",
    "shelter west north 8, 3 left",
    "fight: zombie north, shelter east north 2, 0 left",
    "go go go north",
    "drink: water 99 north, south",
)


class Played:
    """An episode, step by step."""

    def __init__(self, seed: int) -> None:
        self.env = gymnasium.make("Crafter-Text-v0")
        self.expert = CrafterExpert()
        self.recollection = self.expert.recollection()
        self.text, self.info = self.env.reset(seed=seed)
        self.recollection.see(self.text, "")
        self.decision = Decision("", "")
        self.over = False

    def decide(self, thought: str | None = None) -> Decision:
        before = self.decision.thought if thought is None else thought
        self.decision = self.expert.decide(self.text, self.recollection, before)
        return self.decision

    def do(self, action: str) -> None:
        index = self.env.get_wrapper_attr("action_names").index(action)
        self.text, _, terminated, truncated, self.info = self.env.step(index)
        self.recollection.see(self.text, self.info["text_action"])
        self.over = terminated or truncated


def expert_plays(seed: int, steps: int) -> Iterator[Played]:
    played = Played(seed)
    for _ in range(steps):
        played.decide()
        yield played
        played.do(played.decision.action)
        if played.over:
            break
    yield played


def recollection_after(*steps: tuple[str, str]) -> CrafterRecollection:
    recollection = CrafterRecollection()
    for text, action in steps:
        recollection.see(text, action)
    return recollection


def decide(text: str, thought: str = "") -> Decision:
    return CrafterExpert().decide(text, recollection_after((text, "")), thought)


def place_in(words: str) -> tuple[int, int]:
    numbers = {side: int(n) for n, side in re.findall(r"(\d+) (north|east|south|west)", words)}
    get = numbers.get
    return get("east", 0) - get("west", 0), get("south", 0) - get("north", 0)


def facts_in(text: str) -> Facts:
    """Reads a recollection's text."""
    parts: dict[str, str] = {}
    for sentence in text.rstrip(".").split(". ") if text else ():
        match = re.match(r"Not yet|Seen|Unseen rock|Unseen|Been|Plant|Night in", sentence)
        assert match is not None, text
        parts[match[0]] = sentence[match.end() :].removeprefix(":").strip()
    seen = [re.match(r"([a-z ]+?) \d", part) for part in parts.get("Seen", "").split(", ") if part]
    plant = None
    if "Plant" in parts:
        where, _, how = parts["Plant"].partition(": ")
        age, _, sides = how.partition(", open ")
        plant = Plant(place_in(where), age == "ripe", tuple(sides.split()))
    return Facts(
        todo=tuple(filter(None, parts.get("Not yet", "").split(", "))),
        seen={match[1]: place_in(match.string) for match in seen if match},
        unseen=place_in(parts["Unseen"]) if "Unseen" in parts else None,
        rock=place_in(parts["Unseen rock"]) if "Unseen rock" in parts else None,
        been={side: int(n) for side, n in re.findall(r"(\w+) (\d+)", parts.get("Been", ""))},
        plant=plant,
        night=int(parts.get("Night in", 0)),
    )


def test_a_caption_is_read() -> None:
    now = read(CAVE)
    assert (now.facing, now.front) == ("north", "stone")
    assert dict(now.sides) == {
        "north": "stone",
        "east": "path",
        "south": "young plant",
        "west": "edge of the world",
    }
    assert now.things[4:] == (("arrow", 2, -1), ("skeleton", 3, 0), ("skeleton", 3, 1))
    assert now.nearest["skeleton"] == (3, 0)
    assert (now.health, now.food, now.drink, now.energy) == (4, 5, 6, 7)
    assert dict(now.items) == {"sapling": 2, "wood": 1, "stone": 9, "wood pickaxe": 1}
    assert (now.asleep, now.night, now.dead) == (False, True, False)


@pytest.mark.parametrize("text", ["", "You see:\n- grass", MEADOW.replace("You face", "You see")])
def test_what_is_no_caption_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="style 'default'"):
        read(text)


def test_what_was_seen_is_remembered_relative_to_the_player() -> None:
    assert "tree" not in recollection_after((MEADOW, "")).facts.seen
    away = MEADOW.replace("cow 4 east, tree 3 north 4 west", "water 3 east")
    facts = recollection_after((MEADOW, ""), (away, "Move East"), (away, "Move South")).facts
    assert facts.seen["tree"] == (-5, -4)


def test_a_move_against_an_obstacle_only_turns() -> None:
    wall = MEADOW.replace("east grass", "east water")
    turned = wall.replace("south: grass", "east: water").replace("east water", "south grass")
    recollection = recollection_after((wall, ""), (turned, "Move East"))
    assert recollection.facts.been == {}


@pytest.mark.parametrize(
    ("text", "thought", "decision"),
    [
        (MEADOW, "", Decision("sapling: grass south", "Do")),
        (CAVE.replace("east path", "east zombie"), "", Decision("fight: zombie east", "Move East")),
        (
            MEADOW.replace("drink 9", "drink 2").replace("cow 4 east", "water 2 north"),
            "",
            Decision("drink: water 2 north, north", "Move North"),
        ),
        ("You are asleep.\n" + MEADOW, "", Decision("sleep", "Sleep")),
        (
            CAVE.replace("south young plant", "south stone"),
            "shelter east south 4, 4 left: go north",
            Decision("shelter east south 4, 4 left: clear south", "Move South"),
        ),
    ],
)
def test_decisions(text: str, thought: str, decision: Decision) -> None:
    assert decide(text, thought) == decision


def test_lava_is_never_walked_into() -> None:
    ringed = re.sub(r"(north|east|west) grass", r"\1 lava", MEADOW).replace(": grass", ": lava")
    assert not decide(ringed).action.startswith("Move")


@pytest.mark.parametrize("seed", [3, 7])
def test_facts_are_what_the_text_says(seed: int) -> None:
    for played in expert_plays(seed, 700):
        text = played.recollection.text()
        assert facts_in(text) == played.recollection.facts, text


@pytest.mark.parametrize("seed", [1, 18])
def test_what_is_told_as_achieved_is(seed: int) -> None:
    for played in expert_plays(seed, 500):
        achieved: dict[str, Any] = played.info["achievements"]
        told = [deed for name, deed in DEED.items() if name not in played.recollection.facts.todo]
        assert all(achieved[deed] for deed in told)


@pytest.mark.parametrize("seed", [0, 4])
def test_any_thought_and_any_play_are_borne(seed: int) -> None:
    """The places that are remembered are those of the game, whoever plays it."""
    draws = random.Random(seed)
    played = Played(seed)
    start = played.info["player_pos"]
    names = played.env.get_wrapper_attr("action_names")
    while not played.over and played.recollection.steps < 600:
        assert played.decide(draws.choice(THOUGHTS)).action in names
        played.do(draws.choice((played.decision.action, draws.choice(names))))
        x, y = played.info["player_pos"]
        assert played.recollection.position == (x - start[0], y - start[1])


def test_it_plays_the_same_game_twice() -> None:
    first, second = ([played.decision for played in expert_plays(5, 300)] for _ in range(2))
    assert first == second


def test_thoughts_and_recollections_are_short() -> None:
    for played in expert_plays(11, 600):
        assert len(played.decision.thought.split()) <= 12
        assert len(played.recollection.text().split()) <= 75


def test_it_plays_as_an_agent() -> None:
    env = gymnasium.make("Crafter-Text-v0", length=20)
    expert = CrafterExpert()
    observation, info = env.reset(seed=0)
    expert.begin(0, env, 0)
    over = False
    while not over:
        action = expert.act([observation], [{**info, "episode_index": 0}])[0]
        assert expert.notes(0)["answer"]
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    expert.end(0)
    assert sum(map(bool, info["achievements"].values())) >= 2


@pytest.mark.slow
def test_it_achieves_fourteen_of_twentytwo() -> None:
    achieved = []
    for seed in range(15):
        *_, last = expert_plays(seed, 2000)
        achieved.append(sum(map(bool, last.info["achievements"].values())))
    assert sum(achieved) / len(achieved) >= 14
