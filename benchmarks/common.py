"""What the benchmarks of language models share: options, rows, paired differences, files.

A benchmark keeps its rows in ``NAME.json`` and writes ``NAME.md`` and ``NAME.png`` from them, so
that results of several models gather there, call by call. A smoke run has file names of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import gymnasium
import numpy as np

from textenvs import __version__, rollout
from textenvs.agents import Agent
from textenvs.evaluation import METRICS, Record, Settings, evaluate, make_evaluated_env
from textenvs.evaluation import read_record as read_episode
from textenvs.llm import (
    KINDS,
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
from textenvs.metrics import (
    Interval,
    bootstrap_crafter_score,
    bootstrap_mean,
    bootstrap_ratio,
    paired_bootstrap,
    permutation_test,
    wilson,
)
from textenvs.traces import replace_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOKE = (
    "**A smoke run, no result: a scripted or untrained model, few episodes, few steps.** It shows "
    "that the benchmark runs."
)
_FEWEST_PAIRS = 2
_LEAST_P = 0.001  # what 20,000 flips can tell from 0


@dataclass(frozen=True)
class Row:
    """What one player did in one game.

    Attributes:
        player: the name in the tables.
        kind: "model", "untrained", "random" or "expert".
        game: which game or task.
        seed: of the run; None for what was not played here.
        values: metric -> a value for each episode, in their order; players of the same game and
            seed played the same episodes.
        settings: what the player's episodes follow from, as traces say it.
        more: what is no value of single episodes.
    """

    player: str
    kind: str
    game: str
    seed: int | None
    values: dict[str, list[float]]
    settings: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What makes it the same row as an earlier one."""
        return self.player, self.game, self.seed

    @property
    def episodes(self) -> int:
        """How many there are."""
        return max((len(values) for values in self.values.values()), default=0)

    def interval(self, metric: str) -> Interval | None:
        """The mean of a metric with its 95 % interval; None if it has none."""
        values = self.values.get(metric)
        if not values:
            return None
        if metric == "success" or (metric == "progress" and "success" in self.values):
            return wilson(round(sum(values)), len(values))
        return bootstrap_mean(values)


def options(description: str | None, episodes: str) -> argparse.ArgumentParser:
    """The options that all of these benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    forms = "; ".join(form for _, form in KINDS.values())
    parser.add_argument("--llm", metavar="M", help=f"the model: {forms}")
    parser.add_argument(
        "--label", metavar="NAME", help="what the tables call the model (default: its name)"
    )
    parser.add_argument("--episodes", type=_positive, metavar="N", help=episodes)
    parser.add_argument("--seed", type=_not_negative, default=0, metavar="S", help="of the run (0)")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="where NAME.json, .md and .png go (docs/results; of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--runs",
        type=pathlib.Path,
        metavar="DIR",
        help="where traces go, DIR/NAME/...: the same command goes on where a run stopped (runs; "
        "of a smoke run a temporary folder)",
    )
    parser.add_argument(
        "--smoke", action="store_true", help="a few steps, without a network: does it run at all?"
    )
    parser.add_argument(
        "--cache", metavar="FILE", help="keep answers in FILE, and take them from it"
    )
    parser.add_argument(
        "--offline", action="store_true", help="send nothing: what is not in the cache is an error"
    )
    parser.add_argument(
        "--concurrency", type=_positive, default=8, metavar="C", help="episodes at once (8)"
    )
    parser.add_argument(
        "--max-usd", type=float, metavar="X", help="stop at this cost; needs --prices"
    )
    parser.add_argument(
        "--prices",
        metavar="FILE",
        help='JSON: {"MODEL": {"input": X, "output": Y, "cached_input": Z}}, USD for 1M tokens',
    )
    return parser


def data_folder() -> pathlib.Path:
    """Where published data lie, as for the tests: ``TEXTENVS_DATA``, else ``../shared/data``."""
    shared = os.environ.get("TEXTENVS_SHARED", str(ROOT.parent / "shared"))
    return pathlib.Path(os.environ.get("TEXTENVS_DATA", f"{shared}/data"))


def read_arguments(
    parser: argparse.ArgumentParser, name: str, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Parse, and set the folders; those of a smoke run are away from all results."""
    args = parser.parse_args(argv)
    args.name = f"{name}.smoke" if args.smoke else name
    if args.smoke:
        args.runs, args.out = temporary(args.runs, "runs"), temporary(args.out, "results")
    args.runs = (args.runs or pathlib.Path("runs")) / args.name
    args.out = args.out or ROOT / "docs" / "results"
    return args


