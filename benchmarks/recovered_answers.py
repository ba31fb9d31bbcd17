"""What BALROG refused and our parser reads: the invalid answers of its published runs.

    python benchmarks/recovered_answers.py --data DIR [--out docs]

DIR has the submissions of BALROG's LLM track as balrog-ai/experiments keeps them: a folder for
each model, in it ``crafter``, ``babyai`` and ``nle`` with a JSON file for each episode, whose
``failed_candidates`` are the answers that were no valid action, and summaries that say how many
episodes were played. What is missing is counted. With ``--out`` a page and
``results/recovered_answers.json`` are written there, else the page is printed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from textenvs.parsing import STAGES, ActionParser

# Folder -> our environment, and how many of its actions BALROG has: BabyAI's without `done`.
GAMES = {
    "crafter": ("Crafter-Text-BALROG-v0", None),
    "babyai": ("BabyAI-Text-MixedTrainLocal-v0", 6),
    "nle": ("NetHack-Text-Challenge-v0", None),
}
_MOST_FREQUENT = 8
_SHOWN = 60  # characters of an answer


@dataclass
class Row:
    """The invalid answers of one model in one game."""

    model: str
    game: str
    episodes: int = 0
    expected_episodes: int = 0
    steps: int = 0
    invalid: int = 0
    empty: int = 0
    first: int = 0
    stages: dict[str, int] = field(default_factory=dict)
    unrecovered: list[tuple[str, int]] = field(default_factory=list)

    @property
    def recovered(self) -> int:
        """How many answers name an action."""
        return sum(self.stages.values())


def actions_of(game: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """The names of a game's actions as BALROG has them, and their aliases."""
    env_id, count = GAMES[game]
    env = gymnasium.make(env_id)
    base: Any = env.unwrapped
    names = tuple(base.action_names)[:count]
    aliases = {text: n for text, n in base.action_aliases.items() if n < len(names)}
    env.close()
    return names, aliases


def read(path: pathlib.Path) -> Mapping[str, Any]:
    """A JSON file, empty if there is none."""
    if not path.is_file():
        return {}
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def measure(model: pathlib.Path, game: str) -> Row:
    """Parse every invalid answer of a model in a game."""
    names, aliases = actions_of(game)
    parser, first = ActionParser(names, aliases), ActionParser(names, aliases, mention="first")
    answers: Counter[str] = Counter()
    row = Row(model.name, game)
    for path in sorted((model / game).rglob("*_run_*.json")):
        episode = read(path)
        row.episodes += 1
        row.steps += int(episode["num_steps"])
        answers.update(episode["failed_candidates"])
    tasks = read(model / game / f"{game}_summary.json").get("tasks", {})
    row.expected_episodes = sum(int(task["episodes_played"]) for task in tasks.values())
    row.invalid = answers.total()
    stages: Counter[str] = Counter()
    unrecovered: Counter[str] = Counter()
    for answer, count in answers.items():
        stage = parser.parse(answer).stage
        row.first += count if first.parse(answer).stage else 0
        row.empty += 0 if answer.strip() else count
        if stage:
            stages[stage] += count
        else:
            unrecovered[answer] += count
    row.stages = {stage: stages[stage] for stage in STAGES if stages[stage]}
    ordered = sorted(unrecovered.items(), key=lambda item: (-item[1], item[0]))
    row.unrecovered = [(shown(answer), count) for answer, count in ordered[:_MOST_FREQUENT]]
    return row


def shown(answer: str) -> str:
    """An answer on one short line."""
    line = " / ".join(answer.strip().split("\n"))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def missing(models: list[pathlib.Path], rows: list[Row]) -> Iterator[str]:
    """What the summaries count and no file has."""
    for model in models:
        played = read(model / "summary.json").get("environments", {})
        for game in GAMES:
            count = int(played.get(game, {}).get("episodes_played", 0))
            if count and not (model / game).is_dir():
                yield f"{model.name}: `{game}`, all {count} episodes"
    for row in rows:
        folder = next(model for model in models if model.name == row.model) / row.game
        if row.episodes < row.expected_episodes:
            lost = row.expected_episodes - row.episodes
            yield f"{row.model}: `{row.game}`, {lost} of {row.expected_episodes} episodes"
        tables = [
            path for path in folder.rglob("*_run_*.json") if path.with_suffix(".csv").exists()
        ]
        if len(tables) < row.episodes:
            lost = row.episodes - len(tables)
            yield f"{row.model}: `{row.game}`, the steps (CSV, not used here) of {lost} episodes"


def percent(part: int, whole: int) -> str:
    """A share in percent, "-" of nothing."""
    return f"{100 * part / whole:.1f}" if whole else "-"


