"""The last observations and actions before the current one."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from textenvs.spaces import Utf8Text
from textenvs.wrappers import HistoryObservation, ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"


class Counter(gymnasium.Env[Any, int]):
    """Says how many steps were played."""

    def __init__(self, as_dict: bool = False, longest: int = 5) -> None:
        text = Utf8Text(longest)
        self.as_dict = as_dict
        self.observation_space: spaces.Space[Any] = (
            spaces.Dict({"text": text, "n": spaces.Discrete(99)}) if as_dict else text
        )
        self.action_space = spaces.Discrete(2)

    def _observe(self, action: str) -> tuple[Any, dict[str, Any]]:
        text = f"o{self.n}"
        return ({"text": text, "n": self.n} if self.as_dict else text), {"text_action": action}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.n = 0
        return self._observe("")

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.n += 1
        observation, info = self._observe(f"a{action}")
        return observation, 1.5, self.n == 4, False, info


def test_the_past_is_shown_oldest_first_and_at_most_length_steps_of_it() -> None:
    env = HistoryObservation(Counter(), length=2)
    assert env.reset()[0] == "Observation: o0"
    assert env.step(0)[0] == "Observation: o0\nAction: a0\nObservation: o1"
    assert env.step(1)[0] == (
        "Observation: o0\nAction: a0\nObservation: o1\nAction: a1\nObservation: o2"
    )
    assert env.step(0)[0] == (
        "Observation: o1\nAction: a1\nObservation: o2\nAction: a0\nObservation: o3"
    )


def test_reward_end_and_info_pass_through() -> None:
    env = HistoryObservation(Counter(), length=1)
    env.reset()
    assert env.step(1)[1:] == (1.5, False, False, {"text_action": "a1"})
    env.step(1)
    env.step(1)
    assert env.step(1)[1:] == (1.5, True, False, {"text_action": "a1"})


def test_reset_forgets_the_past() -> None:
    env = HistoryObservation(Counter(), length=3)
    env.reset()
    env.step(0)
    assert env.reset()[0] == "Observation: o0"
    assert env.step(1)[0] == "Observation: o0\nAction: a1\nObservation: o1"


def test_a_length_of_zero_shows_the_current_observation_alone() -> None:
    env = HistoryObservation(Counter(), length=0)
    env.reset()
    assert env.step(1)[0] == "Observation: o1"


def test_four_steps_are_the_default() -> None:
    env = HistoryObservation(gymnasium.make(LEVEL))
    observation = env.reset(seed=0)[0]
    for _ in range(6):
        observation = env.step(0)[0]
    assert observation.count("Action: turn left") == 4
    assert observation.count("Observation: ") == 5
    env.close()


def test_of_a_dict_the_text_is_extended_and_the_rest_is_left() -> None:
    env = HistoryObservation(Counter(as_dict=True), length=1)
    assert env.reset()[0] == {"text": "Observation: o0", "n": 0}
    assert env.step(0)[0] == {"text": "Observation: o0\nAction: a0\nObservation: o1", "n": 1}
    assert env.step(1)[0] == {"text": "Observation: o1\nAction: a1\nObservation: o2", "n": 2}
    assert set(env.observation_space) == {"text", "n"}


def test_the_longest_texts_lie_in_the_space() -> None:
    class Longest(Counter):
        def _observe(self, action: str) -> tuple[Any, dict[str, Any]]:
            return "x" * 5, {"text_action": "a name of an action that is rather long"}

    env = HistoryObservation(Longest(), length=3)
    assert env.reset()[0] in env.observation_space
    for _ in range(4):
        assert env.step(0)[0] in env.observation_space


def test_a_dict_of_a_game_lies_in_its_space() -> None:
    env = HistoryObservation(gymnasium.make(LEVEL, obs="dict"), length=2)
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    observation = env.step(0)[0]
    assert observation in env.observation_space
    assert isinstance(observation["image"], np.ndarray)
    env.close()


def test_actions_are_shown_as_they_were_played_not_as_they_were_said() -> None:
    env = HistoryObservation(ParseTextAction(gymnasium.make(LEVEL)), length=1)
    env.reset(seed=0)
    assert "\nAction: turn left\n" in env.step("Well... ACTION: TURN LEFT!")[0]
    assert "\nAction: go forward\n" in env.step("no idea")[0]
    env.close()


def test_it_runs_in_a_vector_environment() -> None:
    envs = gymnasium.vector.SyncVectorEnv(
        [lambda: HistoryObservation(gymnasium.make(LEVEL), length=1)] * 2
    )
    envs.reset(seed=1)
    observations, *_ = envs.step(np.array([0, 1]))
    assert "\nAction: turn left\n" in observations[0]
    assert "\nAction: turn right\n" in observations[1]
    envs.close()


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a length of 0 or more steps, got -1"):
        HistoryObservation(Counter(), length=-1)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(2),
        spaces.Dict({"text": spaces.Discrete(2)}),
        spaces.Dict({"n": spaces.Discrete(2)}),
    ],
)
def test_an_observation_without_text_is_refused(space: spaces.Space[Any]) -> None:
    env = Counter()
    env.observation_space = space
    with pytest.raises(ValueError, match="expected an observation of text, got "):
        HistoryObservation(env)
