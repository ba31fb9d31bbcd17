"""What a run may spend, and what it has spent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textenvs.errors import BudgetExhausted
from textenvs.llm import Budget, Ledger, Usage

USAGE = Usage(100, 20, 50, 5)


def fill(ledger: Ledger) -> Ledger:
    ledger.answered(USAGE, 0.25)
    ledger.failed("timeout")
    ledger.answered(USAGE, None)
    ledger.failed("empty", USAGE, 0.5)
    ledger.failed("timeout")
    return ledger


SUMS = {
    "requests": 5,
    "tokens": {
        "input_tokens": 300,
        "output_tokens": 60,
        "cached_input_tokens": 150,
        "reasoning_tokens": 15,
    },
    "usd": 0.75,
    "faults": {"empty": 1, "timeout": 2},
}


# Ledgers


def test_requests_tokens_cost_and_faults_are_summed() -> None:
    ledger = fill(Ledger())
    assert ledger.as_json() == SUMS
    assert ledger.usage.total == 360


def test_what_is_booked_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.answered(USAGE, 0.25)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {
            "usage": {
                "input_tokens": 100,
                "output_tokens": 20,
                "cached_input_tokens": 50,
                "reasoning_tokens": 5,
            },
            "usd": 0.25,
        }
    ]
    ledger.failed("timeout")
    assert json.loads(path.read_text().splitlines()[1]) == {"fault": "timeout"}


def test_the_sums_are_those_of_all_calls_of_a_run(tmp_path: Path) -> None:
    fill(Ledger(tmp_path / "l")).close()
    again = Ledger(tmp_path / "l")
    assert again.as_json() == SUMS
    fill(again).close()
    assert Ledger(tmp_path / "l").as_json() == {
        "requests": 10,
        "tokens": {key: 2 * value for key, value in SUMS["tokens"].items()},  # type: ignore[attr-defined]
        "usd": 1.5,
        "faults": {"empty": 2, "timeout": 4},
    }


@given(st.data())
def test_wherever_a_kill_cut_the_file_only_the_last_entry_is_lost(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "l"
    fill(Ledger(path)).close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    ledger = Ledger(path)
    kept = whole[:cut].count(b"\n")
    assert ledger.requests in (kept, kept + 1)  # an entry may be whole but for its newline
    before = ledger.requests
    ledger.answered(USAGE, None)
    ledger.close()
    again = Ledger(path)
    assert again.requests == before + 1
    again.close()


def test_a_killed_process_has_booked_all_that_it_had_asked(tmp_path: Path) -> None:
    code = """
    import sys
    from pathlib import Path
    from textenvs.llm import Ledger, Usage
    ledger = Ledger(Path(sys.argv[1]))
    for n in range(10**9):
        ledger.answered(Usage(1, 2), 0.5)
        print(n, flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "l")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 300:
            process.send_signal(signal.SIGKILL)
            break
    told = [300, *map(int, process.stdout.read().split())]
    process.stdout.close()
    process.wait()
    ledger = Ledger(tmp_path / "l")
    assert ledger.requests >= max(told) + 1
    assert ledger.usage == Usage(ledger.requests, 2 * ledger.requests)
    assert ledger.usd == 0.5 * ledger.requests


def test_threads_may_book_at_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l")

    def book() -> None:
        for _ in range(200):
            ledger.answered(Usage(1, 1), 0.5)

    threads = [threading.Thread(target=book) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    for sums in (ledger, Ledger(tmp_path / "l")):
        assert sums.requests == 800
        assert sums.usage == Usage(800, 800)
        assert sums.usd == 400.0


def test_a_ledger_in_memory_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fill(Ledger()).close()
    assert list(tmp_path.iterdir()) == []


# Budgets


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(max_usd=0.75), r"max_usd of 0\.75 is spent \(0\.75\)"),
        (Budget(max_tokens=360), r"max_tokens of 360 is spent \(360\)"),
        (Budget(max_wallclock=1e-9), r"max_wallclock of 1e-09 is spent"),
        (Budget(max_usd=100, max_tokens=1), "max_tokens"),
    ],
)
def test_a_limit_that_is_reached_is_named_with_what_was_spent(budget: Budget, message: str) -> None:
    with pytest.raises(BudgetExhausted, match=f"^{message}.*: the same command with a larger one"):
        budget.check(fill(Ledger()))


@pytest.mark.parametrize(
    "budget",
    [Budget(), Budget(max_usd=0.76), Budget(max_tokens=361), Budget(max_wallclock=1000)],
)
def test_below_its_limits_a_run_goes_on(budget: Budget) -> None:
    budget.check(fill(Ledger()))


def test_money_and_tokens_of_earlier_calls_count_and_their_time_does_not(tmp_path: Path) -> None:
    fill(Ledger(tmp_path / "l")).close()
    again = Ledger(tmp_path / "l")
    with pytest.raises(BudgetExhausted):
        Budget(max_tokens=300).check(again)
    with pytest.raises(BudgetExhausted):
        Budget(max_usd=0.5).check(again)
    assert again.seconds < 5
    Budget(max_wallclock=5).check(again)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
@pytest.mark.parametrize(
    "make",
    [
        lambda limit: Budget(max_usd=limit),
        lambda limit: Budget(max_tokens=limit),
        lambda limit: Budget(max_wallclock=limit),
    ],
)
def test_a_limit_that_is_not_positive_is_refused(
    make: Callable[[float], Budget], limit: float
) -> None:
    with pytest.raises(ValueError, match=r"expected max_\w+ above 0, got"):
        make(limit)
