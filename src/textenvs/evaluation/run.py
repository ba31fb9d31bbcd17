"""Play the episodes of an evaluation, and sum them up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium

from textenvs.agents import Agent, get_agent
from textenvs.agents.language.making import make_language_agent
from textenvs.errors import TraceError
from textenvs.evaluation.lock import locked
from textenvs.evaluation.report import SUMMARY_FILE, read_report, report, write_report
from textenvs.evaluation.settings import SETTINGS_FILE, Settings, read_settings
from textenvs.llm.gateway import Gateway
from textenvs.llm.model import LanguageModel, Sampling
from textenvs.loop import Event, rollout
from textenvs.wrappers import ParseTextAction

__all__ = ["evaluate", "make_evaluated_env"]


def evaluate(
    settings: Settings,
    out: Path | str,
    *,
    model: LanguageModel | None = None,
    concurrency: int = 8,
    on_step: Callable[[Event], None] | None = None,
    on_environment: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Play what is not played yet, and write ``out/summary.json``.

    The same call goes on where a run stopped: complete episodes are read, one that was cut is
    played again from its trace, without asking the model, and continued.

    Args:
        settings: what is played, by whom.
        out: the run's folder.
        model: who answers; None for agents that ask no model.
        concurrency: episodes at once.
        on_step: called with every step that is played.
        on_environment: called with each id before it is played.

    Returns:
        The summary, see :func:`textenvs.evaluation.report`; with ``actions_per_second`` of this
        call, and ``sent``: what was really sent to the model, over all calls of the run.

    Raises:
        TraceError: if the folder holds another run, or another process plays in it.
        BudgetExhausted, ModelError: after the summary of what was played was written.
    """
    out = Path(out)
    _check_folder(out, settings)
    _make_agent(settings, model)  # what is wrong with it is told before the folder is this run's
    with locked(out):
        return _evaluate(settings, out, model, concurrency, on_step, on_environment)


def _evaluate(
    settings: Settings,
    out: Path,
    model: LanguageModel | None,
    concurrency: int,
    on_step: Callable[[Event], None] | None,
    on_environment: Callable[[str], None] | None,
) -> dict[str, Any]:
    settings.write(out)
    before = read_report(out / SUMMARY_FILE)
    start = time.perf_counter()
    actions = 0

    def count(event: Event) -> None:
        nonlocal actions
        actions += 1
        if on_step is not None:
            on_step(event)

    summary: dict[str, Any] = {}
    try:
        for env_id in settings.ids:
            if on_environment is not None:
                on_environment(env_id)
            rollout(
                lambda env_id=env_id: make_evaluated_env(env_id, settings),  # type: ignore[misc]
                _make_agent(settings, model),
                episodes=settings.episodes,
                seed=settings.seed,
                num_envs=concurrency,
                directory=out / env_id,
                model=model.name if model is not None else "",
                settings=settings.in_traces(),
                on_step=count,
            )
    finally:
        seconds = time.perf_counter() - start
        summary = report(out, settings)
        # A call that found everything played says nothing new of the speed.
        rate = actions / seconds if actions else before.get("actions_per_second")
        summary["actions_per_second"] = rate
        if isinstance(model, Gateway):
            summary["sent"] = model.ledger.as_json()
        write_report(out / SUMMARY_FILE, summary)
    return summary


def make_evaluated_env(env_id: str, settings: Settings) -> gymnasium.Env[Any, Any]:
    """An environment as the settings want it: it takes a model's answers as its actions.

    Raises:
        UnknownName: for what does not exist.
        MissingExtra: if the game is not installed.
    """
    arguments = dict(settings.env)
    if settings.caption is not None:
        arguments["style"] = settings.caption
    if settings.max_steps is not None:
        arguments["max_episode_steps"] = settings.max_steps
    env = gymnasium.make(env_id, **arguments)
    return ParseTextAction(
        env,
        on_invalid=settings.on_invalid,
        parser=settings.parser,
        synonyms=settings.synonyms,
    )


def _make_agent(settings: Settings, model: LanguageModel | None) -> Agent:
    if not settings.asks_model:
        return get_agent(settings.agent, settings.seed)
    if model is None:
        raise ValueError(f"expected a model for agent {settings.agent!r}, got none")
    own: dict[str, Any] = {}
    if settings.prompt is not None:
        own["prompt"] = settings.prompt
    if settings.agent == "score":
        own["sample"] = settings.sample
    if settings.agent == "few_shot":
        own["demonstrations"] = settings.demonstrations
        own["episodes"] = settings.demonstration_episodes
        own["steps"] = settings.demonstration_steps
    return make_language_agent(
        settings.agent,
        model,
        sampling=Sampling(settings.temperature, settings.top_p, settings.answer_tokens),
        history=settings.history,
        turns=settings.turns,
        feedback=settings.feedback,
        alternate_roles=settings.alternate_roles,
        reads_cut=settings.parser != "default",
        keep_prompts=settings.keep_prompts,
        seed=settings.seed,
        **own,
    )


def _check_folder(out: Path, settings: Settings) -> None:
    """Refuse a folder with another run, before anything is played."""
    if out.exists() and not out.is_dir():
        raise TraceError(f"{out}: expected a folder, got a file")
    if not (out / SETTINGS_FILE).exists():
        return
    there = read_settings(out)
    if there.in_traces() != settings.in_traces() or there.seed != settings.seed:
        mine, its = settings.in_traces(), there.in_traces()
        changed = [key for key in {**mine, **its} if mine.get(key) != its.get(key)] or ["seed"]
        key = sorted(changed)[0]
        raise TraceError(
            f"{out} holds another run: its {key} is {getattr(there, key)!r}, this one's "
            f"{getattr(settings, key)!r}; choose another folder, or the same settings"
        )
