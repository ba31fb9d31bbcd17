"""A run survives its server: kills, faults, refusals; and what was answered is not asked again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.models

LEVEL = "BabyAI-Text-GoToLocal-v0"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]
KEY = "sk-secret-0123456789"


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return found


def traces(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("episode-*.jsonl")}


def options(llm: str, out: Path, episodes: int = 6, steps: int = 8) -> list[str | Path]:
    return [
        *("eval", LEVEL, "--llm", llm, "--out", out, "--concurrency", "4"),
        *("--episodes", str(episodes), "--max-steps", str(steps)),
    ]


def test_the_same_command_twice_with_a_cache_sends_nothing_and_gives_the_same(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    server = serve()
    cache = ("--cache", tmp_path / "cache.sqlite")
    first = shell(*options(server.llm, tmp_path / "a"), *cache)
    assert first.returncode == 0, first.stderr
    sent = server.requests
    assert sent > 0
    second = shell(*options(server.llm, tmp_path / "b"), *cache, "--offline")
    assert second.returncode == 0, second.stderr
    assert server.requests == sent
    assert traces(tmp_path / "a") == traces(tmp_path / "b")
    a, b = summary(tmp_path / "a"), summary(tmp_path / "b")
    assert (a["sent"]["requests"], b["sent"]["requests"]) == (sent, 0)
    assert a["environments"][LEVEL]["episodes"] == 6
    for timed in ("sent", "actions_per_second"):
        del a[timed], b[timed]
    assert a == b


def test_offline_without_the_answers_says_so(serve: Any, shell: Shell, tmp_path: Path) -> None:
    server = serve()
    done = shell(
        *options(server.llm, tmp_path / "a"), "--cache", tmp_path / "empty.sqlite", "--offline"
    )
    assert done.returncode == 2
    assert "are not in" in done.stderr
    assert server.requests == 0


def test_sampled_answers_are_cached_by_the_episode_and_the_step(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    server = serve()
    common = (*options(server.llm, tmp_path / "a"), "--cache", tmp_path / "c.sqlite")
    assert shell(*common, "--temperature", "0.7").returncode == 0
    sent = server.requests
    again = (*options(server.llm, tmp_path / "b"), "--cache", tmp_path / "c.sqlite")
    assert shell(*again, "--temperature", "0.7").returncode == 0
    assert server.requests == sent
    other = (*options(server.llm, tmp_path / "d"), "--cache", tmp_path / "c.sqlite")
    assert shell(*other, "--temperature", "0.8").returncode == 0
    assert server.requests > sent


@pytest.mark.parametrize("seconds", [0.9, 1.4, 2.0])
def test_a_killed_run_goes_on_and_comes_to_the_same(
    serve: Any, shell: Shell, tmp_path: Path, seconds: float
) -> None:
    from serving import textenvs

    server = serve("--delay", "0.01")
    arguments = options(server.llm, tmp_path / "killed", episodes=20, steps=12)
    cache = ("--cache", tmp_path / "cache.sqlite")
    process = subprocess.Popen(
        textenvs(*arguments, *cache, "--resume"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.kill()
    process.wait()
    complete = {
        name: content
        for name, content in traces(tmp_path / "killed").items()
        if b'"kind":"end"' in content
    }
    asked = server.requests
    resumed = shell(*arguments, *cache, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    after = traces(tmp_path / "killed")
    assert {name: after[name] for name in complete} == complete  # none was played again
    # What was in flight at the kill is all that is asked twice.
    log = server.log()["asked"]
    assert len(log) - len(set(log)) <= 4
    whole = shell(*options(server.llm, tmp_path / "whole", episodes=20, steps=12))
    assert whole.returncode == 0, whole.stderr
    assert traces(tmp_path / "whole") == after
    assert (
        summary(tmp_path / "whole")["environments"] == summary(tmp_path / "killed")["environments"]
    )
    assert asked <= len(log)


def test_every_fault_is_counted_and_no_episode_lost(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    faults = {3: "429", 6: "500", 9: "broken", 12: "empty", 15: "hang", 18: "reset"}
    server = serve("--faults", json.dumps(faults))
    done = shell(*options(f"{server.llm}?timeout=1", tmp_path / "a"))
    assert done.returncode == 0, done.stderr
    found = summary(tmp_path / "a")
    assert found["environments"][LEVEL]["episodes"] == 6
    assert found["sent"]["faults"] == {
        "broken_answer": 1,
        "connection": 1,
        "empty": 1,
        "rate_limited": 1,
        "server_error": 1,
        "timeout": 1,
    }
    undisturbed = serve()
    assert shell(*options(f"{undisturbed.llm}?timeout=1", tmp_path / "b")).returncode == 0
    assert found["environments"] == summary(tmp_path / "b")["environments"]
    assert "faults: " in done.stdout


def test_a_server_that_is_dead_for_a_while_is_waited_for(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    server = serve("--asleep", "5,3")
    done = shell(*options(server.llm, tmp_path / "a", episodes=4))
    assert done.returncode == 0, done.stderr
    found = summary(tmp_path / "a")
    assert found["environments"][LEVEL]["episodes"] == 4
    assert found["sent"]["faults"]["connection"] >= 1


@pytest.mark.slow
def test_a_server_that_is_dead_for_ten_seconds_is_waited_for(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    server = serve("--asleep", "5,10")
    done = shell(*options(server.llm, tmp_path / "a", episodes=20))
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path / "a")["environments"][LEVEL]["episodes"] == 20


def test_a_refused_key_stops_at_once_with_one_line(
    serve: Any, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key-here")
    server = serve("--key", KEY)
    start = time.monotonic()
    done = shell(*options(server.llm, tmp_path / "a"))
    assert done.returncode == 2
    assert time.monotonic() - start < 30
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(errors) == 1
    assert "OPENAI_API_KEY" in errors[0]
    assert "sk-wrong-key-here" not in done.stderr + done.stdout  # which the server repeats
    assert server.requests <= 4


def test_no_key_is_ever_written(
    serve: Any, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = serve("--key", KEY, "--faults", '{"2": "401", "4": "500"}')
    for _ in range(2):  # the first call ends at the refusal
        done = shell(*options(server.llm, tmp_path / "a"), "--cache", tmp_path / "cache.sqlite")
    assert done.returncode == 0, done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 6
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in done.stderr + done.stdout


def test_a_budget_stops_a_run_that_a_larger_one_goes_on_with(
    serve: Any, shell: Shell, tmp_path: Path
) -> None:
    server = serve()
    arguments = options(server.llm, tmp_path / "a")
    stopped = shell(*arguments, "--max-tokens", "5000")
    assert stopped.returncode == 3
    assert stopped.stderr.count("\n") <= 2
    assert "max_tokens of 5000 is spent" in stopped.stderr
    unfinished = summary(tmp_path / "a")["environments"][LEVEL]["unfinished"]
    assert unfinished > 0
    sent = server.requests
    again = shell(*arguments, "--max-tokens", "5000")  # what was spent counts on
    assert again.returncode == 3
    assert server.requests == sent
    assert shell(*arguments, "--max-tokens", "5000000").returncode == 0
    whole = shell(*options(server.llm, tmp_path / "b"))
    assert whole.returncode == 0
    assert traces(tmp_path / "a") == traces(tmp_path / "b")


def test_a_budget_in_usd_needs_a_price(serve: Any, shell: Shell, tmp_path: Path) -> None:
    server = serve()
    arguments = (*options(server.llm, tmp_path / "a"), "--max-usd", "0.01")
    done = shell(*arguments)
    assert done.returncode == 2
    assert "expected a price of" in done.stderr
    prices = tmp_path / "prices.json"
    prices.write_text('{"test": {"input": 10, "output": 20, "cached_input": 1}}')
    priced = shell(*arguments, "--prices", prices)
    assert priced.returncode == 3
    sent = summary(tmp_path / "a")["sent"]
    tokens = sent["tokens"]
    fresh = tokens["input_tokens"] - tokens["cached_input_tokens"]
    usd = (fresh * 10 + tokens["cached_input_tokens"] + tokens["output_tokens"] * 20) / 1e6
    assert sent["usd"] == pytest.approx(usd)
    assert 0.01 <= sent["usd"] < 0.05


def test_a_run_is_resumed_from_its_folder_alone(serve: Any, shell: Shell, tmp_path: Path) -> None:
    server = serve()
    assert shell(*options(server.llm, tmp_path / "a"), "--max-tokens", "5000").returncode == 3
    done = shell("eval", "--resume", "--out", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path / "a")["environments"][LEVEL]["episodes"] == 6


def test_another_run_in_the_folder_is_left_alone(serve: Any, shell: Shell, tmp_path: Path) -> None:
    server = serve()
    assert shell(*options(server.llm, tmp_path / "a")).returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    done = shell(*options(server.llm, tmp_path / "a"), "--temperature", "0.5")
    assert done.returncode == 2
    assert "holds another run: its temperature is 0.0, this one's 0.5" in done.stderr
    assert {p: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()} == before
