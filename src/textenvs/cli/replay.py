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
    by = " ".join(filter(None, (first.get("agent"), first.get("model")))) or "nobody named"
    seed = first.get("seed")
    seeded = "" if seed is None else f", seed {seed}"
    console.print(f"{first.get('env_id', 'unknown game')}{seeded}, played by {by}\n")
    for step in trace.steps:
        console.print(step.get("observation", "(no observation)"), soft_wrap=True)
        played = step.get("text_action") or step.get("action", "(no action)")
        invalid = " (the answer named no action)" if step.get("invalid_action") else ""
        reward = f", reward {step['reward']:+.2f}" if step.get("reward") else ""
        console.print(f"[{step['t']}] > {played}{invalid}{reward}\n", soft_wrap=True)
        if wait and _asks_to_leave():
            return 0
    if trace.end is None:
        console.print(f"The trace stops after {_complete(trace)}: the episode was not finished.")
    else:
        console.print(trace.end.get("observation", "(no observation)"), soft_wrap=True)
        # By its end, since an imported trace may lack its steps.
        console.print(f"The end: {trace.end['length']} steps, return {trace.end['return']:.2f}")
    return 0


def _asks_to_leave() -> bool:
    try:
        return input("Enter for the next step, q to leave: ").strip() == "q"
    except EOFError:
        return True


def _complete(trace: Trace) -> str:
    cut = ", in the middle of a line" if trace.torn else ""
    return f"{len(trace.steps)} complete steps{cut}"


def _check(trace: Trace) -> int:
    """Play the actions again and compare.

    Raises:
        TraceError: at the first difference, or if the trace cannot be played.
    """
    first = trace.header
    if first.get("env_spec") is None or first.get("seed") is None:
        raise TraceError(f"{trace.path}: expected an env_spec and a seed to play again, got none")
    env = gymnasium.make(EnvSpec.from_json(json.dumps(first["env_spec"])))
    total = 0.0
    try:
        observation, _ = env.reset(seed=first["seed"], options=first.get("options") or None)
        for step in trace.steps:
            trace.compare(step, "observation", observed_text(observation))
            observation, reward, *_ = env.step(step["action"])
            trace.compare(step, "reward", float(reward))
            total += float(reward)
        if trace.end is not None:
            trace.compare(trace.end, "observation", observed_text(observation))
            trace.compare(trace.end, "return", total)
            trace.compare(trace.end, "length", len(trace.steps))
    finally:
        env.close()
    print(f"{trace.path}: {_complete(trace)}, each text and reward as recorded")
    return 0
