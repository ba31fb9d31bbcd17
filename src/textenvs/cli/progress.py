"""A live display of what is played, on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable

from textenvs.cli.consoles import status_console
from textenvs.loop import Event

__all__ = ["EpisodeProgress"]

_SECONDS_A_REFRESH = 0.2


class EpisodeProgress:
    """Episodes, steps a second, invalid actions, and what else there is to say.

    Args:
        env_id: what is played.
        episodes: how many.
        remark: called at every refresh for a further remark (tokens and cost).
        done: how many episodes were played before.
    """

    def __init__(
        self,
        env_id: str,
        episodes: int,
        remark: Callable[[], str] = lambda: "",
        done: int = 0,
    ) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("episodes, {task.fields[said]}"),
            TimeElapsedColumn(),
            console=status_console(),
        )
        self._task = self._bar.add_task(env_id, total=episodes, completed=done, said="")
        self._remark = remark
        self._steps = self._invalid = 0
        self._start = self._shown = 0.0

    def __enter__(self) -> Callable[[Event], None]:
        return self._on_step

    def __exit__(self, *error: object) -> None:
        if not self._steps:
            return
        if error[0] is None:
            # Episodes that were read from traces count as well.
            self._bar.update(self._task, completed=self._bar.tasks[0].total)
        self._refresh(0)
        self._bar.stop()

    def _on_step(self, event: Event) -> None:
        now = time.perf_counter()
        if not self._steps:
            self._start = now
            self._bar.start()
        self._steps += 1
        self._invalid += bool(event.info.get("invalid_action", False))
        if event.over or now - self._shown > _SECONDS_A_REFRESH:
            self._shown = now
            self._refresh(int(event.over))

    def _refresh(self, advance: int) -> None:
        seconds = max(time.perf_counter() - self._start, 1e-9)
        said = f"{self._steps} steps, {self._steps / seconds:.0f}/s"
        if self._invalid:
            said += f", {self._invalid} invalid"
        remark = self._remark()
        self._bar.update(self._task, advance=advance, said=f"{said}, {remark}" if remark else said)
