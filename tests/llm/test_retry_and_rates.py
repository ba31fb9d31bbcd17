"""How long to wait: for a fault to pass, and for one's turn."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.models import fault
from textenvs.llm import FAULTS, RateLimiter, RetryPolicy

# Retries


@given(st.sampled_from([kind for kind in FAULTS if kind != "empty"]), st.integers(0, 500))
def test_waits_double_up_to_the_longest_and_at_least_half_is_kept(kind: str, attempt: int) -> None:
    policy = RetryPolicy(first=0.5, longest=30.0)
    wait = policy.wait(fault(kind), attempt)
    full = min(0.5 * 2 ** min(attempt, 50), 30.0)
    assert full / 2 <= wait <= full


def test_those_who_failed_together_do_not_come_back_together() -> None:
    policy = RetryPolicy()
    assert len({policy.wait(fault("timeout"), 3) for _ in range(20)}) > 10


@given(st.floats(min_value=0, exclude_min=True), st.integers(0, 50))
def test_the_servers_word_counts_up_to_a_limit(seconds: float, attempt: int) -> None:
    policy = RetryPolicy(first=1.0, longest=2.0, most_patient=300.0)
    assert policy.wait(fault("rate_limited", seconds), attempt) == min(seconds, 300.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0, -math.inf, math.nan])
def test_a_server_that_says_at_once_is_not_asked_ten_times_at_once(seconds: float) -> None:
    policy = RetryPolicy(first=0.5)
    assert 0.25 <= policy.wait(fault("rate_limited", seconds), 0) <= 0.5
    assert 4.0 <= policy.wait(fault("rate_limited", seconds), 4) <= 8.0


def test_an_empty_answer_is_asked_for_again_at_once() -> None:
    assert RetryPolicy(first=9.0).wait(fault("empty"), 1) == 0.0


def test_the_default_bridges_some_minutes() -> None:
    policy = RetryPolicy()
    waits = [policy.wait(fault("connection"), attempt) for attempt in range(policy.retries)]
    assert 60 < sum(waits) < 300


def test_it_gives_up_after_as_many_retries_as_it_has() -> None:
    policy = RetryPolicy(retries=3, empty_retries=1)
    assert [policy.gives_up(fault("timeout"), n) for n in range(5)] == [False] * 3 + [True] * 2
    assert [policy.gives_up(fault("empty"), n) for n in range(3)] == [False, True, True]
    assert RetryPolicy(retries=0).gives_up(fault("timeout"), 0)


# Rates


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def busiest(times: list[float], window: float) -> int:
    """The most that lie within a window, its end left out."""
    return max(sum(start <= t < start + window - 1e-9 for t in times) for start in times)


@given(
    st.floats(0.2, 50.0),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    st.booleans(),
)
def test_over_any_second_no_more_requests_are_sent_than_allowed(
    rate: float, steps: list[float], all_at_once: bool
) -> None:
    clock = Clock()
    limiter = RateLimiter(requests_per_second=rate, clock=clock)
    sent = []
    for step in steps:
        clock.now += 0.0 if all_at_once else step
        wait = limiter.reserve()
        assert wait >= 0
        sent.append(clock.now + wait)
    assert busiest(sent, 1.0) <= math.ceil(rate)
    assert busiest(sent, 10.0) <= math.ceil(rate * 10)
    assert sent == sorted(sent)


@given(
    st.floats(10.0, 1000.0),
    st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 2000)), min_size=1, max_size=40),
)
def test_tokens_are_worked_off_before_the_next_request(
    rate: float, requests: list[tuple[float, int]]
) -> None:
    """As one request after the other is sent, all but the last are paid for in time."""
    clock = Clock()
    limiter = RateLimiter(tokens_per_second=rate, clock=clock)
    start, spent = clock.now, 0
    for thinking, tokens in requests:
        clock.now += limiter.reserve()
        assert spent <= (clock.now - start) * rate + 1e-3
        clock.now += thinking
        limiter.spend(tokens)
        spent += tokens


def test_a_pause_is_no_credit() -> None:
    clock = Clock()
    limiter = RateLimiter(requests_per_second=2, tokens_per_second=10, clock=clock)
    clock.now += 3600
    assert [limiter.reserve() for _ in range(3)] == [0.0, 0.5, 1.0]
    clock.now += 3600
    limiter.spend(20)
    assert limiter.reserve() == 2.0


def test_the_stricter_of_two_limits_holds() -> None:
    clock = Clock()
    limiter = RateLimiter(requests_per_second=1, tokens_per_second=10, clock=clock)
    limiter.reserve()
    limiter.spend(5)
    assert limiter.reserve() == pytest.approx(1.0)
    limiter.spend(100)
    assert limiter.reserve() == pytest.approx(10.5)


def test_without_limits_nobody_waits() -> None:
    limiter = RateLimiter()
    limiter.spend(10**9)
    assert [limiter.reserve() for _ in range(100)] == [0.0] * 100


def test_threads_take_different_places() -> None:
    clock = Clock()
    limiter = RateLimiter(requests_per_second=10, clock=clock)
    waits: list[float] = []

    def take() -> None:
        for _ in range(50):
            waits.append(limiter.reserve())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([n / 10 for n in range(200)])


def test_the_real_clock_is_the_default() -> None:
    start = time.monotonic()
    limiter = RateLimiter(requests_per_second=20)
    for _ in range(5):
        time.sleep(limiter.reserve())
    assert time.monotonic() - start >= 0.199


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="expected a rate above 0 a second"):
        RateLimiter(requests_per_second=rate)
    with pytest.raises(ValueError, match="expected a rate above 0 a second"):
        RateLimiter(tokens_per_second=rate)
