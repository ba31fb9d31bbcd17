"""The agent that is told what the episode's texts have shown before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import pytest

from textenvs.agents import RecallAgent
from textenvs.agents.experts.babyai import BabyAIExpert
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling
from textenvs.loop import rollout
from textenvs.prompts.bare import kept_thought
from textenvs.wrappers import ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"


class Model(LanguageModel):
    """Thinks and turns, and keeps what it was asked."""

    name = "test"

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[list[dict[str, Any]]] = []

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        self.asked += [[dict(message) for message in messages] for messages in prompts]
        return [Completion(self.answer)] * len(prompts)


def play(model: LanguageModel, prompt: str, env_id: str = LEVEL) -> Any:
    return rollout(
        lambda: ParseTextAction(gymnasium.make(env_id, max_episode_steps=4)),
        RecallAgent(model, prompt=prompt),
        episodes=1,
        seed=3,
    )


def test_its_thoughts_stay_in_its_answers_with_braces_and_all() -> None:
    model = Model("look {here}\nACTION: turn left")
    play(model, "default")
    said = [message["content"] for message in model.asked[-1] if message["role"] == "assistant"]
    assert set(said) == {"look {here}\nACTION: turn left"}


def test_the_bare_prompt_shows_of_a_thought_what_a_decision_may_need() -> None:
    model = Model("wood: tree 2 north 1 east, north\nACTION: Move North")
    play(model, "bare", "Crafter-Text-v0")
    first, *later = (messages[0]["content"] for messages in model.asked)
    assert "Thought" not in first
    assert all(prompt.startswith("Thought: north\n") for prompt in later)


@pytest.mark.parametrize(
    ("game", "thought", "kept"),
    [
        ("BabyAI", "go red ball 2 ahead", ""),
        ("Crafter", "make: table", ""),
        ("Crafter", "coal: unseen 4 west, west", "west"),
        ("Crafter", "fight: zombie east, shelter east south 3, 5 left", None),
        ("NetHack", "go: doorway 2 north by far north", ""),
        ("NetHack", "kick: locked door east", "kick"),
        ("NetHack", "", ""),
    ],
)
def test_what_is_kept_of_a_thought(game: str, thought: str, kept: str | None) -> None:
    assert kept_thought(game, thought) == (thought if kept is None else kept)


def test_what_it_is_told_is_what_the_expert_remembers() -> None:
    model = Model("turn\nACTION: turn left")
    play(model, "bare")
    recollection = BabyAIExpert().recollection()
    told = []
    for number, messages in enumerate(model.asked):
        content = messages[0]["content"]
        recollection.see(content[content.index("Goal:") :], "turn left" if number else "")
        told.append(recollection.text())
        assert recollection.text() in content
    assert any(told)


def test_other_prompts_show_it_as_what_happened_before() -> None:
    model = Model("I turn.\nACTION: turn left")
    play(model, "default")
    last = model.asked[-1]
    assert any("What happened before" in str(message["content"]) for message in last)
    assert {"role": "assistant", "content": "I turn.\nACTION: turn left"} in last


def test_an_answer_without_a_thought_leaves_none() -> None:
    model = Model("turn left")
    play(model, "bare")
    assert all("Thought" not in messages[0]["content"] for messages in model.asked)
