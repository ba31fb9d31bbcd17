"""``textenvs eval``: a language model plays, within a budget, and the result is summed up."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textenvs.agents.language.making import LANGUAGE_AGENTS
from textenvs.cli.arguments import check_id, make_env
from textenvs.cli.consoles import result_console
from textenvs.cli.evaluate_options import (
    EXAMPLES,
    OF_THE_MODEL,
    SPENDING,
    add_asking,
    add_run,
    add_spending,
)
from textenvs.cli.progress import EpisodeProgress
from textenvs.cli.run_summary import print_summary
from textenvs.errors import UnknownName
from textenvs.evaluation.run import evaluate
from textenvs.evaluation.settings import Settings, read_settings
from textenvs.llm import (
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
from textenvs.traces import is_complete

__all__ = ["add", "run"]

_LEDGER = "requests.jsonl"


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands, "eval", run, "let a language model play, and sum it up with statistics", EXAMPLES
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="what to play")
    own = Settings(("",), agent="random")
    add_run(parser, own)
    add_asking(parser, own)
    add_spending(parser)
    names = [*Settings.__dataclass_fields__, *SPENDING]
    parser.set_defaults(defaults={name: parser.get_default(name) for name in names})


def run(options: argparse.Namespace) -> int:
    """Play, write traces and the summary, and print the table."""
    out = Path(options.out)
    settings = _settings(options, out)
    # What is wrong is told before anything is played or paid.
    for env_id in settings.ids:
        make_env(check_id(env_id), settings.caption, list(settings.env.items())).close()
    console = result_console()
    if not settings.asks_model:
        _refuse_given(options, SPENDING, f"agent {settings.agent!r} asks no model")
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
    if temperature is OF_THE_MODEL:
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
