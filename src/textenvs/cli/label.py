"""``textenvs label-code``, ``label-preference``, ``label-goals``: ask a model what it knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textenvs.cli.arguments import not_negative, positive, positive_number, seed
from textenvs.cli.consoles import result_console
from textenvs.cli.run_options import CountBar
from textenvs.errors import choose

if TYPE_CHECKING:
    from textenvs.knowledge import Dataset
    from textenvs.knowledge.asking import Notebook

__all__ = ["add"]

_AGAIN = "The same command goes on where it was stopped: answers are kept in OUT/answers.sqlite."


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the commands and their options."""
    code = _command(
        add_command,
        commands,
        "code",
        _label_code,
        "ask a model for a potential as code, and let it improve it",
        4000,
    )
    code.add_argument("--rounds", type=positive, default=20, metavar="N", help="versions (20)")
    code.add_argument(
        "--samples", type=positive, default=5, metavar="N", help="states shown in a round (5)"
    )
    code.add_argument(
        "--repairs", type=not_negative, default=15, metavar="N", help="tries of a round (15)"
    )
    preference = _command(
        add_command,
        commands,
        "preference",
        _label_preference,
        "ask a model which of two pieces of games is better",
        1000,
    )
    preference.add_argument("--pairs", type=positive, default=5000, metavar="N", help="(5000)")
    preference.add_argument(
        "--length", type=positive, default=5, metavar="N", help="actions of a piece (5)"
    )
    preference.add_argument(
        "--swap", action="store_true", help="ask in both orders, and tell the position bias"
    )
    goals = _command(
        add_command,
        commands,
        "goals",
        _label_goals,
        "ask a model what is worth reaching",
        500,
    )
    goals.add_argument("--pieces", type=positive, default=500, metavar="N", help="of games (500)")


def _command(
    add_command: Callable[..., argparse.ArgumentParser],
    commands: Any,
    name: str,
    label: Callable[..., dict[str, Any]],
    summary: str,
    tokens: int,
) -> argparse.ArgumentParser:
    parser = add_command(
        commands,
        f"label-{name}",
        lambda options: _run(options, label),
        summary,
        f"  textenvs label-{name} --dataset data/minigrid --env minigrid \\\n"
        f"      --llm openai:gpt-4o-mini --out knowledge/{name}\n{_AGAIN}",
    )
    parser.add_argument(
        "--dataset", required=True, metavar="D", help="a folder of `textenvs collect`"
    )
    parser.add_argument("--env", required=True, metavar="GAME", help="minigrid or crafter")
    parser.add_argument("--llm", required=True, metavar="M", help="who is asked")
    parser.add_argument(
        "--label", metavar="NAME", help="what the knowledge calls that model (its name)"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="where the knowledge goes")
    parser.add_argument(
        "--temperature", type=float, default=0.5, metavar="X", help="of the answers (0.5)"
    )
    parser.add_argument(
        "--answer-tokens",
        type=positive,
        default=tokens,
        metavar="N",
        help=f"of an answer, at most ({tokens})",
    )
    parser.add_argument(
        "--concurrency", type=positive, default=16, metavar="N", help="requests at once (16)"
    )
    parser.add_argument("--requests-per-second", type=positive_number, metavar="R", help="at most")
    parser.add_argument("--seed", type=seed, default=42, metavar="S", help="of what is shown (42)")
    return parser


def _run(options: argparse.Namespace, label: Callable[..., dict[str, Any]]) -> int:
    """Ask, and print what came of it."""
    from textenvs.knowledge import Dataset
    from textenvs.knowledge.asking import Notebook
    from textenvs.knowledge.games import GAMES
    from textenvs.llm import Cache, Gateway, RateLimiter, Sampling, get_model

    choose("env", options.env, GAMES)
    data = Dataset(options.dataset)
    if data.meta["game"] != options.env:
        raise ValueError(
            f"expected a dataset of {options.env}, got one of {data.meta['game']} "
            f"({data.meta['env']})"
        )
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    rate = options.requests_per_second
    gateway = Gateway(
        get_model(options.llm),
        cache=Cache(out / "answers.sqlite"),
        concurrency=options.concurrency,
        limiter=RateLimiter(requests_per_second=rate) if rate else None,
    )
    sampling = Sampling(temperature=options.temperature, max_tokens=options.answer_tokens)
    try:
        told = label(options, data, Notebook(gateway, out, sampling, options.label), out)
    finally:
        gateway.close()
    shown = ("rounds", "answers_with_faults", "says", "pairs", "labels", "position", "goals")
    said = ", ".join(f"{key} {told[key]}" for key in shown if key in told)
    result_console().print(f"{out}: {said}; {told['requests']} requests to {told['llm']}")
    return 0


def _label_code(
    options: argparse.Namespace, data: Dataset, notebook: Notebook, out: Path
) -> dict[str, Any]:
    from textenvs.knowledge.code_labels import label_code

    with CountBar(options.rounds, "rounds") as show:
        return label_code(
            data,
            notebook,
            out,
            rounds=options.rounds,
            samples=options.samples,
            repairs=options.repairs,
            seed=options.seed,
            on_progress=show,
        )


def _label_preference(
    options: argparse.Namespace, data: Dataset, notebook: Notebook, out: Path
) -> dict[str, Any]:
    from textenvs.knowledge.preference_labels import label_preference

    with CountBar(options.pairs, "pairs") as show:
        return label_preference(
            data,
            notebook,
            out,
            pairs=options.pairs,
            length=options.length,
            swap=options.swap,
            batch=4 * options.concurrency,
            seed=options.seed,
            on_progress=show,
        )


def _label_goals(
    options: argparse.Namespace, data: Dataset, notebook: Notebook, out: Path
) -> dict[str, Any]:
    from textenvs.knowledge.goal_labels import label_goals

    with CountBar(options.pieces, "pieces") as show:
        return label_goals(
            data,
            notebook,
            out,
            pieces=options.pieces,
            batch=options.concurrency,
            seed=options.seed,
            on_progress=show,
        )
