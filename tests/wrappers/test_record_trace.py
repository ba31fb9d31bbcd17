"""What is played becomes traces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import textenvs
from textenvs.errors import TraceError
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.traces import TRACE_VERSION, read_trace, read_traces
from textenvs.wrappers import (
    AdviceReward,
    HistoryObservation,
    MissionOverride,
    ParseTextAction,
    RecordTrace,
)

LEVEL = "BabyAI-Text-GoToLocal-v0"
SEED = 0


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def limited(limit: int, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(LEVEL, max_episode_steps=limit, **kwargs)


def test_an_episode_is_recorded_line_by_line(tmp_path: Path) -> None:
    env = RecordTrace(limited(2), str(tmp_path / "new" / "folder"), agent="me", model="m")
    start, _ = env.reset(seed=SEED)
    path = env.path
    middle, _, _, _, info = env.step(0)
    final, _, _, truncated, _ = env.step(np.int64(1))
    assert truncated
    assert path == tmp_path / "new" / "folder" / "episode-00000.jsonl"
    header, first, second, end = lines(path)
    assert header == {
        "kind": "header",
        "trace_version": TRACE_VERSION,
        "textenvs": textenvs.__version__,
        "env_id": LEVEL,
        "env_spec": json.loads(env.env.spec.to_json()),  # type: ignore[union-attr]
        "episode": 0,
        "seed": SEED,
        "agent": "me",
        "model": "m",
        "settings": {},
    }
    assert first == {
        "kind": "step",
        "t": 0,
        "observation": start,
        "action": 0,
        "text_action": "turn left",
        "reward": 0.0,
        "terminated": False,
        "truncated": False,
        "success": False,
        "mission": info["mission"],
    }
    assert second["observation"] == middle
    assert (second["t"], second["action"], second["truncated"]) == (1, 1, True)
    assert end == {
        "kind": "end",
        "observation": final,
        "return": 0.0,
        "length": 2,
        "terminated": False,
        "truncated": True,
        "success": False,
    }
    env.close()


def test_nothing_changes_for_who_plays(tmp_path: Path) -> None:
    plain, recorded = limited(5), RecordTrace(limited(5), str(tmp_path))
    assert recorded.reset(seed=SEED) == plain.reset(seed=SEED)
    for action in (0, 2, 1, 2, 2):
        assert recorded.step(action) == plain.step(action)
    recorded.close()


def test_each_step_is_on_disk_when_step_returns(tmp_path: Path) -> None:
    env = RecordTrace(limited(9), str(tmp_path))
    env.reset(seed=SEED)
    assert env.path is not None
    assert [line["kind"] for line in lines(env.path)] == ["header"]
    for n in range(1, 4):
        env.step(0)
        assert [line["kind"] for line in lines(env.path)] == ["header"] + ["step"] * n
    env.close()


def test_each_episode_is_a_file_of_its_own(tmp_path: Path) -> None:
    env = RecordTrace(limited(1), str(tmp_path))
    for seed in (4, 5, None):
        env.reset(seed=seed)
        env.step(0)
    env.close()
    traces = list(read_traces(tmp_path))
    assert [trace.path.name for trace in traces] == [f"episode-0000{n}.jsonl" for n in range(3)]
    assert [trace.header["seed"] for trace in traces] == [4, 5, None]
    assert [trace.header["episode"] for trace in traces] == [0, 1, 2]


def test_a_second_recording_counts_on_and_overwrites_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        env = RecordTrace(limited(1), str(tmp_path))
        env.reset(seed=SEED)
        env.step(0)
        env.close()
    first, second = sorted(tmp_path.iterdir())
    assert (first.name, second.name) == ("episode-00000.jsonl", "episode-00001.jsonl")
    assert lines(first)[1:] == lines(second)[1:]


def test_other_files_in_the_folder_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "episode-best.jsonl").write_text("notes")
    env = RecordTrace(limited(1), str(tmp_path))
    env.reset(seed=SEED)
    assert env.path == tmp_path / "episode-00000.jsonl"
    env.close()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_an_episode_that_is_left_has_no_end(tmp_path: Path, leave: str) -> None:
    env = RecordTrace(limited(9), str(tmp_path))
    env.reset(seed=SEED)
    env.step(0)
    path = env.path
    getattr(env, leave)()
    assert path is not None
    trace = read_trace(path)
    assert (len(trace.steps), trace.end, trace.torn) == (1, None, False)
    env.close()


def test_notes_join_the_next_step_only(tmp_path: Path) -> None:
    env = RecordTrace(limited(3), str(tmp_path))
    env.reset(seed=SEED)
    env.annotate({"prompt": [{"role": "user", "content": "Où?"}], "usage": {"input": 3}})
    env.annotate({"answer": "left ↰"})
    env.step(0)
    env.step(0)
    assert env.path is not None
    _, first, second = lines(env.path)
    assert first["prompt"] == [{"role": "user", "content": "Où?"}]
    assert first["usage"] == {"input": 3}
    assert first["answer"] == "left ↰"
    assert not {"prompt", "usage", "answer"} & set(second)
    env.close()


def test_notes_of_an_episode_that_was_left_do_not_reach_the_next(tmp_path: Path) -> None:
    env = RecordTrace(limited(3), str(tmp_path))
    env.reset(seed=SEED)
    env.annotate({"answer": "of the first episode"})
    env.reset(seed=SEED)
    env.step(0)
    assert env.path is not None
    assert "answer" not in lines(env.path)[1]
    env.close()


def test_the_outermost_wrapper_records_what_the_agent_sees_and_says(tmp_path: Path) -> None:
    env = RecordTrace(HistoryObservation(ParseTextAction(limited(2)), 1), str(tmp_path))
    start, _ = env.reset(seed=SEED)
    env.step("I will turn left!")
    env.step("¿qué? 🙂")
    _, first, second, end = lines(tmp_path / "episode-00000.jsonl")
    assert first["observation"] == start
    assert first["action"] == "I will turn left!"
    assert (first["text_action"], first["invalid_action"], first["parse_stage"]) == (
        "turn left",
        False,
        "mention",
    )
    assert second["action"] == "¿qué? 🙂"
    assert (second["text_action"], second["invalid_action"]) == ("go forward", True)
    assert end["observation"].startswith("Observation: ")


@pytest.mark.parametrize("answer", ["\ud83d", "a\0b", "one\u2028two\x85three\r\nfour", "\x1b[31m"])
def test_whatever_a_model_says_is_recorded_as_it_was(tmp_path: Path, answer: str) -> None:
    env = RecordTrace(ParseTextAction(limited(1)), str(tmp_path))
    env.reset(seed=SEED)
    env.step(answer)
    env.close()
    trace = read_trace(tmp_path / "episode-00000.jsonl")
    assert trace.steps[0]["action"] == answer
    assert trace.end is not None


def test_of_a_dict_observation_the_text_is_recorded(tmp_path: Path) -> None:
    env = RecordTrace(limited(1, obs="dict"), str(tmp_path))
    observation, _ = env.reset(seed=SEED)
    final, *_ = env.step(0)
    _, step, end = lines(tmp_path / "episode-00000.jsonl")
    assert step["observation"] == observation["text"]
    assert end["observation"] == final["text"]
    env.close()


def test_a_recorded_episode_can_be_played_again_from_its_header(tmp_path: Path) -> None:
    env = RecordTrace(MissionOverride(limited(6), "go to the red ball"), str(tmp_path))
    env.reset(seed=9)
    for action in (2, 0, 2, 1, 2, 2):
        if any(env.step(action)[2:4]):
            break
    env.close()
    trace = read_trace(tmp_path / "episode-00000.jsonl")
    again = gymnasium.make(
        gymnasium.envs.registration.EnvSpec.from_json(json.dumps(trace.header["env_spec"]))
    )
    observation, _ = again.reset(seed=trace.header["seed"])
    for step in trace.steps:
        assert observation == step["observation"]
        observation, reward, *_ = again.step(step["action"])
        assert reward == step["reward"]
    assert trace.end is not None
    assert observation == trace.end["observation"]
    again.close()


def test_the_options_of_a_reset_are_recorded(tmp_path: Path) -> None:
    env = RecordTrace(limited(1), str(tmp_path))
    env.reset(seed=SEED, options={"mission": "go to the red ball"})
    env.close()
    header = lines(tmp_path / "episode-00000.jsonl")[0]
    assert "go to the red ball" in json.dumps(header)


def test_environments_that_share_a_folder_record_beside_one_another(tmp_path: Path) -> None:
    envs = gymnasium.vector.SyncVectorEnv(
        [lambda: RecordTrace(limited(1), str(tmp_path))] * 3,
        autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED,
    )
    envs.reset(seed=[1, 2, 3])
    envs.step(np.zeros(3, int))
    envs.close()
    traces = list(read_traces(tmp_path))
    assert [trace.header["seed"] for trace in traces] == [1, 2, 3]
    assert all(trace.end is not None for trace in traces)


@pytest.mark.slow
def test_processes_that_share_a_folder_lose_no_episode(tmp_path: Path) -> None:
    envs = gymnasium.vector.AsyncVectorEnv(
        [lambda: RecordTrace(limited(1), str(tmp_path))] * 4,
        autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED,
    )
    for start in range(0, 40, 4):
        envs.reset(seed=[start, start + 1, start + 2, start + 3])
        envs.step(np.zeros(4, int))
    envs.close()
    assert sorted(trace.header["seed"] for trace in read_traces(tmp_path)) == list(range(40))


def test_a_folder_that_cannot_be_made_is_an_error_of_reset(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    env = RecordTrace(limited(1), str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        env.reset(seed=SEED)
    env.close()


def test_before_reset_there_is_no_file(tmp_path: Path) -> None:
    env = RecordTrace(limited(1), str(tmp_path / "never"))
    assert env.path is None
    env.close()
    assert not (tmp_path / "never").exists()


def test_a_wrapper_with_an_object_cannot_be_told(tmp_path: Path) -> None:
    """By its name it can."""
    model = ScriptedModel(lambda messages: "go forward")
    env = AdviceReward(gymnasium.make(LEVEL, obs="dict"), model, match="names")
    with pytest.raises(TraceError, match="name models and functions"):
        RecordTrace(env, str(tmp_path)).reset(seed=0)
    env.close()
