"""Labels that come in while an agent learns, and what is paid by them."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import textenvs  # noqa: F401  # registers the ids
from textenvs import wrappers
from textenvs.errors import TraceError, UnknownName
from textenvs.llm import Completion, Gateway, LanguageModel, Messages, Sampling
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.motif.online import BackgroundLabels, make_feedback
from textenvs.motif.online.prompts import ask_helpful, parse_helpful
from textenvs.motif.prompts import goal_text
from textenvs.wrappers import vector

LEVEL = "BabyAI-Text-GoToLocal-v0"
_SOON = 60.0


def items(*texts: str) -> list[tuple[str]]:
    return [(text,) for text in texts]


class Judge(LanguageModel):
    """A model that answers when it is let, and remembers what it was asked."""

    name = "judge"

    def __init__(self, helpful: str = "gold") -> None:
        self.asked: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self.helpful = helpful
        self.broken, self.called = False, threading.Event()

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        self.called.set()
        self.free.wait(_SOON)
        if self.broken:
            raise ConnectionError("no server here")
        return [Completion(self._answer(str(each[-1]["content"]))) for each in prompts]

    def _answer(self, question: str) -> str:
        self.asked.append(question)
        lines = question.strip().splitlines()
        if "best_description" not in question:
            good = self.helpful in json.loads(lines[-1])["message"]
            return f'I see. ("helpful": {"yes" if good else "no"})'
        first, second = (self.helpful in next(iter(json.loads(x).values())) for x in lines[-2:])
        chosen = "None" if first == second else 1 if first else 2
        return f'("best_description": {chosen})'


# The questions that wait


def test_the_newest_are_asked_first_and_the_oldest_are_forgotten() -> None:
    begun, go_on = threading.Event(), threading.Event()
    asked: list[list[str]] = []

    def ask(found: Sequence[tuple[str, ...]]) -> list[int]:
        asked.append([text for (text,) in found])
        begun.set()
        go_on.wait(_SOON)
        return [1] * len(found)

    labels = BackgroundLabels(ask, batch=2, capacity=5)
    labels.want(items("first"))
    assert begun.wait(_SOON)
    before = time.monotonic()
    labels.want(items(*"abcdefg"))
    labels.want(items("g", "first"))  # they wait, and are asked, already
    assert time.monotonic() - before < _SOON / 2  # nobody waited for the answer that is under way
    assert len(labels) == 5
    go_on.set()
    assert labels.wait(_SOON)
    assert asked == [["first"], ["g", "f"], ["e", "d"], ["c"]]
    assert ("a",) not in labels.known
    labels.close()


def test_labels_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    asked: list[tuple[str, ...]] = []

    def ask(found: Sequence[tuple[str, ...]]) -> list[int | None]:
        asked.extend(found)
        return [None if text == "?" else len(text) for (text,) in found]

    labels = BackgroundLabels(ask, path)
    labels.want(items("a", "?", "ünd"))
    assert labels.wait(_SOON)
    labels.close()
    assert labels.unparsed == 1
    path.write_bytes(path.read_bytes() + b'{"captions": ["killed in the mid')
    again = BackgroundLabels(ask, path)
    assert again.known == {("a",): 1, ("ünd",): 3}
    asked.clear()
    again.want(items("a", "bb", "?"))
    assert again.wait(_SOON)
    again.close()
    assert sorted(asked) == items("?", "bb")
    assert BackgroundLabels(ask, path).known == {("a",): 1, ("ünd",): 3, ("bb",): 2}


def test_a_server_that_fails_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    times = 0

    def ask(found: Sequence[tuple[str, ...]]) -> list[int]:
        nonlocal times
        times += 1
        if times < 3:
            raise ConnectionError("no server here")
        return [1] * len(found)

    labels = BackgroundLabels(ask, pause=0.01)
    with caplog.at_level(logging.WARNING):
        labels.want(items("a", "b"))
        assert labels.wait(_SOON)
    labels.close()
    assert labels.failures == 2
    assert labels.known == {("a",): 1, ("b",): 1}
    assert caplog.text.count("no server here") == 1  # told once, and not at every failure
    labels.want(items("c"))  # closed: nothing more is asked
    assert len(labels) == 0


def test_a_question_that_cannot_be_answered_holds_up_no_other() -> None:
    asked: list[int] = []

    def ask(found: Sequence[tuple[str, ...]]) -> list[int]:
        asked.append(len(found))
        if ("refused",) in found:
            raise ValueError("400: not this one")
        return [1] * len(found)

    labels = BackgroundLabels(ask, pause=0.001)
    labels.want(items("a", "b", "refused", "c"))
    assert labels.wait(_SOON)
    labels.close()
    assert sorted(labels.known) == items("a", "b", "c")
    assert labels.given_up == 1
    assert asked[0] == 4
    assert len(asked) < 12


def test_labels_that_were_not_learned_from_are_caught_up_with(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"captions": ["a"], "label": 1}\n')
    told: list[int] = []
    labels = BackgroundLabels(lambda found: [1] * len(found), path, on_labels=told.append)
    labels.catch_up()
    assert labels.wait(_SOON)
    labels.close()
    assert told == [1]


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"label": 1}', '{"captions": ["a"]}'])
def test_a_damaged_file_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f'{{"captions": ["a"], "label": 1}}\n{line}\n')
    with pytest.raises(TraceError, match=r"labels.jsonl, line 2: expected a label"):
        BackgroundLabels(lambda found: [1] * len(found), path)


def test_closing_does_not_wait_for_a_model_that_waits() -> None:
    begun, stopped = threading.Event(), threading.Event()

    def ask(found: Sequence[tuple[str, ...]]) -> list[int]:
        begun.set()
        assert stopped.wait(_SOON)
        raise ConnectionError("stopped")

    labels = BackgroundLabels(ask, stop=stopped.set)
    labels.want(items("a"))
    assert begun.wait(_SOON)
    labels.close()
    assert stopped.is_set()
    assert labels.failures == 0


def test_what_fails_after_labels_does_not_end_them() -> None:
    def fail(count: int) -> None:
        raise ZeroDivisionError

    labels = BackgroundLabels(lambda found: [1] * len(found), on_labels=fail, batch=1)
    labels.want(items("a", "b"))
    assert labels.wait(_SOON)
    assert len(labels.known) == 2
    labels.close()


# What is asked


def test_the_last_verdict_counts() -> None:
    assert parse_helpful('("helpful": yes) is wrong: ("helpful": no)') == 0
    assert parse_helpful("Helpful: **YES**") == 1
    assert parse_helpful('It is "helpful" is yes') == 1
    assert parse_helpful("It would be of help.") is None
    assert parse_helpful("unhelpful") is None
    assert parse_helpful("Is it unhelpful? Yes, a wall.") is None


@pytest.mark.parametrize(
    ("goal", "game", "shown"),
    [
        ("defaultgoal", "nethack", True),
        ("zeroknowledge", "nethack", True),
        ("gold", "nethack", False),
        ("defaultgoal", "crafter", False),
    ],
)
def test_examples_are_of_nethack_and_of_no_wish(goal: str, game: str, shown: bool) -> None:
    asked: list[str] = []

    def judge(messages: Messages) -> str:
        asked.append(str(messages[-1]["content"]))
        return '("helpful": yes)'

    feedback = make_feedback("retrieval", ScriptedModel(judge), goal=goal, game=game)
    feedback(["a\nb"])
    assert feedback.labels.wait(_SOON)
    feedback.close()
    assert asked[0].endswith('{"message": "a\\nb"}')
    assert ("goblin" in asked[0]) == shown
    assert goal_text(goal, game) in asked[0]


def test_what_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownName, match="feedback"):
        make_feedback("guessing", Judge())
    with pytest.raises(UnknownName, match="game"):
        make_feedback("retrieval", Judge(), game="chess")


def test_labels_of_another_goal_or_model_are_not_mixed(tmp_path: Path) -> None:
    make_feedback("retrieval", Judge(), tmp_path, goal="gold").close()
    make_feedback("retrieval", Judge(), tmp_path, goal="gold").close()
    with pytest.raises(ValueError, match="another name or folder"):
        make_feedback("retrieval", Judge(), tmp_path, goal="combat")


def test_feedback_fails_for_itself() -> None:
    """A gateway that advises as well goes on when no labels are wanted any more."""
    gateway = Gateway(Judge())
    feedback = make_feedback("retrieval", gateway)
    feedback(["12 gold"])
    assert feedback.labels.wait(_SOON)
    feedback.close()
    question = ask_helpful("12 gold", goal="", game="nethack")
    assert parse_helpful(gateway.generate([question], Sampling())[0].text) == 1
    assert gateway.ledger.requests == 2  # what is spent is spent of one budget


# The three ways


def test_retrieval_pays_what_was_called_helpful(tmp_path: Path) -> None:
    judge = Judge()
    feedback = make_feedback("retrieval", judge, tmp_path)
    judge.free.clear()
    assert feedback(["12 gold", "a wall"]) == [0, 0]  # no label yet, and no waiting for it
    judge.free.set()
    assert feedback.labels.wait(_SOON)
    assert feedback(["12 gold", "a wall"]) == [1, 0]
    feedback.close()
    assert len(judge.asked) == 2
    again = make_feedback("retrieval", Judge(), tmp_path)
    assert again(["12 gold", "a wall"]) == [1, 0]
    again.close()


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a training is a matter of seconds."""
    pytest.importorskip("torch")
    from textenvs.motif.online import networks

    monkeypatch.setattr(networks, "_BATCH", 24)
    monkeypatch.setattr(networks, "_RATE", 1e-3)


