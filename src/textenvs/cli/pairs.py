"""``textenvs pairs`` and ``textenvs annotate``: which of two captions is better."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textenvs.agents import AGENTS, get_agent
from textenvs.cli.arguments import check_id, not_negative, positive, positive_number, seed
from textenvs.cli.consoles import result_console
from textenvs.cli.run_options import CountBar
from textenvs.errors import choose

__all__ = ["add_annotate", "add_pairs"]

_PAIRS = """\
  textenvs pairs --from runs/random runs/expert --n-pairs 100000 --out pairs/nethack
  textenvs pairs --collect NetHack-Text-Score-v0 --agent expert --episodes 20 --n-pairs 5000 \\
      --out pairs/nethack"""

_ANNOTATE = """\
  textenvs annotate --directory pairs/nethack --llm openai:gpt-4o-mini --prompt-version default \\
      --goal defaultgoal --n-annotation-chunks 4 --chunk-number 0
  textenvs annotate --directory pairs/nethack --annotator score
  textenvs annotate --directory pairs/nethack --annotator keyword --keywords gold
The same command goes on where it was stopped; other chunks may run beside it."""

_RULES = ("score", "return", "keyword")


def add_pairs(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add ``pairs`` and its options."""
    parser = add_command(
        commands, "pairs", _pairs, "draw pairs of captions from games that were played", _PAIRS
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--from", dest="traces", nargs="+", metavar="TRACES", help="folders of traces"
    )
    source.add_argument("--collect", metavar="ID", help="play games of an id for them")
    parser.add_argument(
        "--agent", default="random", metavar="A", help=f"who plays: {', '.join(AGENTS)} (random)"
    )
    parser.add_argument(
        "--episodes", type=positive, default=10, metavar="N", help="that are played (10)"
    )
    parser.add_argument("--n-pairs", type=positive, required=True, metavar="N", help="pairs")
    parser.add_argument(
        "--length", type=positive, default=1, metavar="L", help="steps that a caption tells (1)"
    )
    parser.add_argument(
        "--caption", metavar="C", help="message or observation (the message, if there is one)"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of the draws (0)")
    parser.add_argument("--out", required=True, metavar="D", help="where the pairs go")


def add_annotate(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add ``annotate`` and its options."""
    parser = add_command(
        commands, "annotate", _annotate, "ask which caption of a pair is better", _ANNOTATE
    )
    parser.add_argument("--directory", required=True, metavar="D", help="of pairs")
    parser.add_argument("--llm", metavar="M", help="who is asked")
    parser.add_argument(
        "--annotator",
        metavar="NAME",
        help=f"the name of the labels (of the model, question and goal); without --llm a rule: "
        f"{', '.join(_RULES)}",
    )
    parser.add_argument(
        "--keywords", nargs="+", metavar="WORD", help="the rule keyword prefers captions with these"
    )
    parser.add_argument(
        "--prompt-version", default="default", metavar="V", help="default or reworded (default)"
    )
    parser.add_argument(
        "--goal",
        default="defaultgoal",
        metavar="G",
        help="defaultgoal, zeroknowledge, combat, gold, stairs, or a sentence (defaultgoal)",
    )
    parser.add_argument("--game", metavar="G", help="nethack, crafter or babyai (by the pairs)")
    parser.add_argument(
        "--n-annotation-chunks", type=positive, default=1, metavar="N", help="parts (1)"
    )
    parser.add_argument(
        "--chunk-number", type=not_negative, default=0, metavar="K", help="this part, from 0 (0)"
    )
    parser.add_argument(
        "--swap", action="store_true", help="ask in both orders, and tell the position bias"
    )
    parser.add_argument(
        "--temperature", type=float, default=0.1, metavar="X", help="of the answers (0.1)"
    )
    parser.add_argument(
        "--answer-tokens", type=positive, default=1024, metavar="N", help="at most (1024)"
    )
    parser.add_argument("--batch-size", type=positive, default=256, metavar="N", help="(256)")
    parser.add_argument(
        "--concurrency", type=positive, default=16, metavar="N", help="requests at once (16)"
    )
    parser.add_argument("--requests-per-second", type=positive_number, metavar="R", help="at most")


def _pairs(options: argparse.Namespace) -> int:
    from textenvs import rollout
    from textenvs.motif.collecting import pairs_from_traces

    out = Path(options.out)
    folders = [Path(each) for each in options.traces or ()]
    if options.collect:
        check_id(options.collect)
        folder = out / "traces" / options.agent
        with CountBar(options.episodes, "episodes") as show:
            done = 0

            def watch(event: Any) -> None:
                nonlocal done
                done += event.over
                show(done, "")

            rollout(
                options.collect,
                get_agent(options.agent),
                episodes=options.episodes,
                seed=options.seed,
                directory=folder,
                on_step=watch,
            )
        folders = [folder]
    told = pairs_from_traces(
        folders,
        out,
        count=options.n_pairs,
        length=options.length,
        caption=options.caption,
        seed=options.seed,
    )
    result_console().print(
        f"{out}: {told['pairs']} pairs of {told['different']} different captions ({told['caption']}"
        f") of {told['steps']} steps, {told['episodes']} episodes"
    )
    return 0


def _annotate(options: argparse.Namespace) -> int:
    from textenvs.motif.annotating import KeywordAnnotator, annotate, annotate_by_info
    from textenvs.motif.pairs import Pairs

    pairs = Pairs(options.directory)
    chunks = {"chunk": options.chunk_number, "chunks": options.n_annotation_chunks}
    if options.llm:
        return _ask_model(options, pairs, chunks)
    choose("annotator without --llm", options.annotator, _RULES)
    if options.annotator == "keyword":
        if not options.keywords:
            raise ValueError("expected --keywords, which the rule counts, got none")
        name = f"keyword_{'_'.join(options.keywords)}"
        told = annotate(pairs, name, KeywordAnnotator(options.keywords), **chunks)
    else:
        name = options.annotator
        labels = annotate_by_info(pairs, name)
        told = {key: int((labels == i).sum()) for i, key in enumerate(("first", "second", "tie"))}
    result_console().print(f"{options.directory}: {name}: {_counts(told)}")
    return 0


def _ask_model(options: argparse.Namespace, pairs: Any, chunks: dict[str, int]) -> int:
    from textenvs.llm import Gateway, RateLimiter, Sampling, get_model
    from textenvs.motif.annotating import ModelAnnotator, annotate, position_bias
    from textenvs.motif.prompts import GAMES, VERSIONS, goal_text

    choose("prompt version", options.prompt_version, VERSIONS)
    game = options.game or _game_of(pairs)
    choose("game", game, GAMES)
    goal = goal_text(options.goal, game)
    rate = options.requests_per_second
    gateway = Gateway(
        get_model(options.llm),
        concurrency=options.concurrency,
        limiter=RateLimiter(requests_per_second=rate) if rate else None,
    )
    name = options.annotator or _name(options)
    sampling = Sampling(
        temperature=options.temperature, top_p=0.95, max_tokens=options.answer_tokens
    )
    asker = ModelAnnotator(
        gateway,
        sampling,
        version=options.prompt_version,
        goal=goal,
        game=game,
        swap=options.swap,
    )
    begun = time.monotonic()
    try:
        with CountBar(len(pairs), "pairs") as show:

            def progress(done: int, total: int) -> None:
                rate = done / max(time.monotonic() - begun, 1e-9)
                tokens = gateway.ledger.usage.total
                cost = f", {gateway.ledger.usd:.2f} USD" if gateway.tells_cost else ""
                all_of_them = round(len(pairs) * done / max(total, 1))
                said = f"{done} of {total} different, {rate:,.0f} a second, {tokens:,} tokens{cost}"
                show(all_of_them, said)

            told = annotate(
                pairs, name, asker, batch=options.batch_size, on_progress=progress, **chunks
            )
    finally:
        gateway.close()
    said = f"{options.directory}: {name}: {_counts(told)}; {told['asked']} different pairs asked"
    if options.swap:
        said += f"; position {position_bias(pairs, name)}"
    result_console().print(said)
    return 0


def _name(options: argparse.Namespace) -> str:
    """As Motif names labels: ``llama70b_msg_defaultgoal_default``."""
    from textenvs.llm import bare_name

    model = "".join(c if c.isalnum() or c in "-." else "-" for c in bare_name(options.llm))
    goal = options.goal if " " not in options.goal else "owngoal"
    return f"{model.strip('-')}_msg_{goal}_{options.prompt_version}"


def _game_of(pairs: Any) -> str:
    """The game that the pairs are of; NetHack for published ones."""
    from textenvs.motif.prompts import game_of

    envs = pairs.about.get("envs", ())
    return game_of(envs[0]) if envs else "nethack"


def _counts(told: dict[str, int]) -> str:
    return ", ".join(f"{key} {told[key]}" for key in ("first", "second", "tie") if key in told) + (
        f", unknown {told['unknown']}" if told.get("unknown") else ""
    )
