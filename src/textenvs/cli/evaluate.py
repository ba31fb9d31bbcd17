"""``textenvs eval``: a language model plays, within a budget, and the result is summed up."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from textenvs.agents import AGENTS
from textenvs.agents.language.making import LANGUAGE_AGENTS
from textenvs.cli.arguments import (
    check_id,
    key_value,
    make_env,
    not_negative,
    positive,
    positive_number,
    seed,
)
from textenvs.cli.consoles import result_console
from textenvs.cli.progress import EpisodeProgress
from textenvs.errors import UnknownName
from textenvs.evaluation.report import format_metric
from textenvs.evaluation.run import evaluate
from textenvs.evaluation.settings import Settings, read_settings
from textenvs.llm import (
    KINDS,
    Budget,
    Cache,
    Gateway,
    Ledger,
    RateLimiter,
    RetryPolicy,
    get_model,
    price_of,
)
from textenvs.llm.names import TINY, TINY_TEMPERATURE
from textenvs.loop import Event
from textenvs.prompts import HISTORIES, PROMPTS
from textenvs.published_parsers import PARSERS
from textenvs.traces import is_complete
from textenvs.wrappers.parse_text_action import ON_INVALID

__all__ = ["add", "run"]

_LEDGER = "requests.jsonl"
_OF_THE_MODEL: Any = object()  # no temperature was given
_SPENDING = (
    *("cache", "offline", "max_usd", "max_tokens", "max_wallclock", "prices"),
    *("requests_per_second", "tokens_per_second", "retries"),
)
_COLUMNS = (
    *("return", "return_iqm", "length", "success", "progress", "achievements", "crafter_score"),
    *("smartplay_score", "invalid_action_rate", "tokens_per_step", "usd_per_step"),
)
_EXAMPLES = """\
  textenvs eval BabyAI-Text-GoToLocal-v0 --llm openai:gpt-4o-mini --episodes 20 --out runs/mini
  textenvs eval Crafter-Text-v0 --agent cot --llm openai:M@http://localhost:8000/v1 --out runs/m
  textenvs eval BabyAI-Text-MixedTrainLocal-v0 --agent score --llm hf:PATH --out runs/score
  textenvs eval BabyAI-Text-GoToLocal-v0 --agent random --out runs/random
  textenvs eval --resume --out runs/mini
The same command goes on where a run was stopped."""


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "eval", run, "let a language model play, and sum it up with statistics", _EXAMPLES
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="what to play")
    own = Settings(("",), agent="random")
    _add_run(parser, own)
    _add_asking(parser, own)
    _add_spending(parser)
    names = [*Settings.__dataclass_fields__, *_SPENDING]
    parser.set_defaults(defaults={name: parser.get_default(name) for name in names})


def _add_run(parser: argparse.ArgumentParser, own: Settings) -> None:
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


def _add_asking(parser: argparse.ArgumentParser, own: Settings) -> None:
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
        default=_OF_THE_MODEL,
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


def _add_spending(parser: argparse.ArgumentParser) -> None:
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


def run(options: argparse.Namespace) -> int:
    """Play, write traces and the summary, and print the table."""
    out = Path(options.out)
    settings = _settings(options, out)
    # What is wrong is told before anything is played or paid.
    for env_id in settings.ids:
        make_env(check_id(env_id), settings.caption, list(settings.env.items())).close()
    console = result_console()
    if not settings.asks_model:
        _refuse_given(options, _SPENDING, f"agent {settings.agent!r} asks no model")
    model = _model(options, settings, out) if settings.asks_model else None
    try:
        summary = _play(options, settings, out, model)
    finally:
        if model is not None:
            model.close()
    print_summary(summary, console)
    console.print(f"Traces and summary: {out}", soft_wrap=True)
    return 0


def _settings(options: argparse.Namespace, out: Path) -> Settings:
    if not options.ids:
        if options.resume:
            _refuse_given(
                options,
                Settings.__dataclass_fields__,
                "--resume without an ID takes the settings that the run was begun with",
            )
            return read_settings(out)
        raise UnknownName("expected an ID to play, or --resume and the folder of a run, got none")
    given = {
        name: getattr(options, name)
        for name in Settings.__dataclass_fields__
        if name not in ("ids", "env")
    }
    return Settings(
        ids=tuple(dict.fromkeys(options.ids)),
        env=dict(options.set),
        **{**given, **_who(options.agent, options.llm, options.prompt, options.temperature)},
    )


def _who(
    agent: str | None, llm: str | None, prompt: str | None, temperature: Any
) -> dict[str, Any]:
    """Who plays, with which model, asked how: the model in the box as it was trained to be."""
    if llm is None:
        llm = TINY if agent is None or agent in LANGUAGE_AGENTS else ""
    is_tiny = llm.partition("?")[0] == TINY
    if agent is None:
        agent = "recall" if is_tiny else "naive"
    if prompt is None and is_tiny and agent == "recall":
        prompt = "bare"
    if temperature is _OF_THE_MODEL:
        temperature = TINY_TEMPERATURE if is_tiny else Settings.temperature
    return {"agent": agent, "llm": llm, "prompt": prompt, "temperature": temperature}


def _refuse_given(options: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Refuse options that nothing would read.

    Raises:
        UnknownName: naming the first of them.
    """
    for name in names:
        value = getattr(options, name, None)
        if value is not None and value != options.defaults.get(name) and value != []:
            flag = name.replace("_", "-")
            raise UnknownName(f"{why}: expected no --{flag}, got {value!r}")


