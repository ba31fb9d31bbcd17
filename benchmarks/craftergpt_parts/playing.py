"""The players: CrafterGPT's two agents, random play, and what is known of expert humans."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

import players
import textenvs  # noqa: F401  # registers the ids
from craftergpt_parts.collapse import Uses, collapse_of, uses_of
from craftergpt_parts.published import ENV_ID
from result_rows import Row
from textenvs.evaluation import Settings
from textenvs.metrics import CRAFTER_ACHIEVEMENTS, crafter_score_of_groups
from textenvs.published_parsers import accident
from textenvs.traces import Trace, read_trace

__all__ = ["FINE_TUNED", "GAME", "Agent", "agents_of", "human_row", "model_row", "random_row"]

GAME = "Crafter"
_SMOKE_STEPS = 12
_SMOKE_ANSWERS = (
    'Current Status: all well. Goal: wood.\nAction Choice:\n"Move West"',
    'There is grass in front of me.\nAction Choice:\n"Do"',
    "I go down to the lake.",
    '"Attack the zombie with my iron sword."',
)
_SMOKE_TUNED_ANSWERS = ('Action Choice:\n"Make Stone Pickaxe"',)  # as collapsed as can be
FINE_TUNED = "fine_tuned"


def human_row(data: pathlib.Path) -> Row | None:
    """The expert humans of crafter's own score file; None if it is not there."""
    path = data / "crafter_scores" / "crafter_reward-human.json"
    if not path.is_file():
        return None
    players = json.loads(path.read_text(encoding="utf-8"))
    games = [
        [
            {name: player[f"achievement_{name}"][i] for name in CRAFTER_ACHIEVEMENTS}
            for i in range(len(player["length"]))
        ]
        for player in players
    ]
    mean, deviation = crafter_score_of_groups(games)
    return Row(
        player="human experts (published games)",
        kind="expert",
        game=GAME,
        seed=None,
        values={
            "return": [float(reward) for player in players for reward in player["reward"]],
            "length": [float(length) for player in players for length in player["length"]],
            "achievements": [
                float(sum(count > 0 for count in game.values()))
                for player in games
                for game in player
            ],
        },
        more={"crafter_score_of_players": {"mean": mean, "deviation": deviation}},
    )


def _settings_of(args: argparse.Namespace, episodes: int, **own: Any) -> Settings:
    """What all players share."""
    return Settings(
        ids=(ENV_ID,),
        episodes=episodes,
        seed=args.seed,
        style="smartplay",
        max_steps=_SMOKE_STEPS if args.smoke else None,
        **own,
    )


@dataclass(frozen=True)
class Agent:
    """One of CrafterGPT's two agents: they differ in the model alone.

    Attributes:
        name: the group that its recorded games are of.
        llm: the model; None for a scripted one.
        label: what the tables call it; None for the model's name.
        answers: those of the scripted model.
    """

    name: str
    llm: str | None
    label: str | None
    answers: Sequence[str]


def agents_of(args: argparse.Namespace) -> list[Agent]:
    """Who plays: the agents that a model was named for; of a smoke run without any both.

    Raises:
        ValueError: if the two cannot be told apart, or a label has no model.
    """
    for option, llm, label in (
        ("--llm", args.llm, args.label),
        ("--fine-tuned", args.fine_tuned, args.fine_tuned_label),
    ):
        if label is not None and llm is None:
            raise ValueError(f"expected {option}, whose label {label!r} was given")
    if args.llm is not None and args.llm == args.fine_tuned:
        raise ValueError(f"expected two models, got {args.llm!r} for --llm and --fine-tuned")
    if args.label is not None and args.label == args.fine_tuned_label:
        raise ValueError(f"expected two labels, got {args.label!r} for both agents")
    both = (
        Agent("prompt_only", args.llm, args.label, _SMOKE_ANSWERS),
        Agent(FINE_TUNED, args.fine_tuned, args.fine_tuned_label, _SMOKE_TUNED_ANSWERS),
    )
    named = [agent for agent in both if agent.llm is not None]
    return list(both) if args.smoke and not named else named


def model_row(args: argparse.Namespace, episodes: int, agent: Agent) -> Row:
    """One of CrafterGPT's agents with a model."""
    model = players.scripted(agent.answers) if agent.llm is None else None
    name = agent.label or agent.llm or f"scripted_{agent.name}"
    folder = args.runs / players.folder_name(name)
    settings = _settings_of(
        args,
        episodes,
        agent="cot",
        llm=agent.llm or "scripted",
        prompt="craftergpt",
        parser="craftergpt",
        temperature=0.9,
        top_p=0.6,
        answer_tokens=1000,
        keep_prompts=False,
    )
    asked = argparse.Namespace(**{**vars(args), "llm": agent.llm})
    gateway = players.open_model(asked, folder, model)
    player = agent.label or gateway.name
    try:
        row = players.play(
            settings,
            folder,
            player=f"{player} (fine-tuned)" if agent.name == FINE_TUNED else player,
            kind="model",
            game=GAME,
            model=gateway,
            concurrency=args.concurrency,
        )
    finally:
        gateway.close()
    played = [read_trace(path) for path in players.traces(folder, settings)]
    row.more.update(_accidents(played))
    row.more.update(agent=agent.name, collapse=collapse_of(map(_uses_of_trace, played)))
    return row


def _accidents(played: Sequence[Trace]) -> dict[str, int]:
    """How often CrafterGPT's parser read what the answer does not say."""
    env = gymnasium.make(ENV_ID)
    base: Any = env.unwrapped
    names = base.action_names
    answers = [step["answer"] for trace in played for step in trace.steps]
    env.close()
    found = [accident(answer, names) for answer in answers]
    return {"answers": len(answers), "accidents": sum(each is not None for each in found)}


def _uses_of_trace(trace: Trace) -> Uses:
    texts = [step["observation"] for step in trace.steps]
    last = None if trace.end is None else trace.end["observation"]
    return uses_of([step["text_action"] for step in trace.steps], [*texts, last])


def random_row(args: argparse.Namespace, episodes: int) -> Row:
    """Random play on the same episodes."""
    settings = _settings_of(args, episodes, agent="random")
    folder = args.runs / "random"
    row = players.play(
        settings,
        folder,
        player="random",
        kind="random",
        game=GAME,
        concurrency=args.concurrency,
    )
    played = map(read_trace, players.traces(folder, settings))
    row.more["collapse"] = collapse_of(map(_uses_of_trace, played))
    return row
