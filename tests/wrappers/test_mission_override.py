"""Choosing the mission of a BabyAI level."""

from __future__ import annotations

from typing import Any

import gymnasium
import pytest

from textenvs.agents import BabyAIBotAgent
from textenvs.errors import InvalidMission
from textenvs.wrappers import MissionOverride

LEVEL = "BabyAI-Text-GoToLocal-v0"
RED_BALL = "go to the red ball"


def bot_plays(env: gymnasium.Env[Any, Any], seed: int) -> tuple[float, dict[str, Any]]:
    bot = BabyAIBotAgent()
    observation, info = env.reset(seed=seed)
    bot.begin(0, env, seed)
    while True:
        observation, reward, terminated, truncated, info = env.step(
            bot.act([observation], [info])[0]
        )
        if terminated or truncated:
            return float(reward), info


@pytest.mark.parametrize(
    ("level", "mission"),
    [
        ("BabyAI-Text-GoToLocal-v0", RED_BALL),
        ("BabyAI-Text-PickupLoc-v0", "pick up a key"),
        ("BabyAI-Text-PutNextLocal-v0", "put the green box next to a ball"),
        ("BabyAI-Text-UnlockLocal-v0", "open a door"),
        ("BabyAI-Text-GoToLocal-v0", "pick up a key, then go to a ball"),
        ("BabyAI-Text-GoToLocal-v0", "go to a box after you pick up a key"),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_mission_is_the_task_that_the_bot_solves(level: str, mission: str, seed: int) -> None:
    env = MissionOverride(gymnasium.make(level), mission)
    observation, info = env.reset(seed=seed)
    assert info["mission"] == mission
    assert mission in observation
    assert observation in env.observation_space
    reward, info = bot_plays(env, seed)
    assert info["mission"] == mission
    assert info["success"] is True
    assert 0 < reward <= 1
    env.close()


def test_every_episode_has_the_mission() -> None:
    env = MissionOverride(gymnasium.make(LEVEL), RED_BALL)
    assert [env.reset()[1]["mission"] for _ in range(5)] == [RED_BALL] * 5
    env.close()


def test_worlds_follow_the_seed() -> None:
    def texts(seed: int) -> list[str]:
        env = MissionOverride(gymnasium.make(LEVEL), RED_BALL)
        seen = [env.reset(seed=seed)[0], env.step(0)[0], env.reset()[0]]
        env.close()
        return seen

    assert texts(3) == texts(3)
    assert texts(3)[0] != texts(4)[0]


def test_a_world_that_hosts_the_mission_already_is_kept() -> None:
    plain = gymnasium.make(LEVEL)
    observation, info = plain.reset(seed=0)
    env = MissionOverride(gymnasium.make(LEVEL), info["mission"])
    assert env.reset(seed=0)[0] == observation
    env.close()
    plain.close()


def test_the_dict_observation_has_the_mission_too() -> None:
    env = MissionOverride(gymnasium.make(LEVEL, obs="dict"), RED_BALL)
    assert env.reset(seed=0)[0]["mission"] == RED_BALL
    assert env.step(0)[0]["mission"] == RED_BALL
    env.close()


def test_the_mission_of_the_wrapper_overrides_that_of_the_options() -> None:
    env = MissionOverride(gymnasium.make(LEVEL), RED_BALL)
    options = {"mission": "go to a box"}
    assert env.reset(seed=0, options=options)[1]["mission"] == RED_BALL
    assert options == {"mission": "go to a box"}
    env.close()


@pytest.mark.parametrize("mission", ["dance", "", "Go to the red ball", "go to the pink ball"])
def test_a_mission_that_is_not_understood_is_refused_at_reset(mission: str) -> None:
    env = MissionOverride(gymnasium.make(LEVEL), mission)
    with pytest.raises(InvalidMission, match="Understood are 'go to X', 'pick up X'"):
        env.reset(seed=0)
    env.close()


def test_a_mission_that_no_world_hosts_is_refused_at_reset() -> None:
    env = MissionOverride(gymnasium.make("BabyAI-Text-GoToRedBall-v0"), "open the blue door")
    with pytest.raises(
        InvalidMission, match="can host the mission 'open the blue door'; a mission"
    ):
        env.reset(seed=0)
    env.close()


def test_a_level_without_instructions_is_refused_at_reset() -> None:
    env = MissionOverride(gymnasium.make("MiniGrid-Text-Empty-5x5-v0"), RED_BALL)
    with pytest.raises(InvalidMission, match=r"a BabyAI level .*, got MiniGrid-Empty-5x5-v0"):
        env.reset(seed=0)
    env.close()


def test_another_game_is_refused() -> None:
    class Other(gymnasium.Env[str, int]):
        observation_space = gymnasium.spaces.Text(5)
        action_space = gymnasium.spaces.Discrete(1)

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[str, Any]:
            return "", {}

    with pytest.raises(ValueError, match="whose reset takes a mission"):
        MissionOverride(Other(), RED_BALL).reset(seed=0)
