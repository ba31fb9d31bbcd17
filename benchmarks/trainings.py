"""Many trainings, on several cores, each of them resumable."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Protocol, TypeVar

from textenvs.errors import require
from textenvs.llm import Cache, Gateway, LanguageModel, Ledger, RateLimiter, get_model
from textenvs.rl.settings import TrainSettings
from textenvs.traces import replace_file

__all__ = ["DONE", "Training", "check_packages", "is_done", "learn", "train_all"]

DONE = "done.json"
_REQUESTS_PER_SECOND = 50  # as in5490 asked
_FIRST_ROLLOUTS = 3  # not timed: everything is loaded, and all is new, in the first ones


class Training(Protocol):
    """A run of a benchmark; it pickles."""

    @property
    def settings(self) -> TrainSettings:
        """What it is."""

    def folder(self, work: Path) -> Path:
        """Where it is kept."""


_T = TypeVar("_T", bound=Training)


def check_packages() -> None:
    """Fail before any work, not after hours of it, where Stable-Baselines3 is missing.

    Raises:
        MissingExtra: naming the line that installs it.
    """
    for package in ("stable_baselines3", "sb3_contrib"):
        require(package, extra="rl", needed_by="a training")


def train_all(runs: Sequence[_T], work: Path, workers: int) -> Iterator[tuple[_T, bool]]:
    """Train what is not trained yet; what was stopped goes on.

    Args:
        runs: what to train, in this order.
        work: where the runs are kept.
        workers: processes, of one thread each.

    Yields:
        Every run, and whether it was trained now, as they end.
    """
    left = [run for run in runs if not is_done(run, work)]
    for run in runs:
        if run not in left:
            yield run, False
    if workers == 1:
        _one_thread()
        for run in left:
            learn(run, work)
            yield run, True
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        futures = {pool.submit(learn, run, work, 1 / workers): run for run in left}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future], True
        except BaseException:  # no other is begun before the error is told
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def is_done(run: Training, work: Path) -> bool:
    """Whether it was trained as long as it is to be, with these settings."""
    path = run.folder(work) / DONE
    return (
        path.exists()
        and {
            **run.settings.as_json(),
            **json.loads(path.read_text())["settings"],
        }
        == run.settings.as_json()
    )


def _adviser(run: Training, work: Path, share: float) -> LanguageModel | None:
    """A live model is asked once by all runs; recorded answers need no cache."""
    name = run.settings.llm
    if name is None or name.startswith("recorded:"):
        return None
    model = get_model(name)
    rate = _REQUESTS_PER_SECOND * share if model.concurrent else None  # else it is no server
    return Gateway(
        model,
        cache=Cache(work / "answers.sqlite"),
        ledger=Ledger(run.folder(work) / "requests.jsonl"),
        limiter=RateLimiter(requests_per_second=rate),
    )


def learn(run: Training, work: Path, share: float = 1.0) -> None:
    """Train one run to its end; ``done.json`` tells its speed.

    Args:
        run: what is trained.
        work: where the runs are kept.
        share: of the requests that a server may be sent a second, which processes divide.
    """
    from textenvs.rl.training import train

    folder = run.folder(work)
    went_on = (folder / "model.zip").exists()
    times: list[tuple[int, float]] = []

    def note(steps: int, told: Mapping[str, float]) -> None:
        times.append((steps, time.perf_counter()))

    train(run.settings, folder, llm=_adviser(run, work, share), tensorboard=False, on_progress=note)
    told: dict[str, Any] = {"settings": run.settings.as_json(), "steps_per_second": None}
    if len(times) > _FIRST_ROLLOUTS and not went_on:
        (first, begun), (last, ended) = times[_FIRST_ROLLOUTS - 1], times[-1]
        told["steps_per_second"] = round((last - first) / (ended - begun), 1)
    replace_file(folder / DONE, json.dumps(told, indent=1) + "\n")
