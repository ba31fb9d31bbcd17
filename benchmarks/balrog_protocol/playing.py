"""The players: a model, random play, Minigrid's bot."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence
from typing import Any

import gymnasium

import players
import result_rows
import textenvs  # noqa: F401  # registers the ids
from balrog_protocol.tasks import Task, task_seed
from result_rows import Row
from textenvs.evaluation import Settings
from textenvs.llm import LanguageModel
from textenvs.parsing import ActionParser
from textenvs.published_parsers import BalrogParser
from textenvs.traces import read_trace

__all__ = ["AGENTS", "play_baseline", "play_model", "read_answers"]

# Agent -> BALROG's parser of that agent, as ParseTextAction and as BalrogParser call it.
AGENTS = {
    "naive": ("balrog", "naive"),
    "cot": ("balrog_cot", "cot"),
    "robust": ("balrog_robust", "robust_naive"),
    "robust_cot": ("balrog_robust", "robust_naive"),
}
_SMOKE_STEPS = 6
_SMOKE_ANSWERS = (
    "Move West",
    "go forward",
    "north",
    "ACTION: turn left",
    "I think that I should go forward now.",
    "<|ACTION|>Do<|END|>",
    "Collect wood",
)


def _settings_of(args: argparse.Namespace, task: Task, stored: int, **own: Any) -> Settings:
    """A task's settings.

    Args:
        args: the options.
        task: which task.
        stored: how many episodes there are already of a baseline, which is not to shrink.
        own: the player's.
    """
    episodes = args.episodes or (1 if args.smoke else task.episodes)
    return Settings(
        ids=(task.env_id,),
        episodes=max(episodes, stored),
        seed=task_seed(args.seed, task),
        max_steps=_SMOKE_STEPS if args.smoke else task.max_steps,
        style="balrog",
        env=task.env,
        **own,
    )


def play_baseline(args: argparse.Namespace, task: Task, agent: str, rows: Sequence[Row]) -> Row:
    """Random play, or Minigrid's bot, on the same episodes."""
    player = {"random": "random", "bot": "Minigrid's bot"}[agent]
    stored = result_rows.stored_episodes(rows, player, task.name, task_seed(args.seed, task))
    return players.play(
        _settings_of(args, task, stored, agent=agent),
        args.runs / agent / task.name,
        player=player,
        kind="random" if agent == "random" else "expert",
        game=task.name,
        concurrency=args.concurrency,
        random_of=task.actions if agent == "random" else None,
    )


def play_model(args: argparse.Namespace, tasks: Sequence[Task]) -> list[Row]:
    """A model plays all tasks, within one budget."""
    own: LanguageModel | None = players.scripted(_SMOKE_ANSWERS) if args.llm is None else None
    reading = "strict" if args.strict else "lenient"
    name = args.label or args.llm or "scripted"
    folder = args.runs / players.folder_name(f"{name}-{args.agent}-{reading}")
    gateway = players.open_model(args, folder, own)
    rows = []
    try:
        for task in tasks:
            settings = _settings_of(
                args,
                task,
                0,
                agent=args.agent,
                llm=args.llm or "scripted",
                prompt="balrog",
                parser=AGENTS[args.agent][0] if args.strict else "default",
                temperature=args.temperature,
                answer_tokens=args.answer_tokens,
                keep_prompts=False,
            )
            row = players.play(
                settings,
                folder / task.name,
                player=f"{args.label or gateway.name}, {args.agent}, {reading}",
                kind="model",
                game=task.name,
                model=gateway,
                concurrency=args.concurrency,
            )
            row.more["answers"] = read_answers(
                task, args.agent, players.traces(folder / task.name, settings)
            )
            rows.append(row)
    finally:
        gateway.close()
    return rows


def read_answers(task: Task, agent: str, paths: Sequence[pathlib.Path]) -> dict[str, int]:
    """How many answers BALROG's rule, and how many our parser, reads no action from.

    The strict rule is that the answer, after BALROG's clean-up, is a name or key to the letter.
    """
    env = gymnasium.make(task.env_id, **task.env)
    base: Any = env.unwrapped
    names = tuple(base.action_names)[: task.actions]
    aliases = {text: n for text, n in base.action_aliases.items() if n < len(names)}
    env.close()
    strict, lenient = BalrogParser(names, aliases, AGENTS[agent][1]), ActionParser(names, aliases)
    answers = [step["answer"] for path in paths for step in read_trace(path).steps]
    return {
        "answers": len(answers),
        "strict": sum(strict.parse(answer).action is None for answer in answers),
        "lenient": sum(lenient.parse(answer).action is None for answer in answers),
        "empty": sum(not answer.strip() for answer in answers),
    }
