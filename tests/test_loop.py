"""The one loop of agent and environment."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import textenvs
from textenvs.agents import Agent, BabyAIBotAgent, RandomAgent
from textenvs.errors import TraceError
from textenvs.loop import Episode, Event, episode_seed, rollout
from textenvs.traces import read_trace
from textenvs.wrappers import HistoryObservation, ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"


def limited(limit: int = 12, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(LEVEL, max_episode_steps=limit, **kwargs)


def without_path(episodes: list[Episode]) -> list[Episode]:
    return [dataclasses.replace(episode, path=None) for episode in episodes]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class Watching(Agent):
    """Always turns left, and remembers how it was called."""

    name = "watching"

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.ended: list[int] = []
        self.batches: list[list[int]] = []

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        self.begun.append((episode, seed))

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        assert len(observations) == len(infos)
        self.batches.append([info["episode_index"] for info in infos])
        return [0] * len(infos)

    def end(self, episode: int) -> None:
        self.ended.append(episode)


# Episodes


@pytest.mark.parametrize("episodes", [1, 2, 5, 7])
@pytest.mark.parametrize("num_envs", [1, 2, 3, 10])
def test_exactly_as_many_episodes_are_played_as_asked_for(episodes: int, num_envs: int) -> None:
    agent = Watching()
    played = rollout(lambda: limited(3), agent, episodes=episodes, num_envs=num_envs)
    numbers = list(range(episodes))
    assert [episode.episode for episode in played] == numbers
    assert [episode.length for episode in played] == [3] * episodes
    assert agent.begun == [(n, episode_seed(0, LEVEL, n)) for n in numbers]
    assert sorted(agent.ended) == numbers
    assert max(map(len, agent.batches)) == min(num_envs, episodes)
    assert sum(map(len, agent.batches)) == 3 * episodes


def test_an_episode_says_how_it_went() -> None:
    (episode,) = rollout(lambda: limited(3), Watching(), episodes=1, seed=5)
    assert episode == Episode(
        env_id=LEVEL,
        episode=0,
        seed=episode_seed(5, LEVEL, 0),
        episode_return=0.0,
        length=3,
        terminated=False,
        truncated=True,
        success=False,
        progress=None,
        achievements=None,
        path=None,
    )


def test_an_expert_succeeds() -> None:
    played = rollout(LEVEL, BabyAIBotAgent(), episodes=4)
    assert [(episode.success, episode.terminated) for episode in played] == [(True, True)] * 4
    assert all(0 < episode.episode_return <= 1 for episode in played)


@pytest.mark.parametrize("agent", [RandomAgent, BabyAIBotAgent])
@pytest.mark.parametrize("num_envs", [2, 3, 8])
def test_results_do_not_depend_on_how_many_run_at_once(
    agent: type[Agent], num_envs: int, tmp_path: Path
) -> None:
    one = rollout(limited, agent(), episodes=6, directory=tmp_path / "one")
    many = rollout(limited, agent(), episodes=6, num_envs=num_envs, directory=tmp_path / "many")
    assert without_path(one) == without_path(many)
    assert files(tmp_path / "one") == files(tmp_path / "many")


def test_results_do_not_depend_on_what_else_is_played() -> None:
    five = rollout(limited, RandomAgent(), episodes=5)
    assert rollout(limited, RandomAgent(), episodes=2) == five[:2]
    assert rollout(limited, RandomAgent(), episodes=5, seed=1) != five


def test_an_environment_may_be_an_id_a_spec_or_a_function() -> None:
    by_id = rollout(LEVEL, RandomAgent(), episodes=2)
    assert rollout(gymnasium.spec(LEVEL), RandomAgent(), episodes=2) == by_id
    assert rollout(lambda: gymnasium.make(LEVEL), RandomAgent(), episodes=2) == by_id


def test_wrapped_environments_are_played_in_words(tmp_path: Path) -> None:
    (episode,) = rollout(
        lambda: HistoryObservation(ParseTextAction(limited(4)), 1),
        RandomAgent(),
        episodes=1,
        directory=tmp_path,
    )
    assert episode.path == tmp_path / "episode-00000.jsonl"
    trace = read_trace(episode.path)
    assert [step["action"] for step in trace.steps] == [step["text_action"] for step in trace.steps]
    assert trace.steps[1]["observation"].count("Observation: ") == 2


def test_every_step_is_announced() -> None:
    events: list[Event] = []
    (episode,) = rollout(lambda: limited(3), Watching(), episodes=1, on_step=events.append)
    assert [(event.episode, event.t, event.action, event.reward) for event in events] == [
        (0, 0, 0, 0.0),
        (0, 1, 0, 0.0),
        (0, 2, 0, 0.0),
    ]
    assert [event.over for event in events] == [False, False, True]
    assert [event.info["text_action"] for event in events] == ["turn left"] * 3
    env = limited(3)
    assert events[0].observation == env.reset(seed=episode.seed)[0]
    assert events[1].observation == env.step(0)[0]


def test_environments_are_closed_whatever_happens() -> None:
    closed = []

    class Closing(gymnasium.Wrapper[Any, Any, Any, Any]):
        def close(self) -> None:
            closed.append(True)
            super().close()

    rollout(lambda: Closing(limited(2)), Watching(), episodes=5, num_envs=3)
    assert len(closed) == 3
    with pytest.raises(ValueError, match="seed"):
        rollout(lambda: Closing(limited(2)), Watching(), episodes=1, seed=-1)
    assert len(closed) == 4


# Seeds


def test_no_two_of_10000_episodes_share_a_seed() -> None:
    ids = [spec.id for spec in textenvs.env_specs()][:20]
    seeds = {
        episode_seed(seed, env_id, episode)
        for seed in range(10)
        for env_id in ids
        for episode in range(50)
    }
    assert len(ids) == 20
    assert len(seeds) == 10_000


def test_seeds_are_fixed_for_ever() -> None:
    assert [
        episode_seed(0, LEVEL, 0),
        episode_seed(0, LEVEL, 1),
        episode_seed(1, LEVEL, 0),
        episode_seed(0, "Crafter-Text-v0", 0),
    ] == [7668117368377492, 1797670035331427, 1269274889176188, 8136281498674056]


def test_seeds_are_exact_in_every_reader_of_json() -> None:
    seeds = [episode_seed(2**70, LEVEL, n) for n in range(100)]
    assert all(type(seed) is int and 0 <= seed < 2**53 for seed in seeds)
    assert max(seeds) > 2**52


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="a seed of 0 or more, got -1"):
        episode_seed(-1, LEVEL, 0)
    with pytest.raises(ValueError, match="a seed of 0 or more, got -1"):
        rollout(LEVEL, Watching(), episodes=1, seed=-1)


# What a caller gets wrong


@pytest.mark.parametrize(("episodes", "num_envs"), [(0, 1), (-1, 1), (1, 0)])
def test_at_least_one_episode_and_environment_is_needed(episodes: int, num_envs: int) -> None:
    with pytest.raises(ValueError, match=f"of 1 or more, got {episodes} and {num_envs}"):
        rollout(LEVEL, Watching(), episodes=episodes, num_envs=num_envs)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_agent_that_returns_the_wrong_number_of_actions_is_named(count: int) -> None:
    class Miscounting(Watching):
        name = "miscounting"

        def act(self, observations: Any, infos: Any) -> Sequence[Any]:
            return [0] * count

    with pytest.raises(ValueError, match=f"2 actions of agent 'miscounting', got {count}"):
        rollout(limited, Miscounting(), episodes=2, num_envs=2)


def test_an_agent_that_fails_leaves_a_trace_that_can_be_resumed(tmp_path: Path) -> None:
    class Failing(RandomAgent):
        calls = 0

        def act(self, observations: Any, infos: Any) -> list[Any]:
            self.calls += 1
            if self.calls == 20:
                raise RuntimeError("no answer")
            return super().act(observations, infos)

    with pytest.raises(RuntimeError, match="no answer"):
        rollout(limited, Failing(), episodes=4, directory=tmp_path / "failed")
    resumed = rollout(limited, RandomAgent(), episodes=4, directory=tmp_path / "failed")
    straight = rollout(limited, RandomAgent(), episodes=4, directory=tmp_path / "straight")
    assert without_path(resumed) == without_path(straight)
    assert files(tmp_path / "failed") == files(tmp_path / "straight")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        rollout(limited, Watching(), episodes=1, directory=tmp_path / "file")


# Resuming

SCRIPT = textwrap.dedent(
    """
    import os, signal, sys
    import gymnasium, textenvs.traces
    from textenvs.agents import get_agent
    from textenvs.loop import rollout

    folder, agent, num_envs, kill_at, how = sys.argv[1:]
    lines = 0

    class Dying:
        def __init__(self, file): self.file = file
        def flush(self): self.file.flush()
        def close(self): self.file.close()
        def write(self, line):
            global lines
            lines += 1
            if lines == int(kill_at):
                if how != "before":
                    self.file.write(line[: len(line) // 2] if how == "within" else line)
                    self.file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            self.file.write(line)

    init = textenvs.traces.TraceWriter.__init__
    def dying_init(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self._file = Dying(self._file)
    textenvs.traces.TraceWriter.__init__ = dying_init

    rollout(
        lambda: gymnasium.make("BabyAI-Text-GoToLocal-v0", max_episode_steps=12),
        get_agent(agent), episodes=4, seed=3, num_envs=int(num_envs), directory=folder,
    )
    """
)


def run_script(folder: Path, agent: str, num_envs: int, kill_at: int, how: str) -> int:
    arguments = [str(folder), agent, str(num_envs), str(kill_at), how]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], check=False, capture_output=True
    ).returncode


@pytest.mark.parametrize(
    ("agent", "num_envs", "kill_at", "how"),
    [
        ("random", 1, 20, "before"),
        ("random", 1, 20, "within"),
        ("random", 1, 20, "behind"),
        ("random", 3, 20, "within"),
        ("random", 1, 1, "within"),
        ("random", 1, 13, "before"),  # the first episode's end
        ("random", 1, 13, "within"),
        ("bot", 2, 6, "within"),
    ],
)
def test_a_run_that_was_killed_is_resumed_by_the_same_command(
    tmp_path: Path, agent: str, num_envs: int, kill_at: int, how: str
) -> None:
    assert run_script(tmp_path / "killed", agent, num_envs, kill_at, how) == -signal.SIGKILL
    assert run_script(tmp_path / "killed", agent, num_envs, 0, how) == 0
    agents = {"random": RandomAgent, "bot": BabyAIBotAgent}
    rollout(limited, agents[agent](), episodes=4, seed=3, directory=tmp_path / "straight")
    assert files(tmp_path / "killed") == files(tmp_path / "straight")


def test_what_was_played_before_a_kill_is_not_played_for_the_agent_again(tmp_path: Path) -> None:
    rollout(lambda: limited(5), Watching(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    events: list[Event] = []

    class Replaying(Watching):
        def replay(self, observations: Any, infos: Any, steps: Sequence[Any]) -> None:
            self.batches.append([-step["action"] for step in steps])

    agent = Replaying()
    (episode,) = rollout(
        lambda: limited(5), agent, episodes=1, directory=tmp_path, on_step=events.append
    )
    assert episode.length == 5
    assert agent.batches == [[0]] * 5  # two replayed, three chosen
    assert [event.t for event in events] == [2, 3, 4]


def test_complete_episodes_are_read_not_played(tmp_path: Path) -> None:
    before = rollout(limited, RandomAgent(), episodes=3, directory=tmp_path)
    agent = RandomAgent()
    agent.act = None  # type: ignore[assignment, method-assign]
    assert rollout(limited, agent, episodes=3, directory=tmp_path) == before


def test_a_run_can_be_made_longer(tmp_path: Path) -> None:
    rollout(limited, RandomAgent(), episodes=2, directory=tmp_path / "longer")
    longer = rollout(limited, RandomAgent(), episodes=4, directory=tmp_path / "longer")
    straight = rollout(limited, RandomAgent(), episodes=4, directory=tmp_path / "straight")
    assert without_path(longer) == without_path(straight)
    assert files(tmp_path / "longer") == files(tmp_path / "straight")


def test_a_run_with_settings_of_any_plain_kind_is_resumed(tmp_path: Path) -> None:
    settings = {"temperature": 0.7, "stop": ("a", "b"), "nested": {"k": [1, None]}}
    for _ in range(2):
        (episode,) = rollout(
            limited, RandomAgent(), episodes=1, directory=tmp_path, model="m", settings=settings
        )
    assert episode.path is not None
    first = read_trace(episode.path).header
    assert first["settings"] == {"temperature": 0.7, "stop": ["a", "b"], "nested": {"k": [1, None]}}
    assert first["model"] == "m"


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"seed": 1}, "seed"),
        ({"model": "m"}, "model"),
        ({"settings": {"k": 1}}, "settings"),
        ({"agent": BabyAIBotAgent()}, "agent"),
        ({"env": lambda: limited(12, style="glam")}, "env_spec"),
        ({"env": lambda: limited(13)}, "env_spec"),
    ],
)
def test_a_folder_of_another_run_is_an_error_and_is_left_alone(
    tmp_path: Path, other: dict[str, Any], key: str
) -> None:
    mine = {"env": limited, "agent": RandomAgent(), "episodes": 2, "directory": tmp_path}
    rollout(**mine)
    before = files(tmp_path)
    with pytest.raises(TraceError, match=f"is of another run: expected {key}.* choose another"):
        rollout(**{**mine, **other})
    assert files(tmp_path) == before


def test_another_run_behind_the_first_episode_is_found_before_anything_is_played(
    tmp_path: Path,
) -> None:
    rollout(limited, RandomAgent(), episodes=3, directory=tmp_path)
    (tmp_path / "episode-00000.jsonl").unlink()
    (tmp_path / "episode-00001.jsonl").unlink()
    before = files(tmp_path)
    with pytest.raises(TraceError, match=r"episode-00002\.jsonl is of another run"):
        rollout(limited, RandomAgent(), episodes=3, seed=1, directory=tmp_path)
    assert files(tmp_path) == before


def test_a_trace_of_another_version_is_an_error(tmp_path: Path) -> None:
    rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    path.write_text(path.read_text().replace('"trace_version":1', '"trace_version":2'))
    with pytest.raises(TraceError, match="expected trace_version 1, got 2"):
        rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)


def test_a_corrupted_middle_line_is_an_error_and_the_file_is_left_alone(tmp_path: Path) -> None:
    rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    broken = "".join([*lines[:3], lines[3][:30] + "\n", *lines[4:]])
    path.write_text(broken)
    with pytest.raises(TraceError, match="line 4: expected a line of JSON"):
        rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)
    assert path.read_text() == broken


@pytest.mark.parametrize("field", ["observation", "reward"])
def test_a_game_that_differs_from_its_trace_is_an_error_and_the_file_is_left_alone(
    tmp_path: Path, field: str
) -> None:
    rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()][:5]
    lines[3][field] = "another text" if field == "observation" else 7.0
    forged = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(forged)
    with pytest.raises(TraceError, match=r"00000\.jsonl, step 2: expected the .*version"):
        rollout(limited, RandomAgent(), episodes=1, directory=tmp_path)
    assert path.read_text() == forged


def test_an_environment_without_text_is_recorded_and_resumed(tmp_path: Path) -> None:
    def make() -> gymnasium.Env[Any, Any]:
        return gymnasium.make("CartPole-v1")

    straight = rollout(make, RandomAgent(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    assert rollout(make, RandomAgent(), episodes=1, directory=tmp_path) == straight


def test_arrays_of_a_dict_observation_do_not_hinder_resuming(tmp_path: Path) -> None:
    def make() -> gymnasium.Env[Any, Any]:
        return limited(obs="dict")

    straight = rollout(make, RandomAgent(), episodes=1, directory=tmp_path)
    path = tmp_path / "episode-00000.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    assert rollout(make, RandomAgent(), episodes=1, directory=tmp_path) == straight


def test_actions_of_numpy_are_taken() -> None:
    class Numpy(Watching):
        def act(self, observations: Any, infos: Any) -> Any:
            return np.zeros(len(infos), np.int64)

    assert len(rollout(lambda: limited(2), Numpy(), episodes=3, num_envs=2)) == 3