def _captions(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    words = ["You", "see", "gold", "here", "a", "wall", "newt", "door", "some", "it"]
    return [" ".join(rng.choice(words, 4)) for _ in range(count)]


@pytest.mark.models
@pytest.mark.usefixtures("_small_batches")
def test_classification_says_it_of_captions_without_a_label(tmp_path: Path) -> None:
    captions = _captions(400)
    feedback = make_feedback("classification", Judge(), tmp_path, batch=60)
    assert feedback(captions[:300]) == [0] * 300
    assert feedback.labels.wait(_SOON)
    found = feedback(captions[300:])  # none of which has a label now
    wanted = [float("gold" in caption) for caption in captions[300:]]
    feedback.close()
    assert np.mean(np.array(found) == wanted) > 0.9
    again = make_feedback("classification", Judge(), tmp_path)
    again.labels.close()
    assert again(captions[:50]) == feedback(captions[:50])


@pytest.mark.models
@pytest.mark.usefixtures("_small_batches")
def test_a_network_is_learned_from_labels_that_were_there_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a kill before its first training, or by another way."""
    captions = _captions(100)
    feedback = make_feedback("retrieval", Judge(), tmp_path)
    feedback(captions)
    assert feedback.labels.wait(_SOON)
    feedback.close()
    for _ in range(3):  # the thread must not be faster than what it learns for
        again = make_feedback("classification", Judge(), tmp_path)
        assert again.labels.wait(_SOON)
        again.close()
    assert (tmp_path / "classifier.pt").exists()
    assert "failed" not in caplog.text


@pytest.mark.models
@pytest.mark.usefixtures("_small_batches")
def test_ranking_learns_which_of_two_captions_is_better(tmp_path: Path) -> None:
    captions = _captions(900)
    feedback = make_feedback("ranking", Judge(), tmp_path, batch=50)
    assert feedback(captions[:10]) == [-math.inf] * 10  # nothing is known, nothing pays
    for start in range(10, 800, 10):
        feedback(captions[start : start + 10])
        if start % 160 == 0:
            assert feedback.labels.wait(_SOON)
    feedback.close()
    unseen = captions[800:]
    found = np.array(feedback(unseen))
    gold = np.array(["gold" in caption for caption in unseen])
    assert found[gold].mean() > found[~gold].mean() + 0.5
    lines = (tmp_path / "preferences.jsonl").read_text().splitlines()
    assert len(lines) == len({tuple(json.loads(line)["captions"]) for line in lines}) >= 50
    assert all(len(set(json.loads(line)["captions"])) == 2 for line in lines)
    again = make_feedback("ranking", Judge(), tmp_path)
    again.labels.close()
    assert again(unseen) == pytest.approx(found.tolist())


# The wrappers


def test_what_is_paid_is_by_counts_and_told_apart(tmp_path: Path) -> None:
    judge = Judge("front of you: free")
    env = wrappers.OnlineFeedbackReward(
        gymnasium.make(LEVEL),
        judge,
        "retrieval",
        str(tmp_path),
        game="babyai",
        caption="observation",
        extrinsic_coef=2.0,
        intrinsic_coef=0.5,
        beta=1.0,
    )
    env.reset(seed=0)
    for action in (0, 0, 0, 0):  # once around, to have labels of all that is seen
        env.step(action)
    assert env.feedback.labels.wait(_SOON)
    seen = [str(env.reset(seed=0)[0])]
    for action in (0, 0, 0, 0):
        observation, reward, *_, info = env.step(action)
        seen.append(str(observation))
        worth = float("front of you: free" in seen[-1])
        told = info["rewards"]["feedback"]
        assert told == pytest.approx(0.5 * worth / seen.count(seen[-1]))
        assert reward == pytest.approx(2 * info["rewards"]["game"] + told)
    assert seen[-1] == seen[0]
    assert any("front of you: free" in text for text in seen)
    env.close()
    asked = len(judge.asked)
    env.feedback(["something new"])
    assert env.feedback.labels.wait(_SOON)
    assert len(judge.asked) == asked  # nobody is asked after the game was closed


class _Free(dict[tuple[str, ...], int]):
    """Labels of all captions: helpful where the way is free."""

    def __contains__(self, item: object) -> bool:
        return True

    def get(self, item: Any, default: Any = None) -> int:
        return int("front of you: free" in item[0])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_many_games_are_paid_as_single_ones_are(mode: AutoresetMode) -> None:
    """With labels of everything beforehand: how soon they come is not the question here."""
    arguments: dict[str, Any] = {"caption": "observation", "game": "babyai", "beta": 1.0}
    make = [lambda: gymnasium.make(LEVEL, max_steps=12)] * 3
    games = SyncVectorEnv(make, autoreset_mode=mode)
    env = vector.OnlineFeedbackReward(games, Judge(), **arguments)
    singles = [wrappers.OnlineFeedbackReward(each(), Judge(), **arguments) for each in make]
    for each in (env, *singles):
        each.feedback.labels.known = _Free()
    rng = np.random.default_rng(0)
    env.reset(seed=5)
    for i, single in enumerate(singles):
        single.reset(seed=5 + i)
    over = np.zeros(3, bool)
    paid = 0.0
    for _ in range(40):
        actions = rng.integers(0, 7, 3)
        if mode == AutoresetMode.DISABLED and over.any():
            env.reset(options={"reset_mask": over})
            for i in np.flatnonzero(over):
                singles[i].reset()
            over[:] = False
        _, rewards, _, _, infos = env.step(actions)
        for i, single in enumerate(singles):
            if mode == AutoresetMode.NEXT_STEP and over[i]:
                single.reset()
                assert rewards[i] == 0
                over[i] = False
                continue
            _, reward, ended, cut, info = single.step(int(actions[i]))
            assert rewards[i] == pytest.approx(float(reward))
            assert infos["rewards"]["feedback"][i] == info["rewards"]["feedback"]
            paid += info["rewards"]["feedback"]
            over[i] = ended or cut
            if over[i] and mode == AutoresetMode.SAME_STEP:
                single.reset()
    assert paid > 0
    for each in (env, *singles):
        each.close()


def test_a_learner_never_waits_for_an_answer() -> None:
    judge = Judge()
    judge.free.clear()
    env = wrappers.OnlineFeedbackReward(
        gymnasium.make(LEVEL), judge, caption="observation", game="babyai"
    )
    env.reset(seed=0)
    assert judge.called.wait(_SOON)
    for _ in range(20):  # no answer comes until after them
        *_, info = env.step(0)
        assert info["rewards"]["feedback"] == 0
    judge.free.set()
    env.close()
    assert env.feedback.labels.known


def test_a_server_that_is_away_costs_nothing_but_labels() -> None:
    judge = Judge()
    judge.broken = True
    env = wrappers.OnlineFeedbackReward(
        gymnasium.make(LEVEL), judge, caption="observation", game="babyai"
    )
    env.reset(seed=0)
    for _ in range(20):
        _, reward, *_, info = env.step(0)
        assert info["rewards"]["feedback"] == 0
        assert reward == info["rewards"]["game"]
    assert judge.called.wait(_SOON)
    env.close()
    assert env.feedback.labels.failures == 1  # the first pause is longer than this game