def _model(options: argparse.Namespace, settings: Settings, out: Path) -> Gateway:
    price = price_of(settings.llm, options.prices)
    return Gateway(
        get_model(settings.llm),
        cache=None if options.cache is None else Cache(options.cache),
        offline=options.offline,
        budget=Budget(options.max_usd, options.max_tokens, options.max_wallclock),
        ledger=Ledger(out / _LEDGER),
        price=price,
        concurrency=options.concurrency,
        limiter=RateLimiter(options.requests_per_second, options.tokens_per_second),
        retry=RetryPolicy(retries=options.retries),
    )


def _play(
    options: argparse.Namespace, settings: Settings, out: Path, model: Gateway | None
) -> dict[str, Any]:
    display: EpisodeProgress | None = None
    watch: Callable[[Event], None] | None = None

    def remark() -> str:
        if model is None:
            return ""
        said = f"{model.ledger.usage.total:,} tokens"
        return f"{said}, {model.ledger.usd:.4f} USD" if model.ledger.usd else said

    def close(*error: object) -> None:
        if display is not None:
            display.__exit__(*(error or (None,)))

    def begin(env_id: str) -> None:
        nonlocal display, watch
        close()
        played = (out / env_id).glob("episode-*.jsonl")
        done = sum(map(is_complete, played))
        display = EpisodeProgress(env_id, settings.episodes, remark, min(done, settings.episodes))
        watch = display.__enter__()

    def on_step(event: Event) -> None:
        if watch is not None:
            watch(event)

    try:
        summary = evaluate(
            settings,
            out,
            model=model,
            concurrency=options.concurrency,
            on_step=on_step,
            on_environment=begin,
        )
    except BaseException as error:
        close(error)
        raise
    close()
    return summary


def print_summary(summary: Mapping[str, Any], console: Any) -> None:
    """Print the table of a run: a row a metric, a column an environment."""
    from rich.table import Table

    who = summary["agent"] + (f", {summary['model']}" if summary["model"] else "")
    table = Table(title=f"{who}: means with 95 % intervals", title_justify="left")
    table.add_column("")
    environments = summary["environments"]
    for env_id in environments:
        table.add_column(env_id, justify="right", overflow="fold")
    table.add_row("episodes", *(str(found["episodes"]) for found in environments.values()))
    for metric in _COLUMNS:
        if any(metric in found for found in environments.values()):
            cells = (
                format_metric(metric, found[metric]) if metric in found else "-"
                for found in environments.values()
            )
            table.add_row(metric.replace("_", " "), *cells)
    for name, title in (("parse_stages", "read"), ("answer_statuses", "answers")):
        if any(name in found for found in environments.values()):
            cells = (_counts(found.get(name, {})) for found in environments.values())
            table.add_row(title, *cells)
    console.print(table)
    rate = summary["actions_per_second"]
    if rate is not None:
        console.print(f"{rate:.1f} actions a second")
    if "sent" in summary:
        console.print(_sent(summary["sent"]), soft_wrap=True)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'not read'} {n}" for name, n in counts.items()) or "-"


def _sent(sent: Mapping[str, Any]) -> str:
    tokens = sent["tokens"]
    said = (
        f"sent: {sent['requests']} requests, {tokens['input_tokens']:,} tokens in "
        f"({tokens['cached_input_tokens']:,} cached), {tokens['output_tokens']:,} out "
        f"({tokens['reasoning_tokens']:,} reasoning), {sent['usd']:.4f} USD"
    )
    return f"{said}; faults: {_counts(sent['faults'])}" if sent["faults"] else said


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
