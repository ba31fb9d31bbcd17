"""The page of the comparison with CrafterGPT in Markdown, and its figure."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import result_rows
from craftergpt_parts.collapse_page import collapse_page
from craftergpt_parts.order import ordered
from craftergpt_parts.playing import FINE_TUNED, GAME
from craftergpt_parts.published import (
    PUBLISHED_GAMES,
    PUBLISHED_MEANS,
    PUBLISHED_RANDOM,
    PUBLISHED_REWARDS,
    PUBLISHED_SCORES,
)
from craftergpt_parts.replay_page import replay_page
from result_rows import Row

__all__ = ["figure", "page"]

_PAGE = """# CrafterGPT on Crafter

Written by `python benchmarks/crafter_gpt.py`. The reward of a game is the change of health / 10 in
every step, and 1 in each step that unlocks an achievement: whoever dies from full health has lost
0.9. Means are with 95 % intervals (bootstrap over episodes).

## Ours

{ours}

- The prompt-only agent: prompt `craftergpt` (in our words), SmartPlay's caption, CrafterGPT's
  parser, temperature 0.9, top_p 0.6, 1000 tokens an answer, until death or 9,999 steps.
- Players of one seed played the same episodes; the difference to random is paired, p is of a
  permutation test.
- These worlds are not those of CrafterGPT's twenty games. An answer that is cut at 1000 tokens is
  read as far as it goes, as published.
- "By accident": CrafterGPT's parser took an action that the answer does not choose, such as `Do`
  in "down".
- The Crafter score of ten episodes is too low by construction: compare equally many.
{tuned}{absent}
## Published

{published}

The README of danijar/crafter (e04542a) has these; score and reward are over a whole training of
1M steps unless said otherwise, ± the deviation between seeds, of humans between the five players.
Its rewards do not agree with its own score files (random 1.38, humans 12.96), without explanation.

{scores}

{replay}
{collapse}
![rewards](crafter_gpt{smoke}.png)
"""


def page(args: argparse.Namespace, rows: Sequence[Row], replay: Mapping[str, Any] | None) -> str:
    """The page in Markdown."""
    human = any(row.kind == "expert" for row in rows)
    return _PAGE.format(
        ours=_ours_table(rows),
        tuned=_tuned_lines(rows),
        absent="" if human else "- No row of human experts: their score file was not there.\n",
        published=result_rows.table(("agent", "games", "mean reward", "source"), PUBLISHED_REWARDS),
        scores=result_rows.table(("agent", "score", "reward"), PUBLISHED_SCORES),
        replay="" if replay is None else replay_page(replay),
        collapse=collapse_page(rows, replay),
        smoke=".smoke" if args.smoke else "",
    )


def _ours_table(rows: Sequence[Row]) -> str:
    """Our rows."""
    lines = []
    for row in ordered(rows):
        baseline = result_rows.find(rows, "random", GAME, row.seed)
        returns = row.values["return"]
        invalid = row.more.get("invalid_action_rate")
        accidents = row.more.get("accidents")
        share = "-" if accidents is None else f"{100 * accidents / row.more['answers']:.1f}"
        lines.append(
            (
                row.player,
                "-" if row.seed is None else row.seed,
                row.episodes,
                result_rows.shown(row.interval("return")),
                f"{min(returns):.1f} to {max(returns):.1f}",
                f"{statistics.mean(row.values['length']):.0f}",
                result_rows.shown(row.interval("achievements")),
                _score(row),
                _plain_mean(row, "smartplay_score"),
                result_rows.shown(invalid, percent=True),
                share,
                result_rows.against(row, baseline, "return"),
            )
        )
    columns = (
        *("player", "seed", "episodes", "mean reward", "range", "steps", "achievements"),
        *("Crafter score", "SmartPlay score", "invalid %", "by accident %", "reward - random's"),
    )
    return result_rows.table(columns, lines)


def _tuned_lines(rows: Sequence[Row]) -> str:
    """What is to be said of fine-tuned agents; empty without any."""
    models = [row for row in ordered(rows) if row.kind == "model"]
    tuned = [row for row in models if row.more.get("agent") == FINE_TUNED]
    if not tuned:
        return ""
    means = PUBLISHED_MEANS["fine_tuned"], PUBLISHED_MEANS["prompt_only"]
    lines = [
        "- The fine-tuned agent is asked, read and sampled as the prompt-only one; only the model "
        f"is another.\n  Published, its mean reward is {means[0] - means[1]:.2f} from the "
        "prompt-only agent's (other games of each).\n"
    ]
    for row in tuned:
        for base in models:
            more = "-" if base in tuned else result_rows.against(row, base, "return")
            if more != "-":  # other seeds, or too few episodes to compare
                lines.append(f"- Reward of {row.player} - that of {base.player}: {more}.\n")
    return "".join(lines)


def _score(row: Row) -> str:
    players = row.more.get("crafter_score_of_players")
    if players is not None:
        return f"{players['mean']:.2f} ± {players['deviation']:.2f} (between players)"
    return result_rows.shown(row.more.get("crafter_score"))


def _plain_mean(row: Row, metric: str) -> str:
    values = row.values.get(metric)
    return f"{statistics.mean(values):.0f}" if values else "-"


def figure(rows: Sequence[Row]) -> Any:
    """What draws every game's reward as a dot, a line for the mean."""
    colors = {"model": "tab:blue", "random": "tab:orange", "expert": "tab:green"}
    shown = [(row.player, row.values["return"], colors[row.kind]) for row in ordered(rows)]
    shown += [
        (
            f"CrafterGPT, {group.replace('_', '-')} (published)",
            [r for _, r in games.values()],
            "grey",
        )
        for group, games in PUBLISHED_GAMES.items()
    ]

    def draw(pyplot: Any) -> Any:
        chart, axes = pyplot.subplots(figsize=(9, 0.6 * len(shown) + 1.2), layout="constrained")
        for place, (_, values, color) in enumerate(reversed(shown)):
            # Equal rewards are piled up.
            heights = [place + 0.08 * (values[:i].count(v) % 5) for i, v in enumerate(values)]
            axes.plot(values, heights, ".", color=color, alpha=0.6)
            mean = statistics.mean(values)
            axes.plot([mean, mean], [place - 0.15, place + 0.45], color="black")
        axes.set_yticks(range(len(shown)), [name for name, _, _ in reversed(shown)], fontsize=8)
        axes.axvline(PUBLISHED_RANDOM, color="grey", linestyle=":", label="random, published")
        axes.set_xlabel("reward of a game (dots), mean (black)")
        axes.legend(loc="lower right", fontsize=8)
        return chart

    return draw
