"""``textenvs rollout``: an agent plays, and the result is summed up."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textenvs.agents import get_agent
from textenvs.cli.arguments import check_id, make_env
from textenvs.cli.consoles import result_console
from textenvs.cli.progress import EpisodeProgress
from textenvs.loop import Episode, Event, rollout
from textenvs.summary import (
    achievement_counts,
    format_interval,
    read_summary,
    summarize,
    write_summary,
)

__all__ = ["run"]

_SUMMARY = "summary.json"


def run(options: argparse.Namespace) -> int:
    """Play all ids, write traces and the summary, and print the table."""
    # What is wrong is told before anything is played.
    ids = [check_id(env_id) for env_id in dict.fromkeys(options.ids)]
    if len(ids) > 1:
        for env_id in ids:
            make_env(env_id, options.style, options.set).close()
    get_agent(options.agent)
    out = None if options.out is None else Path(options.out)
    if out is not None:
        _make_folder(out)
        read_summary(out / _SUMMARY)
    console = result_console()
    played: list[Episode] = []
    try:
        for env_id in ids:
            episodes = _play(env_id, options, out, console)
            played += episodes
            if out is not None:
                write_summary(out / _SUMMARY, summarize(episodes))
    finally:
        # Also of what was played before something went wrong.
        if played:
            _print_table(played, options.agent, console)
    if out is not None:
        console.print(f"Traces and summary: {out}", soft_wrap=True)
    return 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(f"--out: expected a folder, got {folder}, a file") from error


def _play(
    env_id: str, options: argparse.Namespace, out: Path | None, console: Any
) -> list[Episode]:
    with EpisodeProgress(env_id, options.episodes) as step:
        shown = _shower(options.show, console)

        def watch(event: Event) -> None:
            step(event)
            shown(event)

        return rollout(
            lambda: make_env(env_id, options.style, options.set),
            get_agent(options.agent),
            episodes=options.episodes,
            seed=options.seed,
            num_envs=options.num_envs,
            directory=None if out is None else out / env_id,
            on_step=watch,
        )


def _shower(steps: int, console: Any) -> Callable[[Event], None]:
    """Print the first steps of the first episode, in words."""

    def show(event: Event) -> None:
        if event.episode == 0 and event.t < steps:
            text = event.observation
            console.print(text if isinstance(text, str) else text["text"], soft_wrap=True)
            console.print(f"> {event.info['text_action']}\n")

    return show


def _print_table(played: Sequence[Episode], agent: str, console: Any) -> None:
    from rich.table import Table

    table = Table(title=f"agent {agent}: means with 95 % intervals", title_justify="left")
    table.add_column("environment", overflow="fold")
    for column in ("episodes", "return", "length", "success or progress"):
        table.add_column(column, justify="right", overflow="fold")
    table.add_column("achievements", overflow="fold")
    for env_id, row in summarize(played).items():
        ours = [episode for episode in played if episode.env_id == env_id]
        table.add_row(
            env_id,
            str(row["episodes"]),
            format_interval(row["return"]),
            format_interval(row["length"]),
            _task_result(row),
            _achievements(ours),
        )
    console.print(table)


def _task_result(row: Mapping[str, Any]) -> str:
    for key in ("success", "progress"):
        if key in row:
            return f"{key} {format_interval(row[key], percent=True)}"
    return "-"


def _achievements(episodes: Sequence[Episode]) -> str:
    counts = {name: n for name, n in achievement_counts(episodes).items() if n}
    return ", ".join(f"{name} {n}/{len(episodes)}" for name, n in counts.items()) or "-"
