"""What stands between an agent and a model."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llm.models import Model, always, fault, first, prompt, says
from textenvs.errors import BudgetExhausted, ModelError, NotCached, Unsupported
from textenvs.llm import (
    Budget,
    Cache,
    Completion,
    Gateway,
    RateLimiter,
    RetryPolicy,
    Sampling,
    Usage,
)
from textenvs.llm.backends.scripted import ScriptedModel

QUICK = RetryPolicy(first=0.001)
WARM = Sampling(temperature=1.0)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "answers.db")


both = pytest.mark.parametrize("concurrent", [True, False], ids=["requests", "batches"])


# Answers


@both
def test_answers_come_in_the_order_of_the_prompts(concurrent: bool) -> None:
    model = Model(concurrent=concurrent)
    texts = [f"prompt {n}" for n in range(30)]
    answers = Gateway(model).generate([prompt(text) for text in texts], Sampling())
    assert [answer.text for answer in answers] == [text.upper() for text in texts]
    assert model.requests == 30


@both
def test_nothing_asked_is_nothing_answered(concurrent: bool) -> None:
    model = Model(concurrent=concurrent)
    assert Gateway(model).generate([], Sampling()) == []
    assert model.batches == []


def test_a_model_that_takes_batches_gets_one_with_what_is_new(cache: Cache) -> None:
    model = Model(concurrent=False)
    gateway = Gateway(model, cache=cache)
    gateway.generate([prompt("a"), prompt("b")], Sampling())
    gateway.generate([prompt("c"), prompt("a"), prompt("d"), prompt("b")], Sampling())
    assert model.batches == [2, 2]
    assert [text for text, _ in model.asked] == ["a", "b", "c", "d"]


def test_its_name_is_the_models() -> None:
    assert Gateway(Model()).name == "scripted:test"


def test_it_closes_what_it_holds(tmp_path: Path) -> None:
    model = Model()
    Gateway(model, cache=Cache(tmp_path / "c")).close()
    assert model.closed


# The cache


@both
def test_what_is_cached_is_not_asked_again(cache: Cache, concurrent: bool) -> None:
    model = Model(concurrent=concurrent)
    gateway = Gateway(model, cache=cache)
    before = gateway.generate([prompt("a"), prompt("b")], Sampling())
    assert gateway.cache_hits == 0
    assert gateway.generate([prompt("b"), prompt("a")], Sampling()) == before[::-1]
    assert gateway.cache_hits == 2
    other = Gateway(Model(always(says("another")), concurrent=concurrent), cache=cache)
    assert other.generate([prompt("a")], Sampling()) == before[:1]
    assert model.requests == 2
    assert gateway.ledger.requests == 2
    assert other.ledger.requests == 0


@both
def test_the_same_prompts_of_a_batch_are_asked_once_if_the_answer_must_be_the_same(
    concurrent: bool,
) -> None:
    model = Model(concurrent=concurrent)
    batch = [prompt(text) for text in "aabaa"]
    answers = Gateway(model).generate(batch, Sampling(), [0, 1, 2, 3, 4])
    assert [answer.text for answer in answers] == list("AABAA")
    assert sorted(model.asked) == [("a", 0), ("b", 0)]


@both
def test_the_same_prompts_are_asked_once_for_each_sample_index_otherwise(
    cache: Cache, concurrent: bool
) -> None:
    model = Model(lambda text, times: says(f"{text}{times}"), concurrent=concurrent)
    gateway = Gateway(model, cache=cache, concurrency=1)
    batch = [prompt(text) for text in "aaba"]
    answers = gateway.generate(batch, WARM, [0, 1, 0, 1])
    assert [answer.text for answer in answers] == ["a0", "a1", "b0", "a1"]
    assert model.asked == [("a", 0), ("a", 1), ("b", 0)]
    assert gateway.generate(batch, WARM, [0, 1, 0, 1]) == answers
    assert gateway.generate([prompt("a")], WARM, [2])[0].text == "a2"


def test_a_greedy_answer_does_not_depend_on_the_sample_index(cache: Cache) -> None:
    model = Model()
    gateway = Gateway(model, cache=cache)
    gateway.generate([prompt("a")], Sampling(), [7])
    gateway.generate([prompt("a")], Sampling(), [8])
    gateway.generate([prompt("a")], Sampling())
    assert model.requests == 1


@pytest.mark.parametrize("status", ["cut", "refused"])
def test_an_answer_that_is_not_whole_is_asked_for_again_next_time(
    cache: Cache, status: str
) -> None:
    model = Model(first(says("no", status)))
    gateway = Gateway(model, cache=cache)
    assert gateway.generate([prompt("a")], Sampling())[0].status == status
    assert gateway.generate([prompt("a")], Sampling())[0].status == "ok"
    assert model.requests == 2


def test_two_processes_with_one_cache_end_with_one_answer(cache: Cache) -> None:
    late = Model(always(says("late")))
    gateway = Gateway(late, cache=cache)
    late.script = lambda text, times: (  # the other process is first while this one waits
        cache.put("scripted:test", prompt("a"), Sampling(), 0, says("early")) and says("late")
    )
    assert gateway.generate([prompt("a")], Sampling())[0].text == "early"


@pytest.mark.parametrize("text", ["\ud800", "🧭", "", "x" * 300_000], ids=ascii)
def test_any_text_can_be_asked(cache: Cache, text: str) -> None:
    gateway = Gateway(Model(always(says(text or "-"))), cache=cache)
    for _ in range(2):
        answer = gateway.generate([prompt(text), prompt(text)], Sampling())[1]
        # A lone surrogate in an answer could neither be written nor be sent back.
        assert answer.text == (text or "-").replace("\ud800", "\ufffd")
    assert gateway.ledger.requests == 1


# Offline


@both
def test_offline_answers_what_is_cached_and_refuses_the_rest(
    cache: Cache, concurrent: bool
) -> None:
    model = Model(concurrent=concurrent)
    Gateway(model, cache=cache).generate([prompt("a")], Sampling())
    gateway = Gateway(model, cache=cache, offline=True)
    assert gateway.generate([prompt("a")], Sampling())[0].text == "A"
    with pytest.raises(NotCached, match=r"2 answers of scripted:test are not in .*answers\.db"):
        gateway.generate([prompt("a"), prompt("b"), prompt("c")], Sampling())
    assert model.requests == 1


def test_offline_needs_a_cache() -> None:
    with pytest.raises(ValueError, match="expected a cache to be offline with, got none"):
        Gateway(Model(), offline=True)


# Scores


class Scoring(Model):
    """Scores a text by its length."""

    def score(self, prompts, continuations):  # type: ignore[no-untyped-def]
        self.batches.append(len(prompts))
        return [[-float(len(text)) for text in texts] for texts in continuations]


def test_scores_are_cached_and_asked_in_one_batch(cache: Cache) -> None:
    model = Scoring(concurrent=False)
    gateway = Gateway(model, cache=cache)
    assert gateway.score(["p"], [["a", "bb"]]) == [[-1.0, -2.0]]
    assert gateway.score(["q", "p", "r"], [["ccc"], ["a", "bb"], []]) == [[-3.0], [-1.0, -2.0], []]
    assert model.batches == [1, 2]
    assert gateway.cache_hits == 1
    offline = Gateway(model, cache=cache, offline=True)
    assert offline.score(["p"], [("a", "bb")]) == [[-1.0, -2.0]]
    with pytest.raises(NotCached):
        offline.score(["p"], [["a"]])


def test_scores_are_booked_and_within_the_budget_once(cache: Cache) -> None:
    class Counting(Scoring):
        def count_tokens(self, prompt):  # type: ignore[no-untyped-def]
            return len(prompt)

    model = Counting(concurrent=False)
    gateway = Gateway(model, cache=cache, budget=Budget(max_tokens=8))
    for _ in range(2):
        gateway.score(["prompt"], [["a", "bb"]])
    assert gateway.ledger.usage == Usage(input_tokens=9)
    assert gateway.ledger.requests == 1
    with pytest.raises(BudgetExhausted):
        gateway.score(["prompt"], [["c"]])
    assert model.batches == [1]


def test_a_model_without_scores_says_so(cache: Cache) -> None:
    with pytest.raises(Unsupported, match="does not tell log-probabilities"):
        Gateway(Model(), cache=cache).score(["p"], [["a"]])


# Concurrency


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_never_more_requests_are_under_way_than_allowed(concurrency: int) -> None:
    model = Model(delay=0.01)
    gateway = Gateway(model, concurrency=concurrency)
    gateway.generate([prompt(str(n)) for n in range(48)], Sampling())
    assert model.busiest == concurrency
    assert model.requests == 48


def test_nor_if_many_threads_ask() -> None:
    model = Model(delay=0.005)
    gateway = Gateway(model, concurrency=3)
    with ThreadPoolExecutor(12) as pool:
        batches = [[prompt(f"{a} {b}") for b in range(4)] for a in range(12)]
        list(pool.map(lambda batch: gateway.generate(batch, Sampling()), batches))
    assert model.busiest == 3
    assert model.requests == 48


def test_a_concurrency_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a concurrency of 1 or more, got 0"):
        Gateway(Model(), concurrency=0)


def test_the_limit_of_rate_holds_for_those_who_waited_for_a_free_place() -> None:
    """A place of the limiter that a slow request let pass is not made up for by a burst."""
    model = Model(lambda text, times: says())
    gateway = Gateway(model, concurrency=1, limiter=RateLimiter(requests_per_second=10))
    model.delay = 0.3  # of the first request only
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(gateway.generate, [prompt(str(n))], Sampling()) for n in range(5)]
        time.sleep(0.1)
        model.delay = 0.0
        for each in asked:
            each.result()
    gaps = [after - before for before, after in zip(model.times, model.times[1:], strict=False)]
    assert min(gaps) > 0.04


def test_tokens_are_limited_too() -> None:
    model = Model(always(says(tokens=100)))
    gateway = Gateway(model, concurrency=1, limiter=RateLimiter(tokens_per_second=1000))
    start = time.monotonic()
    gateway.generate([prompt(str(n)) for n in range(4)], Sampling())
    assert 0.3 <= time.monotonic() - start < 1.5


# Faults


@pytest.mark.parametrize(
    "kind", ["rate_limited", "server_error", "broken_answer", "timeout", "connection"]
)
def test_a_fault_that_passes_is_asked_again_and_counted(kind: str) -> None:
    model = Model(first(fault(kind), fault(kind)))
    gateway = Gateway(model, retry=QUICK)
    assert gateway.generate([prompt("a")], Sampling())[0].text == "yes"
    assert model.requests == 3
    assert gateway.ledger.requests == 3
    assert gateway.ledger.faults == {kind: 2}
    assert gateway.ledger.usage.total == 10


def test_a_fault_that_does_not_pass_ends_as_an_error_that_names_it() -> None:
    model = Model(always(fault("server_error")))
    gateway = Gateway(model, retry=RetryPolicy(retries=3, first=0.001))
    with pytest.raises(ModelError, match=r"no answer in 4 tries, the last fault: a fault: server"):
        gateway.generate([prompt("a")], Sampling())
    assert model.requests == 4
    assert gateway.ledger.faults == {"server_error": 4}


def test_a_server_that_is_away_for_long_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(Model(always(fault("connection"))), retry=RetryPolicy(retries=5, first=0.001))
    for _ in range(2):
        with pytest.raises(ModelError):
            gateway.generate([prompt("a")], Sampling())
    (told,) = [record.getMessage() for record in caplog.records]
    assert "failed 3 times and is sent again, 3 times at most" in told
    assert told.endswith("a fault: connection")


def test_a_fault_that_passes_soon_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(Model(first(fault("connection"), fault("connection"))), retry=QUICK)
    gateway.generate([prompt("a")], Sampling())
    assert not caplog.records


def test_the_servers_word_on_when_to_come_back_is_kept() -> None:
    model = Model(first(fault("rate_limited", 0.3)))
    gateway = Gateway(model, retry=RetryPolicy(first=60))
    start = time.monotonic()
    gateway.generate([prompt("a")], Sampling())
    assert 0.3 <= time.monotonic() - start < 2
    assert model.times[1] - model.times[0] >= 0.3


def test_an_empty_answer_is_asked_for_again_and_then_given_back_as_what_it_is(
    cache: Cache,
) -> None:
    model = Model(always(says("", "empty")))
    gateway = Gateway(model, cache=cache, retry=RetryPolicy(first=60, empty_retries=2))
    answer = gateway.generate([prompt("a")], Sampling())[0]
    assert (answer.text, answer.status) == ("", "empty")
    assert model.requests == 3
    assert gateway.ledger.faults == {"empty": 3}
    assert len(cache) == 0


def test_an_empty_answer_is_paid_like_any_other() -> None:
    model = Model(first(says("", "empty", usd=0.5), says("", "empty", usd=0.5)), tells_cost=True)
    gateway = Gateway(model)
    gateway.generate([prompt("a")], Sampling())
    assert gateway.ledger.usage.total == 30
    assert gateway.ledger.usd == 1.0
    assert gateway.ledger.requests == 3


def test_faults_before_an_empty_answer_are_no_empty_answers() -> None:
    faults = [fault("rate_limited"), fault("server_error"), fault("timeout")]
    model = Model(first(*faults, says("", "empty"), says("", "empty")))
    gateway = Gateway(model, retry=RetryPolicy(first=0.001, empty_retries=2))
    assert gateway.generate([prompt("a")], Sampling())[0].text == "yes"


def test_empty_answers_before_a_fault_are_no_faults() -> None:
    model = Model(first(says("", "empty"), says("", "empty"), fault("timeout")))
    gateway = Gateway(model, retry=RetryPolicy(retries=1, first=0.001, empty_retries=2))
    assert gateway.generate([prompt("a")], Sampling())[0].text == "yes"


# Errors that stay


def test_an_error_that_stays_is_not_asked_again() -> None:
    model = Model(always(ModelError("the key is wrong")))
    gateway = Gateway(model)
    with pytest.raises(ModelError, match="the key is wrong"):
        gateway.generate([prompt("a")], Sampling())
    assert model.requests == 1


def test_an_error_that_stays_ends_the_waiting_of_all_and_is_what_they_tell() -> None:
    failed = threading.Event()

    def script(text: str, times: int) -> Completion | Exception:
        if text == "wrong":
            time.sleep(0.2)  # until the others wait
            failed.set()
            return ModelError("the key is wrong")
        return fault("rate_limited", 60.0)

    gateway = Gateway(Model(script), concurrency=8)
    start = time.monotonic()
    batch = [prompt(text) for text in ("a", "b", "c", "wrong", "d")]
    with pytest.raises(ModelError, match="the key is wrong"):
        gateway.generate(batch, Sampling())
    assert failed.is_set()
    assert time.monotonic() - start < 5


def test_it_ends_the_waiting_in_other_threads_too() -> None:
    def script(text: str, times: int) -> Completion | Exception:
        return ModelError("the key is wrong") if text == "wrong" else fault("timeout", 60.0)

    gateway = Gateway(Model(script))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(gateway.generate, [prompt("a")], Sampling())
        time.sleep(0.1)
        with pytest.raises(ModelError, match="the key is wrong"):
            gateway.generate([prompt("wrong")], Sampling())
        with pytest.raises(ModelError, match="the key is wrong"):
            waiting.result(timeout=5)


def test_after_an_error_the_next_call_begins_anew() -> None:
    def script(text: str, times: int) -> Completion | Exception:
        return ModelError("too long") if text == "long" else first(fault("timeout"))(text, times)

    gateway = Gateway(Model(script), retry=QUICK)
    with pytest.raises(ModelError, match="too long"):
        gateway.generate([prompt("a"), prompt("long")], Sampling())
    assert gateway.generate([prompt("b")], Sampling())[0].text == "yes"


def test_what_was_answered_before_an_error_is_cached(cache: Cache) -> None:
    def script(text: str, times: int) -> Completion | Exception:
        return ModelError("no") if text == "wrong" and times == 0 else says(text)

    model = Model(script)
    gateway = Gateway(model, cache=cache, concurrency=1)
    batch = [prompt(text) for text in ("a", "b", "wrong")]
    with pytest.raises(ModelError, match="no"):
        gateway.generate(batch, Sampling())
    gateway.generate(batch, Sampling())
    assert [text for text, _ in model.asked] == ["a", "b", "wrong", "wrong"]


def test_a_bug_of_the_model_comes_through_as_it_is() -> None:
    model = Model(lambda text, times: ZeroDivisionError("a bug") if text == "b" else says())
    with pytest.raises(ZeroDivisionError, match="a bug"):
        Gateway(model).generate([prompt("a"), prompt("b")], Sampling())


def test_ctrl_c_ends_the_waiting() -> None:
    code = """
    import os, signal, threading, time
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from textenvs.llm import Gateway, Sampling
    from llm.models import Model, always, fault, prompt
    gateway = Gateway(Model(always(fault("rate_limited", 60.0))))
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    try:
        gateway.generate([prompt("a"), prompt("b")], Sampling())
    except KeyboardInterrupt:
        print(time.monotonic() - start < 5)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.stdout == "True\n", done.stderr


