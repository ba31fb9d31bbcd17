"""GLAM's prompt, to the letter."""

from __future__ import annotations

import gymnasium

import textenvs  # noqa: F401
from textenvs.prompts import Situation, Turn
from textenvs.prompts.glam import GLAM, text

ACTIONS = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle", "done")
PUBLISHED = (
    "Possible action of the agent: turn left, turn right, go forward, pick up, drop, toggle \n "
    "Goal of the agent: go to the red ball \n "
    "Observation 0: You see a wall 2 steps left, You see a purple key 1 step left and 2 steps "
    "forward, \n Action 0: go forward \n "
    "Observation 1: You see a red ball 3 steps forward, \n Action 1: "
)


def test_the_published_example() -> None:
    seen = "You see a wall 2 steps left, You see a purple key 1 step left and 2 steps forward"
    situation = Situation(
        "BabyAI",
        ACTIONS,
        "You see a red ball 3 steps forward",
        (Turn(seen, "I go on.", "go forward"),),
        mission="go to the red ball",
    )
    assert text(situation) == PUBLISHED
    for layout in ("window", "text"):
        assert GLAM.messages(situation, "", layout) == [{"role": "user", "content": PUBLISHED}]


def test_three_observations_and_two_actions_are_shown() -> None:
    assert GLAM.turns == 2
    assert GLAM.style == "glam"


def test_the_caption_of_an_environment_is_its_facts_each_followed_by_a_comma() -> None:
    env = gymnasium.make("BabyAI-Text-GoToLocal-v0", style="glam")
    for seed in range(5):
        observation, info = env.reset(seed=seed)
        names = env.unwrapped.action_names  # type: ignore[attr-defined]
        situation = Situation("BabyAI", names, observation, mission=info["mission"])
        facts = "".join(f"{fact}, " for fact in info["descriptions"])
        assert f" \n Observation 0: {facts}\n Action 0: " in text(situation)


def test_where_nothing_is_seen_there_are_no_facts() -> None:
    assert text(Situation("BabyAI", ACTIONS, "")).endswith(" \n Observation 0: \n Action 0: ")
