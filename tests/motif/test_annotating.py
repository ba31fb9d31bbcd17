"""Pairs and their labels: the published layout, each pair asked once, any kill survived."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from serving import RunningServer
from textenvs import rollout
from textenvs.agents import RandomAgent
from textenvs.cli import main
from textenvs.errors import TraceError, UnknownName
from textenvs.llm import Messages, Sampling
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.motif.annotating import (
    KeywordAnnotator,
    ModelAnnotator,
    Verdict,
    annotate,
    annotate_by_info,
    position_bias,
    read_answers,
)
from textenvs.motif.collecting import pairs_from_traces
from textenvs.motif.pairs import (
    FIRST,
    SECOND,
    TIE,
    UNKNOWN,
    Pairs,
    caption_of,
    encode_text,
    write_pairs,
)
from textenvs.motif.prompts import GAMES, GOALS, VERSIONS, ask, goal_text, parse_verdict
from textenvs.traces import read_traces


def make_pairs(folder: Path, pairs: list[tuple[str, str]]) -> Pairs:
    texts = [text for pair in pairs for text in pair]
    chosen = np.arange(len(texts)).reshape(len(pairs), 2, 1)
    score = np.array([float(len(text)) for text in texts])
    write_pairs(folder, texts, chosen, {"score": score}, 64, {})
    return Pairs(folder)


class Counting:
    """A rule that notes what it was asked: the longer caption is better."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, pairs: list[tuple[str, str]], /) -> list[Verdict]:
        self.asked += pairs
        return [Verdict(_longer(a, b), (f"{a}|{b}",)) for a, b in pairs]


def _longer(a: str, b: str) -> int:
    """Whichever is longer, or comes later in the dictionary; two different texts never tie."""
    return TIE if a == b else FIRST if (len(a), a) > (len(b), b) else SECOND


# The layout


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    """Files as Motif's own code makes them: no file of ours beside them."""
    messages = np.zeros((3, 2, 1, 256), np.uint8)
    for i, pair in enumerate((("You kill the newt!", ""), ("a", "b"), ("c", "c"))):
        for j, text in enumerate(pair):
            messages[i, j, 0, : len(text)] = np.frombuffer(text.encode(), np.uint8)
    (tmp_path / "data").mkdir()
    (tmp_path / "info").mkdir()
    (tmp_path / "preference").mkdir()
    np.save(tmp_path / "data" / "message.npy", messages)
    np.save(tmp_path / "info" / "score.npy", np.array([[3, 1], [1, 1], [0, 2]]))
    np.save(
        tmp_path / "preference" / "llama70b_msg_defaultgoal_default.npy", np.array([0, 3, 2], "i1")
    )
    pairs = Pairs(tmp_path)
    assert len(pairs) == 3
    assert pairs.captions(0) == ("You kill the newt!", "")
    assert pairs.annotators == ["llama70b_msg_defaultgoal_default"]
    assert pairs.labels("llama70b_msg_defaultgoal_default").tolist() == [0, 3, 2]
    assert annotate_by_info(pairs, "score").tolist() == [FIRST, TIE, SECOND]
    assert pairs.labels("score").tolist() == [FIRST, TIE, SECOND]
    with pytest.raises(TraceError, match="there is score"):
        pairs.info("turns")
    with pytest.raises(TraceError, match="textenvs annotate"):
        pairs.labels("nobody")


def test_what_is_no_directory_of_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="textenvs pairs"):
        Pairs(tmp_path)
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "message.npy", np.zeros((3, 2), np.uint8))
    with pytest.raises(TraceError, match=r"expected \(N, 2, L, W\) uint8, got \(3, 2\) uint8"):
        Pairs(tmp_path)


def test_sequences_are_told_with_what_repeats_once() -> None:
    rows = np.stack([encode_text(text, 16) for text in ("a", "a", "", "", "b", "a")])
    assert caption_of(rows) == "a (x2)\nb\na"
    assert caption_of(np.zeros((2, 8), np.uint8)) == ""


@pytest.mark.parametrize("width", range(1, 9))
def test_texts_are_cut_between_characters(width: int) -> None:
    text = "aé漢𝄞"
    row = encode_text(text, width)
    assert row.shape == (width,)
    assert text.startswith(caption_of(row[None]))


# Labels