# Budgets


def test_a_budget_of_tokens_stops_before_the_next_request(cache: Cache) -> None:
    model = Model(always(says(tokens=10)))
    gateway = Gateway(model, cache=cache, budget=Budget(max_tokens=25), concurrency=1)
    with pytest.raises(BudgetExhausted, match=r"max_tokens of 25 is spent \(30\)"):
        gateway.generate([prompt(str(n)) for n in range(10)], Sampling())
    assert model.requests == 3
    assert len(cache) == 3


@pytest.mark.parametrize("threads", [False, True], ids=["a batch", "threads"])
def test_what_is_under_way_comes_on_top_and_no_more(threads: bool) -> None:
    model = Model(always(says(tokens=10)), delay=0.02)
    gateway = Gateway(model, budget=Budget(max_tokens=100), concurrency=4)
    if threads:
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(gateway.generate, [prompt(str(n))], Sampling()) for n in range(40)]
        errors = [each.exception() for each in asked]
        assert sum(error is None for error in errors) == model.requests
        assert all(error is None or isinstance(error, BudgetExhausted) for error in errors)
    else:
        with pytest.raises(BudgetExhausted):
            gateway.generate([prompt(str(n)) for n in range(40)], Sampling())
    assert 10 <= model.requests <= 10 + 3