def temporary(given: pathlib.Path | None, name: str) -> pathlib.Path:
    """A folder that was given, else one of such a name away from all results, for a smoke run."""
    return given or pathlib.Path(tempfile.mkdtemp(prefix="textenvs-smoke-")) / name


def guarded(main: Callable[[], None]) -> None:
    """Run a benchmark; what a user can mend ends it with one line."""
    try:
        main()
    except (gymnasium.error.Error, ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


# Players


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


# Rows


def merge(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """All rows, the new ones in place of those of the same player, game and seed."""
    rows = {row.key: row for row in old}
    return list({**rows, **{row.key: row for row in new}}.values())


def find(rows: Sequence[Row], kind: str, game: str, seed: int | None) -> Row | None:
    """The row of a kind of player."""
    return next((r for r in rows if (r.kind, r.game, r.seed) == (kind, game, seed)), None)


def stored_episodes(rows: Sequence[Row], player: str, game: str, seed: int) -> int:
    """How many episodes a row has already, so that a shorter run does not replace a longer one."""
    return next((row.episodes for row in rows if row.key == (player, game, seed)), 0)


def against(row: Row, baseline: Row | None, metric: str, percent: bool = False) -> str:
    """What a row has more than another one on the same episodes, "-" where there is no such."""
    if baseline is None or row.key == baseline.key or row.seed != baseline.seed:
        return "-"
    if row.seed is None:
        return "-"
    theirs, mine = baseline.values.get(metric, ()), row.values.get(metric, ())
    return difference(list(zip(theirs, mine, strict=False)), percent)  # the shorter run decides


def difference(pairs: Sequence[tuple[float, float]], percent: bool = False) -> str:
    """What the second of each pair has more than the first, "-" of fewer than two pairs."""
    if len(pairs) < _FEWEST_PAIRS:
        return "-"
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    p = permutation_test(old, new)
    said = "p < 0.001" if p < _LEAST_P else f"p = {p:.3f}"
    return f"{shown(paired_bootstrap(old, new), percent)}, {said} ({len(pairs)} pairs)"


def shown(interval: Interval | Mapping[str, float] | None, percent: bool = False) -> str:
    """An interval as a table shows it."""
    if interval is None:
        return "-"
    mean, low, high = interval.values() if isinstance(interval, Mapping) else interval
    scale, digits = (100, 1) if percent else (1, 2)
    return f"{scale * mean:.{digits}f} [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"


def table(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    cells = [columns, ["---"] * len(columns), *lines]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in cells)


# Files


def read_results(args: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    """What earlier calls found: everything, and of it the rows."""
    path = args.out / f"{args.name}.json"
    if not path.is_file():
        return {}, []
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results, [Row(**row) for row in results["rows"]]


def write_results(
    args: argparse.Namespace,
    rows: Sequence[Row],
    more: Mapping[str, Any],
    page: str,
    draw: Callable[[Any], Any],
) -> None:
    """Write the three files, and print the page.

    Args:
        args: the options.
        rows: all rows.
        more: what else the JSON file is to have.
        page: the Markdown page.
        draw: makes the figure with the ``pyplot`` that it is given.
    """
    if args.smoke:
        page = page.replace("\n\n", f"\n\n{SMOKE}\n\n", 1)
    stem = args.out / args.name
    results = {"smoke": args.smoke, **more, "rows": [asdict(row) for row in rows]}
    write_json(stem.with_name(f"{args.name}.json"), results)
    replace_file(stem.with_name(f"{args.name}.md"), page)
    draw_figure(draw, stem.with_name(f"{args.name}.png"), args.smoke)
    print(page)
    print(f"Written: {stem}.json, .md, .png")


def write_json(path: pathlib.Path, results: Mapping[str, Any]) -> None:
    """Write results, each list of numbers (a value for each episode) on one line."""
    body = json.dumps({"textenvs": __version__, **results}, indent=1)
    body = re.sub(r"\[\s+([-\d.,e\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", body)
    replace_file(path, body + "\n")


def draw_figure(draw: Callable[[Any], Any], path: pathlib.Path, smoke: bool) -> None:
    """Draw a figure, if there is matplotlib, and say so in it if it is of a smoke run."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        print('No figure: it needs matplotlib, pip install "textenvs[plot]"', file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = draw(pyplot)
    if smoke:
        figure.suptitle("a smoke run, no result", color="tab:red")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text!r}")
    return int(text)
