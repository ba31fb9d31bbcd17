"""Advice and goals in real games, one at a time and many at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import textenvs  # noqa: F401  # registers the ids
from textenvs import wrappers
from textenvs.errors import UnknownName
from textenvs.llm import Messages
from textenvs.rewards import parts_of
from textenvs.wrappers import vector
from textenvs.wrappers.advice_reward import AdviceRule

LEVEL = "MiniGrid-Text-DoorKey-5x5-v0"
HERE = f"scripted:{__name__}"
MODES = list(AutoresetMode)


def forward_or_left(messages: Messages) -> str:
    """Advises to go on where nothing is in the way."""
    return "go forward" if "free" in messages[-1]["content"] else "turn left"


def wishes(messages: Messages) -> str:
    """Two goals, whatever there is to see."""
    return "- turn left\n- pick up yellow key"


def make(**kwargs: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(LEVEL, obs="dict", **kwargs)


def play(env: gymnasium.Env[Any, Any], steps: int = 60, seed: int = 3) -> list[Any]:
    """Rewards, ends and infos of random actions."""
    random = np.random.default_rng(seed)
    env.reset(seed=seed)
    found = []
    for _ in range(steps):
        _, reward, terminated, truncated, info = env.step(int(random.integers(6)))
        found.append((reward, terminated or truncated, info))
        if terminated or truncated:
            env.reset()
    return found


def test_advice_is_in_the_observation_and_the_info() -> None:
    env = wrappers.AddAdviceObservation(make(), f"{HERE}:forward_or_left", match="names")
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space
    assert observation["advice"].dtype == np.float32
    assert observation["advice"].sum() == 1
    assert info["advice_answer"] in ("go forward", "turn left")
    assert np.array_equal(info["advice"], observation["advice"])
    names = env.get_wrapper_attr("action_names")
    assert names[int(observation["advice"].argmax())] == info["advice_answer"]


def test_a_text_observation_becomes_a_dict() -> None:
    env = wrappers.AddAdviceObservation(
        gymnasium.make("Crafter-Text-v0"), f"{HERE}:forward_or_left", match="names"
    )
    observation, _ = env.reset(seed=0)
    assert set(observation) == {"text", "advice"}
    assert observation in env.observation_space


@pytest.mark.parametrize(
    "wrap",
    [
        lambda env: wrappers.AddAdviceObservation(env, f"{HERE}:forward_or_left", match="names"),
        lambda env: wrappers.AdviceReward(env, f"{HERE}:forward_or_left", match="names"),
        lambda env: wrappers.GoalReward(env, f"{HERE}:wishes", threshold=1.0, captions="effects"),
        wrappers.CaptionTransition,
    ],
)
def test_a_wrapped_environment_is_made_again_from_its_spec(wrap: Callable[[Any], Any]) -> None:
    env = wrap(make())
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    first, second = env.reset(seed=5), again.reset(seed=5)
    assert data_equivalence(first, second)
    assert data_equivalence(env.step(2), again.step(2))


def test_an_advised_action_pays_once_an_episode() -> None:
    env = wrappers.AdviceReward(
        make(), f"{HERE}:forward_or_left", beta=0.5, threshold=0.5, match="names"
    )
    for _ in range(2):
        env.reset(seed=0)
        _, first, *_, info = env.step(2)
        _, second, *_ = env.step(2)
        assert (first, second) in ((0.5, 0.0), (0.0, 0.0), (0.0, 0.5))
        assert info["rewards"] == {"game": 0.0, "advice": first}


@pytest.mark.parametrize(
    ("pays", "paid"), [("once", [0, 0.9, 0]), ("first", [0, 0, 0]), ("always", [0, 0.9, 0.9])]
)
def test_how_often_a_caption_pays(pays: str, paid: list[float]) -> None:
    class Said:
        captions = ("a", "b")

    rule = AdviceRule(1, 0.5, pays)
    low, high = textenvs_advice(0.1), textenvs_advice(0.9)
    for advice, expected in zip((low, high, high), paid, strict=True):
        assert rule.reward(Said, advice, 0) == pytest.approx(expected)  # type: ignore[arg-type]
    rule.begin()
    assert rule.reward(Said, high, 0) == pytest.approx(0.9)  # type: ignore[arg-type]


def textenvs_advice(value: float) -> Any:
    from textenvs.advice import Advice

    return Advice("", np.array([value, 0], np.float32))


def test_two_advisers_pay_one_part_together() -> None:
    env = make()
    for _ in range(2):
        env = wrappers.AdviceReward(env, f"{HERE}:forward_or_left", beta=1.0, match="names")
    env.reset(seed=0)
    _, reward, *_, info = env.step(0)
    assert reward > 0
    assert info["rewards"] == {"game": 0.0, "advice": reward}


@pytest.mark.parametrize("number", [math.nan, math.inf, "x"])
def test_weights_are_numbers(number: Any) -> None:
    for wrap in (
        lambda: wrappers.AdviceReward(make(), f"{HERE}:forward_or_left", beta=number),
        lambda: wrappers.GoalReward(make(), f"{HERE}:wishes", scale=number),
    ):
        with pytest.raises(ValueError, match="expected a finite number as"):
            wrap()


def test_texts_are_read_by_a_wrapper_outside() -> None:
    for wrap in (
        wrappers.CaptionTransition,
        lambda env: wrappers.AdviceReward(env, f"{HERE}:forward_or_left", match="names"),
        lambda env: wrappers.GoalReward(env, f"{HERE}:wishes", threshold=1),
    ):
        env = wrap(wrappers.ParseTextAction(make()))
        env.reset(seed=0)
        with pytest.raises(ValueError, match="expected the number of an action, got 'go forward'"):
            env.step("go forward")
        env.close()
    with pytest.raises(ValueError, match="expected a game that names its actions"):
        wrappers.AdviceReward(gymnasium.make("CartPole-v1"), f"{HERE}:wishes")


def test_a_goal_pays_when_it_is_reached() -> None:
    env = wrappers.GoalReward(make(), f"{HERE}:wishes", threshold=1.0, captions="effects")
    _, info = env.reset(seed=0)
    assert info["goals"] == ("turn left", "pick up yellow key")
    paid = [env.step(0)[1] for _ in range(3)]
    assert paid == [1.0, 0.0, 0.0]
    *_, info = env.step(1)
    assert info["transition"] == "turn right."
    assert info["rewards"] == {"game": 0.0, "goal": 0.0}


def test_a_step_into_the_goal_is_what_was_to_be_done() -> None:
    env = wrappers.CaptionTransition(gymnasium.make("MiniGrid-Text-Empty-5x5-v0", obs="dict"))
    env.reset(seed=0)
    for action in (2, 2, 1, 2):
        env.step(action)
    *_, terminated, _, info = env.step(2)
    assert terminated
    assert info["success"]
    assert info["transition"] == "get to the green goal square."


def test_a_wall_lets_nothing_happen() -> None:
    env = wrappers.CaptionTransition(gymnasium.make("MiniGrid-Text-Empty-5x5-v0", obs="dict"))
    env.reset(seed=0)
    env.step(0)  # towards the outer wall
    *_, info = env.step(2)
    assert info["transition"] == "do nothing."


def test_crafter_says_what_was_achieved() -> None:
    env = wrappers.CaptionTransition(gymnasium.make("Crafter-Text-v0"))
    env.reset(seed=0)
    names = env.get_wrapper_attr("action_names")
    *_, info = env.step(names.index("Place Plant"))
    assert info["transition"] == "do nothing."
    assert env.step(names.index("Move North"))[-1]["transition"] in ("move north.", "turn north.")


def test_captions_of_effects_need_the_view() -> None:
    with pytest.raises(ValueError, match="image"):
        wrappers.AddAdviceObservation(
            gymnasium.make(LEVEL), f"{HERE}:wishes", match="names", captions="effects"
        )
    with pytest.raises(UnknownName):
        wrappers.AddAdviceObservation(make(), f"{HERE}:wishes", captions="x")


WRAPPERS: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = [
    (
        "advice",
        lambda env: wrappers.AdviceReward(
            env, f"{HERE}:forward_or_left", beta=1, threshold=0.5, match="names"
        ),
        lambda env: vector.AdviceReward(
            env, f"{HERE}:forward_or_left", beta=1, threshold=0.5, match="names"
        ),
    ),
    (
        "goal",
        lambda env: wrappers.GoalReward(env, f"{HERE}:wishes", threshold=1.0),
        lambda env: vector.GoalReward(env, f"{HERE}:wishes", threshold=1.0),
    ),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("part", "single", "many"), WRAPPERS, ids=lambda value: str(value)[:6])
def test_many_games_pay_what_single_ones_pay(
    part: str, single: Any, many: Any, mode: AutoresetMode
) -> None:
    """Episode by episode the same rewards, and nothing across the border of two episodes."""
    count, limits, steps = 3, (7, 5, 11), 60  # never all over at once for long
    makers = [lambda n=n: make(max_episode_steps=n) for n in limits]  # type: ignore[misc]
    batch = many(SyncVectorEnv(makers, autoreset_mode=mode))
    batch.reset(seed=[10, 20, 30])
    alone = [single(make(max_episode_steps=limit)) for limit in limits]
    for env, seed in zip(alone, (10, 20, 30), strict=True):
        env.reset(seed=seed)
    random = np.random.default_rng(0)
    over = np.zeros(count, np.bool_)
    for _ in range(steps):
        if mode == AutoresetMode.DISABLED and over.any():
            batch.reset(options={"reset_mask": over})
            for i in np.flatnonzero(over):
                alone[i].reset()
            over[:] = False
        actions = random.integers(0, 6, count)
        _, rewards, terminated, truncated, infos = batch.step(actions)
        for i, env in enumerate(alone):
            if over[i]:  # the step that only begins anew
                assert mode == AutoresetMode.NEXT_STEP
                env.reset()
                assert rewards[i] == infos["rewards"][part][i] == 0
                continue
            _, reward, one_terminated, one_truncated, info = env.step(int(actions[i]))
            assert rewards[i] == pytest.approx(reward)
            assert infos["rewards"][part][i] == info["rewards"][part]
            assert (terminated[i], truncated[i]) == (one_terminated, one_truncated)
            if mode == AutoresetMode.SAME_STEP and (one_terminated or one_truncated):
                env.reset()
        ended = terminated | truncated
        over = np.zeros_like(over) if mode == AutoresetMode.SAME_STEP else ended & ~over


@pytest.mark.parametrize("mode", MODES)
def test_many_games_are_advised_in_one_batch(mode: AutoresetMode) -> None:
    env = vector.AddAdviceObservation(
        SyncVectorEnv([lambda: make(max_episode_steps=5)] * 4, autoreset_mode=mode),
        f"{HERE}:forward_or_left",
        match="names",
    )
    observations, infos = env.reset(seed=1)
    assert observations["advice"].shape == (4, 7)
    assert observations in env.observation_space
    single = wrappers.AddAdviceObservation(make(), f"{HERE}:forward_or_left", match="names")
    first, _ = single.reset(seed=1)
    assert np.array_equal(observations["advice"][0], first["advice"])
    for _ in range(5):
        observations, _, _, truncated, infos = env.step(np.zeros(4, int))
    assert truncated.all()
    if mode == AutoresetMode.SAME_STEP:
        assert observations["advice"].sum(1).tolist() == [1] * 4
        assert all(final["advice"].sum() == 1 for final in infos["final_obs"])
    else:
        assert not observations["advice"].any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("copy", [True, False], ids=["copied", "in place"])
def test_transitions_of_many_games_are_those_of_single_ones(
    copy: bool, mode: AutoresetMode
) -> None:
    """In place, a step writes over the observations of the last one."""
    games = SyncVectorEnv([make] * 2, copy=copy, autoreset_mode=mode)
    many = vector.CaptionTransition(games)
    one = wrappers.CaptionTransition(make())
    many.reset(seed=[4, 5])
    one.reset(seed=4)
    for action in (0, 2, 3, 5, 1, 2, 2, 1, 2, 2, 1, 2, 3, 0, 2, 4, 2, 0, 2, 2):
        said = many.step(np.array([action, 0]))[-1]["transition"]
        assert said[0] == one.step(action)[-1]["transition"]
        assert said[1] == "turn left."


def test_parts_of_games_that_ended_are_those_of_their_last_step() -> None:
    """Of wrappers around single games, which begin anew in the same step, and one around all."""
    makers = [
        lambda n=n: wrappers.AdviceReward(  # type: ignore[misc]
            make(max_episode_steps=n), f"{HERE}:forward_or_left", beta=1, match="names"
        )
        for n in (3, 4)
    ]
    games = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    many = vector.GoalReward(games, f"{HERE}:wishes", threshold=1.0)
    many.reset(seed=[10, 20])
    ended = 0
    for _ in range(12):
        _, rewards, _, truncated, infos = many.step(np.array([0, 0]))
        parts = parts_of(infos, 2)
        assert set(parts) == {"game", "advice", "goal"}
        assert sum(parts.values()) == pytest.approx(rewards)
        ended += int(truncated.sum())
    assert ended == 7
