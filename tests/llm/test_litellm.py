"""Other providers, through LiteLLM."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm.models import TOOL, body, last, prompt
from serving import RunningServer
from textenvs.errors import ModelError
from textenvs.llm import (
    Budget,
    Cache,
    Completion,
    Gateway,
    LanguageModel,
    Price,
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


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def model(server: RunningServer, options: str = "", name: str = "openai/test") -> LanguageModel:
    return get_model(f"litellm:{name}@http://127.0.0.1:{server.port}/v1{options}")


def ask(server: RunningServer, options: str = "", sampling: Sampling | None = None) -> Completion:
    (answer,) = model(server, options).generate([prompt("hi")], sampling or Sampling())
    return answer


def test_an_answer_is_read_with_its_tokens(serve: Serve) -> None:
    server = serve(actions="go forward", key=KEY)
    read = len(json.dumps(prompt("hi"))) // 4
    assert ask(server) == Completion("go forward", usage=Usage(read, 3, 2, 1))
    assert last(server)["path"] == "/v1/chat/completions"


def test_its_name_has_the_address_and_not_the_timeout(serve: Serve) -> None:
    server = serve()
    assert model(server, "?timeout=5").name == (
        f"litellm:openai/test@http://127.0.0.1:{server.port}/v1"
    )


def test_settings_are_asked_for(serve: Serve) -> None:
    server = serve()
    sampling = Sampling(0.7, 0.9, 5, ("\n",), (TOOL,), "required")
    model(server).generate([prompt("hi")], sampling, [3])
    asked = body(server)
    assert asked["messages"] == prompt("hi")
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.7, 0.9, 5)
    assert (asked["stop"], asked["seed"]) == (["\n"], 3)
    assert asked["tools"] == [TOOL]
    assert asked["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("fault", "text", "status"),
    [("empty", "", "empty"), ("cut", "drop", "cut"), ("refuse", "drop", "refused")],
)
def test_an_answer_that_is_not_whole_says_so(
    serve: Serve, fault: str, text: str, status: str
) -> None:
    answer = ask(serve(faults={0: fault}, actions="drop"))
    assert (answer.text, answer.status) == (text, status)


def test_a_tool_call_is_an_answer(serve: Serve) -> None:
    answer = ask(serve(faults={0: "tool"}, actions="drop"), sampling=Sampling(tools=(TOOL,)))
    assert answer.status == "ok"
    assert answer.tool_calls == (ToolCall("act", '{"action": "drop"}'),)


def test_reasoning_is_kept_apart(serve: Serve) -> None:
    answer = ask(serve(faults={0: "thought"}, actions="drop"))
    assert (answer.text, answer.reasoning) == ("drop", "I think.")


# What it costs


def test_a_model_that_its_table_knows_tells_its_cost(serve: Serve) -> None:
    (answer,) = model(serve(), name="openai/gpt-4o-mini").generate([prompt("hi")], Sampling())
    assert answer.usd is not None
    assert 0 < answer.usd < 0.001


def test_a_model_that_its_table_does_not_know_tells_none(serve: Serve) -> None:
    assert ask(serve()).usd is None


def test_a_budget_in_usd_is_not_passed_over_for_a_model_without_a_price(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    gateway = Gateway(model(server), budget=Budget(max_usd=1.0), cache=Cache(tmp_path / "c"))
    with pytest.raises(ModelError, match="expected a price of it, without which max_usd cannot be"):
        gateway.generate([prompt("a")], Sampling())
    priced = Gateway(model(server), budget=Budget(max_usd=1.0), price=Price(1.0, 1.0))
    assert priced.generate([prompt("b")], Sampling())[0].usd is not None


# Faults


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        ("429", "rate_limited", 1.0),
        ("429 0.25", "rate_limited", 0.25),
        ("500", "server_error", None),
        ("503", "server_error", None),
        ("html", "server_error", None),
        ("broken", "broken_answer", None),
        ("reset", "connection", None),
    ],
)
def test_a_fault_that_passes(
    serve: Serve, fault: str, kind: str, retry_after: float | None
) -> None:
    server = serve(faults={0: fault})
    with pytest.raises(Fault) as caught:
        ask(server)
    assert caught.value.kind == kind
    assert caught.value.retry_after == retry_after
    assert "\n" not in str(caught.value)
    assert server.requests == 1  # retries are the gateway's


@pytest.mark.parametrize("fault", ["no choices"])
def test_an_answer_without_its_parts_is_broken(serve: Serve, fault: str) -> None:
    with pytest.raises(Fault) as caught:
        ask(serve(faults={0: fault}))
    assert caught.value.kind == "broken_answer"


def test_a_server_that_hangs_runs_into_the_timeout(serve: Serve) -> None:
    start = time.monotonic()
    with pytest.raises(Fault) as caught:
        ask(serve(faults={0: "hang"}), "?timeout=0.5")
    assert caught.value.kind == "timeout"
    assert 0.4 < time.monotonic() - start < 5


def test_nobody_listening_is_a_fault_of_the_connection() -> None:
    with pytest.raises(Fault) as caught:
        get_model("litellm:openai/m@http://127.0.0.1:9/v1").generate([prompt("hi")], Sampling())
    assert caught.value.kind == "connection"


@pytest.mark.parametrize("fault", ["400", "401", "403", "404", "quota"])
def test_an_error_that_stays_is_not_asked_again(serve: Serve, fault: str) -> None:
    server = serve(faults={0: fault})
    with pytest.raises(ModelError, match=rf"^litellm:openai/test@.*fault {fault}") as caught:
        Gateway(model(server)).generate([prompt("hi")], Sampling())
    assert "\n" not in str(caught.value)
    assert server.requests == 1


def test_a_wrong_key_is_told_without_the_key_that_the_server_repeats(serve: Serve) -> None:
    with pytest.raises(ModelError, match="Incorrect API key provided") as caught:
        ask(serve(key="sk-another"))
    assert KEY not in str(caught.value)


def test_a_key_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ModelError, match="expected an address without a key in it") as caught:
        get_model(f"litellm:openai/m@http://user:{KEY}@127.0.0.1/v1")
    assert KEY not in str(caught.value)


def test_a_lone_surrogate_cannot_be_sent_and_is_not_tried_again(serve: Serve) -> None:
    server = serve()
    with pytest.raises(ModelError, match="can be written as UTF-8, got a lone surrogate"):
        Gateway(model(server)).generate([prompt("a\ud800b")], Sampling())
    assert server.requests == 0


def test_a_provider_that_does_not_exist_is_an_error_that_stays() -> None:
    with pytest.raises(ModelError, match="nobody/m"):
        get_model("litellm:nobody/m").generate([prompt("hi")], Sampling())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429 0.25", "rate_limited"),
        ("500", "server_error"),
        ("529", "server_error"),
        ("broken", "broken_answer"),
        ("reset", "connection"),
        ("hang", "timeout"),
    ],
)
def test_the_faults_of_another_providers_client_are_told_apart_too(
    serve: Serve, fault: str, kind: str
) -> None:
    server = serve(faults={0: fault})
    claude = model(server, "?timeout=0.5", name="anthropic/claude-test")
    with pytest.raises(Fault) as caught:
        claude.generate([prompt("hi")], Sampling())
    assert caught.value.kind == kind
    assert caught.value.retry_after == (0.25 if kind == "rate_limited" else None)
    assert server.requests == 1


def test_another_provider_refuses_its_key_for_good(serve: Serve) -> None:
    server = serve(faults={0: "401"})
    with pytest.raises(ModelError):
        model(server, name="anthropic/claude-test").generate([prompt("hi")], Sampling())


def test_a_run_gets_through_all_faults_that_pass_and_counts_them(serve: Serve) -> None:
    faults = ["429 0.1", "500", "broken", "empty", "hang", "reset"]
    server = serve(faults=dict(enumerate(faults)), actions="drop")
    gateway = Gateway(model(server, "?timeout=0.5"), retry=RetryPolicy(first=0.01))
    assert gateway.generate([prompt("hi")], Sampling())[0].text == "drop"
    assert server.requests == 7
    assert gateway.ledger.faults == {
        "rate_limited": 1,
        "server_error": 1,
        "broken_answer": 1,
        "empty": 1,
        "timeout": 1,
        "connection": 1,
    }


def test_many_threads_may_ask_at_once(serve: Serve) -> None:
    server = serve(delay=0.1)
    gateway = Gateway(model(server), concurrency=4)
    answers = gateway.generate([prompt(str(n)) for n in range(12)], Sampling())
    assert all(answer.status == "ok" for answer in answers)
    assert server.log()["busiest"] == 4