PAGE = """# What BALROG refused

Written by `python benchmarks/recovered_answers.py --data DIR --out docs`, with DIR the
submissions of BALROG's LLM track (balrog-ai/experiments). BALROG plays the default action for
every answer that is not an action to the letter. Here are these answers by model and game, and the
share of them in which the default parser of `ParseTextAction` finds the action that they name.

| model | game | episodes | steps | invalid | % of steps | empty | recovered | % | % `"first"` |
|---|---|---|---|---|---|---|---|---|---|
{table}

- Most answers that stay without an action are empty, ask for what the game has no action for
  (Crafter's "Drink", "Collect Stone" and diagonals), or are a plan of several actions. Empty ones
  aside, {rest} % are recovered.
- A plan has no one action, and by default none is read from it. With `mention="first"` its first
  step is, which is the last column; but then so is the first option of an explanation.
- Recovered is not the same as right: an answer counts if an action is read from it.
- Most of the answers have passed BALROG's filter, which deletes hyphens, digits and full stops.
- BabyAI's actions are BALROG's six. NetHack's are the words and keys of NLE, of which BALROG
  refuses some: `travel`, `quit` and `:` are recovered for that reason alone.
- Of a command with an argument (`wield` and a letter, `pick up blue key`) the command is read.

## By stage

| model | game | {stages} |
|---|---|{dashes}|
{by_stage}

## The most frequent answers without an action

{unrecovered}

## What is missing

{missing}
"""


def page(rows: list[Row], absent: list[str]) -> str:
    """The page in Markdown."""
    whole = [row for row in rows if row.episodes]
    table = [
        f"| {row.model} | {row.game} | {row.episodes} | {row.steps:,} | {row.invalid:,} "
        f"| {percent(row.invalid, row.steps)} | {row.empty:,} | {row.recovered:,} "
        f"| {percent(row.recovered, row.invalid)} | {percent(row.first, row.invalid)} |"
        for row in [*whole, total(whole)]
    ]
    by_stage = [
        f"| {row.model} | {row.game} | "
        + " | ".join(str(row.stages.get(stage, 0)) for stage in STAGES)
        + " |"
        for row in whole
        if row.recovered
    ]
    unrecovered = [
        f"- {row.model}, {row.game}: "
        + ", ".join(f"{_quoted(answer)} {count}" for answer, count in row.unrecovered)
        for row in whole
        if row.unrecovered
    ]
    everything = total(whole)
    return PAGE.format(
        table="\n".join(table),
        rest=percent(everything.recovered, everything.invalid - everything.empty),
        stages=" | ".join(STAGES),
        dashes="|".join("---" for _ in STAGES),
        by_stage="\n".join(by_stage),
        unrecovered="\n".join(unrecovered),
        missing="\n".join(f"- {line}" for line in absent) or "Nothing.",
    )


def _quoted(answer: str) -> str:
    return f"`{answer.replace('`', ' ').replace('|', ' ')}`" if answer else "(empty)"


def total(rows: list[Row]) -> Row:
    """All rows as one."""
    stages: Counter[str] = Counter()
    for row in rows:
        stages.update(row.stages)
    return Row(
        "all",
        "",
        episodes=sum(row.episodes for row in rows),
        expected_episodes=sum(row.expected_episodes for row in rows),
        steps=sum(row.steps for row in rows),
        invalid=sum(row.invalid for row in rows),
        empty=sum(row.empty for row in rows),
        first=sum(row.first for row in rows),
        stages=dict(stages),
    )


def main() -> None:
    """Read the submissions and write the page."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=pathlib.Path, required=True, metavar="DIR")
    arguments.add_argument("--out", type=pathlib.Path, metavar="DIR", help="write the page here")
    args = arguments.parse_args()
    models = sorted(path for path in args.data.iterdir() if (path / "summary.json").is_file())
    if not models:
        arguments.error(f"expected submissions with a summary.json in {args.data}, found none")
    rows = [measure(model, game) for model in models for game in GAMES if (model / game).is_dir()]
    absent = list(missing(models, rows))
    text = page(rows, absent)
    if args.out is None:
        print(text)
        return
    results = args.out / "results"
    results.mkdir(parents=True, exist_ok=True)
    (args.out / "recovered_answers.md").write_text(text, encoding="utf-8")
    # The answers themselves belong to their authors: numbers only.
    numbers = [
        {**{k: v for k, v in asdict(row).items() if k != "unrecovered"}, "recovered": row.recovered}
        for row in rows
    ]
    (results / "recovered_answers.json").write_text(
        json.dumps({"rows": numbers, "missing": absent}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
