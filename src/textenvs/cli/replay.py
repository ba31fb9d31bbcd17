"""``textenvs replay``: steps through a recorded game."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import gymnasium
from gymnasium.envs.registration import EnvSpec

from textenvs.cli.consoles import result_console
from textenvs.errors import TraceError
from textenvs.traces import Trace, observed_text, read_trace

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Print the steps of a trace one by one, or check them against the game."""
    trace = read_trace(Path(options.trace))
    if options.check:
        return _check(trace)
    return _show(trace, wait=sys.stdin.isatty() and not options.all)


def _show(trace: Trace, wait: bool) -> int:
    console = result_console()
    first = trace.header
    by = " ".join(filter(None, (first["agent"], first["model"])))
    console.print(f"{first['env_id']}, seed {first['seed']}, played by {by or 'nobody named'}\n")
    for step in trace.steps:
        console.print(step["observation"], soft_wrap=True)
        invalid = " (the answer named no action)" if step.get("invalid_action") else ""
        reward = f", reward {step['reward']:+.2f}" if step["reward"] else ""
        console.print(f"[{step['t']}] > {step['text_action']}{invalid}{reward}\n")
        if wait and input("Enter for the next step, q to leave: ").strip() == "q":
            return 0
    if trace.end is None:
        console.print(f"The trace stops after {_complete(trace)}: the episode was not finished.")
    else:
        console.print(trace.end["observation"], soft_wrap=True)
        console.print(f"The end: {trace.end['length']} steps, return {trace.end['return']:.2f}")
    return 0


def _complete(trace: Trace) -> str:
    cut = ", in the middle of a line" if trace.torn else ""
    return f"{len(trace.steps)} complete steps{cut}"


def _check(trace: Trace) -> int:
    """Play the actions again and compare.

    Raises:
        TraceError: at the first difference, or if the trace cannot be played.
    """
    if trace.header["env_spec"] is None or trace.header["seed"] is None:
        raise TraceError(f"{trace.path}: expected an env_spec and a seed to play again, got none")
    env = gymnasium.make(EnvSpec.from_json(json.dumps(trace.header["env_spec"])))
    try:
        observation, _ = env.reset(seed=trace.header["seed"])
        for step in trace.steps:
            _compare(
                trace, step["t"], "observation", step["observation"], observed_text(observation)
            )
            observation, reward, *_ = env.step(step["action"])
            _compare(trace, step["t"], "reward", step["reward"], float(reward))
        if trace.end is not None:
            _compare(
                trace, "end", "observation", trace.end["observation"], observed_text(observation)
            )
    finally:
        env.close()
    print(f"{trace.path}: {_complete(trace)}, each text and reward as recorded")
    return 0


def _compare(trace: Trace, t: object, what: str, recorded: object, got: object) -> None:
    if recorded != got:
        raise TraceError(
            f"{trace.path}, step {t}: expected the {what} {recorded!r}, the game gives {got!r}"
        )