@both
def test_after_a_budget_is_spent_nothing_is_sent(cache: Cache, concurrent: bool) -> None:
    model = Model(always(says(tokens=10)), concurrent=concurrent)
    gateway = Gateway(model, cache=cache, budget=Budget(max_tokens=10))
    gateway.generate([prompt("a")], Sampling())
    for _ in range(3):
        with pytest.raises(BudgetExhausted):
            gateway.generate([prompt("b")], Sampling())
        with pytest.raises(BudgetExhausted):
            gateway.generate([prompt("a"), prompt("b"), prompt("c")], Sampling())
    assert gateway.generate([prompt("a")], Sampling())[0].text == "yes"  # it is cached
    assert model.requests == 1


def test_a_spent_budget_ends_the_waiting_of_others() -> None:
    def script(text: str, times: int) -> Completion | Exception:
        if text == "patient":
            return fault("rate_limited", 60.0)
        time.sleep(0.05)
        return says(tokens=10)

    gateway = Gateway(Model(script), budget=Budget(max_tokens=50), concurrency=2)
    start = time.monotonic()
    with pytest.raises(BudgetExhausted, match="max_tokens"):
        gateway.generate([prompt(text) for text in ("patient", *"abcdefgh")], Sampling())
    assert time.monotonic() - start < 5