def test_each_different_pair_is_asked_once_and_equal_captions_never(tmp_path: Path) -> None:
    pairs = make_pairs(
        tmp_path, [("aa", "b"), ("c", "c"), ("aa", "b"), ("b", "aa"), ("", ""), ("aa", "b")]
    )
    asker = Counting()
    told = annotate(pairs, "me", asker, batch=2)
    assert asker.asked == [("aa", "b")]  # and not the other way round
    assert pairs.labels("me").tolist() == [FIRST, TIE, FIRST, SECOND, TIE, FIRST]
    assert told == {"first": 3, "second": 1, "tie": 2, "unknown": 0, "asked": 1}
    again = Counting()
    annotate(pairs, "me", again)
    assert not again.asked


def test_a_known_answer_serves_the_other_order_too(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("b", "aa"), ("c", "dd"), ("aa", "b")])
    annotate(pairs, "me", Counting())
    labels = pairs.labels("me", "r+")
    labels[:] = UNKNOWN  # killed before the labels were written
    labels.flush()  # type: ignore[attr-defined]
    asker = Counting()
    annotate(pairs, "me", asker)
    assert not asker.asked
    assert pairs.labels("me").tolist() == [SECOND, SECOND, FIRST]


def test_labels_that_are_there_stay(tmp_path: Path) -> None:
    """Published labels are of rows: equal pairs may have different ones."""
    pairs = make_pairs(
        tmp_path, [("a", "b"), ("a", "b"), ("c", "d"), ("b", "a"), ("e", "e"), ("a", "b")]
    )
    labels = pairs.labels("llama", "r+")
    labels[:] = [UNKNOWN, SECOND, UNKNOWN, SECOND, FIRST, FIRST]
    labels.flush()  # type: ignore[attr-defined]
    asker = Counting()
    annotate(pairs, "llama", asker)
    assert asker.asked == [("c", "d")]
    assert pairs.labels("llama").tolist() == [SECOND, SECOND, SECOND, SECOND, FIRST, FIRST]


def test_steps_without_a_caption_make_no_other_pair(tmp_path: Path) -> None:
    messages = np.zeros((3, 2, 2, 8), np.uint8)
    for row, steps in enumerate([("aa", "", "b", ""), ("", "aa", "b", ""), ("b", "", "", "aa")]):
        for i, text in enumerate(steps):
            messages[row, i // 2, i % 2] = encode_text(text, 8)
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "message.npy", messages)
    pairs, asker = Pairs(tmp_path), Counting()
    annotate(pairs, "me", asker)
    assert asker.asked == [("aa", "b")]
    assert pairs.labels("me").tolist() == [FIRST, FIRST, SECOND]


