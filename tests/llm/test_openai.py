"""Servers that speak OpenAI's API, through the official client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm.models import TOOL, body, last, prompt
from serving import RunningServer
from textenvs.errors import ModelError
from textenvs.llm import (
    Cache,
    Completion,
    Gateway,
    RetryPolicy,
    Sampling,
    ToolCall,
    Usage,
    get_model,
)
from textenvs.llm.retry import Fault

pytestmark = pytest.mark.models

KEY = "sk-test-0123456789"
Serve = Callable[..., RunningServer]


def ask(server: RunningServer, options: str = "", sampling: Sampling | None = None) -> Completion:
    (answer,) = get_model(server.llm + options).generate([prompt("hi")], sampling or Sampling())
    return answer


# Requests


def test_the_least_is_asked_for(serve: Serve) -> None:
    server = serve()
    messages = [{"role": "system", "content": "Be 🧭."}, *prompt("hi")]
    get_model(server.llm).generate([messages], Sampling(max_tokens=7))
    assert last(server)["path"] == "/v1/chat/completions"
    assert body(server) == {
        "model": "test",
        "messages": messages,
        "max_tokens": 7,
        "temperature": 0.0,
    }


def test_all_settings_are_asked_for(serve: Serve) -> None:
    server = serve()
    sampling = Sampling(0.7, 0.9, 5, ("\n", "END"), (TOOL,), "act")
    get_model(server.llm).generate([prompt("hi")], sampling, [2**40 + 3])
    assert body(server) == {
        "model": "test",
        "messages": prompt("hi"),
        "max_tokens": 5,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 3,
        "stop": ["\n", "END"],
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "act"}},
    }


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
def test_the_choices_of_tools_that_the_api_names(serve: Serve, choice: str) -> None:
    server = serve()
    ask(server, sampling=Sampling(tools=(TOOL,), tool_choice=choice))
    assert body(server)["tool_choice"] == choice


def test_the_servers_own_temperature_is_left_to_it(serve: Serve) -> None:
    server = serve()
    ask(server, sampling=Sampling(temperature=None))
    assert "temperature" not in body(server)
    assert body(server)["seed"] == 0


def test_another_sample_index_is_another_seed(serve: Serve) -> None:
    server = serve()
    model = get_model(server.llm)
    seeds = []
    for sample in (0, 1, 2**31 + 1):
        model.generate([prompt("hi")], Sampling(temperature=1.0), [sample])
        seeds.append(body(server)["seed"])
    assert seeds == [0, 1, 1]


def test_prompts_are_answered_in_order(serve: Serve) -> None:
    model = get_model(serve().llm)
    prompts = [prompt(f"prompt {n}") for n in range(6)]
    together = model.generate(prompts, Sampling())
    assert together == [model.generate([each], Sampling())[0] for each in prompts]
    assert len({answer.text for answer in together}) > 1


@pytest.mark.parametrize("text", ["naïve 北 🧭", "\x00\x1b", "x" * 2_000_000], ids=len)
def test_any_text_can_be_sent(serve: Serve, text: str) -> None:
    server = serve()
    get_model(server.llm).generate([prompt(text)], Sampling())
    assert body(server)["messages"] == prompt(text)


def test_a_lone_surrogate_cannot_be_sent_and_is_not_tried_again(serve: Serve) -> None:
    server = serve()
    with pytest.raises(ModelError, match="can be written as UTF-8, got a lone surrogate"):
        Gateway(get_model(server.llm)).generate([prompt("a\ud800b")], Sampling())
    assert server.requests == 0


# Keys and addresses


def test_the_key_of_the_environment_is_sent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")  # as from a file
    server = serve(key=KEY)
    assert ask(server).status == "ok"
    assert last(server)["headers"]["authorization"] == f"Bearer {KEY}"


def test_a_server_of_ones_own_needs_no_key(serve: Serve) -> None:
    assert ask(serve()).status == "ok"


def test_openais_own_address_needs_a_key() -> None:
    with pytest.raises(ModelError, match=r"^openai:gpt-4o-mini: expected a key in the environment"):
        get_model("openai:gpt-4o-mini").generate([[]], Sampling())  # from a cache, none is needed


def test_openais_own_address_and_its_own_name_of_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "")  # as good as none
    model: Any = get_model("openai:gpt-4o-mini")
    assert model.name == "openai:gpt-4o-mini"
    assert str(model._client.base_url) == "https://api.openai.com/v1/"
    assert model._limit == "max_completion_tokens"


def test_the_address_of_the_environment_is_part_of_the_name(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.port}/v1")
    model = get_model("openai:test")
    assert model.name == server.llm
    assert model.generate([prompt("hi")], Sampling())[0].status == "ok"


def test_the_timeout_is_no_part_of_the_name(serve: Serve) -> None:
    server = serve()
    assert get_model(server.llm + "?timeout=5").name == server.llm


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{KEY}@127.0.0.1/v1",
        f"http://{KEY}@127.0.0.1/v1",
        f"https://127.0.0.1/v1#{KEY}",
    ],
)
def test_a_key_in_the_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ModelError, match="expected an address without a key in it") as caught:
        get_model(f"openai:m@{address}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://", "http://127.0.0.1:port/v1", "http://[::1/v1", "http://h:99999/v1"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ModelError, match="expected a server's address like http://HOST:PORT/v1"):
        get_model(f"openai:m@{address}")


@pytest.mark.parametrize("key", ["sk-ключ-0123456789", "sk-test\n0123456789"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ModelError, match="expected a key of one line of ASCII") as caught:
        get_model("openai:m@http://127.0.0.1:9/v1")
    assert "0123456789" not in str(caught.value)


# Answers


def test_an_answer_is_read_with_its_tokens(serve: Serve) -> None:
    answer = ask(serve(actions="go forward"))
    read = len(json.dumps(prompt("hi"))) // 4
    assert answer == Completion("go forward", usage=Usage(read, 3, 2, 1))
    assert answer.usd is None


@pytest.mark.parametrize(
    ("fault", "text", "status"),
    [("empty", "", "empty"), ("cut", "drop", "cut"), ("refuse", "drop", "refused")],
)
def test_an_answer_that_is_not_whole_says_so(
    serve: Serve, fault: str, text: str, status: str
) -> None:
    answer = ask(serve(faults={0: fault}, actions="drop"))
    assert (answer.text, answer.status) == (text, status)


@pytest.mark.parametrize("fault", ["tool", "tool object"])
def test_a_tool_call_is_an_answer_without_text(serve: Serve, fault: str) -> None:
    answer = ask(serve(faults={0: fault}, actions="drop"), sampling=Sampling(tools=(TOOL,)))
    assert answer.status == "ok"
    assert answer.text == ""
    assert answer.tool_calls == (ToolCall("act", '{"action": "drop"}'),)


def test_reasoning_is_kept_apart(serve: Serve) -> None:
    answer = ask(serve(faults={0: "thought"}, actions="drop"))
    assert (answer.text, answer.reasoning) == ("drop", "I think.")


def test_a_server_that_does_not_count_tokens_is_no_fault(serve: Serve) -> None:
    assert ask(serve(faults={0: "no usage"})).usage == Usage(counted=False)


def test_a_server_that_tells_the_cost_is_believed(serve: Serve) -> None:
    assert ask(serve(faults={0: "cost"})).usd == 0.25


# Faults


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after", "said"),
    [
        ("429", "rate_limited", 1.0, "fault 429"),
        ("429 0.25", "rate_limited", 0.25, "fault 429"),
        ("500", "server_error", None, "fault 500"),
        ("503 7", "server_error", 7.0, "fault 503"),
        ("408", "server_error", None, "fault 408"),
        ("html", "server_error", None, "<html> <h1>Bad Gateway</h1> </html>"),
        ("broken", "broken_answer", None, "JSONDecodeError"),
        ("no choices", "broken_answer", None, "IndexError"),
        ("parts", "broken_answer", None, "expected content as text, got list"),
        ("reset", "connection", None, "no connection"),
    ],
)
def test_a_fault_that_passes(
    serve: Serve, fault: str, kind: str, retry_after: float | None, said: str
) -> None:
    with pytest.raises(Fault) as caught:
        ask(serve(faults={0: fault}))
    assert caught.value.kind == kind
    assert caught.value.retry_after == retry_after
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_hangs_runs_into_the_timeout(serve: Serve) -> None:
    start = time.monotonic()
    with pytest.raises(Fault) as caught:
        ask(serve(faults={0: "hang"}), "?timeout=0.5")
    assert caught.value.kind == "timeout"
    assert 0.4 < time.monotonic() - start < 5


def test_nobody_listening_is_a_fault_of_the_connection() -> None:
    with pytest.raises(Fault, match="no connection") as caught:
        get_model("openai:m@http://127.0.0.1:9/v1").generate([prompt("hi")], Sampling())
    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "the server refused the key: set OPENAI_API_KEY to a valid one"),
        ("403", "set OPENAI_API_KEY to one that may use this model"),
        ("404", "the server knows no such model or path"),
        ("400", "the server refused the request"),
        ("quota", "the server refused the request"),
    ],
)
def test_an_error_that_stays_says_what_to_do(serve: Serve, fault: str, said: str) -> None:
    server = serve(faults={0: fault})
    with pytest.raises(ModelError, match=said):
        Gateway(get_model(server.llm)).generate([prompt("hi")], Sampling())
    assert server.requests == 1


def test_a_wrong_key_is_told_in_one_line_without_the_key_that_the_server_repeats(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ModelError) as caught:
        ask(serve(key="sk-another"))
    said = str(caught.value)
    assert "Incorrect API key provided: [key]" in said
    assert KEY not in said
    assert "\n" not in said


def test_a_word_that_stands_for_a_key_is_left_in_answers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local servers take anything as a key, and people give them "x" or "none"."""
    server = serve()
    plain = ask(server).text
    assert plain
    monkeypatch.setenv("OPENAI_API_KEY", plain[0])
    assert ask(server).text == plain


