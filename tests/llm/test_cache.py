"""Answers kept on disk."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textenvs.errors import CacheError
from textenvs.llm import Cache, Completion, Sampling, ToolCall, Usage
from textenvs.llm.cache import prompt_key, request_key

ASKED = [{"role": "user", "content": "Where to?"}]
WHOLE = Completion(
    "north",
    tool_calls=(ToolCall("act", '{"action": "north"}'),),
    reasoning="it is warmer",
    usage=Usage(10, 5, 4, 2),
    usd=0.001,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too
TOOL = {"type": "function", "function": {"name": "act", "parameters": {"b": 1, "a": [2]}}}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "folder" / "answers.db")


def together(code: str, arguments: list[list[Any]]) -> list[str]:
    """Runs a program in many processes, all let go at the same moment; returns their outputs."""
    program = textwrap.dedent(code)
    head = "import json, sys\nfrom textenvs.llm import Cache, Completion, Sampling\n"
    wait = "print('ready', flush=True)\nsys.stdin.readline()\n"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", head + wait + program, *map(str, given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for given in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        outputs.append(out)
    return outputs


def assert_sound(path: Path) -> None:
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


# What is kept


def test_what_is_put_is_got_to_the_last_field(cache: Cache) -> None:
    assert cache.get("m", ASKED, Sampling(), 0) is None
    assert cache.put("m", ASKED, Sampling(), 0, WHOLE) == WHOLE
    assert cache.get("m", ASKED, Sampling(), 0) == WHOLE
    assert len(cache) == 1


def test_it_outlives_its_process(cache: Cache) -> None:
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    cache.close()
    assert Cache(cache.path).get("m", ASKED, Sampling(), 0) == WHOLE


def test_the_first_answer_stays(cache: Cache) -> None:
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    assert cache.put("m", ASKED, Sampling(), 0, Completion("south")) == WHOLE
    assert cache.get("m", ASKED, Sampling(), 0) == WHOLE


@pytest.mark.parametrize("status", ["cut", "empty", "refused"])
def test_an_answer_that_is_not_whole_is_given_back_and_not_kept(cache: Cache, status: str) -> None:
    broken = Completion("nor", status)
    assert cache.put("m", ASKED, Sampling(), 0, broken) is broken
    assert cache.get("m", ASKED, Sampling(), 0) is None
    assert len(cache) == 0
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    assert cache.put("m", ASKED, Sampling(), 0, broken) is broken
    assert cache.get("m", ASKED, Sampling(), 0) == WHOLE


def test_scores_are_kept_by_prompt_and_continuations(cache: Cache) -> None:
    cache.put_scores("m", "Where to?", ["north", "south"], [-1.5, -0.1])
    assert cache.get_scores("m", "Where to?", ["north", "south"]) == [-1.5, -0.1]
    assert cache.get_scores("m", "Where to?", ["south", "north"]) is None
    assert cache.get_scores("m", "Where to", ["north", "south"]) is None
    assert cache.get_scores("n", "Where to?", ["north", "south"]) is None
    assert cache.get_scores("m", ASKED, ["north", "south"]) is None
    assert cache.get("m", ASKED, Sampling(), -1) is None


# The key


@pytest.mark.parametrize(
    ("model", "messages", "sampling", "sample"),
    [
        ("other", ASKED, Sampling(), 0),
        ("m", [*ASKED, *ASKED], Sampling(), 0),
        ("m", [{"role": "system", "content": "Where to?"}], Sampling(), 0),
        ("m", [{"role": "user", "content": "Where to? "}], Sampling(), 0),
        ("m", [{"role": "user", "content": "Where to?", "name": "me"}], Sampling(), 0),
        ("m", ASKED, Sampling(temperature=1.0), 0),
        ("m", ASKED, Sampling(temperature=None), 0),
        ("m", ASKED, Sampling(top_p=0.9), 0),
        ("m", ASKED, Sampling(max_tokens=1023), 0),
        ("m", ASKED, Sampling(stop=("\n",)), 0),
        ("m", ASKED, Sampling(tools=(TOOL,)), 0),
        ("m", ASKED, Sampling(), 1),
    ],
)
def test_whatever_changes_the_answer_changes_the_key(
    cache: Cache, model: str, messages: Any, sampling: Sampling, sample: int
) -> None:
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    assert cache.get(model, messages, sampling, sample) is None


def test_the_tool_choice_counts_where_there_are_tools(cache: Cache) -> None:
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    assert cache.get("m", ASKED, Sampling(tool_choice="none"), 0) == WHOLE
    cache.put("m", ASKED, Sampling(tools=(TOOL,)), 0, WHOLE)
    assert cache.get("m", ASKED, Sampling(tools=(TOOL,), tool_choice="none"), 0) is None


def test_nothing_else_changes_the_key(cache: Cache) -> None:
    cache.put("m", ASKED, Sampling(tools=(TOOL,)), 0, WHOLE)
    turned = {
        "function": {"parameters": {"a": [2], "b": 1}, "name": "act"},
        "type": "function",
    }
    assert cache.get("m", ASKED, Sampling(tools=(turned,)), 0) == WHOLE
    shuffled = [{"content": "Where to?", "role": "user"}]
    assert cache.get("m", tuple(shuffled), Sampling(tools=(TOOL,)), 0) == WHOLE


def test_equal_settings_are_one_key_however_the_numbers_were_written(cache: Cache) -> None:
    assert Sampling(temperature=0, top_p=1) == Sampling(temperature=0.0, top_p=1.0)
    cache.put("m", ASKED, Sampling(temperature=0, top_p=1), 0, WHOLE)
    assert cache.get("m", ASKED, Sampling(temperature=0.0, top_p=1.0), 0) == WHOLE


def test_the_key_is_the_same_in_every_process() -> None:
    code = "import sys, json; from textenvs.llm.cache import *; print(prompt_key(json.loads("
    keys = {
        subprocess.run(
            [sys.executable, "-c", code + "sys.argv[1])))", json.dumps(ASKED)],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert keys == {prompt_key(ASKED)}


@given(
    st.lists(
        st.text(st.characters(exclude_categories=()), max_size=20),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_different_texts_have_different_keys_whatever_is_in_them(texts: list[str]) -> None:
    prompts = [[{"role": "user", "content": text}] for text in texts]
    assert len({prompt_key(prompt) for prompt in prompts}) == len(texts)
    assert len({request_key(text, ASKED, {}) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    "text", ["\ud800", "a\udfffb", "🧭 → naïve 北", "\x00\x1f", "x" * 1_000_000], ids=len
)
def test_any_text_can_be_asked_and_answered(cache: Cache, text: str) -> None:
    asked = [{"role": "user", "content": text}]
    cache.put("m", asked, Sampling(), 0, Completion(text))
    assert cache.get("m", asked, Sampling(), 0) == Completion(text)


# Several processes and threads

HAMMER = """
import random, threading
path, me, keys = sys.argv[1], sys.argv[2], int(sys.argv[3])
cache = Cache(path)
read = [{}, {}]
def hammer(thread):
    order = list(range(keys))
    random.Random(f"{me} {thread}").shuffle(order)
    for key in order:
        asked = [{"role": "user", "content": f"prompt {key}"}]
        mine = Completion(f"{key} by {me}.{thread} " + "x" * (key % 50))
        kept = cache.put("m", asked, Sampling(), 0, mine)
        again = cache.get("m", asked, Sampling(), 0)
        assert again == kept, (again, kept)
        read[thread][key] = kept.text