def test_empty_answers_use_the_budget_up_too() -> None:
    model = Model(always(says("", "empty", tokens=10)))
    gateway = Gateway(model, budget=Budget(max_tokens=15), retry=RetryPolicy(empty_retries=100))
    with pytest.raises(BudgetExhausted):
        gateway.generate([prompt("a")], Sampling())
    assert model.requests == 2


def test_retries_end_where_the_time_is_spent() -> None:
    model = Model(always(fault("server_error")))
    retry = RetryPolicy(retries=10_000, first=0.02, longest=0.02)
    gateway = Gateway(model, budget=Budget(max_wallclock=0.2), retry=retry)
    start = time.monotonic()
    with pytest.raises(BudgetExhausted, match="max_wallclock"):
        gateway.generate([prompt("a")], Sampling())
    assert 0.2 <= time.monotonic() - start < 2


def test_a_budget_in_usd_needs_a_price() -> None:
    with pytest.raises(ValueError, match="expected a price of scripted:test"):
        Gateway(Model(), budget=Budget(max_usd=1.0))


def test_a_model_that_tells_its_cost_needs_no_price() -> None:
    model = Model(always(says(usd=0.4)), tells_cost=True)
    gateway = Gateway(model, budget=Budget(max_usd=1.0), concurrency=1)
    with pytest.raises(BudgetExhausted, match=r"max_usd of 1 is spent \(1\.2\)"):
        gateway.generate([prompt(str(n)) for n in range(9)], Sampling())
    assert model.requests == 3


@both
def test_a_model_that_should_tell_its_cost_and_does_not_is_asked_no_further(
    cache: Cache, concurrent: bool
) -> None:
    model = Model(always(says()), tells_cost=True, concurrent=concurrent)
    gateway = Gateway(model, cache=cache, budget=Budget(max_usd=1.0), concurrency=1)
    with pytest.raises(ModelError, match="does not tell what its answers cost"):
        gateway.generate([prompt("a")], Sampling())
    assert model.requests == 1
    assert len(cache) == 1  # it is paid


def test_a_plain_function_can_stand_for_a_model(cache: Cache) -> None:
    model = ScriptedModel(lambda messages: messages[-1]["content"] * 2, name="scripted:double")
    gateway = Gateway(model, cache=cache)
    assert [a.text for a in gateway.generate([prompt("a"), prompt("b")], Sampling())] == [
        "aa",
        "bb",
    ]
