"""The record of an episode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import textenvs
from textenvs.errors import TraceError
from textenvs.traces import (
    INFO_KEYS,
    TRACE_VERSION,
    TraceWriter,
    header,
    read_trace,
    read_traces,
)

LEVEL = "BabyAI-Text-GoToLocal-v0"
HEADER = {"kind": "header", "trace_version": TRACE_VERSION, "episode": 0}


def write(
    path: Path, rewards: list[float], *, end: bool = True, past: list[dict[str, Any]] | None = None
) -> Path:
    writer = TraceWriter(path, HEADER, iter(past or []))
    for reward in rewards:
        writer.step(
            observation="o",
            action=0,
            reward=reward,
            terminated=False,
            truncated=False,
            info={"text_action": "go"},
        )
    if end:
        writer.end(observation="last", info={}, terminated=True, truncated=False)
    writer.close()
    return path


@pytest.fixture
def trace_file(tmp_path: Path) -> Path:
    return write(tmp_path / "episode-00000.jsonl", [0.5, 0.25, -1.0])


# Writing


def test_what_is_written_is_read(trace_file: Path) -> None:
    trace = read_trace(trace_file)
    assert trace.path == trace_file
    assert trace.header == HEADER
    assert trace.torn is False
    assert trace.steps == [
        {
            "kind": "step",
            "t": t,
            "observation": "o",
            "action": 0,
            "text_action": "go",
            "reward": reward,
            "terminated": False,
            "truncated": False,
        }
        for t, reward in enumerate([0.5, 0.25, -1.0])
    ]
    assert trace.end == {
        "kind": "end",
        "observation": "last",
        "return": -0.25,
        "length": 3,
        "terminated": True,
        "truncated": False,
    }


def test_a_step_keeps_the_keys_of_info_that_traces_know(tmp_path: Path) -> None:
    info = dict.fromkeys(INFO_KEYS, "kept")
    writer = TraceWriter(tmp_path / "t", HEADER)
    writer.step(
        observation={"text": "t", "image": np.zeros(3)},
        action=np.int64(2),
        reward=np.float32(0.5),  # type: ignore[arg-type]
        terminated=np.True_,  # type: ignore[arg-type]
        truncated=np.False_,  # type: ignore[arg-type]
        info={**info, "text_action": "go", "semantic": np.zeros((64, 64)), "secret": object()},
        notes={"answer": "I go"},
    )
    writer.close()
    assert read_trace(tmp_path / "t").steps == [
        {
            "kind": "step",
            "t": 0,
            "observation": "t",
            "action": 2,
            "text_action": "go",
            "reward": 0.5,
            "terminated": True,
            "truncated": False,
            **info,
            "answer": "I go",
        }
    ]


def test_numpys_values_become_json(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", HEADER)
    writer.step(
        observation=np.zeros(3),
        action=np.array([1, 2]),
        reward=0.0,
        terminated=False,
        truncated=False,
        info={
            "rewards": {"game": np.float64(0.5), "parts": (np.int8(1), 2)},
            "success": np.bool_(True),
            "unlocked": ("eat_cow",),
        },
    )
    writer.end(
        observation=None,
        info={"progress": np.float64(0.25), "achievements": {"eat_cow": np.int64(1)}},
        terminated=False,
        truncated=True,
    )
    trace = read_trace(tmp_path / "t")
    (step,) = trace.steps
    assert trace.end is not None
    assert step["observation"] is None
    assert step["action"] == [1, 2]
    assert step["rewards"] == {"game": 0.5, "parts": [1, 2]}
    assert step["success"] is True
    assert step["unlocked"] == ["eat_cow"]
    assert trace.end["progress"] == 0.25
    assert trace.end["achievements"] == {"eat_cow": 1}
    assert trace.end["observation"] is None


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=30), min_size=1, max_size=3))
@example(["\ud83d", "a\0b", "one\u2028two\x85three\r\nfour"])
def test_any_text_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-text"
    writer = TraceWriter(path, HEADER)
    for text in texts:
        writer.step(
            observation=text,
            action=text,
            reward=0,
            terminated=False,
            truncated=False,
            info={"text_action": text},
            notes={"answer": text},
        )
    writer.end(observation=texts[0], info={}, terminated=True, truncated=False)
    trace = read_trace(path)
    assert [step["observation"] for step in trace.steps] == texts
    assert [step["action"] for step in trace.steps] == texts
    assert [step["answer"] for step in trace.steps] == texts


def test_the_folder_is_made(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "b" / "t", [1.0])
    assert [file.name for file in path.parent.iterdir()] == ["t"]


def test_each_line_is_on_disk_at_once(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "t", HEADER)
    for n in range(3):
        assert len(read_trace(tmp_path / "t").steps) == n
        writer.step(observation="", action=0, reward=0, terminated=False, truncated=False, info={})
    writer.close()


def test_a_trace_that_goes_on_equals_one_that_was_never_interrupted(
    tmp_path: Path, trace_file: Path
) -> None:
    part = write(tmp_path / "part", [0.5, 0.25], end=False)
    with part.open("a") as file:
        file.write('{"kind":"step","t":2,"obs')
    write(part, [-1.0], past=read_trace(part).steps)
    assert part.read_bytes() == trace_file.read_bytes()


def test_the_header_says_what_is_played() -> None:
    env = gymnasium.make(LEVEL, style="glam")
    first = header(env, episode=3, seed=7, agent="a", model="m", settings={"k": 1})
    assert env.spec is not None
    assert first == {
        "kind": "header",
        "trace_version": TRACE_VERSION,
        "textenvs": textenvs.__version__,
        "env_id": LEVEL,
        "env_spec": json.loads(env.spec.to_json()),
        "episode": 3,
        "seed": 7,
        "agent": "a",
        "model": "m",
        "settings": {"k": 1},
    }
    assert first["env_spec"]["kwargs"]["style"] == "glam"
    env.close()


def test_an_environment_without_a_spec_is_named_by_its_class() -> None:
    class Nameless(gymnasium.Env[str, int]):
        pass

    first = header(Nameless(), episode=0, seed=None)
    assert (first["env_id"], first["env_spec"], first["seed"]) == ("Nameless", None, None)


# Reading what is broken


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_a_last_line_that_was_torn_is_left_out_and_marked(trace_file: Path, cut: int) -> None:
    trace_file.write_bytes(trace_file.read_bytes()[:-cut])
    trace = read_trace(trace_file)
    assert trace.torn is True
    assert trace.end is None
    assert len(trace.steps) == 3


def test_a_trace_cut_anywhere_behind_its_header_keeps_its_complete_steps(trace_file: Path) -> None:
    data = trace_file.read_bytes()
    first = data.index(b"\n") + 1
    for size in range(first, len(data)):
        trace_file.write_bytes(data[:size])
        trace = read_trace(trace_file)
        assert len(trace.steps) == data[first:size].count(b"\n")
        assert trace.torn is not data[:size].endswith(b"\n")
        assert trace.end is None


def test_a_line_torn_within_a_character_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t", [1.0], end=False)
    path.write_bytes(path.read_bytes() + '{"kind":"step","observation":"é'.encode()[:-1])
    trace = read_trace(path)
    assert (len(trace.steps), trace.torn) == (1, True)


def test_a_corrupted_middle_line_is_an_error_that_names_it(trace_file: Path) -> None:
    lines = trace_file.read_text().splitlines(keepends=True)
    trace_file.write_text("".join([*lines[:2], lines[2][:20] + "\n", *lines[3:]]))
    with pytest.raises(TraceError, match=r"00000\.jsonl, line 3: expected a line of JSON, got '\{"):
        read_trace(trace_file)


def test_a_line_that_is_no_object_is_an_error_that_names_it(trace_file: Path) -> None:
    lines = trace_file.read_text().splitlines(keepends=True)
    trace_file.write_text("".join([lines[0], "[1, 2]\n", *lines[1:]]))
    with pytest.raises(TraceError, match=r"line 2: expected an object, got '\[1, 2\]'"):
        read_trace(trace_file)


def test_a_missing_step_is_an_error_that_names_it(trace_file: Path) -> None:
    lines = trace_file.read_text().splitlines(keepends=True)
    trace_file.write_text("".join([*lines[:2], *lines[3:]]))
    with pytest.raises(TraceError, match="line 3: expected step 1, got 'step' with t=2"):
        read_trace(trace_file)


def test_an_end_in_the_middle_is_an_error(trace_file: Path) -> None:
    lines = trace_file.read_text().splitlines(keepends=True)
    trace_file.write_text("".join([*lines, *lines[1:]]))
    with pytest.raises(TraceError, match="line 5: expected step 3, got 'end' with t=None"):
        read_trace(trace_file)


@pytest.mark.parametrize("version", [0, TRACE_VERSION + 1, "1", None])
def test_a_trace_of_another_version_is_an_error_that_names_both(
    tmp_path: Path, version: object
) -> None:
    (tmp_path / "t").write_text(json.dumps({**HEADER, "trace_version": version}) + "\n")
    with pytest.raises(
        TraceError, match=f"expected trace_version {TRACE_VERSION}, got {version!r}"
    ):
        read_trace(tmp_path / "t")


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "an empty file"),
        ('{"kind":"header","trace_ver', "an empty file"),
        ('{"kind": "step", "t": 0}\n', '\'{"kind": "step"'),
        ("hello\n", "got 'hello'"),
        ("\n", "got ''"),
    ],
)
def test_what_is_no_trace_is_an_error_that_shows_it(tmp_path: Path, text: str, got: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(TraceError, match=got):
        read_trace(tmp_path / "t")


def test_a_binary_file_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(bytes(range(256)))
    with pytest.raises(TraceError, match="expected"):
        read_trace(tmp_path / "t")


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_trace(tmp_path / "nowhere")


def test_all_traces_below_a_folder_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b/episode-00001.jsonl", "b/episode-00000.jsonl", "a/episode-00002.jsonl"):
        write(tmp_path / name, [1.0])
    (tmp_path / "summary.json").write_text("{}")
    assert [str(trace.path.relative_to(tmp_path)) for trace in read_traces(tmp_path)] == [
        "a/episode-00002.jsonl",
        "b/episode-00000.jsonl",
        "b/episode-00001.jsonl",
    ]


def test_a_folder_without_traces_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"expected traces \(episode-\*\.jsonl\), found none"):
        read_traces(tmp_path)
