"""What a run does with servers that lie, users that mistype, and processes that meet."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from serving import textenvs
from textenvs.agents import Agent, LanguageAgent
from textenvs.cli import main
from textenvs.errors import ModelError, TraceError, UnknownName
from textenvs.evaluation import Settings, compare, evaluate, read_record
from textenvs.llm.backends.openai import read_completion
from textenvs.llm.backends.reading import read_answer
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.llm.budget import Budget
from textenvs.llm.cache import Cache
from textenvs.llm.gateway import Gateway
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling, ToolCall, Usage
from textenvs.llm.prices import Price
from textenvs.llm.retry import Fault, RetryPolicy
from textenvs.loop import rollout
from textenvs.traces import read_trace
from textenvs.wrappers import ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"


def answer(usage: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "drop"}, "finish_reason": "stop"}], "usage": usage}


# servers


def test_tokens_that_nobody_counted_are_unknown_and_not_none() -> None:
    assert not read_completion(answer(None)).usage.counted
    assert not (Usage(3) + Usage(counted=False)).counted
    assert "counted" not in Usage(3).as_json()


@pytest.mark.parametrize(
    ("budget", "price"),
    [(Budget(max_tokens=10), None), (Budget(max_usd=1), Price(1, 1))],
)
def test_a_budget_cannot_be_kept_of_what_nobody_counts(budget: Budget, price: Any) -> None:
    model = ScriptedModel(lambda messages: Completion("drop", usage=Usage(counted=False)))
    gateway = Gateway(model, budget=budget, price=price)
    with pytest.raises(ModelError, match="does not tell how many tokens"):
        gateway.generate([[]], Sampling())


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": float("nan")},
        {"prompt_tokens": float("inf")},
        {"prompt_tokens": -5},
        {"prompt_tokens": 1, "cost": float("nan")},
        {"prompt_tokens": 1, "cost": -1},
    ],
)
def test_numbers_that_cannot_be_are_a_broken_answer(usage: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read_completion(answer(usage))


def test_an_answer_that_nests_for_ever_is_no_call() -> None:
    text = '<tool_call>{"name": "a", "arguments": ' + "[" * 100_000 + "}</tool_call>"
    assert read_answer(text, tools=True, cut=False).tool_calls == ()


@pytest.mark.parametrize("text", ["hm \ud83d", "\ude00", "a\ud800b"])
def test_a_text_cut_within_a_character_can_be_written_and_sent_back(text: str) -> None:
    completion = Completion(text, tool_calls=(ToolCall(text, text),), reasoning=text)
    for kept in (completion.text, completion.reasoning, completion.tool_calls[0].arguments):
        kept.encode()
    assert Completion("🧭").text == "🧭"


# summaries


@pytest.mark.parametrize("status", ["cut", "empty", "refused"])
def test_a_summary_that_is_none_replaces_nothing_and_is_counted(
    tmp_path: Path, status: str
) -> None:
    asked: list[Messages] = []

    def model(messages: Messages) -> Completion:
        asked.append(messages)
        summing = "Sum up" in str(messages[-1]["content"])
        return Completion("so far", status) if summing else Completion("turn left")

    agent = LanguageAgent(ScriptedModel(model, "test"), history="summary", turns=2)
    env = ParseTextAction(gymnasium.make("BabyAI-Text-BossLevel-v0", max_episode_steps=9))
    rollout(lambda: env, agent, episodes=1, directory=tmp_path)
    last = asked[-1]
    assert sum(message["role"] == "assistant" for message in last) == 8  # all turns are there
    record = read_record(tmp_path / "episode-00000.jsonl")
    assert record is not None
    assert record.statuses[f"summary {status}"] == 3  # at turns 4, 6 and 8
    path = tmp_path / "episode-00000.jsonl"
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:7]))
    resumed = LanguageAgent(ScriptedModel(model, "test"), history="summary", turns=2)
    rollout(lambda: env, resumed, episodes=1, directory=tmp_path)
    assert path.read_text() == whole


# threads


class Waiting(LanguageModel):
    """Fails in a way that may pass, and asks to be asked again much later."""

    name = "waiting"
    concurrent = True

    def generate(self, *args: Any) -> list[Completion]:
        raise Fault("rate_limited", "later", retry_after=60.0)


def test_an_error_elsewhere_ends_the_waiting_for_a_server() -> None:
    class Breaking(gymnasium.Wrapper[Any, Any, Any, Any]):
        def reset(self, **kwargs: Any) -> Any:
            if threading.active_count() > 2 and self.breaks:
                time.sleep(0.5)
                raise OSError("the disk is full")
            return super().reset(**kwargs)

        breaks = False

    made: list[Breaking] = []

    def make() -> Any:
        env = Breaking(gymnasium.make(LEVEL))
        env.breaks = len(made) == 3
        made.append(env)
        return ParseTextAction(env)

    agent = LanguageAgent(Gateway(Waiting(), retry=RetryPolicy()))
    start = time.monotonic()
    with pytest.raises(OSError, match="the disk is full"):
        rollout(make, agent, episodes=8, num_envs=4)
    assert time.monotonic() - start < 20


def test_no_wait_is_longer_than_the_budget_of_time() -> None:
    gateway = Gateway(Waiting(), budget=Budget(max_wallclock=0.5))
    start = time.monotonic()
    with pytest.raises(Exception, match="max_wallclock"):
        gateway.generate([[]], Sampling())
    assert time.monotonic() - start < 5


def test_no_environment_is_closed_while_it_is_played(request: pytest.FixtureRequest) -> None:
    played_when_closed: list[bool] = []

    class Watched(gymnasium.Wrapper[Any, Any, Any, Any]):
        stepping = False

        def step(self, action: Any) -> Any:
            self.stepping = True
            time.sleep(0.05)
            result = super().step(action)
            self.stepping = False
            return result

        def close(self) -> None:
            played_when_closed.append(self.stepping)
            super().close()

    class Interrupted(Agent):
        independent = True

        def act(self, observations: Sequence[Any], infos: Sequence[Any]) -> list[int]:
            return [0] * len(observations)

    def interrupt(event: Any) -> None:
        if event.t == 3:
            import _thread

            _thread.interrupt_main()

    # Of a process in the background, where it would be ignored, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt):
        rollout(
            lambda: Watched(gymnasium.make(LEVEL)),
            Interrupted(),
            episodes=8,
            num_envs=4,
            on_step=interrupt,
        )
    assert played_when_closed
    assert not any(played_when_closed)


# folders


@pytest.mark.models
def test_a_folder_is_played_in_by_one_process(serve: Any, tmp_path: Path) -> None:
    server = serve("--delay", "0.2")
    arguments = [
        "eval",
        LEVEL,
        "--llm",
        server.llm,
        "--episodes",
        "4",
        "--out",
        str(tmp_path / "a"),
    ]
    first = subprocess.Popen(
        textenvs(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 30
        while not list(tmp_path.rglob("episode-*.jsonl")) and time.monotonic() < until:
            time.sleep(0.05)
        second = subprocess.run(
            textenvs(*arguments), capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 2
    assert "another process plays in this folder" in second.stderr


def test_a_trace_that_was_cut_in_its_header_was_not_begun(tmp_path: Path) -> None:
    settings = Settings((LEVEL,), agent="random", episodes=2)
    evaluate(settings, tmp_path)
    paths = sorted(tmp_path.rglob("episode-*.jsonl"))
    whole = [path.read_bytes() for path in paths]
    paths[0].write_bytes(whole[0][:40])
    paths[1].write_bytes(b"")
    evaluate(settings, tmp_path)
    assert [path.read_bytes() for path in paths] == whole


def test_long_episodes_keep_no_more_turns_than_are_shown() -> None:
    agent = LanguageAgent(ScriptedModel(lambda messages: "turn left"), turns=4)
    kept: list[int] = []

    def watch(event: Any) -> None:
        kept.append(len(agent._memories[0].turns))

    env = ParseTextAction(gymnasium.make("BabyAI-Text-BossLevel-v0", max_episode_steps=100))
    rollout(lambda: env, agent, episodes=1, on_step=watch)
    assert len(kept) == 100
    assert max(kept) < 8


# comparisons


def test_runs_with_other_limits_are_not_compared(tmp_path: Path) -> None:
    for name, steps in (("a", 10), ("b", 64)):
        settings = Settings((LEVEL,), agent="random", episodes=3, max_steps=steps)
        evaluate(settings, tmp_path / name)
    with pytest.raises(TraceError, match="played with other arguments or limits of steps"):
        compare([tmp_path / "a", tmp_path / "b"])


def test_a_folder_of_several_runs_is_not_taken_for_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        evaluate(Settings((LEVEL,), agent="random", episodes=3), tmp_path / name)
    with pytest.raises(TraceError, match="expected one run, got several"):
        compare([tmp_path, tmp_path / "a"])


# options that nothing would read


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"agent": "random", "llm": "openai:m@http://u:secret@h/v1"}, "llm is read by"),
        ({"agent": "cot", "llm": "x", "sample": True}, "sample is read by agent 'score'"),
        ({"agent": "cot", "llm": "x", "demonstrations": "d"}, "read by agent 'few_shot'"),
        ({"agent": "cot", "llm": "x", "synonyms": True, "parser": "balrog"}, "parser 'default'"),
    ],
)
def test_settings_that_nothing_reads_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UnknownName, match=named) as refused:
        Settings((LEVEL,), **settings)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--max-usd", "1"], "asks no model: expected no --max-usd"),
        (["--offline"], "asks no model: expected no --offline"),
        (["--cache", "x"], "asks no model: expected no --cache"),
    ],
)
def test_options_of_models_are_refused_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], named: str
) -> None:
    run = ["eval", LEVEL, "--agent", "random", "--out", str(tmp_path / "a"), *options]
    assert main(run) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_run_is_resumed_with_its_own_settings_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(Settings((LEVEL,), agent="random", episodes=2), tmp_path)
    assert main(["eval", "--resume", "--out", str(tmp_path)]) == 0
    assert main(["eval", "--resume", "--out", str(tmp_path), "--episodes", "7"]) == 2
    assert "expected no --episodes, got 7" in capsys.readouterr().err


def test_a_price_of_another_model_is_no_price(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"other": {"input": 1, "output": 1}}))
    run = ["eval", LEVEL, "--llm", "recorded:x", "--out", str(tmp_path / "a")]
    assert main([*run, "--prices", str(prices)]) == 2
    assert "expected a price of 'x', found those of other" in capsys.readouterr().err


def test_a_function_without_a_name_of_its_own_is_not_cached(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    with pytest.raises(ValueError, match="expected a model with a name of its own"):
        Gateway(ScriptedModel(lambda messages: "a"), cache=cache)
    Gateway(ScriptedModel(lambda messages: "a", name="mine"), cache=cache)
    Gateway(ScriptedModel("json:dumps"), cache=cache)


def test_a_cut_answer_of_react_is_read_as_any_other(tmp_path: Path) -> None:
    from textenvs.agents import ReactAgent

    cut = Completion("I could go forward but", "cut")
    env = ParseTextAction(gymnasium.make(LEVEL, max_episode_steps=1))
    rollout(lambda: env, ReactAgent(ScriptedModel(lambda m: cut)), episodes=1, directory=tmp_path)
    (step,) = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert step["invalid_action"]
