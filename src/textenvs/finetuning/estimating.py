"""What a job will take, before it is paid for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textenvs.errors import CacheError, require
from textenvs.finetuning.targets import Row

__all__ = ["Estimate", "estimate", "read_training_price"]

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_MESSAGE = 4  # the marks around it
_MILLION = 1_000_000


@dataclass(frozen=True)
class Estimate:
    """What a job will take, before it is paid for.

    Attributes:
        rows: to learn from.
        tokens: of them.
        epochs: passes over them.
        counted_by: "characters / 4", or the name of an encoding of tiktoken.
        usd: what that costs; None if no price is known.
    """

    rows: int
    tokens: int
    epochs: int
    counted_by: str
    usd: float | None = None

    @property
    def billed_tokens(self) -> int:
        """Tokens of all epochs."""
        return self.tokens * self.epochs


def estimate(
    rows: Sequence[Row], epochs: int, price: float | None = None, encoding: str | None = None
) -> Estimate:
    """Estimate a job's tokens and cost.

    Args:
        rows: to learn from.
        epochs: passes over them.
        price: USD for a million tokens of training; None if it is not known.
        encoding: an encoding of tiktoken, which may fetch it; None to count characters.

    Raises:
        MissingExtra: if tiktoken is wanted and not installed.
        ValueError: if there is no such encoding.
    """
    count = _counter(encoding)
    tokens = sum(_count(row, count) for row in rows)
    usd = None if price is None else tokens * epochs * price / _MILLION
    return Estimate(len(rows), tokens, epochs, encoding or "characters / 4", usd)


def _counter(encoding: str | None) -> Callable[[str], int]:
    if encoding is None:
        return lambda text: math.ceil(len(text) / _CHARACTERS_A_TOKEN)
    tiktoken = require("tiktoken", extra="litellm", needed_by="--encoding")
    try:
        known = tiktoken.get_encoding(encoding)
    except Exception as error:  # of its own and of what fetches the file
        raise ValueError(f"expected an encoding of tiktoken, got {encoding!r}: {error}") from error
    return lambda text: len(known.encode(text, disallowed_special=()))


def _count(row: Row, count: Callable[[str], int]) -> int:
    messages = row.messages
    if not messages:
        texts = (row.content.get(key) for key in ("text", "prompt", "completion"))
        return sum(count(text) for text in texts if isinstance(text, str))
    tokens = 0
    for message in messages:
        said = message.get("content") or ""
        tokens += _TOKENS_A_MESSAGE + count(said if isinstance(said, str) else json.dumps(said))
        if message.get("tool_calls"):
            tokens += count(json.dumps(message["tool_calls"]))
    if row.content.get("tools"):
        tokens += count(json.dumps(row.content["tools"]))
    return tokens


def read_training_price(path: Path | str, model: str) -> float | None:
    """The price of training a model: the key ``training`` of a price table.

    The table is the one of ``--prices`` elsewhere: ``{"MODEL": {"training": 25.0, ...}}``, USD
    for a million tokens. No prices come with this package.

    Returns:
        The price; None if the table has none for the model.

    Raises:
        CacheError: if the file is no such table.
    """
    path = Path(path)
    bare = model.removeprefix("openai:")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        prices = table.get(f"openai:{bare}") or table.get(bare) or {}
        price = prices.get("training")
        if price is not None and (isinstance(price, bool) or not 0 <= float(price) < math.inf):
            raise ValueError(f"{price!r} is no price")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CacheError(
            f'{path}: expected a table of prices like {{"MODEL": {{"training": 25.0}}}}, USD for a '
            f"million tokens, got: {error}"
        ) from error
    return None if price is None else float(price)
