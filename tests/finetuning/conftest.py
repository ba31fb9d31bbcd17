"""A folder of traces of all kinds, made by playing."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from textenvs import rollout
from textenvs.agents import BabyAIBotAgent, RandomAgent
from textenvs.evaluation import Settings, evaluate
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.llm.model import Completion, Messages, ToolCall, Usage

BABYAI = "BabyAI-Text-GoToLocal-v0"
CRAFTER = "Crafter-Text-v0"
MOVES = ("Do", "Move West", "Move East", "Move North", "Move South", "Noop")


def _walker(messages: Messages) -> Completion:
    """Mostly an action; now and then nonsense, nothing, or an answer that was cut."""
    text = str(messages[-1]["content"])
    number = zlib.crc32(str(messages).encode())
    usage, usd = Usage(len(str(messages)) // 4, 2), 1e-4 * (number % 7)
    if number % 11 == 0:
        return Completion("Sing a song", usage=usage, usd=usd)
    if number % 13 == 0:
        return Completion("go forw", status="cut", usage=usage, usd=usd)
    if number % 17 == 0:
        return Completion("", status="empty", usage=usage, usd=usd)
    front = "front of you: free" in text
    return Completion("go forward" if front else "turn left", usage=usage, usd=usd)


def _caller(messages: Messages) -> Completion:
    """Calls the tool with one to five actions, one of which may be none."""
    number = zlib.crc32(str(messages).encode())
    actions = [MOVES[(number >> 3 * n) % len(MOVES)] for n in range(1 + number % 5)]
    if number % 7 == 0:
        actions.append("Dance")
    called = json.dumps({"actions": actions, "reasoning": "because"})
    return Completion("", tool_calls=(ToolCall("interact", called),), usage=Usage(50, 10), usd=None)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of random play, the bot, and models: with prompts, without, and with tools."""
    folder = tmp_path_factory.mktemp("traces") / "mixed"
    rollout(CRAFTER, RandomAgent(), episodes=16, seed=1, directory=folder / "random" / CRAFTER)
    rollout(BABYAI, RandomAgent(), episodes=8, seed=1, directory=folder / "random" / BABYAI)
    rollout(BABYAI, BabyAIBotAgent(), episodes=8, seed=1, directory=folder / "bot" / BABYAI)
    caller = ScriptedModel(_caller, "caller")
    for name, keep in (("walker", True), ("silent", False)):
        settings = Settings(
            (BABYAI,), llm=name, episodes=6, max_steps=20, seed=2, keep_prompts=keep
        )
        evaluate(settings, folder / name, model=ScriptedModel(_walker, name))
    settings = Settings((CRAFTER,), agent="react", llm="caller", episodes=5, max_steps=40)
    evaluate(settings, folder / "caller", model=caller)
    return folder