# Through the gateway


def test_a_run_gets_through_all_faults_that_pass_and_counts_them(
    serve: Serve, tmp_path: Path
) -> None:
    faults = ["429 0.1", "500", "broken", "empty", "hang", "reset", "html"]
    server = serve(faults=dict(enumerate(faults)), actions="drop")
    gateway = Gateway(
        get_model(server.llm + "?timeout=0.5"),
        cache=Cache(tmp_path / "answers.db"),
        retry=RetryPolicy(first=0.01),
    )
    for _ in range(2):
        assert gateway.generate([prompt("hi")], Sampling())[0].text == "drop"
    assert server.requests == 8
    assert gateway.ledger.requests == 8
    assert gateway.ledger.faults == {
        "rate_limited": 1,
        "server_error": 2,
        "broken_answer": 1,
        "empty": 1,
        "timeout": 1,
        "connection": 1,
    }


def test_as_many_requests_are_under_way_as_allowed_and_no_more(serve: Serve) -> None:
    server = serve(delay=0.1)
    gateway = Gateway(get_model(server.llm), concurrency=6)
    start = time.monotonic()
    gateway.generate([prompt(str(n)) for n in range(24)], Sampling())
    assert time.monotonic() - start < 1.5  # 24 one after the other would take 2.4 s
    assert server.log()["busiest"] == 6


def test_a_server_that_sleeps_for_a_while_is_waited_for(serve: Serve) -> None:
    server = serve(asleep="1,0.5")
    gateway = Gateway(get_model(server.llm), concurrency=2, retry=RetryPolicy(first=0.1))
    answers = gateway.generate([prompt(str(n)) for n in range(6)], Sampling())
    assert all(answer.status == "ok" for answer in answers)
    assert gateway.ledger.faults["connection"] >= 1


def test_without_a_cache_a_missing_key_is_told_before_anything_is_played(tmp_path: Path) -> None:
    model = get_model("openai:gpt-4o-mini")
    with pytest.raises(ModelError, match="expected a key in the environment"):
        Gateway(model)
    Gateway(model, cache=Cache(tmp_path / "cache"))  # which may have all answers
