"""PPO with random network distillation, shaping and collecting: on real games."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from textenvs.cli import main  # noqa: E402
from textenvs.knowledge import Dataset  # noqa: E402
from textenvs.knowledge.folder import keep_knowledge  # noqa: E402
from textenvs.rl.collecting import collect  # noqa: E402
from textenvs.rl.rnd import discounted_advantages  # noqa: E402
from textenvs.rl.settings import TrainSettings  # noqa: E402
from textenvs.rl.training import train  # noqa: E402

pytestmark = pytest.mark.models

SMALL = TrainSettings(
    "BabyAI-Text-GoToLocal-Pretraining-S20-v0",
    env={"style": "background_knowledge", "max_steps": 30},
    algo="ppo-rnd",
    total_timesteps=256,
    num_envs=4,
    hyper={"n_steps": 32, "batch_size": 64, "n_epochs": 2},
    checkpoint_every=128,
)


def test_advantages_by_hand() -> None:
    """Two steps, one game: d_1 = 2 + 0.5·4 - 3 = 1, d_0 = 1 + 0.5·3 - 2 = 0.5."""
    rewards, values = np.array([[1.0], [2.0]], "f4"), np.array([[2.0], [3.0], [4.0]], "f4")
    found = discounted_advantages(rewards, values, gamma=0.5, gae_lambda=0.8)
    np.testing.assert_allclose(found, [[0.5 + 0.4 * 1.0], [1.0]])


def test_the_bonus_crosses_the_borders_of_episodes_and_rewards_do_not(tmp_path: Path) -> None:
    model = train(replace(SMALL, total_timesteps=128 * 7), tmp_path, tensorboard=False)
    buffer = model.rollout_buffer  # type: ignore[attr-defined]
    assert buffer.episode_starts[1:].any()  # episodes ended within the rollout
    assert buffer.intrinsic_returns.shape == (32, 4)
    assert (buffer.intrinsic_returns != 0).all()


def test_what_is_seen_often_is_no_longer_new(tmp_path: Path) -> None:
    model = train(replace(SMALL, total_timesteps=128), tmp_path, tensorboard=False)
    policy = model.policy
    shape = model.observation_space["image"].shape  # type: ignore[index]
    seen = {
        "image": torch.ones(64, *shape),
        "direction": torch.zeros(64, 1),
    }
    fixed = [each.clone() for each in policy.random_network.parameters()]
    before = float(policy.novelty(seen).mean())
    for _ in range(60):
        loss = policy.novelty(seen).mean()
        policy.optimizer.zero_grad()
        loss.backward()
        policy.optimizer.step()
    assert float(policy.novelty(seen).mean()) < before / 4
    for each, kept in zip(policy.random_network.parameters(), fixed, strict=True):
        assert torch.equal(each, kept)


def test_a_run_goes_on_with_what_it_knows_of_the_bonus(tmp_path: Path) -> None:
    model = train(SMALL, tmp_path, tensorboard=False)
    known = float(model.bonus_scale.var)  # type: ignore[attr-defined]
    again = train(SMALL, tmp_path, tensorboard=False)
    assert again.num_timesteps == model.num_timesteps
    assert float(again.bonus_scale.var) == known  # type: ignore[attr-defined]
    longer = train(replace(SMALL, total_timesteps=384), tmp_path, tensorboard=False)
    assert longer.num_timesteps == 384


def test_at_first_everything_is_new_and_nothing_is_paid_for_it(tmp_path: Path) -> None:
    model = train(replace(SMALL, total_timesteps=128 * 5), tmp_path, tensorboard=False)
    assert float(model.bonus_scale.count) < 1  # type: ignore[attr-defined]
    model = train(replace(SMALL, total_timesteps=128 * 6), tmp_path, tensorboard=False)
    assert float(model.bonus_scale.count) > 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["target_kl", "clip_range_vf"])
def test_what_it_does_not_have_is_refused(name: str, tmp_path: Path) -> None:
    settings = replace(SMALL, hyper={**SMALL.hyper, name: 0.1})
    with pytest.raises(ValueError, match=f"expected no {name}"):
        train(settings, tmp_path)


def test_the_end_of_a_training_is_collected_too(tmp_path: Path) -> None:
    paths = list(collect(SMALL, tmp_path, every=10**6, episodes=1))
    assert [path.name for path in paths] == ["shard-0000000004.npz", "shard-0000000256.npz"]
    with pytest.raises(ValueError, match="other settings"):
        next(collect(replace(SMALL, seed=9), tmp_path, every=10**6, episodes=1))


def test_advice_in_the_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"whose policy takes advice \(ppo, .*\), got ppo-rnd"):
        replace(SMALL, advice=("policy",), llm="tiny")


@pytest.mark.parametrize(
    "env_id", ["BabyAI-Text-GoToLocal-Pretraining-S20-v0", "Crafter-Text-Reward-v0"]
)
def test_collecting_goes_on_where_it_stopped(env_id: str, tmp_path: Path) -> None:
    env = {"style": "background_knowledge"}
    env |= {"max_steps": 30} if "BabyAI" in env_id else {"length": 30}  # type: ignore[dict-item]
    settings = replace(SMALL, env_id=env_id, env=env)
    stages = collect(settings, tmp_path, every=128, episodes=3)
    first = next(stages)
    kept = first.read_bytes()
    del stages  # killed
    paths = list(collect(settings, tmp_path, every=128, episodes=3))
    assert [path.name for path in paths] == [
        "shard-0000000004.npz",
        "shard-0000000128.npz",
        "shard-0000000256.npz",
    ]
    assert first.read_bytes() == kept
    data = Dataset(tmp_path)
    assert len(data) == 9
    assert len({data[i].seed for i in range(9)}) == 9
    assert all(data[i].terminated or data[i].truncated for i in range(9))
    assert all(len(data[i].actions) <= 30 for i in range(9))


def test_the_commands_collect_and_train_with_a_potential(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--num-envs", "4", "--hyper", "n_steps=32", "--hyper", "batch_size=64"]
    small += ["--hyper", "n_epochs=1"]
    arguments = ["collect", SMALL.env_id, "--algo", "ppo-rnd", "--out", str(tmp_path / "data")]
    arguments += ["--total-timesteps", "128", "--eval-freq", "128", "--episodes", "2"]
    assert main([*arguments, *small, "--set", "max_steps=20"]) == 0
    assert "4 episodes" in capsys.readouterr().out
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "code.py").write_text(
        "def potential(observation, past, actions):\n    return 1 / (actions[-1] + 1)\n"
    )  # fails before the first action
    about = {"game": "minigrid", "style": "background_knowledge", "action_names": [], "llm": "me"}
    keep_knowledge(folder, "code", about)
    arguments = ["train", "BabyAI-Text-GoToLocal-RedBall-S20-v0", "--shaping", "code"]
    arguments += ["--path", str(folder), "--out", str(tmp_path / "run"), "--set", "max_steps=20"]
    assert main([*arguments, *small, "--total-timesteps", "128"]) == 0
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["env"]["style"] == "background_knowledge"
    told = json.loads((tmp_path / "run" / "potential.json").read_text())
    assert told["faults"]["not finite"] >= 4
    plain = [each for each in arguments if each not in ("--shaping", "code")]
    assert main([*plain, *small]) == 2
    assert "expected --shaping" in capsys.readouterr().err
    assert main([*arguments, "--shaping", "magic"]) == 2
    assert "unknown shaping 'magic'" in capsys.readouterr().err
