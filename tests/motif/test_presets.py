"""The published settings, and trainings in which captions pay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from textenvs.cli import main
from textenvs.errors import UnknownName
from textenvs.motif.presets import KINDS, motif_preset
from textenvs.motif.prompts import game_of

SMALL = ["--num-envs", "2", "--max-steps", "30", "--total-timesteps", "128", "--hyper"]
SMALL += ["n_steps=32", "--hyper", "batch_size=32"]


@pytest.mark.parametrize(
    ("task", "kind", "extrinsic", "reward_dir"),
    [
        ("Score", "both", 0.1, "ready"),
        ("Score", "extrinsic", 0.1, None),
        ("Score", "intrinsic", 0.0, "ready"),
        ("Staircase", "both", 10.0, "ready"),
        ("StaircaseLvl3", "extrinsic", 10.0, None),
        ("StaircaseLvl4Continual", "intrinsic", 0.0, "ready"),
        ("Oracle", "both", 10.0, "ready"),
        ("OracleSober", "both", 10.0, "ready"),
    ],
)
def test_the_published_table(
    task: str, kind: str, extrinsic: float, reward_dir: str | None
) -> None:
    found = motif_preset(f"NetHack-Text-{task}-v0", kind)
    assert found["extrinsic_coef"] == extrinsic
    assert found["reward_dir"] == reward_dir
    rest = ("intrinsic_coef", "count_beta", "quantile", "reward_scale", "reward_clip", "num_envs")
    assert [found[key] for key in rest] == [0.1, 3.0, 0.5, 0.1, 10.0, 480]
    assert found["hyper"]["batch_size"] == 4096
    assert motif_preset(f"NetHack-Text-{task}-v0", kind, 4)["hyper"]["batch_size"] == 128


def test_what_is_no_preset() -> None:
    assert KINDS == ("both", "intrinsic", "extrinsic")
    with pytest.raises(UnknownName, match="kind of Motif"):
        motif_preset("NetHack-Text-Score-v0", "all")
    with pytest.raises(ValueError, match="task of NetHack"):
        motif_preset("Crafter-Text-v0", "both")
    assert game_of("MiniGrid-Text-Empty-8x8-v0") == "babyai"
    with pytest.raises(UnknownName, match="game"):
        game_of("Chess-v0")


@pytest.mark.nethack
@pytest.mark.models
def test_a_training_with_the_published_settings(tmp_path: Path) -> None:
    pytest.importorskip("sb3_contrib")
    command = ["train", "NetHack-Text-Score-v0", *SMALL, "--keep", "depth", "--keep", "gold"]
    out = tmp_path / "both"
    given = ["--motif", "both", "--intrinsic-coef", "0.4", "--hyper", "gamma=0.9"]
    assert main([*command, *given, "--out", str(out)]) == 0
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["algo"], settings["encoder"]) == ("recurrent_ppo", "nethack")
    assert (settings["intrinsic_coef"], settings["extrinsic_coef"]) == (0.4, 0.1)
    assert (settings["hyper"]["gamma"], settings["hyper"]["gae_lambda"]) == (0.9, 1.0)
    lines = [json.loads(line) for line in (out / "episodes.jsonl").read_text().splitlines()]
    assert len(lines) >= 4
    assert all(line["depth"] >= 1 and line["gold"] >= 0 for line in lines)


def judge(messages: Any) -> str:
    """Everything is good news."""
    return '("helpful": yes)'


@pytest.mark.nethack
@pytest.mark.models
def test_a_training_with_feedback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sb3_contrib")
    command = ["train", "NetHack-Text-Score-v0", *SMALL, "--motif", "both", "--hyper"]
    command += ["learning_rate=0.001", "--feedback", "retrieval", "--goal", "gold"]
    out = tmp_path / "fed"
    assert main([*command, "--out", str(out)]) == 2
    assert "expected a model that is asked" in capsys.readouterr().err
    assert main([*command, "--llm", f"scripted:{__name__}:judge", "--out", str(out)]) == 0
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["reward_dir"], settings["feedback"]) == (None, "retrieval")
    labels = [
        json.loads(line) for line in (out / "feedback" / "labels.jsonl").read_text().splitlines()
    ]
    assert len(labels) > 5
    assert all(each["label"] == 1 and len(each["captions"]) == 1 for each in labels)


@pytest.mark.models
def test_feedback_without_a_key_is_refused_before_anything_is_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("stable_baselines3")
    pytest.importorskip("openai")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    command = ["train", "NetHack-Text-Score-v0", "--feedback", "retrieval", "--llm", "openai:gpt-x"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert "expected a key in the environment (OPENAI_API_KEY)" in told
    assert "steps" not in told  # no bar of a training that never begins


@pytest.mark.models
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--motif", "extrinsic", "--feedback", "retrieval", "--llm", "tiny"], "or --motif"),
        (["--motif", "both", "--reward-clip", "-1"], "reward_clip above 0"),
        (["--quantile", "0.5"], "to which --quantile belongs"),
        (["--motif", "both", "--quantile", "7"], r"quantile in \[0, 1\]"),
        (["--intrinsic-coef", "1"], "to which --intrinsic-coef belongs"),
        (["--counts", "digits"], "to which --counts belongs"),
        (["--goal", "gold"], "to which --goal belongs"),
        (["--motif", "everything"], "kind of Motif"),
    ],
)
def test_options_that_say_nothing_or_two_things(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("stable_baselines3")
    command = ["train", "NetHack-Text-Score-v0", *options, "--out", str(tmp_path / "run")]
    assert main(command) == 2
    assert re.search(said, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "run").exists()


def test_weights_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "NetHack-Text-Score-v0", "--out", "x", "--intrinsic-coef", "nan"])
    assert "expected a number, got 'nan'" in capsys.readouterr().err


@pytest.mark.nethack
@pytest.mark.models
def test_other_options_come_before_the_preset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("stable_baselines3")
    command = ["train", "NetHack-Text-Score-v0", *SMALL, "--motif", "extrinsic", "--algo", "ppo"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["algo"] == "ppo"
    assert main([*command, "--keep", "dpeth", "--out", str(tmp_path / "typo")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "depth, experience_level, gold" in said
    assert "got 'dpeth'" in said
    # What ended before its first episode does not stand in the way of what was meant.
    assert main([*command, "--keep", "depth", "--out", str(tmp_path / "typo")]) == 0
    capsys.readouterr()
    assert main([*command, "--keep", "depth", "--out", str(tmp_path / "typo")]) == 0
    assert "return" in capsys.readouterr().out  # nothing was left to do, and it is told again


@pytest.mark.models
def test_rewards_are_scaled_and_cut_before_they_are_weighted(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    import numpy as np

    from textenvs.rl.making import make_training_env
    from textenvs.rl.settings import TrainSettings

    level = {"env_id": "BabyAI-Text-GoToLocal-v0", "max_steps": 8}
    plain, scaled = (
        make_training_env(TrainSettings(**level, **more), None, 2, learning=True)
        for more in (
            {},
            {"reward_scale": 20.0, "reward_clip": 5.0, "extrinsic_coef": 0.5},
        )
    )
    found = []
    for env in (plain, scaled):
        env.seed(3)
        env.reset()
        rng = np.random.default_rng(0)
        paid = []
        for _ in range(400):
            _, rewards, _, infos = env.step(rng.integers(0, 7, 2))
            for reward, info in zip(rewards, infos, strict=True):
                parts = info.get("rewards", {"": reward})
                assert reward == pytest.approx(sum(parts.values()), abs=1e-6)
            told = [
                info.get("rewards", {}).get("game", r)
                for r, info in zip(rewards, infos, strict=True)
            ]
            paid.append((rewards.tolist(), told))
        found.append(np.array(paid))
    raw, other = found
    assert raw[:, 0].max() > 0.25
    np.testing.assert_allclose(other[:, 1], raw[:, 0], atol=1e-6)
    np.testing.assert_allclose(other[:, 0], 0.5 * np.minimum(20 * raw[:, 0], 5), atol=1e-6)
