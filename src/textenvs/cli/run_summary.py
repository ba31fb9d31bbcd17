"""A run's summary, as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textenvs.evaluation.report import format_metric

__all__ = ["print_summary"]

_COLUMNS = (
    *("return", "return_iqm", "length", "success", "progress", "achievements", "crafter_score"),
    *("smartplay_score", "invalid_action_rate", "tokens_per_step", "usd_per_step"),
)


def print_summary(summary: Mapping[str, Any], console: Any) -> None:
    """Print the table of a run: a row a metric, a column an environment."""
    from rich.table import Table

    who = summary["agent"] + (f", {summary['model']}" if summary["model"] else "")
    table = Table(title=f"{who}: means with 95 % intervals", title_justify="left")
    table.add_column("")
    environments = summary["environments"]
    for env_id in environments:
        table.add_column(env_id, justify="right", overflow="fold")
    table.add_row("episodes", *(str(found["episodes"]) for found in environments.values()))
    for metric in _COLUMNS:
        if any(metric in found for found in environments.values()):
            cells = (
                format_metric(metric, found[metric]) if metric in found else "-"
                for found in environments.values()
            )
            table.add_row(metric.replace("_", " "), *cells)
    for name, title in (("parse_stages", "read"), ("answer_statuses", "answers")):
        if any(name in found for found in environments.values()):
            cells = (_counts(found.get(name, {})) for found in environments.values())
            table.add_row(title, *cells)
    console.print(table)
    rate = summary["actions_per_second"]
    if rate is not None:
        console.print(f"{rate:.1f} actions a second")
    if "sent" in summary:
        console.print(_sent(summary["sent"]), soft_wrap=True)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'not read'} {n}" for name, n in counts.items()) or "-"


def _sent(sent: Mapping[str, Any]) -> str:
    tokens = sent["tokens"]
    said = (
        f"sent: {sent['requests']} requests, {tokens['input_tokens']:,} tokens in "
        f"({tokens['cached_input_tokens']:,} cached), {tokens['output_tokens']:,} out "
        f"({tokens['reasoning_tokens']:,} reasoning), {sent['usd']:.4f} USD"
    )
    return f"{said}; faults: {_counts(sent['faults'])}" if sent["faults"] else said
