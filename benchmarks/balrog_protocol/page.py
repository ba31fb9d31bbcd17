"""The page of BALROG's protocol in Markdown, and its figure."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import result_rows
from balrog_protocol.tasks import GAME_OF, GAMES, KINDS, TASKS
from result_rows import Row
from textenvs.metrics import Interval, standard_error_balrog, wilson

__all__ = ["figure", "page"]

# What others have in these games. Sources: danijar/crafter e04542a, scores/ (100 human games, five
# seeds of about 5,900 random ones); BALROG's own environments played at random, 200 episodes of
# each of BabyAI's tasks (n = 1000, SE 1.0) and 50 games of NetHack, and by Minigrid's bot.
_REFERENCES = (
    ("random, 29,500 published games", "10.35", "-", "-"),
    ("human experts, 100 published games", "63.18", "-", "-"),
    ("random in BALROG's own environments", "-", "10.1", "0.00"),
    ("Minigrid's bot in BALROG's own environments", "-", "100", "-"),
)
_HUMAN_CRAFTER = 63.18

_PAGE = """# BALROG's protocol

Written by `python benchmarks/balrog.py`. Progress in % of Crafter (achievements / 22), BabyAI
(tasks done, five kinds pooled) and NetHack (how often a human who came as far goes on to win);
mean ± standard error as BALROG has it (population deviation / √n), in brackets the 95 % interval
(BabyAI: Wilson, else bootstrap), behind it the episodes.

## Ours

{ours}

{references}

- The first two rows of the second table are of danijar/crafter e04542a (`scores/`), the other two
  were measured in BALROG's own environments (200 and 50 episodes a task; the bot 100). BALROG's
  random agent there draws among the words of its NetHack prompt; ours among all of NLE's actions.
- With so few episodes differences are large by chance: to tell 5 points apart in Crafter takes
  about 70 episodes a side, 10 points in BabyAI about 300, 0.5 points in NetHack about 60.

### BabyAI by task

Successes in %.

{babyai}

### Difference to random play

In points, on the same episodes (paired bootstrap, permutation test).

{differences}
{answers}
## Published

Progress in %, mean ± standard error (episodes). Rows that are **not verified** by BALROG's authors
are marked; their numbers are read from their own summaries. A game is in "comparable" if it was
played on a protocol that ours can be compared with.

{published}

Source: {source}.

- **Best published**: {best}.
- **NetHack is comparable in no row**: BALROG's package restarts the random generator whenever a
  level is made, so that its levels repeat their layout; ours are ordinary dungeons. Six of the
  actions that its prompt promises are refused there and work here.
- **Crafter**: until 2025-04-24 the line "You face" named the wrong cell (all rows but R23, R25,
  R26 and later ones). R27 to R31 have the newer wording of the caption (read in R29, else by
  date), which is ours too (style `balrog`). Its worlds are unseeded; ours follow from the seed.
- **BabyAI**: until 2024-12-10 eight distractors were placed by mistake; R12 still has them, R13 to
  R15 probably, R03 to R06 are of 125 episodes and unknown. R01, R07 and R10 were asked with the
  instruction twice.
- **The prompt** has BALROG's contents, its errors included, in our words; how it is laid out is
  the same (16 past turns, the status of the current one only).
- **Reading**: "lenient" plays what our parser finds in an answer, "strict" what BALROG's does;
  the published rows are strict. The wording of the feedback after an invalid answer is ours.