def test_half_a_line_of_another_process_is_not_read(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("aa", "b"), ("c", "dd")])
    annotate(pairs, "me", Counting())
    log = tmp_path / "preference" / "me.answers" / "chunk-0-of-1.jsonl"
    whole = log.read_bytes()
    for cut in (whole[:-1], whole[: len(whole) // 2 + 40] + "é".encode()[:1], whole[:30] + b"}"):
        log.write_bytes(cut)
        assert len(list(read_answers(pairs, "me"))) == cut.count(b"\n")


@pytest.mark.parametrize("chunks", [1, 2, 3, 7])
def test_chunks_of_any_size_make_one_whole(chunks: int, tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = ["a" * rng.randrange(6) for _ in range(200)]
    pairs = make_pairs(tmp_path, list(zip(texts[::2], texts[1::2], strict=True)))
    asker = Counting()
    for chunk in reversed(range(chunks)):
        annotate(pairs, "me", asker, chunk=chunk, chunks=chunks, batch=5)
    assert len(asker.asked) == len(set(asker.asked))
    for label, (a, b) in zip(
        pairs.labels("me").tolist(), zip(texts[::2], texts[1::2], strict=True), strict=True
    ):
        assert label == _longer(a, b)


def test_answers_that_came_before_a_kill_are_not_asked_for_again(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("aa", "b"), ("c", "dd")])
    annotate(pairs, "me", Counting())
    (tmp_path / "preference" / "me.npy").unlink()  # killed before the labels were written
    log = tmp_path / "preference" / "me.answers" / "chunk-0-of-1.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0] + lines[1][:20])  # and in the middle of a line
    asker = Counting()
    annotate(pairs, "me", asker)
    assert len(asker.asked) == 1
    assert pairs.labels("me").tolist() == [FIRST, SECOND]
    assert len(list(read_answers(pairs, "me"))) == 2


def _work(folder: str, chunk: int) -> None:
    def slowly(pairs: list[tuple[str, str]], /) -> list[Verdict]:
        time.sleep(0.004)
        return Counting()(pairs)

    annotate(Pairs(folder), "me", slowly, chunk=chunk, chunks=4, batch=3)


@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_four_processes_killed_ten_times_leave_a_whole_file(tmp_path: Path) -> None:
    rng = random.Random(1)
    texts = [f"{rng.randrange(40):b}" for _ in range(2400)]
    pairs = make_pairs(tmp_path, list(zip(texts[::2], texts[1::2], strict=True)))
    context = multiprocessing.get_context("fork")
    for kill in range(11):
        workers = [context.Process(target=_work, args=(str(tmp_path), c)) for c in range(4)]
        for worker in workers:
            worker.start()
        if kill < 10:
            time.sleep(rng.uniform(0.05, 0.25))
            for worker in workers:
                if worker.pid and worker.is_alive():
                    os.kill(worker.pid, signal.SIGKILL)
        for worker in workers:
            worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    labels = pairs.labels("me").tolist()
    for label, a, b in zip(labels, texts[::2], texts[1::2], strict=True):
        assert label == _longer(a, b)
    digests = [each["digest"] for each in read_answers(pairs, "me")]
    different = {frozenset(each) for each in zip(texts[::2], texts[1::2], strict=True)}
    different = {each for each in different if len(each) == 2}
    assert len(digests) == len(set(digests)) == len(different)


# Models


def _model(answer: str, again: str = "") -> tuple[ScriptedModel, list[Messages]]:
    asked: list[Messages] = []

    def say(messages: Messages) -> str:
        asked.append(messages)
        return again if len(messages) > 2 else answer

    return ScriptedModel(say), asked


def test_a_model_is_asked_once_more_if_it_gives_no_verdict(tmp_path: Path) -> None:
    model, asked = _model("Hard to say.", '("best_description": 2)')
    (verdict,) = ModelAnnotator(model, Sampling())([("a", "b")])
    assert verdict == Verdict(SECOND, ("Hard to say.", '("best_description": 2)'))
    assert [len(each) for each in asked] == [2, 4]
    model, asked = _model("Hard to say.", "Still.")
    (verdict,) = ModelAnnotator(model, Sampling())([("a", "b")])
    assert verdict.label == UNKNOWN
    assert len(asked) == 2


def test_an_answer_may_have_any_character_in_it(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("a", "b"), ("c", "d")])
    said = 'one\u2028two\x85three ("best_description": 1)'
    annotator = ModelAnnotator(ScriptedModel(lambda messages: said), Sampling())
    first = annotate(pairs, "odd", annotator)
    assert first["asked"] > 0
    assert annotate(pairs, "odd", annotator)["asked"] == 0


def test_both_orders_show_who_always_prefers_a_place(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("aa", "b"), ("c", "dd")])
    model, _ = _model('("best_description": 1)')
    annotate(pairs, "me", ModelAnnotator(model, Sampling(), swap=True))
    assert pairs.labels("me").tolist() == [TIE, TIE]
    assert position_bias(pairs, "me") == {"pairs": 2, "same": 0.0, "first": 1.0, "second": 0.0}


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ('("best_description": 1)', FIRST),
        ('("best_description": 2)', SECOND),
        ('("best_description": None)', TIE),
        ('{"best_message": "2"}', SECOND),
        ("best description is 1", FIRST),
        (
            'One of ("best_description": 1), ("best_description": 2).\n("best_description": 1)',
            FIRST,
        ),
        ("BEST_DESCRIPTION: none", TIE),
        ("The first one.", None),
        ("", None),
    ],
)
def test_verdicts(answer: str, label: int | None) -> None:
    assert parse_verdict(answer) == label


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("game", GAMES)
def test_questions_show_both_captions_and_the_goal(version: str, game: str) -> None:
    (_, question) = ask('You see "gold"\n{}', "", version=version, goal="Be quick.", game=game)
    assert json.dumps('You see "gold"\n{}') in question["content"]
    assert "Be quick." in question["content"]
    assert GAMES[game] in question["content"]


def test_goals_are_names_or_sentences() -> None:
    assert goal_text("zeroknowledge", "nethack") == ""
    assert "points" in goal_text("defaultgoal", "nethack")
    assert goal_text("defaultgoal", "crafter") != goal_text("defaultgoal", "nethack")
    assert goal_text("Find the Amulet.", "nethack") == "Find the Amulet."
    with pytest.raises(UnknownName, match="stars"):
        goal_text("stars", "nethack")
    assert set(GOALS) == {"defaultgoal", "zeroknowledge", "combat", "gold", "stairs"}


