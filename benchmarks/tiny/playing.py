"""Games that the expert or the model plays, and what the expert would do in each state of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

import textenvs  # noqa: F401  # registers the ids
from textenvs.agents.experts import Decision, Expert, Recollection, expert_of
from textenvs.llm import LanguageModel, Sampling
from textenvs.parsing import ActionParser
from textenvs.prompts import Situation, Turn, get_prompt
from textenvs.prompts.bare import kept_thought

__all__ = ["Outcome", "Row", "Task", "play"]

ANSWER_TOKENS = 40


@dataclass(frozen=True)
class Task:
    """What is played.

    Attributes:
        name: for reports.
        env_id: the environment's.
        env: its arguments.
        max_steps: a limit in place of the id's own; None for that.
        share: of the rows of its game, relative to its other tasks.
    """

    name: str
    env_id: str
    env: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int | None = None
    share: float = 1.0

    @property
    def game(self) -> str:
        """The game's name."""
        return self.env_id.partition("-Text-")[0]

    def make(self) -> gymnasium.Env[Any, Any]:
        """Make the environment."""
        return gymnasium.make(self.env_id, max_episode_steps=self.max_steps, **self.env)


@dataclass(frozen=True)
class Row:
    """A prompt, and what the expert would answer."""

    task: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Outcome:
    """How an episode ended: its seed, its steps, and the game's last ``info``."""

    seed: int
    steps: int
    info: Mapping[str, Any]


class _Game:
    """An episode in play."""

    def __init__(self, task: Task, seed: int, random: np.random.Generator) -> None:
        self.task, self.seed = task, seed
        self.expert: Expert = expert_of(task.game)
        self.recollection: Recollection = self.expert.recollection()
        self.env = task.make()
        self.names = tuple(self.env.get_wrapper_attr("action_names"))
        self.parser = ActionParser(self.names)
        self.random = random
        self.thought = ""
        self.action = ""
        self.asked: set[str] = set()
        self.steps = 0
        self.text, self.info = self.env.reset(seed=seed)
        self.recollection.see(self.text, "")

    def prompt(self) -> str:
        """What the model is asked."""
        said = f"{self.thought}\nACTION: {self.action}"
        situation = Situation(
            game=self.task.game,
            actions=self.names,
            observation=self.text,
            turns=(Turn("", said, self.action),) if self.steps else (),
            summary=self.recollection.text(),
        )
        content = get_prompt("bare").messages(situation, "", "window")[0]["content"]
        assert isinstance(content, str)
        return content

    def decide(self) -> Decision:
        """What the expert would do, from what the prompt tells."""
        thought = kept_thought(self.task.game, self.thought)
        return self.expert.decide(self.text, self.recollection, thought)

    def step(self, answer: str) -> bool:
        """Play an answer; whether the episode goes on."""
        found = self.parser.parse(answer).action
        if found is None:
            found = int(self.env.unwrapped.default_action)  # type: ignore[attr-defined]
        self.thought = answer.rpartition("\nACTION:")[0].strip()
        return self._act(found)

    def stray(self, answer: str) -> bool:
        """Play a random action in place of an answer's; whether the episode goes on."""
        self.thought = answer.rpartition("\nACTION:")[0].strip()
        return self._act(int(self.random.integers(len(self.names))))

    def _act(self, action: int) -> bool:
        self.text, _, terminated, truncated, self.info = self.env.step(action)
        self.action = str(self.info["text_action"])
        self.steps += 1
        self.recollection.see(self.text, self.action)
        return not (terminated or truncated)


def play(
    task: Task,
    seeds: Sequence[int],
    *,
    model: LanguageModel | None,
    expert_share: float = 0.0,
    stray_share: float = 0.0,
    labels: bool = True,
    at_once: int = 32,
    temperature: float = 0.0,
    rows: int | None = None,
) -> Iterator[Row | Outcome]:
    """Play episodes, in a batch, and tell what the expert would answer in each state.

    A state that is asked about again, for a model goes round in circles where it errs, is told
    once an episode; the expert acts there in the model's place, and leads out of it.

    Args:
        task: what is played.
        seeds: of the episodes, which are begun in this order.
        model: who plays; None for the expert.
        expert_share: the share of steps in which the expert acts in the model's place.
        stray_share: the share of steps in which a random action is played.
        labels: whether rows are told.
        at_once: episodes in a batch.
        temperature: at which the model is asked.
        rows: end after so many rows; None for when all episodes are over.

    Yields:
        A row for every state, and an outcome at the end of every episode.
    """
    sampling = Sampling(temperature=temperature, max_tokens=ANSWER_TOKENS)
    waiting = list(reversed(seeds))
    games: list[_Game] = []
    told = 0
    while waiting or games:
        while waiting and len(games) < at_once:
            seed = waiting.pop()
            games.append(_Game(task, seed, np.random.default_rng(seed)))
        prompts = [game.prompt() for game in games]
        wanted = [game.decide() for game in games] if labels or model is None else []
        again = [
            model is not None and labels and prompt in game.asked
            for game, prompt in zip(games, prompts, strict=True)
        ]
        if labels:
            for game, prompt, decision, known in zip(games, prompts, wanted, again, strict=True):
                if not known:
                    yield Row(task.name, prompt, decision.answer)
                game.asked.add(prompt)
            told += len(prompts) - sum(again)
        answers = [decision.answer for decision in wanted]
        if model is not None:
            chosen = [
                game.random.random() >= expert_share and not known
                for game, known in zip(games, again, strict=True)
            ]
            asked = [i for i, own in enumerate(chosen) if own]
            messages = [[{"role": "user", "content": prompts[i]}] for i in asked]
            draws = [games[i].seed + games[i].steps for i in asked]
            said = iter(model.generate(messages, sampling, draws) if asked else ())
            answers = [next(said).text if own else wanted[i].answer for i, own in enumerate(chosen)]
        over = []
        for game, answer in zip(games, answers, strict=True):
            strays = game.random.random() < stray_share
            if not (game.stray(answer) if strays else game.step(answer)):
                yield Outcome(game.seed, game.steps, game.info)
                game.env.close()
                over.append(game)
        games = [game for game in games if game not in over]
        if rows is not None and told >= rows:
            break
    for game in games:
        game.env.close()
