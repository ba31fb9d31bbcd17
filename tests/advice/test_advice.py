"""A language model's advice: what is asked, and what number each action gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from textenvs.advice import Advisor, Scene, above, by_names, by_probabilities, by_similarity
from textenvs.advice.goals import GoalRule, GoalSuggester, parse_goals
from textenvs.errors import NotCached, UnknownName
from textenvs.llm.backends.recorded import RecordedModel
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.published_parsers import get_parser

NAMES = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle", "done")
CAPTIONS = tuple(f"{name}." for name in NAMES)


def letters(texts: Sequence[str]) -> Any:
    """Vectors of how often each letter occurs, of length 1: a stand-in that needs no model."""
    counts = np.array([[text.count(chr(97 + i)) + 1e-6 for i in range(26)] for text in texts])
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def scene(text: str = "I see a red ball FORWARD.", mission: str = "go to the red ball") -> Scene:
    return Scene(text, mission, CAPTIONS)


def test_the_line_that_is_most_alike_counts() -> None:
    values = by_similarity("turn left.\n\n go forward.", CAPTIONS, letters)
    assert_allclose(values[[0, 2]], 1, atol=1e-6)
    assert values.shape == (7,)
    assert values[4] < 0.9


def test_an_answer_without_a_line_advises_nothing() -> None:
    assert not by_similarity(" \n", CAPTIONS, letters).any()


def test_names_are_counted_line_by_line() -> None:
    parser = get_parser("default", NAMES, mention="first", synonyms=True)
    answer = "turn left.\nTurn left, then look\nI like cheese"
    assert_allclose(by_names(answer, parser, 7), [1, 0, 0, 0, 0, 0, 0])
    assert_allclose(by_names("pick up red key.\ndrop it", parser, 7), [0, 0, 0, 0.5, 0.5, 0, 0])
    assert not by_names("great!", parser, 7).any()


def test_of_a_thought_and_an_action_the_action_counts() -> None:
    parser = get_parser("default", NAMES, mention="first", synonyms=True)
    answer = "turn left first, then pick up the key\nACTION: go forward"
    assert_allclose(by_names(answer, parser, 7), [0, 0, 1, 0, 0, 0, 0])
    assert not by_names("turn left first\nACTION: attack", parser, 7).any()
    plan = "Best action: turn left\ngo forward\nturn left\ngo forward"
    assert_allclose(by_names(plan, parser, 7), [0.5, 0, 0.5, 0, 0, 0, 0])
    plan = "Action: turn left\nAction: go forward"
    assert_allclose(by_names(plan, parser, 7), [0.5, 0, 0.5, 0, 0, 0, 0])


def test_probabilities_are_normalised_over_the_actions() -> None:
    values = by_probabilities(np.log([0.02, 0.06]).tolist())
    assert_allclose(values, [0.25, 0.75], rtol=1e-6)
    assert_allclose(by_probabilities([-1e4, -1e4 - 800]), [1, 0], atol=1e-12)


def test_what_is_not_above_the_threshold_is_nothing() -> None:
    assert above(np.array([0.84, 0.85], np.float32), 0.84).tolist() == [0, pytest.approx(0.85)]


def test_a_scene_is_asked_about_once_and_new_ones_in_one_batch() -> None:
    batches: list[int] = []

    class Counting(ScriptedModel):
        def generate(self, prompts: Any, sampling: Any, samples: Any = None) -> Any:
            batches.append(len(prompts))
            return super().generate(prompts, sampling, samples)

    model = Counting(lambda messages: "turn left.")
    advisor = Advisor(model, NAMES, embeddings=letters)
    first, second = scene(), scene("I see nothing interesting.")
    found = advisor.advise([first, second, first])
    assert batches == [2]
    assert found[0] is found[2]
    assert advisor.advise([second])[0].answer == "turn left."
    assert batches == [2]
    assert advisor.asked == 2


def test_more_scenes_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textenvs.advice.advisor._KEPT", 3)
    monkeypatch.setattr("textenvs.advice.goals._KEPT", 3)
    model = ScriptedModel(lambda messages: f"- {messages[-1]['content'][-2]}")
    advisor, suggester = Advisor(model, NAMES, match="names"), GoalSuggester(model)
    for start in range(8):
        scenes = [scene(f"I see {chr(97 + start + i)}.") for i in range(3)]
        told = [f"- {each.text[-2]}" for each in scenes]
        assert [each.answer for each in advisor.advise(scenes)] == told
        assert suggester.suggest(scenes) == [(each[2:],) for each in told]


def test_the_question_tells_goal_sight_and_actions() -> None:
    asked: list[Any] = []
    model = ScriptedModel(lambda messages: asked.append(messages) or "drop")  # type: ignore[func-returns-value]
    Advisor(model, NAMES, match="names").advise([scene()])
    system, user = asked[0]
    assert "turn left, turn right, go forward" in system["content"]
    assert user["content"] == "My goal is: go to the red ball. I see a red ball FORWARD."
    Advisor(model, NAMES, match="names", prompt="bare").advise([scene(mission="")])
    assert asked[1] == [{"role": "user", "content": "I see a red ball FORWARD."}]


def test_recorded_answers_are_found_by_the_question(tmp_path: Any) -> None:
    path = tmp_path / "cache.json"
    path.write_text('{"My goal is: go to the red ball. I see a red ball FORWARD.": "go forward."}')
    model = RecordedModel(path)
    advisor = Advisor(model, NAMES, match="names", missing="none")
    known, unknown = advisor.advise([scene(), scene("I see nothing interesting.")])
    assert known.values.tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert not unknown.values.any()
    assert advisor.unanswered == 1
    with pytest.raises(NotCached):
        Advisor(model, NAMES, match="names").advise([scene("elsewhere")])


@pytest.mark.parametrize("wrong", [{"match": "x"}, {"prompt": "x"}, {"missing": "x"}])
def test_what_does_not_exist_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(UnknownName, match="'x'"):
        Advisor(ScriptedModel(lambda messages: ""), NAMES, **wrong)  # type: ignore[arg-type]


def test_goals_are_the_lines_with_a_dash() -> None:
    assert parse_goals("Sure!\n- Chop tree.\n* drink water\nbye\n-  chop tree") == (
        "chop tree",
        "drink water",
    )
    assert parse_goals("") == ()


def test_a_goal_pays_once_an_episode() -> None:
    rule = GoalRule(threshold=1)
    rule.begin()
    goals = ("chop tree", "drink water")
    assert rule.reward(goals, "chop tree.") == 1
    assert rule.reward(goals, "chop tree.") == 0
    assert rule.reward(goals, "chop trees.") == 0
    assert rule.reached == {"chop tree"}
    rule.begin()
    assert rule.reward(goals, "chop tree.") == 1


def test_a_goal_is_reached_by_what_is_alike_enough() -> None:
    rule = GoalRule(threshold=0.9, embeddings=letters)
    assert rule.reward(("drink water",), "drinks water") == pytest.approx(0.96, abs=0.04)
    assert rule.reward(("drink water",), "drink water") == 0
    assert rule.reward(("collect diamond",), "sleep") == 0
    assert rule.reward((), "sleep") == rule.reward(("sleep",), "") == 0


def test_a_goal_in_other_words_is_the_same_goal() -> None:
    rule = GoalRule(threshold=0.9, embeddings=letters)
    goals = ("drink water", "drinks water", "sleep")
    assert rule.reward(goals, "drink water.") == 1
    assert rule.reached == {"drink water", "drinks water"}
    assert rule.reward(goals, "drink water.") == 0
    rule.begin()
    assert rule.reward(("drink water",), "drink water.") == 1
    assert rule.reward(("drinks water", "sleep"), "drink water.") == 0  # suggested later


def test_that_nothing_happened_reaches_no_goal() -> None:
    assert GoalRule(threshold=1).reward(("do nothing",), "do nothing.") == 0


def test_goals_are_asked_for_once_a_scene() -> None:
    calls: list[Any] = []
    model = ScriptedModel(lambda messages: calls.append(1) or "- go to red ball")  # type: ignore[func-returns-value]
    suggester = GoalSuggester(model)
    assert suggester.suggest([scene(), scene()]) == [("go to red ball",)] * 2
    assert len(calls) == 1