def test_a_rule_that_counts_words_says_so() -> None:
    rule = KeywordAnnotator(["gold"])
    verdicts = rule([("Gold!", "You die."), ("a", "gold gold"), ("a", "b")])
    assert [each.label for each in verdicts] == [FIRST, SECOND, TIE]


# Collecting


@pytest.mark.nethack
def test_pairs_are_drawn_from_real_games_of_nethack(tmp_path: Path) -> None:
    rollout(
        "NetHack-Text-Score-v0", RandomAgent(), episodes=2, directory=tmp_path / "traces", seed=0
    )
    told = pairs_from_traces([tmp_path / "traces"], tmp_path / "pairs", count=500, seed=3)
    pairs = Pairs(tmp_path / "pairs")
    assert len(pairs) == 500
    assert told["caption"] == "message"
    assert pairs.messages.shape == (500, 2, 1, 256)
    captions = {text for i in range(500) for text in pairs.captions(i)}
    assert len(captions) > 10
    assert any("You" in text for text in captions)
    assert pairs.info("score").shape == pairs.info("steps").shape == (500, 2)
    again = pairs_from_traces([tmp_path / "traces"], tmp_path / "again", count=500, seed=3)
    assert again == told
    assert np.array_equal(Pairs(tmp_path / "again").messages, pairs.messages)


def test_distinct_pairs_are_of_different_captions_where_they_came_first(tmp_path: Path) -> None:
    rollout("BabyAI-Text-GoToLocal-v0", RandomAgent(), episodes=3, directory=tmp_path / "t", seed=0)
    traces = list(read_traces(tmp_path / "t"))
    first: dict[str, tuple[int, int]] = {}
    for episode, trace in enumerate(traces):
        assert trace.end is not None
        for t, step in enumerate([*trace.steps[1:], trace.end], 1):
            first.setdefault(step["observation"], (episode, t))
    half = len(first) // 2
    assert 2 * half < sum(len(trace.steps) for trace in traces)

    pairs_from_traces([tmp_path / "t"], tmp_path / "p", count=half, distinct=True)
    pairs = Pairs(tmp_path / "p")
    captions = [text for i in range(half) for text in pairs.captions(i)]
    places = zip(pairs.info("episode").ravel(), pairs.info("steps").ravel(), strict=True)
    assert len(set(captions)) == 2 * half
    assert [first[text] for text in captions] == list(places)


def test_distinct_sequences_differ_somewhere(tmp_path: Path) -> None:
    rollout("BabyAI-Text-GoToLocal-v0", RandomAgent(), episodes=2, directory=tmp_path / "t", seed=0)
    pairs_from_traces([tmp_path / "t"], tmp_path / "p", count=30, length=3, distinct=True)
    drawn = Pairs(tmp_path / "p").messages.reshape(60, -1)
    assert len({row.tobytes() for row in drawn}) == 60


def test_pairs_of_sequences_stay_within_an_episode(tmp_path: Path) -> None:
    rollout("BabyAI-Text-GoToLocal-v0", RandomAgent(), episodes=4, directory=tmp_path / "t", seed=0)
    told = pairs_from_traces([tmp_path / "t"], tmp_path / "p", count=300, length=5)
    assert told["caption"] == "observation"
    steps, episode = (Pairs(tmp_path / "p").info(name) for name in ("steps", "episode"))
    assert steps.min() >= 5  # of the last one of a sequence
    assert set(np.unique(episode)) == {0, 1, 2, 3}
    with pytest.raises(TraceError, match="moments of 900 steps"):
        pairs_from_traces([tmp_path / "t"], tmp_path / "q", count=3, length=900)


# The commands


def answer_second(messages: Messages) -> str:
    """The model that the command asks."""
    return 'I weigh them. ("best_description": 2)'


def test_other_pairs_are_not_put_under_labels(tmp_path: Path) -> None:
    """They would be taken for what was labelled."""
    pairs = make_pairs(tmp_path, [("a", "b"), ("c", "d")])
    annotate(pairs, "me", Counting())
    make_pairs(tmp_path, [("a", "b"), ("c", "d")])  # the same ones may be written again
    with pytest.raises(TraceError, match=r"has labels of other pairs \(me\)"):
        make_pairs(tmp_path, [("a", "b"), ("c", "e")])
    assert Pairs(tmp_path).captions(1) == ("c", "d")


