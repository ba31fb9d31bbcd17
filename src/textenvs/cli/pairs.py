"""``textenvs pairs`` and ``textenvs annotate``: which of two captions is better."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from textenvs.agents import AGENTS, get_agent
from textenvs.cli.arguments import check_id, finite, not_negative, positive, positive_number, seed
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
_OF_A_MODEL = (
    *("prompt_version", "goal", "game", "swap", "temperature"),
    *("answer_tokens", "batch_size", "concurrency", "requests_per_second"),
)
_EPISODES = 10
_TEMPERATURE = 0.1
_ANSWER_TOKENS = 1024
_BATCH = 256
_CONCURRENCY = 16
_ANSWERS = "answers.sqlite"


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
        "--agent", metavar="A", help=f"who plays for --collect: {', '.join(AGENTS)} (random)"
    )
    parser.add_argument(
        "--episodes", type=positive, metavar="N", help="that are played for --collect (10)"
    )
    parser.add_argument("--n-pairs", type=positive, required=True, metavar="N", help="pairs")
    parser.add_argument(
        "--length", type=positive, default=1, metavar="L", help="steps that a caption tells (1)"
    )
    parser.add_argument(
        "--caption", metavar="C", help="message or observation (the message, if there is one)"
    )
    parser.add_argument(
        "--distinct",
        action="store_true",
        help="draw from different captions, each once, so that rare ones are in many pairs",
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of games and draws (0)")
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
    parser.add_argument("--prompt-version", metavar="V", help="default or reworded (default)")
    parser.add_argument(
        "--goal",
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
    parser.add_argument("--temperature", type=finite, metavar="X", help="of the answers (0.1)")
    parser.add_argument("--answer-tokens", type=positive, metavar="N", help="at most (1024)")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="pairs (256)")
    parser.add_argument("--concurrency", type=positive, metavar="N", help="requests at once (16)")
    parser.add_argument("--requests-per-second", type=positive_number, metavar="R", help="at most")


def _pairs(options: argparse.Namespace) -> int:
    from textenvs.motif.collecting import CAPTIONS, pairs_from_traces

    out = Path(options.out)
    if options.caption is not None:
        choose("caption", options.caption, CAPTIONS)
    if options.collect:
        episodes = options.episodes or _EPISODES
        folders = [_play(options, episodes, out)]
    else:
        _refuse("--collect", _given(options, ("agent", "episodes")))
        episodes, folders = None, [Path(each) for each in options.traces]
    told = pairs_from_traces(
        folders,
        out,
        count=options.n_pairs,
        length=options.length,
        caption=options.caption,
        seed=options.seed,
        episodes=episodes,
        distinct=options.distinct,
    )
    result_console().print(
        f"{out}: {told['pairs']} pairs of {told['different']} different captions ({told['caption']}"
        f") of {told['steps']} steps, {told['episodes']} episodes"
    )
    return 0


def _play(options: argparse.Namespace, episodes: int, out: Path) -> Path:
    """Play games, and tell the folder of their traces."""
    from textenvs import rollout

    check_id(options.collect)
    agent = options.agent or "random"
    folder = out / "traces" / agent
    with CountBar(episodes, "episodes") as show:
        done = 0

        def watch(event: Any) -> None:
            nonlocal done
            done += event.over
            show(done, "")

        rollout(
            options.collect,
            get_agent(agent),
            episodes=episodes,
            seed=options.seed,
            directory=folder,
            on_step=watch,
        )
    return folder


def _given(options: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Those of some options that were given."""
    values = {each: getattr(options, each) for each in names}
    given = [each for each, value in values.items() if value is not None and value is not False]
    return [f"--{each.replace('_', '-')}" for each in given]


def _refuse(owner: str, given: Sequence[str]) -> None:
    """No option is to be passed over in silence."""
    if given:
        raise ValueError(f"expected {owner}, to which {', '.join(given)} belongs, got none")


