"""The prompt of the model in the box: short, and nothing that the texts did not tell."""

from __future__ import annotations

import gymnasium
import pytest

from textenvs.prompts.bare_crafter import sorted_text
from textenvs.prompts.bare_nethack import shortened

CAPTION = (
    "You face south: stone. Beside you: north zombie, east grass, west grass.\n"
    "Steps away: tree 1 north 1 west, zombie 4 west, iron 1 south 4 west.\n"
    "Health 3, food 5, drink 3, energy 9 (of 9). You carry 2 wood.\n"
    "It is night."
)


def test_crafters_caption_is_sorted() -> None:
    summary = "Not yet: drink, cow. Seen: tree 9 south, cow 12 north 1 east. Been: north 2."
    assert sorted_text(CAPTION, summary) == (
        "Not yet: drink, cow. Been: north 2.\n"
        "tree 1 north 1 west, cow 12 north 1 east, stone 1 south, iron 1 south 4 west, "
        "grass 1 east.\n"
        "zombie 1 north, zombie 4 west\n"
        "north zombie, east grass, south stone, west grass. Facing south.\n"
        "Health 3, food 5, drink 3, energy 9. 2 wood. Night."
    )


def test_what_is_no_caption_of_crafter_stays_as_it_is() -> None:
    assert sorted_text("Hello.", "Seen: tree 9 south.") == "Seen: tree 9 south.\nHello."


def test_every_kind_that_is_near_is_told_in_every_state() -> None:
    env = gymnasium.make("Crafter-Text-v0")
    env.action_space.seed(0)
    text, _ = env.reset(seed=0)
    for _ in range(200):
        text, _, terminated, _, _ = env.step(env.action_space.sample())
        if terminated:
            break
        told = sorted_text(text, "")
        facing = text.partition("You face ")[2].partition(":")[0]
        assert f"Facing {facing}." in told
        assert ("Night." in told) == ("It is night." in text)


@pytest.mark.parametrize(
    ("caption", "short"),
    [
        (
            "Message: It's a wall.\n"
            "Status: HP 15/15, Pw 2/2, AC 8, Xp 1/0, gold 0, score 0, turn 3, Dlvl 1 at (35, 8), "
            "hungry\n"
            "You: chaotic barbarian, St 18, Dx 18, Co 17, In 8, Wi 8, Ch 6\n"
            "Free steps: north 3\n"
            "Creatures: newt adjacent east\n"
            "Objects: gold 5 east\n"
            "Places: doorway 1 east\n"
            "Inventory:\n"
            "a: a +0 battle-axe (weapon in hands)\n"
            "d: an uncursed food ration",
            "Message: It's a wall.\n"
            "Status: HP 15/15, Dlvl 1, hungry\n"
            "You: chaotic barbarian, St 18\n"
            "Free steps: north 3\n"
            "Creatures: newt adjacent east\n"
            "Inventory:\n"
            "d: an uncursed food ration",
        ),
        ("The game is over.", "The game is over."),
    ],
)
def test_nethacks_caption_is_shortened(caption: str, short: str) -> None:
    assert shortened(caption) == short


def test_a_long_menu_is_cut() -> None:
    caption = (
        "Message: " + "item\n" * 500 + "Status: HP 1/1, Pw 0/0, Dlvl 1 at (1, 1)\nFree steps: none"
    )
    assert len(shortened(caption)) < 400
