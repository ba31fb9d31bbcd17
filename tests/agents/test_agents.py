"""The agents."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import pytest

import textenvs
from textenvs.agents import AGENTS, Agent, BabyAIBotAgent, RandomAgent, get_agent
from textenvs.errors import UnknownName
from textenvs.loop import rollout
from textenvs.wrappers import HistoryObservation, MissionOverride, ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"
BABYAI = [spec.id for spec in textenvs.env_specs("BabyAI")]


def infos(*episodes: int) -> list[dict[str, Any]]:
    return [{"episode_index": episode} for episode in episodes]


def bot_plays(env: gymnasium.Env[Any, Any], seed: int) -> tuple[bool, int]:
    """Plays an episode; returns whether it succeeded, and its length."""
    bot = BabyAIBotAgent()
    observation, info = env.reset(seed=seed)
    bot.begin(0, env, seed)
    length = 0
    while True:
        action = bot.act([observation], [info])[0]
        assert action in env.action_space
        observation, _, terminated, truncated, info = env.step(action)
        length += 1
        if terminated or truncated:
            return info["success"], length


def minigrids_bot_plays(env: gymnasium.Env[Any, Any]) -> tuple[bool, int]:
    """The same with Minigrid's own bot, in an episode that has just begun."""
    from minigrid.utils.baby_ai_bot import BabyAIBot

    bot = BabyAIBot(env.unwrapped.game)  # type: ignore[attr-defined]
    action, length = None, 0
    while True:
        action = int(bot.replan(action))
        *_, terminated, truncated, info = env.step(action)
        length += 1
        if terminated or truncated:
            return info["success"], length


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises in the middle of an endless loop."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"expected an end within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# By name


def test_agents_are_made_by_name_and_named_alike() -> None:
    assert sorted(AGENTS) == ["bot", "expert", "random"]
    for name in AGENTS:
        agent = get_agent(name, seed=3)
        assert isinstance(agent, Agent)
        assert agent.name == name


def test_an_unknown_agent_is_refused() -> None:
    with pytest.raises(
        UnknownName, match="unknown agent 'clever': expected one of 'random', 'bot'"
    ):
        get_agent("clever")


# RandomAgent


def begun(agent: RandomAgent, seeds: dict[int, int]) -> RandomAgent:
    env = gymnasium.make(LEVEL)
    for episode, seed in seeds.items():
        agent.begin(episode, env, seed)
    return agent


def draws(agent: RandomAgent, episode: int, n: int = 30) -> list[int]:
    return [agent.act(["x"], infos(episode))[0] for _ in range(n)]


def test_random_actions_are_spread_over_all_actions() -> None:
    chosen = draws(begun(RandomAgent(), {0: 1}), 0, 7_000)
    counts = [chosen.count(action) for action in range(7)]
    assert sum(counts) == 7_000
    assert min(counts) > 850
    assert max(counts) < 1_150


def test_what_is_random_in_an_episode_does_not_depend_on_the_batch() -> None:
    alone = {n: draws(begun(RandomAgent(), {n: 10 + n}), n) for n in range(3)}
    agent = begun(RandomAgent(), {n: 10 + n for n in range(3)})
    together: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for turn in range(30):
        order = [(turn + n) % 3 for n in range(3)]
        for n, action in zip(order, agent.act(["x"] * 3, infos(*order)), strict=True):
            together[n].append(action)
    assert together == alone


def test_an_episode_that_ends_leaves_the_others_as_they_were() -> None:
    agent = begun(RandomAgent(), {0: 5, 1: 6})
    first = draws(agent, 1, 10)
    draws(agent, 0, 3)
    agent.end(0)
    assert first + draws(agent, 1, 20) == draws(begun(RandomAgent(), {1: 6}), 1)


def test_random_actions_follow_the_agents_and_the_episodes_seed() -> None:
    assert draws(begun(RandomAgent(1), {0: 5}), 0) == draws(begun(RandomAgent(1), {9: 5}), 9)
    assert draws(begun(RandomAgent(1), {0: 5}), 0) != draws(begun(RandomAgent(2), {0: 5}), 0)
    assert draws(begun(RandomAgent(1), {0: 5}), 0) != draws(begun(RandomAgent(1), {0: 6}), 0)


