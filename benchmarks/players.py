"""Who plays in the benchmarks of language models, and the rows of what they played."""

from __future__ import annotations

import argparse
import pathlib
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from result_rows import Row
from textenvs import rollout
from textenvs.agents import Agent
from textenvs.evaluation import METRICS, Record, Settings, evaluate, make_evaluated_env
from textenvs.evaluation import read_record as read_episode
from textenvs.llm import (
    Budget,
    Cache,
    Gateway,
    LanguageModel,
    Ledger,
    Messages,
    bare_name,
    get_model,
    read_prices,
)
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.metrics import bootstrap_crafter_score, bootstrap_ratio

__all__ = ["RandomOf", "folder_name", "open_model", "play", "row_of", "scripted", "traces"]


def scripted(answers: Sequence[str]) -> LanguageModel:
    """A model for smoke runs: one of some answers, which one depends on the prompt alone."""

    def answer(messages: Messages) -> str:
        return answers[zlib.crc32(str(messages[-1]["content"]).encode()) % len(answers)]

    return ScriptedModel(answer, "scripted")


def open_model(
    args: argparse.Namespace, folder: pathlib.Path, own: LanguageModel | None = None
) -> Gateway:
    """The model that was asked for, or a given one, with cache, budget and books."""
    prices = {} if args.prices is None else read_prices(args.prices)
    bare = bare_name(args.llm or "")
    return Gateway(
        get_model(args.llm) if own is None else own,
        cache=None if args.cache is None else Cache(args.cache),
        offline=args.offline,
        budget=Budget(max_usd=args.max_usd),
        ledger=Ledger(folder / "requests.jsonl"),
        price=prices.get(args.llm) or prices.get(bare),
        concurrency=args.concurrency,
    )


def folder_name(player: str) -> str:
    """A player's name as that of a folder."""
    return re.sub(r"[^\w.-]+", "_", player).strip("_")


class RandomOf(Agent):
    """Uniformly random over the first so many actions: those that the published work has.

    Args:
        seed: the agent's seed.
        count: how many; None for all.
    """

    name = "random"

    def __init__(self, seed: int, count: int | None = None) -> None:
        self._seed = seed
        self._count = count
        self._episodes: dict[int, tuple[np.random.Generator, list[str]]] = {}

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Make the episode's generator."""
        names = list(env.get_wrapper_attr("action_names"))[: self._count]
        self._episodes[episode] = (np.random.default_rng([self._seed, seed]), names)

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[str]:
        """Draw an action for each observation."""
        drawn = []
        for info in infos:
            random, names = self._episodes[info["episode_index"]]
            drawn.append(names[int(random.integers(len(names)))])
        return drawn

    def end(self, episode: int) -> None:
        """Drop the episode's generator."""
        del self._episodes[episode]


def play(
    settings: Settings,
    folder: pathlib.Path,
    *,
    player: str,
    kind: str,
    game: str,
    model: LanguageModel | None = None,
    concurrency: int = 8,
    random_of: int | None = None,
) -> Row:
    """Play the episodes of one id that are not played yet, and make a row of all of them.

    Args:
        settings: what is played; one id.
        folder: of the traces.
        player: the row's.
        kind: the row's.
        game: the row's.
        model: who answers, for agents that ask one.
        concurrency: episodes at once.
        random_of: agent ``random``: only the first so many actions.
    """
    (env_id,) = settings.ids
    if random_of is None:
        evaluate(settings, folder, model=model, concurrency=concurrency)
    else:
        rollout(
            lambda: make_evaluated_env(env_id, settings),
            RandomOf(settings.seed, random_of),
            episodes=settings.episodes,
            seed=settings.seed,
            num_envs=concurrency,
            directory=folder / env_id,
            settings={**settings.in_traces(), "random_of": random_of},
        )
    records = [_record(path) for path in traces(folder, settings)]
    return row_of(records, settings, player=player, kind=kind, game=game)


def traces(folder: pathlib.Path, settings: Settings) -> list[pathlib.Path]:
    """The traces of a run, in the order of the episodes."""
    (env_id,) = settings.ids
    return [folder / env_id / f"episode-{n:05d}.jsonl" for n in range(settings.episodes)]


def _record(path: pathlib.Path) -> Record:
    record = read_episode(path)
    if record is None:
        raise ValueError(f"{path}: expected an episode that came to its end")
    return record


def row_of(
    records: Sequence[Record], settings: Settings, *, player: str, kind: str, game: str
) -> Row:
    """A row of some episodes."""
    values: dict[str, list[float]] = {}
    for metric, value_of in METRICS.items():
        found = [value_of(record) for record in records]
        known = [value for value in found if value is not None]
        # What is invalid is a ratio of sums, below.
        if len(known) == len(records) and metric != "invalid_action_rate":
            values[metric] = [round(value, 4) for value in known]
    lengths = [record.length for record in records]
    more: dict[str, Any] = {}
    achievements = [record.achievements for record in records if record.achievements is not None]
    if len(achievements) == len(records):
        more["crafter_score"] = bootstrap_crafter_score(achievements)._asdict()
    if any(record.statuses for record in records):
        invalid = bootstrap_ratio([record.invalid for record in records], lengths)
        more["invalid_action_rate"] = invalid._asdict()
    tokens = [record.usage.total for record in records]
    if any(tokens):
        more["tokens_per_step"] = sum(tokens) / sum(lengths)
    said = {key: value for key, value in settings.in_traces().items() if key != "llm"}
    return Row(player, kind, game, settings.seed, values, said, more)