threads = [threading.Thread(target=hammer, args=(n,)) for n in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(read[0]) == len(read[1]) == keys
print(json.dumps(read))
"""


def test_processes_and_threads_that_write_the_same_keys_lose_and_corrupt_nothing(
    tmp_path: Path,
) -> None:
    path, keys = tmp_path / "answers.db", 250
    outputs = together(HAMMER, [[path, me, keys] for me in range(4)])
    reads = [read for output in outputs for read in json.loads(output)]
    assert len(reads) == 8
    assert all(read == reads[0] for read in reads)  # what was first, to all of them
    assert_sound(path)
    cache = Cache(path)
    assert len(cache) == keys
    for key in range(keys):
        kept = cache.get("m", [{"role": "user", "content": f"prompt {key}"}], Sampling(), 0)
        assert kept is not None
        assert kept.text == reads[0][str(key)]
        assert kept.text.startswith(f"{key} by ")
    writers = Counter(text.split()[2] for text in reads[0].values())
    assert len(writers) > 1  # else nothing was put to the test


def test_many_processes_open_a_new_cache_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.db"
    code = """
    cache = Cache(sys.argv[1])
    cache.put("m", [{"role": "user", "content": sys.argv[2]}], Sampling(), 0, Completion("yes"))
    print(cache.get("m", [{"role": "user", "content": sys.argv[2]}], Sampling(), 0).text)
    """
    assert together(code, [[path, n] for n in range(8)]) == ["yes\n"] * 8
    assert len(Cache(path)) == 8
    assert_sound(path)


def test_threads_may_share_one_cache(cache: Cache) -> None:
    failed: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for key in range(50):
                asked = [{"role": "user", "content": str(key)}]
                kept = cache.put("m", asked, Sampling(), 0, Completion(f"{me}"))
                assert cache.get("m", asked, Sampling(), 0) == kept
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(cache) == 50


def test_a_writer_that_is_killed_leaves_all_that_it_had_put(tmp_path: Path) -> None:
    code = """
    from itertools import count
    import sys
    from textenvs.llm import Cache, Completion, Sampling
    cache = Cache(sys.argv[1])
    for n in count():
        cache.put("m", [{"role": "user", "content": str(n)}], Sampling(), 0, Completion("x" * 999))
        print(n, flush=True)
    """
    path = tmp_path / "answers.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 200:
            writer.send_signal(signal.SIGKILL)
            break
    told = [int(line) for line in writer.stdout.read().split()]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    cache = Cache(path)
    assert len(cache) >= max(told, default=200) + 1
    assert cache.get("m", [{"role": "user", "content": "200"}], Sampling(), 0) is not None
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    assert_sound(path)


# What is no cache


@pytest.mark.parametrize(
    "content",
    [b"no database", b"{}", b"SQLite format 3\0" + b"\0" * 50, b"SQLite format 3\0" + b"x" * 5000],
)
def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(CacheError, match=r"file: expected a cache of answers or a new file, got:"):
        Cache(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", [0, 1, 7])
def test_a_database_of_others_is_refused_and_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "others.db"
    db = sqlite3.connect(path)
    db.executescript(f"CREATE TABLE notes (text TEXT); PRAGMA user_version = {version}")
    db.close()
    with pytest.raises(CacheError, match=f"a database of version {version} with other tables"):
        Cache(path)
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    db.close()


def test_a_cache_of_another_version_is_refused(cache: Cache) -> None:
    cache.put("m", ASKED, Sampling(), 0, WHOLE)
    cache.close()
    db = sqlite3.connect(cache.path)
    db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(CacheError, match="version 2"):
        Cache(cache.path)


def test_a_folder_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="unable to open"):
        Cache(tmp_path)


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="expected a cache of answers"):
        Cache(tmp_path / "file" / "answers.db")


def test_an_empty_file_becomes_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    assert cache.put("m", ASKED, Sampling(), 0, WHOLE) == WHOLE


def test_a_cache_that_breaks_while_it_is_used_is_an_error_of_its_own(cache: Cache) -> None:
    cache.close()
    with pytest.raises(CacheError, match=r"answers\.db: the cache cannot be used: Cannot operate"):
        cache.get("m", ASKED, Sampling(), 0)
    with pytest.raises(CacheError, match="cannot be used"):
        cache.put("m", ASKED, Sampling(), 0, WHOLE)
    with pytest.raises(CacheError, match="cannot be used"):
        len(cache)
