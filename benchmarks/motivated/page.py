"""The page and the figure of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import common
import result_rows
from motivated.results import FACTS, Result
from motivated.sizes import CONDITIONS, GROUPS
from over_seeds import draw_curve, mean_of, p_of

__all__ = ["draw", "page"]

_COLORS = ("tab:gray", "tab:orange", "tab:blue", "tab:green", "tab:purple", "tab:red")
_FORMS = {"success": "{:.3f}", "depth": "{:.2f}", "experience_level": "{:.2f}"}

_TITLES = {
    "main": "What pays: the game, captions, both",
    "steering": "Captions alone, by other wishes",
    "annotators": "Captions alone, by other annotators",
}

_HEAD = """# Motif: captions that a language model would rather see pay an agent in NetHack

Motif (Klissarov et al., ICLR 2024, arXiv:2310.00166) in its three phases: pairs of messages are
annotated, a reward is learned from the labels, a recurrent agent is paid by it, divided by the cube
of how often the message came in the episode. Coefficients are the published ones. `claude` are the
1,040 labels that came with the package, `claude_*` labels of the same pairs by other wishes,
`keyword_*` rules that count words in pairs of different messages and pay what is above the mean,
`score` the game's score at the moment of the message, `chance` labels that were drawn.

Means over runs of the episodes that ended in the last quarter of a training, in which actions are
drawn, with 95 % bootstrap intervals; `return` is the game's own. p is of an exact permutation test
of the returns, in the first tables against the game's reward alone, two-sided, not corrected. With
five runs no p can be less than 0.008. Of the publication no numbers are at hand: its training is
thousands of times as long.

    python benchmarks/motif.py
"""


def page(
    results: Sequence[Result],
    random: Mapping[str, Mapping[str, list[float]]],
    about: str,
    smoke: bool,
    figure: str,
) -> str:
    """The page, in Markdown.

    Args:
        results: of all runs that ended.
        random: task -> fact -> of random play, an episode each.
        about: of the size, a sentence.
        smoke: whether it is no result.
        figure: the file of the figure, beside the page.
    """
    parts = [_HEAD]
    if smoke:
        parts.append(f"{common.SMOKE}\n")
    parts.append(f"{about}\n")
    for group in GROUPS:
        for task in dict.fromkeys(each.task for each in results if each.group == group):
            found = [each for each in results if (each.group, each.task) == (group, task)]
            parts.append(f"## {_TITLES[group]}: {task}\n")
            parts.append(_table(found, random.get(task, {})) + "\n")
    parts.append(f"![Over steps]({figure})\n")
    return "\n".join(parts)


def _table(results: Sequence[Result], random: Mapping[str, list[float]]) -> str:
    facts = [fact for fact in FACTS if any(fact in each.final for each in results)]
    names = _names(results)
    base = [each.final["return"] for each in results if each.condition == "extrinsic"]
    rows = []
    for name, found in names.items():
        returns = [each.final["return"] for each in found]
        speeds = [each.steps_per_second for each in found if each.steps_per_second]
        rows.append(
            (
                name,
                len(found),
                *(mean_of([each.final[fact] for each in found], _form(fact)) for fact in facts),
                p_of(returns, base) if found[0].condition != "extrinsic" else "",
                f"{median(speeds):,.0f}" if speeds else "-",
            )
        )
    if random:
        played = (mean_of(random.get(fact, ()), _form(fact)) for fact in facts)
        rows.append(("random play", f"{len(random['return'])} episodes", *played, "", ""))
    columns = ("pays", "runs", *(fact.replace("_", " ") for fact in facts), "p", "steps/s")
    return result_rows.table(columns, rows)


def _form(fact: str) -> str:
    return _FORMS.get(fact, "{:.1f}")


def _names(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The runs by what pays, the game alone first."""
    ordered = sorted(
        results, key=lambda each: (CONDITIONS.index(each.condition), each.annotator, each.seed)
    )
    found: dict[str, list[Result]] = {}
    for each in ordered:
        name = f"{each.condition}, {each.annotator}" if each.annotator else each.condition
        found.setdefault(name, []).append(each)
    return found


def draw(pyplot: Any, results: Sequence[Result]) -> Any:
    """The game's return and the depth over steps, with 95 % bands, a row for each table."""
    rows = list(dict.fromkeys((each.group, each.task) for each in results))
    figure, axes = pyplot.subplots(
        len(rows), 2, figsize=(9.2, 3.4 * len(rows)), squeeze=False, layout="constrained"
    )
    for pair, (group, task) in zip(axes, rows, strict=True):
        found = [each for each in results if (each.group, each.task) == (group, task)]
        for panel, fact in zip(pair, ("return", "depth"), strict=True):
            _panel(panel, f"{task}, {group}: {fact}", _names(found), fact)
    return figure


def _panel(axes: Any, title: str, names: Mapping[str, Sequence[Result]], fact: str) -> None:
    for color, (name, found) in zip(_COLORS, names.items(), strict=False):
        curves = [each.curve[fact] for each in found]
        points = len(curves[0])
        steps = [(i + 0.5) * found[0].total / points for i in range(points)]
        draw_curve(axes, steps, curves, color, name)
    axes.set_title(title, fontsize="small")
    axes.set_xlabel("steps")
    axes.legend(fontsize="x-small")