def test_replaying_brings_the_generator_to_where_it_was() -> None:
    agent = begun(RandomAgent(), {0: 5})
    for _ in range(10):
        agent.replay(["x"], infos(0), [0])
    assert draws(agent, 0, 20) == draws(begun(RandomAgent(), {0: 5}), 0)[10:]


def test_an_empty_batch_has_no_actions() -> None:
    assert RandomAgent().act([], []) == []


def test_an_episode_that_did_not_begin_is_an_error() -> None:
    agent = begun(RandomAgent(), {0: 5})
    agent.end(0)
    with pytest.raises(KeyError):
        agent.act(["x"], infos(0))


def test_a_random_agent_speaks_where_strings_are_taken() -> None:
    env = ParseTextAction(gymnasium.make(LEVEL))
    agent = RandomAgent()
    agent.begin(0, env, 0)
    chosen = {agent.act(["x"], infos(0))[0] for _ in range(200)}
    assert chosen == set(env.unwrapped.action_names)  # type: ignore[attr-defined]


def test_a_random_agent_speaks_with_names_that_were_given() -> None:
    names = ["l", "r", "f", "p", "d", "t", "end"]
    env = ParseTextAction(gymnasium.make(LEVEL), action_names=names)
    agent = RandomAgent()
    agent.begin(0, env, 0)
    assert {agent.act(["x"], infos(0))[0] for _ in range(200)} == set(names)


def test_a_random_agent_counts_from_where_the_space_does() -> None:
    env = gymnasium.make(LEVEL)
    env.action_space = gymnasium.spaces.Discrete(2, start=3)
    agent = RandomAgent()
    agent.begin(0, env, 0)
    assert {agent.act(["x"], infos(0))[0] for _ in range(50)} == {3, 4}


def test_a_space_without_names_is_refused() -> None:
    class Continuous(gymnasium.Env[Any, Any]):
        action_space = gymnasium.spaces.Box(0, 1)

    with pytest.raises(
        ValueError, match="expected a Discrete action space or action_names, got Bo"
    ):
        RandomAgent().begin(0, Continuous(), 0)


# BabyAIBotAgent


@pytest.mark.parametrize("level", ["GoToLocal", "PickupLoc", "PutNextLocal", "UnlockLocal"])
def test_the_bot_solves_a_level(level: str) -> None:
    env = gymnasium.make(f"BabyAI-Text-{level}-v0")
    results = [bot_plays(env, seed) for seed in range(10)]
    assert [success for success, _ in results] == [True] * 10
    assert max(length for _, length in results) <= 30
    env.close()


@pytest.mark.parametrize(
    ("level", "seed"), [("GoToLocal", 0), ("Synth", 1), ("UnlockToUnlock", 0), ("GoToImpUnlock", 2)]
)
def test_the_bot_plays_as_minigrids_does(level: str, seed: int) -> None:
    env = gymnasium.make(f"BabyAI-Text-{level}-v0")
    env.reset(seed=seed)
    expected = minigrids_bot_plays(env)
    assert expected[0] is True
    assert bot_plays(env, seed) == expected
    env.close()


def test_the_bot_follows_several_episodes_at_once() -> None:
    one = rollout(LEVEL, BabyAIBotAgent(), episodes=6)
    assert rollout(LEVEL, BabyAIBotAgent(), episodes=6, num_envs=4) == one
    assert [episode.success for episode in one] == [True] * 6


def test_the_bot_speaks_where_strings_are_taken() -> None:
    plain = gymnasium.make(LEVEL)
    words = HistoryObservation(ParseTextAction(gymnasium.make(LEVEL), on_invalid="raise"), 2)
    for seed in range(3):
        assert bot_plays(words, seed) == bot_plays(plain, seed)
    plain.close()
    words.close()


