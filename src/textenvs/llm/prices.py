"""What tokens cost."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from textenvs.errors import CacheError, UnknownName
from textenvs.llm.model import Usage
from textenvs.llm.names import bare_name

__all__ = ["Price", "price_of", "read_prices"]

_MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """USD for a million tokens.

    Attributes:
        input: of the prompt.
        output: of the answer, reasoning included.
        cached_input: of the part of the prompt that the server had read before; None if it costs
            what the rest does.
        training: of a file that a model is tuned on, an epoch; None if it is not known.
    """

    input: float
    output: float
    cached_input: float | None = None
    training: float | None = None

    def usd(self, usage: Usage) -> float:
        """What an answer cost."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - usage.cached_input_tokens
        paid = fresh * self.input + usage.cached_input_tokens * cached
        return (paid + usage.output_tokens * self.output) / _MILLION


def read_prices(path: Path | str) -> dict[str, Price]:
    """Read a price table: ``{"MODEL": {"input": 0.15, "cached_input": 0.075, "output": 0.6}}``.

    Models are named as in ``--llm``, or without the kind and the address. Prices change, so none
    come with this package.

    Raises:
        CacheError: if the file is no such table.
    """
    path = Path(path)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        prices = {model: Price(**price) for model, price in table.items()}
        for price in prices.values():
            if not 0 <= price.usd(Usage(2, 1, 1)) < math.inf or min(_numbers(price)) < 0:
                raise ValueError(f"{price} is no price")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CacheError(
            f"{path}: expected a table of prices like "
            '{"MODEL": {"input": 0.15, "cached_input": 0.075, "output": 0.6}}, USD for a million '
            f"tokens, got: {error}"
        ) from error
    return prices


def price_of(llm: str, path: Path | str | None) -> Price | None:
    """The price of a model by a table of prices; None without a table.

    Args:
        llm: as in ``--llm``; the table may name it without the kind and the address.
        path: of the table.

    Raises:
        CacheError: if the file is no such table.
        UnknownName: if the model is not in it.
    """
    if path is None:
        return None
    prices = read_prices(path)
    price = prices.get(llm, prices.get(bare_name(llm)))
    if price is None:
        raise UnknownName(
            f"{path}: expected a price of {bare_name(llm)!r}, found those of "
            f"{', '.join(prices) or 'nothing'}"
        )
    return price


def _numbers(price: Price) -> list[float]:
    numbers = (price.input, price.output, price.cached_input, price.training)
    return [number for number in numbers if number is not None]
