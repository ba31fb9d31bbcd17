"""Training by Stable-Baselines3: advice in the logits, checkpoints, evaluations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.testing import assert_allclose

from textenvs.errors import NotCached, UnknownName
from textenvs.llm import Messages

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("sb3_contrib")

from textenvs.rl.advised_logits import advised_logits  # noqa: E402
from textenvs.rl.evaluating import evaluate_policy  # noqa: E402
from textenvs.rl.making import make_games, make_training_env  # noqa: E402
from textenvs.rl.sb3_vec_env import Sb3VecEnv  # noqa: E402
from textenvs.rl.settings import TrainSettings  # noqa: E402
from textenvs.rl.training import _world_seed, load_trained, train  # noqa: E402
from textenvs.rl.words import WORDS, word_ids  # noqa: E402

pytestmark = pytest.mark.models

LEVEL = "MiniGrid-Text-Empty-5x5-v0"
SMALL = TrainSettings(
    LEVEL,
    total_timesteps=256,
    num_envs=2,
    hyper={"n_steps": 32, "batch_size": 32, "n_epochs": 2},
    eval_every=128,
    eval_episodes=2,
    checkpoint_every=64,
    max_steps=20,
)


def straight_on(messages: Messages) -> str:
    """Always the same advice."""
    return "go forward"


def silence(messages: Messages) -> str:
    """No advice."""
    return "I cannot tell."


ADVISED = replace(
    SMALL, advice=("policy",), llm=f"scripted:{__name__}:straight_on", match="names", strength=2.0
)


def test_plain_advice_is_added_by_hand() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0]])
    advice = torch.tensor([[0.9, 0.2, 0.0]])
    found = advised_logits(logits, advice, strength=2.0, threshold=0.5, scaled=False)
    assert_allclose(found.numpy(), [[2.8, 2.0, 0.0]], rtol=1e-6)


def test_scaled_advice_is_as_long_as_the_logits_by_hand() -> None:
    logits = torch.tensor([[3.0, 4.0, 0.0]])  # of length 5
    advice = torch.tensor([[0.0, 0.0, 0.7]])  # whatever its length
    found = advised_logits(logits, advice, strength=0.5, threshold=0.5, scaled=True)
    assert_allclose(found.numpy(), [[3.0, 4.0, 2.5]], rtol=1e-6)
    nothing = advised_logits(logits, advice, strength=0.5, threshold=0.8, scaled=True)
    assert_allclose(nothing.numpy(), logits.numpy())


def test_the_gradient_is_that_of_the_distribution_sampled_from() -> None:
    """d log p(a) / d logits = one-hot(a) - softmax(logits + advice)."""
    logits = torch.tensor([[0.5, -0.5, 0.0]], requires_grad=True)
    advice = torch.tensor([[0.0, 1.0, 0.0]])
    moved = advised_logits(logits, advice, strength=1.5, threshold=0.0, scaled=False)
    torch.distributions.Categorical(logits=moved).log_prob(torch.tensor([1])).sum().backward()
    weights = np.exp([0.5, 1.0, 0.0])
    assert_allclose(logits.grad.numpy()[0], [0, 1, 0] - weights / weights.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        {"strength": 0.0},
        {"llm": f"scripted:{__name__}:silence"},
        {"llm": f"scripted:{__name__}:silence", "scaled": False},
    ],
)
def test_no_advice_is_plain_ppo_bit_for_bit(changed: dict[str, Any], tmp_path: Path) -> None:
    plain = train(SMALL, tmp_path / "plain", tensorboard=False)
    silent = train(replace(ADVISED, **changed), tmp_path / "silent", tensorboard=False)
    for first, second in zip(plain.policy.parameters(), silent.policy.parameters(), strict=True):
        assert torch.equal(first, second)
    episodes = [(tmp_path / name / "episodes.jsonl").read_text() for name in ("plain", "silent")]
    assert episodes[0] == episodes[1]


def test_log_probabilities_are_of_what_was_sampled_from(tmp_path: Path) -> None:
    model = train(replace(ADVISED, total_timesteps=64), tmp_path, tensorboard=False)
    env = make_training_env(ADVISED, None, 2, learning=True)
    observations = env.reset()
    tensors, _ = model.policy.obs_to_tensor(observations)
    actions, _, logprob = model.policy.forward(tensors)
    _, again, _ = model.policy.evaluate_actions(tensors, actions)
    assert_allclose(logprob.detach().numpy(), again.detach().numpy(), rtol=1e-5)
    chosen = model.policy.get_distribution(tensors).distribution.probs[:, 2]
    model.policy.anneal = 0.0
    unadvised = model.policy.get_distribution(tensors).distribution.probs[:, 2]
    assert (chosen > unadvised).all()


def test_what_is_learned_from_has_log_probabilities_as_by_hand(tmp_path: Path) -> None:
    """log p(a) = l_a + s v_a - log sum exp(l + s v): l without advice, v the advice."""
    kept = {**SMALL.hyper, "learning_rate": 0.0}  # the policy that sampled is there at the end
    settings = replace(ADVISED, scaled=False, strength=2.0, hyper=kept, total_timesteps=64)
    model = train(settings, tmp_path, tensorboard=False)
    buffer = model.rollout_buffer
    seen = {key: torch.as_tensor(each) for key, each in buffer.observations.items()}
    model.policy.anneal = 0.0
    with torch.no_grad():
        plain = model.policy.get_distribution(seen).distribution.logits.double().numpy()
    moved = plain + 2.0 * seen["advice"].numpy()
    expected = moved - np.log(np.exp(moved).sum(1, keepdims=True))
    actions = buffer.actions.reshape(-1).astype(int)
    assert len(set(actions.tolist())) > 2
    by_hand = expected[np.arange(len(actions)), actions]
    assert_allclose(buffer.log_probs.reshape(-1), by_hand, atol=1e-5)


def test_the_model_in_the_box_advises(tmp_path: Path) -> None:
    """``tiny`` knows Crafter's captions, and answers with a thought and an action."""
    pytest.importorskip("transformers")
    settings = replace(
        SMALL,
        env_id="Crafter-Text-v0",
        total_timesteps=32,
        hyper={"n_steps": 16, "batch_size": 16},
        eval_every=0,
        advice=("policy", "reward"),
        llm="tiny",
        prompt="bare",
        match="names",
        captions="names",
        beta=0.5,
    )
    model = train(settings, tmp_path)
    buffer = model.rollout_buffer
    advice = buffer.observations["advice"].reshape(32, -1)
    named = advice[advice.max(axis=1) > 0]
    assert set(named.max(axis=1)) == {1.0}, "one action, behind its thought"
    assert len(set(named.argmax(axis=1))) > 1, "not the same advice everywhere"
    assert (buffer.rewards >= 0.5).any(), "advice that is taken pays"


