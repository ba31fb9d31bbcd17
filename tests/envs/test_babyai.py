"""BabyAI and MiniGrid: Minigrid's own worlds, in words."""

import gymnasium
import numpy as np
import pytest

from textenvs.captioners import babyai
from textenvs.envs.babyai.env import MiniGridTextEnv
from textenvs.errors import InvalidMission, UnknownName

LEVELS = ["BabyAI-GoToLocal-v0", "BabyAI-BossLevel-v0", "MiniGrid-DoorKey-6x6-v0"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_played_as_minigrid_plays_it(level: str) -> None:
    import minigrid  # noqa: F401

    ours = gymnasium.make(level.replace("-", "-Text-", 1), obs="dict")
    theirs = gymnasium.make(level)
    a, _ = ours.reset(seed=5)
    b, _ = theirs.reset(seed=5)
    for action in np.random.default_rng(0).integers(7, size=300):
        assert np.array_equal(a["image"], b["image"])
        assert (a["mission"], a["direction"]) == (b["mission"], b["direction"])
        a, *got, _ = ours.step(action)
        b, *want, _ = theirs.step(action)
        assert got == want
        if got[1] or got[2]:
            (a, _), (b, _) = ours.reset(), theirs.reset()


@pytest.mark.parametrize("style", babyai.STYLES)
def test_every_style_is_an_observation(style: str) -> None:
    env = gymnasium.make("BabyAI-Text-GoToObj-v0", style=style)
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space
    assert info["mission"]


def test_parts_of_published_styles_are_in_info() -> None:
    _, info = MiniGridTextEnv("BabyAI-GoToObj-v0", style="glam").reset(seed=0)
    assert all(fact.startswith("You ") for fact in info["descriptions"])
    observation, info = MiniGridTextEnv("BabyAI-GoToObj-v0", style="balrog").reset(seed=0)
    assert info["long_term_context"] == observation


@pytest.mark.parametrize("level", ["BabyAI-GoToObjDoor-v0", "BabyAI-UnlockToUnlock-v0"])
def test_rejected_worlds_are_not_announced(level: str, capfd: pytest.CaptureFixture[str]) -> None:
    env = MiniGridTextEnv(level)
    for seed in range(10):
        env.reset(seed=seed)
    assert capfd.readouterr().out == ""


def test_success_is_in_info() -> None:
    env = MiniGridTextEnv("BabyAI-GoToObj-v0")
    env.reset(seed=0)
    outcomes = []
    for action in np.random.default_rng(3).integers(3, size=2000):
        _, reward, terminated, truncated, info = env.step(action)
        assert info["success"] == (reward > 0)
        if terminated or truncated:
            outcomes.append(info["success"])
            env.reset()
    assert True in outcomes
    assert False in outcomes


def test_arguments_of_a_level_pass_through() -> None:
    env = gymnasium.make("BabyAI-Text-GoToLocal-v0", max_steps=3, num_dists=2)
    env.reset(seed=0)
    assert [env.step(6)[3] for _ in range(3)] == [False, False, True]


def test_dynamic_obstacles_have_three_actions() -> None:
    env = MiniGridTextEnv("MiniGrid-Dynamic-Obstacles-5x5-v0")
    assert env.action_names == ("turn left", "turn right", "go forward")
    assert env.action_space.n == 3


def test_ansi_shows_the_whole_grid() -> None:
    env = MiniGridTextEnv("MiniGrid-Empty-5x5-v0", render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == (
        "## ## ## ## ##\n## >  .  .  ##\n## .  .  .  ##\n## .  .  Gg ##\n## ## ## ## ##"
    )


def test_a_mission_can_be_chosen_at_reset() -> None:
    env = MiniGridTextEnv("BabyAI-GoToLocal-v0")
    observation, info = env.reset(seed=2, options={"mission": "pick up the grey key"})
    assert info["mission"] == "pick up the grey key"
    assert observation.startswith("Goal: pick up the grey key.\n")
    again, _ = env.reset(seed=2, options={"mission": "pick up the grey key"})
    assert again == observation


def test_a_mission_that_cannot_be_is_refused() -> None:
    env = MiniGridTextEnv("BabyAI-GoToRedBall-v0", num_dists=0)
    with pytest.raises(InvalidMission, match="can host the mission 'open the blue door'"):
        env.reset(seed=0, options={"mission": "open the blue door"})
    with pytest.raises(ValueError, match="fetch"):
        env.reset(seed=0, options={"mission": "fetch me a beer"})
    with pytest.raises(InvalidMission, match="expected a BabyAI level"):
        MiniGridTextEnv("MiniGrid-Empty-5x5-v0").reset(options={"mission": "go to the red ball"})


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown level 'BabyAI-Nowhere-v0'"):
        MiniGridTextEnv("BabyAI-Nowhere-v0")