def _annotate(options: argparse.Namespace) -> int:
    from textenvs.motif.annotating import (
        KeywordAnnotator,
        annotate,
        annotate_by_info,
        chunk_of,
    )
    from textenvs.motif.pairs import Pairs

    pairs = Pairs(options.directory)
    chunks = {"chunk": options.chunk_number, "chunks": options.n_annotation_chunks}
    chunk_of(len(pairs), **chunks)
    if options.annotator != "keyword":
        _refuse("--annotator keyword", _given(options, ("keywords",)))
    if options.llm:
        return _ask_model(options, pairs, chunks)
    if not options.annotator:
        raise ValueError(f"expected --llm, or --annotator {', '.join(_RULES)}, got neither")
    choose("annotator without --llm", options.annotator, _RULES)
    _refuse("--llm", _given(options, _OF_A_MODEL))
    if options.annotator == "keyword":
        if not options.keywords:
            raise ValueError("expected --keywords, which the rule counts, got none")
        name = f"keyword_{'_'.join(options.keywords)}"
        about = {"keywords": options.keywords}
        told = annotate(pairs, name, KeywordAnnotator(options.keywords), about=about, **chunks)
    else:
        if options.n_annotation_chunks > 1:
            raise ValueError(
                f"expected one chunk for {options.annotator}, which takes no time, got "
                f"{options.n_annotation_chunks}"
            )
        name = options.annotator
        labels = annotate_by_info(pairs, name)
        told = {key: int((labels == i).sum()) for i, key in enumerate(("first", "second", "tie"))}
    result_console().print(f"{options.directory}: {name}: {_counts(told)}")
    return 0


def _ask_model(options: argparse.Namespace, pairs: Any, chunks: dict[str, int]) -> int:
    from textenvs.llm import Cache, Gateway, RateLimiter, Sampling, get_model
    from textenvs.motif.annotating import (
        ModelAnnotator,
        annotate,
        answers_of,
        chunk_of,
        position_bias,
    )
    from textenvs.motif.prompts import GAMES, VERSIONS, goal_text

    version, wish = options.prompt_version or "default", options.goal or "defaultgoal"
    choose("prompt version", version, VERSIONS)
    game = options.game or _game_of(pairs)
    choose("game", game, GAMES)
    goal = goal_text(wish, game)
    temperature = _TEMPERATURE if options.temperature is None else options.temperature
    sampling = Sampling(
        temperature=temperature, top_p=0.95, max_tokens=options.answer_tokens or _ANSWER_TOKENS
    )
    name = options.annotator or _name(options.llm, wish, version)
    if name in _RULES or name.startswith("keyword_"):
        raise ValueError(f"expected a name for the labels of a model, got that of a rule: {name!r}")
    model = get_model(options.llm)
    rate = options.requests_per_second
    gateway = Gateway(
        model,
        cache=Cache(answers_of(pairs, name) / _ANSWERS) if model.cacheable else None,
        concurrency=options.concurrency or _CONCURRENCY,
        limiter=RateLimiter(requests_per_second=rate) if rate else None,
    )
    asker = ModelAnnotator(
        gateway, sampling, version=version, goal=goal, game=game, swap=options.swap
    )
    about = {
        "model": gateway.name,
        "prompt_version": version,
        "goal": goal,
        "game": game,
        "swap": options.swap,
        "temperature": temperature,
    }
    low, high = chunk_of(len(pairs), **chunks)
    begun = time.monotonic()
    try:
        with CountBar(high - low, "pairs") as show:

            def progress(done: int, total: int) -> None:
                rate = done / max(time.monotonic() - begun, 1e-9)
                tokens = gateway.ledger.usage.total
                cost = f", {gateway.ledger.usd:.2f} USD" if gateway.tells_cost else ""
                all_of_them = round((high - low) * done / max(total, 1))
                said = f"{done} of {total} different, {rate:,.0f} a second, {tokens:,} tokens{cost}"
                show(all_of_them, said)

            told = annotate(
                pairs,
                name,
                asker,
                batch=options.batch_size or _BATCH,
                about=about,
                on_progress=progress,
                **chunks,
            )
    finally:
        gateway.close()
    said = f"{options.directory}: {name}: {_counts(told)}; {told['asked']} different pairs asked"
    if options.swap:
        said += f"; position {position_bias(pairs, name)}"
    result_console().print(said)
    return 0


def _name(llm: str, goal: str, version: str) -> str:
    """As Motif names labels: ``llama70b_msg_defaultgoal_default``."""
    from textenvs.llm import bare_name

    model = "".join(c if c.isalnum() or c in "-." else "-" for c in bare_name(llm))
    if " " in goal:
        goal = f"owngoal-{blake2b(goal.encode(), digest_size=4).hexdigest()}"
    return f"{model.strip('-')}_msg_{goal}_{version}"


def _game_of(pairs: Any) -> str:
    """The game that the pairs are of; NetHack for published ones."""
    from textenvs.motif.prompts import game_of

    envs = pairs.about.get("envs", ())
    return game_of(envs[0]) if envs else "nethack"


def _counts(told: dict[str, int]) -> str:
    return ", ".join(f"{key} {told[key]}" for key in ("first", "second", "tie") if key in told) + (
        f", unknown {told['unknown']}" if told.get("unknown") else ""
    )