- **Sampling**: recorded are temperature 0.0 and 1024 tokens an answer until 2025-01 (several of
  BALROG's clients did not send it), and 1.0 and 8192 tokens in the newest rows; ours are those of
  the newest unless `--temperature` and `--answer-tokens` say otherwise.
- **Seeds**: ours follow from the run's seed, the task and the episode's number; no two episodes
  share a game. BALROG's are drawn anew by every run.

![progress](balrog{smoke}.png)
"""

_ANSWERS = """
### Answers that name no action

In % of all answers: by BALROG's exact rule, by our parser, and those that are empty. Both know our
actions; BALROG itself refuses six words of NetHack that its prompt promises.

{table}
"""


@dataclass(frozen=True)
class _Result:
    """One player's progress in one game, its tasks pooled."""

    mean: float
    error: float
    interval: Interval
    episodes: int

    def cell(self) -> str:
        """As the table shows it, in percent."""
        low, high = 100 * self.interval.low, 100 * self.interval.high
        return (
            f"{100 * self.mean:.2f} ± {100 * self.error:.2f} [{low:.1f}, {high:.1f}] "
            f"({self.episodes})"
        )


def _result_of(rows: Sequence[Row], game: str) -> _Result | None:
    """The progress of one player's rows in a game; None if it is not there as a whole."""
    wanted = [task.name for task in TASKS if task.game == game]
    there = {row.game: row for row in rows if row.game in wanted}
    if set(there) != set(wanted):
        return None
    values = [value for name in wanted for value in there[name].values["progress"]]
    interval = (
        wilson(round(sum(values)), len(values))
        if game == "babyai"
        else there[wanted[0]].interval("progress")
    )
    assert interval is not None
    return _Result(interval.mean, standard_error_balrog(values), interval, len(values))


def _players(rows: Sequence[Row]) -> dict[tuple[str, int], list[Row]]:
    """The rows of each player and seed of the run, models first."""
    kinds = ("model", "random", "expert")
    found: dict[tuple[str, int], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (kinds.index(row.kind), row.player)):
        assert row.seed is not None
        found.setdefault((row.player, row.seed // len(TASKS)), []).append(row)
    return found


def page(args: argparse.Namespace, rows: Sequence[Row], board: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    ours = []
    for (player, seed), theirs in _players(rows).items():
        results = [_result_of(theirs, game) for game in GAMES]
        cells = [result.cell() if result is not None else "-" for result in results]
        steps = [_steps(theirs, game) for game in GAMES]
        ours.append((player, seed, *cells, " / ".join(steps)))
    return _PAGE.format(
        ours=result_rows.table(
            ("player", "seed", "Crafter", "BabyAI", "NetHack", "steps an episode, C / B / N"), ours
        ),
        references=result_rows.table(("beside them", "Crafter", "BabyAI", "NetHack"), _REFERENCES),
        babyai=_babyai_table(rows, board),
        differences=_difference_table(rows),
        answers=_answer_table(rows),
        published=_published_table(board),
        source=board["source"],
        best=_best_line(board),
        smoke=".smoke" if args.smoke else "",
    )


def _steps(rows: Sequence[Row], game: str) -> str:
    names = [task.name for task in TASKS if task.game == game]
    lengths = [length for row in rows if row.game in names for length in row.values["length"]]
    return f"{statistics.mean(lengths):.0f}" if lengths else "-"


def _babyai_table(rows: Sequence[Row], board: Mapping[str, Any]) -> str:
    """BabyAI's tasks: ours, and the published rows that say them."""
    lines = []
    for (player, seed), theirs in _players(rows).items():
        by_task = {row.game: row for row in theirs if row.game in KINDS}
        if by_task:
            cells = [
                result_rows.shown(by_task[kind].interval("success"), percent=True)
                if kind in by_task
                else "-"
                for kind in KINDS
            ]
            episodes = max(row.episodes for row in by_task.values())
            lines.append((f"{player}, seed {seed}", episodes, *cells))
    for row in board["rows"]:
        if "babyai_tasks" in row:
            cells = [f"{row['babyai_tasks'][kind]:.0f}" for kind in KINDS]
            lines.append((f"{row['row']} {row['model']}{_mark(row)}", 10, *cells))
    return result_rows.table(("player", "episodes a task", *KINDS), lines)


def _difference_table(rows: Sequence[Row]) -> str:
    """Each player's progress against random play, the tasks of a game pooled."""
    lines = []
    for (player, seed), theirs in _players(rows).items():
        for game in GAMES:
            pairs: list[tuple[float, float]] = []
            for row in theirs:
                baseline = result_rows.find(rows, "random", row.game, row.seed)
                if baseline is not None and game == GAME_OF[row.game] and row.kind != "random":
                    both = zip(baseline.values["progress"], row.values["progress"], strict=False)
                    pairs += both  # the first episodes of the longer run
            if pairs:
                lines.append((player, seed, game, result_rows.difference(pairs, percent=True)))
    return result_rows.table(("player", "seed", "game", "progress - random's"), lines)


def _answer_table(rows: Sequence[Row]) -> str:
    """The shares of invalid answers; empty where no model played."""
    lines = []
    for row in rows:
        if "answers" in row.more:
            counts = row.more["answers"]
            shares = [
                100 * counts[key] / counts["answers"] for key in ("strict", "lenient", "empty")
            ]
            cells = (f"{share:.1f}" for share in shares)
            lines.append((row.player, row.game, counts["answers"], *cells))
    if not lines:
        return ""
    columns = ("player", "task", "answers", "strict %", "lenient %", "empty %")
    return _ANSWERS.format(table=result_rows.table(columns, lines))


def _published_table(board: Mapping[str, Any]) -> str:
    """The leaderboard's rows."""
    lines = []
    for row in board["rows"]:
        cells = [
            f"{row[game]['mean']:.2f} ± {row[game]['se']:.2f} ({row[game]['episodes']})"
            for game in GAMES
        ]
        lines.append(
            (
                row["row"],
                row["model"],
                row["date"],
                row["agent"],
                *cells,
                "yes" if row["verified"] else "**not verified**",
                ", ".join(row["comparable"]) or "none",
                "; ".join([f"Crafter caption: {row['crafter_caption']}", *row["notes"]]),
            )
        )
    columns = (
        *("row", "model", "date", "agent", "Crafter", "BabyAI", "NetHack"),
        *("verified", "comparable", "protocol"),
    )
    return result_rows.table(columns, lines)


def _mark(row: Mapping[str, Any]) -> str:
    return "" if row["verified"] else " (not verified)"


def _best_line(board: Mapping[str, Any]) -> str:
    """The best published rows, by the sum over these games."""
    said = []
    for verified in (False, True):
        rows = [row for row in board["rows"] if row["verified"] == verified]
        for game in GAMES:
            best = max(rows, key=lambda row: row[game]["mean"])
            said.append(f"{game} {best[game]['mean']:.2f} ({best['row']}{_mark(best)})")
    return f"{', '.join(said[:3])}; of the verified rows {', '.join(said[3:])}"


def figure(rows: Sequence[Row], board: Mapping[str, Any]) -> Any:
    """What draws a panel a game: ours, random and experts among the published rows."""

    def draw(pyplot: Any) -> Any:
        chart, panels = pyplot.subplots(1, 3, figsize=(15, 10), layout="constrained")
        for axes, game in zip(panels, GAMES, strict=True):
            bars = [
                (
                    f"{row['row']} {row['model']}{_mark(row)}",
                    row[game]["mean"],
                    row[game]["se"],
                    "lightgrey" if row["verified"] else "white",
                )
                for row in board["rows"]
            ]
            for (player, seed), theirs in _players(rows).items():
                result = _result_of(theirs, game)
                if result is not None:
                    color = "tab:blue" if theirs[0].kind == "model" else "tab:orange"
                    name = f"{player}, seed {seed} (ours)"
                    bars.append((name, 100 * result.mean, 100 * result.error, color))
            if game == "crafter":
                bars.append(("human experts", _HUMAN_CRAFTER, 0.0, "tab:green"))
            bars.sort(key=lambda bar: bar[1])
            axes.barh(
                range(len(bars)),
                [bar[1] for bar in bars],
                xerr=[bar[2] for bar in bars],
                color=[bar[3] for bar in bars],
                edgecolor="grey",
                error_kw={"linewidth": 0.7},
            )
            axes.set_yticks(range(len(bars)), [bar[0] for bar in bars], fontsize=7)
            axes.set_title(game)
            axes.set_xlabel("progress in %, ± standard error")
            axes.set_ylim(-0.7, len(bars) - 0.3)
        chart.supxlabel("grey: published; white: published, not verified", fontsize=9)
        return chart

    return draw
