"""What tokens cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm.models import Model, always, prompt, says
from textenvs.errors import BudgetExhausted, CacheError
from textenvs.llm import Budget, Gateway, Price, Sampling, Usage, read_prices


def test_a_price_is_for_a_million_tokens() -> None:
    price = Price(input=2.0, output=8.0)
    assert price.usd(Usage(1_000_000, 0)) == 2.0
    assert price.usd(Usage(0, 1_000_000)) == 8.0
    assert price.usd(Usage(1000, 500)) == pytest.approx(0.006)
    assert price.usd(Usage()) == 0.0


def test_what_the_server_had_read_before_has_its_own_price_or_the_usual_one() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, cached_input_tokens=400)
    assert Price(2.0, 8.0, cached_input=0.5).usd(usage) == pytest.approx(0.0014)
    assert Price(2.0, 8.0, cached_input=0.0).usd(usage) == pytest.approx(0.0012)
    assert Price(2.0, 8.0).usd(usage) == pytest.approx(0.002)


def test_reasoning_is_output_and_is_not_paid_twice() -> None:
    assert Price(2.0, 8.0).usd(Usage(0, 1000, 0, 900)) == pytest.approx(0.008)


def test_a_table_of_prices_is_read(tmp_path: Path) -> None:
    table = {
        "gpt-4o-mini": {"input": 0.15, "cached_input": 0.075, "output": 0.6},
        "hf:mine": {"input": 0, "output": 0},
    }
    (tmp_path / "prices.json").write_text(json.dumps(table))
    assert read_prices(tmp_path / "prices.json") == {
        "gpt-4o-mini": Price(0.15, 0.6, 0.075),
        "hf:mine": Price(0, 0),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"m": 1}',
        '{"m": {"input": 1}}',
        '{"m": {"input": 1, "output": "2"}}',
        '{"m": {"input": "1", "output": "2", "cached_input": "3"}}',
        '{"m": {"input": 1, "output": null}}',
        '{"m": {"input": 1, "output": 2, "price": 3}}',
        '{"m": {"input": -1, "output": 2}}',
        '{"m": {"input": 1, "output": NaN}}',
        '{"m": {"input": 1, "output": Infinity}}',
        '{"m": {"input": 1, "output": 2, "cached_input": -0.1}}',
        "\xff",
    ],
)
def test_what_is_no_table_of_prices_is_refused_with_an_example(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(
        CacheError, match=r'prices\.json: expected a table of prices like \{"MODEL"'
    ):
        read_prices(tmp_path / "prices.json")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"no\.json: expected a table of prices.*No such file"):
        read_prices(tmp_path / "no.json")


def test_with_a_price_answers_tell_their_cost_and_the_budget_is_kept() -> None:
    model = Model(always(says(tokens=1000)))
    price, budget = Price(1000.0, 3000.0), Budget(max_usd=5.0)  # 2 USD a request
    gateway = Gateway(model, price=price, budget=budget, concurrency=1)
    assert gateway.generate([prompt("a")], Sampling())[0].usd == pytest.approx(2.0)
    with pytest.raises(BudgetExhausted, match=r"max_usd of 5 is spent \(6\)"):
        gateway.generate([prompt(str(n)) for n in range(9)], Sampling())
    assert model.requests == 3


def test_a_table_of_ones_own_goes_before_what_the_server_says_that_it_cost() -> None:
    model = Model(always(says(tokens=1000, usd=0.125)))
    gateway = Gateway(model, price=Price(1000.0, 3000.0))
    assert gateway.generate([prompt("a")], Sampling())[0].usd == pytest.approx(2.0)
    assert gateway.ledger.usd == pytest.approx(2.0)


def test_without_one_the_server_is_believed() -> None:
    gateway = Gateway(Model(always(says(usd=0.125))))
    assert gateway.generate([prompt("a")], Sampling())[0].usd == 0.125
    assert gateway.ledger.usd == 0.125
