"""The options of ``textenvs eval``."""

from __future__ import annotations

import argparse
from typing import Any

from textenvs.agents import AGENTS
from textenvs.agents.language.making import LANGUAGE_AGENTS
from textenvs.cli.arguments import key_value, not_negative, positive, positive_number, seed
from textenvs.evaluation.settings import Settings
from textenvs.llm import KINDS, RetryPolicy
from textenvs.llm.names import TINY_TEMPERATURE
from textenvs.prompts import HISTORIES, PROMPTS
from textenvs.published_parsers import PARSERS
from textenvs.wrappers.parse_text_action import ON_INVALID

__all__ = ["EXAMPLES", "OF_THE_MODEL", "SPENDING", "add_asking", "add_run", "add_spending"]

OF_THE_MODEL: Any = object()  # no temperature was given
SPENDING = (
    *("cache", "offline", "max_usd", "max_tokens", "max_wallclock", "prices"),
    *("requests_per_second", "tokens_per_second", "retries"),
)
"""The options that only an agent with a model reads."""

EXAMPLES = """\
  textenvs eval BabyAI-Text-GoToLocal-v0 --llm openai:gpt-4o-mini --episodes 20 --out runs/mini
  textenvs eval Crafter-Text-v0 --agent cot --llm openai:M@http://localhost:8000/v1 --out runs/m
  textenvs eval BabyAI-Text-MixedTrainLocal-v0 --agent score --llm hf:PATH --out runs/score
  textenvs eval BabyAI-Text-GoToLocal-v0 --agent random --out runs/random
  textenvs eval --resume --out runs/mini
The same command goes on where a run was stopped."""


def add_run(parser: argparse.ArgumentParser, own: Settings) -> None:
    """Add the options of what is played, and by whom; ``own`` has the defaults."""
    group = parser.add_argument_group("the run")
    names = ", ".join([*LANGUAGE_AGENTS, *AGENTS])
    group.add_argument(
        "--agent",
        metavar="A",
        help=f"who plays: {names} (default: recall with the model tiny, else naive)",
    )
    forms = "; ".join(form for _, form in KINDS.values())
    group.add_argument(
        "--llm", metavar="M", help=f"the model: {forms} (default: tiny, if the agent asks one)"
    )
    group.add_argument(
        "--episodes", type=positive, default=own.episodes, metavar="N", help="of each id (10)"
    )
    group.add_argument("--seed", type=seed, default=own.seed, metavar="S", help="of the run (0)")
    group.add_argument(
        "--out", required=True, metavar="DIR", help="traces, DIR/ID/..., and DIR/summary.json"
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in DIR; without an ID, with the settings that it was begun with",
    )
    group.add_argument(
        "--concurrency",
        type=positive,
        default=8,
        metavar="C",
        help="episodes at once, and requests in flight at most (8)",
    )
    group.add_argument(
        "--max-steps", type=positive, metavar="N", help="steps after which an episode is truncated"
    )
    group.add_argument("--style", metavar="STYLE", help="caption (default: the prompt's)")
    group.add_argument(
        "--set",
        type=key_value,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a further argument of the environments, the value as JSON; may be repeated",
    )


def add_asking(parser: argparse.ArgumentParser, own: Settings) -> None:
    """Add the options of asking, and of reading answers; ``own`` has the defaults."""
    group = parser.add_argument_group("asking and reading")
    group.add_argument(
        "--prompt", metavar="P", help=f"how to ask: {', '.join(PROMPTS)} (default: the agent's)"
    )
    group.add_argument(
        "--history",
        default=own.history,
        choices=HISTORIES,
        help="the past as chat messages, as text, or summed up by the model (window)",
    )
    group.add_argument(
        "--turns", type=not_negative, metavar="N", help="past turns shown (default: the prompt's)"
    )
    group.add_argument(
        "--no-feedback",
        dest="feedback",
        action="store_false",
        help="do not tell the model that an answer named no action",
    )
    group.add_argument(
        "--alternate-roles",
        action="store_true",
        help="join messages of one role in a row, which some models refuse",
    )
    group.add_argument(
        "--parser",
        default=own.parser,
        choices=tuple(PARSERS),
        help="how answers are read (default)",
    )
    group.add_argument(
        "--synonyms",
        action="store_true",
        help='also read words that are no action themselves, such as "Drink" in Crafter',
    )
    group.add_argument(
        "--on-invalid",
        default=own.on_invalid,
        choices=[policy for policy in ON_INVALID if policy != "raise"],
        help="what is played where an answer names no action (default)",
    )
    group.add_argument(
        "--temperature",
        type=_temperature,
        default=OF_THE_MODEL,
        metavar="T",
        help=f"0 is greedy; 'server' leaves it to the server (0; model tiny {TINY_TEMPERATURE:g})",
    )
    group.add_argument(
        "--top-p", type=positive_number, default=own.top_p, metavar="P", help="nucleus (1)"
    )
    group.add_argument(
        "--answer-tokens",
        type=positive,
        default=own.answer_tokens,
        metavar="N",
        help="the longest answer, reasoning included (1024)",
    )
    group.add_argument(
        "--sample", action="store_true", help="agent score: draw the action by its probability"
    )
    group.add_argument(
        "--demonstrations", metavar="DIR", help="agent few_shot: traces of episodes to show"
    )
    group.add_argument(
        "--demonstration-episodes", type=positive, default=1, metavar="N", help="how many (1)"
    )
    group.add_argument(
        "--demonstration-steps", type=positive, default=100, metavar="N", help="of each (100)"
    )
    group.add_argument(
        "--no-prompts",
        dest="keep_prompts",
        action="store_false",
        help="leave the prompts out of the traces, which are far smaller without",
    )


def add_spending(parser: argparse.ArgumentParser) -> None:
    """Add the options of what may be spent, and of how a server is treated."""
    group = parser.add_argument_group("cache, budget and server")
    group.add_argument(
        "--cache", metavar="FILE", help="keep answers in FILE, and take them from it"
    )
    group.add_argument(
        "--offline", action="store_true", help="send nothing: what is not in the cache is an error"
    )
    group.add_argument("--max-usd", type=positive_number, metavar="X", help="stop at this cost")
    group.add_argument(
        "--max-tokens", type=positive, metavar="N", help="stop at so many tokens, in and out"
    )
    group.add_argument(
        "--max-wallclock", type=positive_number, metavar="SECONDS", help="stop after this time"
    )
    group.add_argument(
        "--prices",
        metavar="FILE",
        help='JSON: {"MODEL": {"input": X, "output": Y, "cached_input": Z}}, USD for 1M tokens',
    )
    group.add_argument(
        "--requests-per-second", type=positive_number, metavar="R", help="send no more"
    )
    group.add_argument("--tokens-per-second", type=positive_number, metavar="R", help="use no more")
    group.add_argument(
        "--retries",
        type=not_negative,
        default=RetryPolicy.retries,
        metavar="N",
        help=f"how often a failed request is sent again ({RetryPolicy.retries})",
    )


def _temperature(text: str) -> float | None:
    if text == "server":
        return None
    try:
        temperature = float(text)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature < float("inf"):
        raise argparse.ArgumentTypeError(f"expected 0 or more, or 'server', got {text!r}")
    return temperature