def test_advice_is_annealed_between_rollouts(tmp_path: Path) -> None:
    model = train(replace(ADVISED, anneal=512), tmp_path, tensorboard=False)
    last_rollout = SMALL.total_timesteps - 64
    assert model.policy.anneal == pytest.approx((1 - last_rollout / 512) ** 2)
    again = load_trained(replace(ADVISED, anneal=512), tmp_path)
    assert again.policy.anneal == model.policy.anneal


def test_a_run_is_gone_on_with(tmp_path: Path) -> None:
    train(replace(SMALL, total_timesteps=128), tmp_path, tensorboard=False)
    model = train(SMALL, tmp_path, tensorboard=False)
    assert model.num_timesteps == 256
    steps = [json.loads(line)["steps"] for line in (tmp_path / "episodes.jsonl").open()]
    assert steps == sorted(steps)
    evaluations = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").open()]
    assert [each["steps"] for each in evaluations][-1] == 256
    assert all(len(each["return"]) == 2 for each in evaluations)
    with pytest.raises(ValueError, match="strength"):
        train(replace(SMALL, strength=3.0), tmp_path, tensorboard=False)


def test_an_update_an_episode(tmp_path: Path) -> None:
    settings = replace(
        SMALL,
        algo="episode_ppo",
        num_envs=1,
        hyper={"n_steps": 20, "n_epochs": 2, "gae_lambda": 1.0, "normalize_advantage": False},
        total_timesteps=10_000,
        total_episodes=7,
        eval_every=0,
    )
    model = train(settings, tmp_path, tensorboard=False)
    episodes = [json.loads(line) for line in (tmp_path / "episodes.jsonl").open()]
    assert len(episodes) == 7
    assert model.num_timesteps == sum(each["length"] for each in episodes)
    assert model._n_updates == 6 * 2  # the seventh ended the run
    train(replace(settings, total_episodes=9), tmp_path, tensorboard=False)
    assert len((tmp_path / "episodes.jsonl").read_text().splitlines()) == 9
    with pytest.raises(ValueError, match="one game"):
        train(replace(settings, num_envs=2), tmp_path / "two", tensorboard=False)