def test_labels_of_another_question_are_not_taken_for_these(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("a", "bb"), ("cc", "d")])
    annotate(pairs, "me", Counting(), about={"goal": "gold"})
    with pytest.raises(ValueError, match="goal 'gold', not 'stairs'"):
        annotate(pairs, "me", Counting(), about={"goal": "stairs"})
    assert annotate(pairs, "me", Counting(), about={"goal": "gold"})["asked"] == 0


@pytest.mark.parametrize("name", ["", "..", "a/b", "../../labels"])
def test_names_of_labels_are_no_paths(name: str, tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path, [("a", "b")])
    with pytest.raises(ValueError, match="expected a name of labels"):
        annotate(pairs, name, Counting())


def test_no_pairs_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="expected pairs, got none"):
        make_pairs(tmp_path, [])


def test_an_empty_word_is_none_to_count() -> None:
    with pytest.raises(ValueError, match="expected words"):
        KeywordAnnotator(["gold", ""])


def test_traces_of_different_games_and_games_without_messages(tmp_path: Path) -> None:
    for name, env_id in (("Crafter", "Crafter-Text-v0"), ("BabyAI", "BabyAI-Text-GoToLocal-v0")):
        rollout(env_id, RandomAgent(seed=0), episodes=1, directory=tmp_path / name)
    with pytest.raises(TraceError, match="expected traces of one game, got babyai, crafter"):
        pairs_from_traces([tmp_path / "Crafter", tmp_path / "BabyAI"], tmp_path / "p", count=2)
    with pytest.raises(TraceError, match="expected a game that tells its messages"):
        pairs_from_traces([tmp_path / "Crafter"], tmp_path / "p", count=2, caption="message")


@pytest.mark.models
def test_answers_are_kept_before_a_batch_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid for is not asked again after a failure in the middle of a batch."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    make_pairs(tmp_path / "pairs", [(f"a{i}", f"b{i}") for i in range(10)])
    server = RunningServer("--faults", json.dumps({7: "quota"}))
    command = ["annotate", "--directory", str(tmp_path / "pairs"), "--llm", server.llm]
    try:
        assert main([*command, "--concurrency", "1"]) != 0
        assert server.requests == 8
        assert main(command) == 0
        assert server.requests == 8 + (2 * 10 - 7)  # no verdict in them: each is asked once more
    finally:
        server.process.kill()
        server.process.communicate()


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "pairs")
    arguments = ["pairs", "--collect", "BabyAI-Text-GoToLocal-v0", "--episodes", "2"]
    assert main([*arguments, "--n-pairs", "40", "--out", out]) == 0
    assert "40 pairs of" in capsys.readouterr().out
    asked = ["annotate", "--directory", out, "--llm", f"scripted:{__name__}:answer_second"]
    for chunk in ("0", "1"):
        chosen = ["--n-annotation-chunks", "2", "--chunk-number", chunk, "--swap"]
        assert main([*asked, *chosen, "--annotator", "me"]) == 0
    assert "position {'pairs'" in capsys.readouterr().out.replace("\n", " ")
    assert set(Pairs(out).labels("me").tolist()) == {TIE}
    for rule in (["score"], ["return"], ["keyword", "--keywords", "ball", "key"]):
        assert main(["annotate", "--directory", out, "--annotator", *rule]) == 0
    assert Pairs(out).annotators == ["keyword_ball_key", "me", "return", "score"]
    capsys.readouterr()
    for bad, said in (
        (["--annotator", "magic"], "expected one of 'score', 'return', 'keyword'"),
        (["--annotator", "keyword"], "expected --keywords"),
        ([*asked[3:], "--goal", "stars"], "unknown goal 'stars'"),
        ([*asked[3:], "--chunk-number", "1"], "expected a chunk from 0 to 0"),
        ([], "expected --llm, or --annotator score, return, keyword, got neither"),
        (["--annotator", "score", "--goal", "gold"], "expected --llm, to which --goal belongs"),
        (["--annotator", "score", "--temperature", "0"], "to which --temperature belongs"),
        ([*asked[3:], "--annotator", "../me"], "expected a name of labels"),
        (["--annotator", "score", "--keywords", "a"], "expected --annotator keyword"),
        (["--annotator", "score", "--n-annotation-chunks", "2"], "expected one chunk for score"),
        ([*asked[3:], "--annotator", "return"], "got that of a rule: 'return'"),
        ([*asked[3:], "--annotator", "me", "--goal", "gold"], "other labels ("),
    ):
        assert main(["annotate", "--directory", out, *bad]) == 2
        assert said in capsys.readouterr().err
