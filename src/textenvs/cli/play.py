"""``textenvs play``: a person plays, in words."""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium

from textenvs.cli.arguments import make_env
from textenvs.cli.consoles import result_console
from textenvs.parsing import ActionParser
from textenvs.wrappers import RecordTrace

__all__ = ["run"]

_GAP, _LEAST_TEXT = 4, 44  # columns between text and map, and for the text beside it


def run(options: argparse.Namespace) -> int:
    """Play an episode: show the text, read an action, until the game or the player ends it."""
    console = result_console()
    render_mode = "ansi" if options.map else None
    env = make_env(options.id, options.style, options.set, render_mode)
    if options.out is not None:
        env = RecordTrace(env, options.out, agent="human")
    try:
        _play(env, options.seed, console)
    finally:
        env.close()
    return 0


def _play(env: gymnasium.Env[Any, Any], seed: int, console: Any) -> None:
    base: Any = env.unwrapped
    parser = ActionParser(base.action_names, base.action_aliases)
    observation, info = env.reset(seed=seed)
    total, steps, last = 0.0, 0, None
    _show(env, observation, console)
    while (action := _ask(base, parser, last, console)) is not None:
        last = action
        observation, reward, terminated, truncated, info = env.step(action)
        total, steps = total + float(reward), steps + 1
        console.print(f"\n> {info['text_action']}")
        _show(env, observation, console)
        if reward:
            console.print(f"Reward: {reward:+.2f}")
        if terminated or truncated:
            console.print("The game is over." if terminated else "The limit of steps is reached.")
            break
    console.print(f"{steps} step{'' if steps == 1 else 's'}, return {total:.2f}")


def _show(env: gymnasium.Env[Any, Any], observation: Any, console: Any) -> None:
    """Print the text, with the map on its right where there is one."""
    text = observation if isinstance(observation, str) else observation["text"]
    if env.render_mode is None:
        console.print(text, soft_wrap=True)
        return
    from rich.table import Table

    picture = str(env.render())
    width = max(map(len, picture.split("\n")))
    if console.width < width + _LEAST_TEXT:
        console.print(text, soft_wrap=True)
        console.print(picture, soft_wrap=True)
        return
    beside = Table.grid(padding=(0, _GAP))
    beside.add_column()
    beside.add_column(no_wrap=True, width=width)
    beside.add_row(text, picture)
    console.print(beside)


def _ask(base: Any, parser: ActionParser, last: int | None, console: Any) -> int | None:
    """Read an action; None when the player leaves."""
    while True:
        try:
            typed = input("action> ")
        except EOFError:
            console.print()
            return None
        if typed.strip() == "?":
            _show_actions(base, console)
        elif typed.strip() == "exit" or (typed.strip() == "q" and not _is_action(base, "q")):
            return None
        elif not typed.strip() and last is not None:
            return last
        elif (found := parser.parse(typed).action) is not None:
            return found
        else:
            console.print(f"{typed!r} is no action; ? shows the actions, exit leaves")


def _is_action(base: Any, text: str) -> bool:
    return text in base.action_aliases or text in base.action_names


def _show_actions(base: Any, console: Any) -> None:
    keys = getattr(base, "action_keys", None)
    for index, name in enumerate(base.action_names):
        console.print(f"  {name}" if keys is None else f"  {name} ({keys[index]})")