def test_padding_is_learned_from_and_worth_nothing(tmp_path: Path) -> None:
    hyper = {"n_steps": 20, "n_epochs": 1, "gae_lambda": 1.0, "normalize_advantage": False}
    settings = replace(
        SMALL,
        algo="episode_ppo",
        num_envs=1,
        max_steps=5,
        hyper={**hyper, "padded": True},
        total_timesteps=10,
        eval_every=0,
    )
    model = train(settings, tmp_path, tensorboard=False)
    buffer = model.rollout_buffer
    assert buffer.buffer_size == len(buffer.returns) == 20
    for each in (buffer.advantages, buffer.returns, buffer.actions, buffer.log_probs):
        assert not each[5:].any()
    assert buffer.log_probs[:5].all()
    assert not buffer.observations["image"][5:].any()


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    train(SMALL, tmp_path / "whole", tensorboard=False)
    killed = tmp_path / "killed"
    train(SMALL, killed, tensorboard=False)
    (killed / "model.zip").unlink()
    with (killed / "episodes.jsonl").open("a") as file:
        file.write('{"steps": 99')  # a line that was being written
    train(SMALL, killed, tensorboard=False)
    for name in ("episodes.jsonl", "evaluations.jsonl"):
        assert (killed / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_a_run_that_goes_on_is_evaluated_once_a_step_and_sees_new_worlds(tmp_path: Path) -> None:
    train(replace(SMALL, total_timesteps=128), tmp_path, tensorboard=False)
    train(SMALL, tmp_path, tensorboard=False)
    steps = [json.loads(line)["steps"] for line in (tmp_path / "evaluations.jsonl").open()]
    assert steps == [0, 128, 256]
    assert len({_world_seed(run, at) // 1000 for run in range(50) for at in (0, 128)}) == 100


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    train(SMALL, tmp_path, tensorboard=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    train(SMALL, tmp_path, tensorboard=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_game_s_own_return_is_told(tmp_path: Path) -> None:
    """What advice pays is not counted."""
    settings = replace(
        SMALL,
        advice=("reward",),
        llm=f"scripted:{__name__}:straight_on",
        match="names",
        beta=5.0,
        reward_threshold=0.5,
    )
    model = train(settings, tmp_path, tensorboard=False)
    episodes = [json.loads(line) for line in (tmp_path / "episodes.jsonl").open()]
    assert all(0 <= each["return"] <= 1 for each in episodes)
    assert model.rollout_buffer.rewards.max() >= 5
    assert max(evaluate_policy(model, settings)["return"]) <= 1


@pytest.mark.parametrize("encoder", ["cnn", "text"])
@pytest.mark.parametrize("algo", ["ppo", "a2c"])
def test_encoders_and_algorithms(algo: str, encoder: str, tmp_path: Path) -> None:
    hyper: dict[str, Any] = {"n_steps": 16} | ({"batch_size": 32} if algo == "ppo" else {})
    settings = replace(
        ADVISED,
        algo=algo,
        encoder=encoder,
        tokens=24,
        hyper=hyper,
        total_timesteps=64,
        advice=("policy", "observation"),
    )
    assert train(settings, tmp_path, tensorboard=False).num_timesteps == 64


def test_a_recurrent_policy_listens_too(tmp_path: Path) -> None:
    settings = replace(
        ADVISED,
        algo="recurrent_ppo",
        hyper={"n_steps": 16, "batch_size": 32},
        policy={"lstm_hidden_size": 16},
        total_timesteps=64,
    )
    model = train(settings, tmp_path, tensorboard=False)
    assert len(evaluate_policy(model, settings)["return"]) == 2


@pytest.mark.parametrize("env_id", [LEVEL, "Crafter-Text-v0"])
def test_what_the_rules_forbid_is_not_played(env_id: str, tmp_path: Path) -> None:
    is_grid = env_id == LEVEL
    settings = replace(
        SMALL,
        env_id=env_id,
        algo="maskable_ppo",
        encoder="mlp" if is_grid else "text",
        tokens=0 if is_grid else 16,
        captions="effects" if is_grid else "names",
        hyper={"n_steps": 16, "batch_size": 32},
        total_timesteps=64,
        eval_every=32,
    )
    model = train(settings, tmp_path, tensorboard=False)
    masks, actions = model.rollout_buffer.action_masks, model.rollout_buffer.actions
    chosen = np.take_along_axis(masks.reshape(len(masks), -1), actions.astype(int), -1)
    assert masks.min() == 0
    assert chosen.all()


def test_q_learning_sees_advice(tmp_path: Path) -> None:
    settings = replace(
        ADVISED,
        algo="dqn",
        advice=("observation",),
        hyper={"learning_starts": 16, "buffer_size": 100},
        total_timesteps=64,
    )
    assert train(settings, tmp_path, tensorboard=False).num_timesteps >= 64
    with pytest.raises(ValueError, match="dqn"):
        replace(settings, advice=("policy",))


@pytest.mark.parametrize(
    "wrong", [{"algo": "x"}, {"encoder": "x"}, {"advice": ("x",)}, {"captions": "x"}]
)
def test_what_does_not_exist_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UnknownName, match="'x'"):
        replace(SMALL, **wrong)


def test_a_wrong_argument_is_named_and_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'n_stps'.*n_steps"):
        train(replace(SMALL, hyper={"n_stps": 3}), tmp_path / "run", tensorboard=False)
    with pytest.raises(ValueError, match="tokens"):
        train(replace(SMALL, env={"obs": "text"}), tmp_path / "run", tensorboard=False)
    for hyper in ({"n_steps": "abc"}, {"batch_size": 0}):
        (given,) = hyper
        with pytest.raises(ValueError, match=f"ppo does not take {given}="):
            train(replace(SMALL, hyper=hyper), tmp_path / "run", tensorboard=False)
    with pytest.raises(ValueError, match="does not take levell=3"):
        train(replace(SMALL, env={"levell": 3}), tmp_path / "run", tensorboard=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.nethack
def test_what_a_game_does_not_tell_is_named(tmp_path: Path) -> None:
    pytest.importorskip("nle")
    masked = replace(SMALL, env_id="NetHack-Text-Score-v0", encoder="nethack", algo="maskable_ppo")
    with pytest.raises(ValueError, match="expected a game that tells which actions are valid"):
        train(masked, tmp_path / "run", tensorboard=False)
    assert not (tmp_path / "run").exists()


def test_what_recorded_answers_lack_is_told(tmp_path: Path) -> None:
    """A run ends with a line that helps, and goes on without advice where it was ended."""
    (tmp_path / "answers.jsonl").write_text('{"prompt": "?", "answer": "go forward"}\n')
    recorded = replace(ADVISED, llm=f"recorded:{tmp_path / 'answers.jsonl'}", eval_every=0)
    with pytest.raises(NotCached, match="--missing none"):
        train(recorded, tmp_path / "run", tensorboard=False)
    told: list[float] = []
    train(
        replace(recorded, missing="none"),
        tmp_path / "run",
        tensorboard=False,
        on_progress=lambda steps, found: told.append(found["unanswered"]),
    )
    assert told
    assert set(told) == {1.0}


def test_advice_needs_a_model_and_a_reader_words() -> None:
    with pytest.raises(ValueError, match="give --advice"):
        replace(SMALL, llm="tiny")
    with pytest.raises(ValueError, match="expected an encoder that reads advice"):
        replace(ADVISED, env_id="NetHack-Text-v0", encoder="nethack", advice=("observation",))
    with pytest.raises(ValueError, match="expected a game of NetHack"):
        replace(SMALL, encoder="nethack")
    with pytest.raises(ValueError, match="--llm"):
        replace(SMALL, advice=("policy",))
    with pytest.raises(ValueError, match="tokens"):
        replace(SMALL, encoder="text")


def test_the_adapter_tells_what_gymnasium_tells() -> None:
    kwargs = {"obs": "dict", "max_episode_steps": 5}
    env = Sb3VecEnv(make_games(LEVEL, 3, kwargs), tokens=8)
    games = make_games(LEVEL, 3, kwargs)
    env.seed(7)
    first = env.reset()
    there, _ = games.reset(seed=[7, 8, 9])
    assert np.array_equal(first["image"], there["image"].reshape(3, -1))
    assert first["tokens"].shape == (3, 8)
    random = np.random.default_rng(0)
    for _ in range(12):
        actions = random.integers(0, 3, 3)
        seen, rewards, dones, infos = env.step(actions)
        there, theirs, terminated, truncated, told = games.step(actions)
        assert np.array_equal(seen["image"], there["image"].reshape(3, -1))
        assert_allclose(rewards, theirs, rtol=1e-6)
        assert np.array_equal(dones, terminated | truncated)
        for i in np.flatnonzero(dones):
            last = told["final_obs"][i]["image"].reshape(-1)
            assert np.array_equal(infos[i]["terminal_observation"]["image"], last)
            assert infos[i]["TimeLimit.truncated"] == (truncated[i] and not terminated[i])
            assert infos[i]["success"] == told["final_info"]["success"][i]
    assert env.get_attr("action_names")[0][0] == "turn left"
    env.close()


def test_methods_of_games_in_processes_are_called_there() -> None:
    games = gymnasium.make_vec(
        LEVEL,
        2,
        "async",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP, "context": "fork"},
        obs="dict",
    )
    env = Sb3VecEnv(games)
    env.seed(0)
    env.reset()
    masks = env.env_method("action_masks")
    assert [mask.tolist() for mask in masks] == [[True] * 3 + [False] * 4] * 2
    assert len(env.env_method("action_masks", indices=[1])) == 1
    env.close()


def test_another_way_to_begin_anew_is_refused() -> None:
    with pytest.raises(ValueError, match="SAME_STEP"):
        Sb3VecEnv(make_games(LEVEL, 1, {"obs": "dict"}, AutoresetMode.NEXT_STEP))
    with pytest.raises(ValueError, match="tokens"):
        Sb3VecEnv(make_games(LEVEL, 1, {"obs": "text"}))


def test_words_are_numbers() -> None:
    found = word_ids("Go to the RED ball. Go!", 8)
    assert found[0] == found[5] != found[1]
    assert (found[:6] > 0).all()
    assert found[6:].tolist() == [0, 0]
    assert found.max() < WORDS
    assert word_ids("", 3).tolist() == [0, 0, 0]
    assert len(word_ids("a b c d", 2)) == 2