def test_the_bot_speaks_with_names_that_were_given() -> None:
    names = ["l", "r", "f", "p", "d", "t", "end"]
    env = ParseTextAction(gymnasium.make(LEVEL), on_invalid="raise", action_names=names)
    success, _ = bot_plays(env, 0)
    assert success
    env.close()


def test_the_bot_takes_missions_that_were_chosen() -> None:
    env = MissionOverride(gymnasium.make(LEVEL), "go to the red ball")
    assert [bot_plays(env, seed)[0] for seed in range(3)] == [True] * 3
    env.close()


def test_the_bot_is_reproducible() -> None:
    results = []
    for _ in range(2):
        env = gymnasium.make("BabyAI-Text-KeyInBox-v0", max_episode_steps=60)
        results.append([bot_plays(env, seed) for seed in range(3)])
        env.close()
    assert results[0] == results[1]


# Where Minigrid's own bot never returns from `replan`: see test_minigrids_own_bot_loops below.
LOOPS = [
    ("BabyAI-Text-UnlockToUnlock-v0", 4),
    ("BabyAI-Text-UnlockToUnlock-v0", 7),
    ("BabyAI-Text-UnlockToUnlock-v0", 9),
    ("BabyAI-Text-GoToImpUnlock-v0", 6),
]


def test_minigrids_own_bot_loops_there() -> None:
    level, seed = LOOPS[0]
    env = gymnasium.make(level)
    env.reset(seed=seed)
    with pytest.raises(TimeoutError), at_most(1):
        minigrids_bot_plays(env)
    env.close()


@pytest.mark.parametrize(("level", "seed"), LOOPS)
def test_the_bot_does_not_loop_for_ever(level: str, seed: int) -> None:
    limit = 60 if "UnlockToUnlock" in level else 180
    env = gymnasium.make(level, max_episode_steps=limit)
    with at_most(20):
        _, length = bot_plays(env, seed)
    assert 0 < length <= limit
    env.close()


@pytest.mark.parametrize(
    "level", ["KeyInBox", "PutNextS5N2Carrying", "OpenDoorsOrderN2Debug", "UnlockToUnlock"]
)
def test_the_bot_plays_on_where_a_level_is_beyond_it(level: str) -> None:
    env = gymnasium.make(f"BabyAI-Text-{level}-v0", max_episode_steps=100)
    with at_most(30):
        for seed in range(3):
            assert bot_plays(env, seed)[1] <= 100
    env.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")
@pytest.mark.parametrize("level", BABYAI)
def test_the_bot_plays_every_level_to_an_end(level: str) -> None:
    env = gymnasium.make(level, max_episode_steps=200)
    with at_most(120):
        for seed in range(10):
            assert 0 < bot_plays(env, seed)[1] <= 200
    env.close()


@pytest.mark.parametrize("env_id", ["MiniGrid-Text-Empty-5x5-v0", "MiniGrid-Text-DoorKey-5x5-v0"])
def test_the_bot_refuses_levels_without_instructions(env_id: str) -> None:
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    with pytest.raises(UnknownName, match=f"BabyAI levels only: .*, got '{env_id}'"):
        BabyAIBotAgent().begin(0, env, 0)
    env.close()


def test_the_bot_refuses_other_environments() -> None:
    class Other(gymnasium.Env[Any, Any]):
        action_space = gymnasium.spaces.Discrete(2)

    with pytest.raises(UnknownName, match="agent 'bot' plays BabyAI levels only"):
        BabyAIBotAgent().begin(0, Other(), 0)


@pytest.mark.nethack
def test_the_bot_refuses_nethack() -> None:
    env = gymnasium.make("NetHack-Text-Score-v0")
    with pytest.raises(UnknownName, match="got 'NetHack-Text-Score-v0'"):
        BabyAIBotAgent().begin(0, env, 0)
    env.close()


def test_the_bot_refuses_crafter() -> None:
    env = gymnasium.make("Crafter-Text-v0")
    with pytest.raises(UnknownName, match="got 'Crafter-Text-v0'"):
        BabyAIBotAgent().begin(0, env, 0)
    env.close()
