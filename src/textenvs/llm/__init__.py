"""Language models: one interface, named by a string, cached, within budgets."""

from textenvs.llm.budget import Budget, Ledger
from textenvs.llm.cache import Cache
from textenvs.llm.gateway import Gateway
from textenvs.llm.model import (
    Completion,
    LanguageModel,
    Message,
    Messages,
    Sampling,
    ToolCall,
    Usage,
)
from textenvs.llm.names import KINDS, bare_name, get_model
from textenvs.llm.prices import Price, price_of, read_prices
from textenvs.llm.rate_limit import RateLimiter
from textenvs.llm.retry import FAULTS, RetryPolicy

__all__ = [
    "FAULTS",
    "KINDS",
    "Budget",
    "Cache",
    "Completion",
    "Gateway",
    "LanguageModel",
    "Ledger",
    "Message",
    "Messages",
    "Price",
    "RateLimiter",
    "RetryPolicy",
    "Sampling",
    "ToolCall",
    "Usage",
    "bare_name",
    "get_model",
    "price_of",
    "read_prices",
]
