"""Minigrid's expert for BabyAI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from textenvs.agents.agent import Agent
from textenvs.errors import UnknownName, require

__all__ = ["BabyAIBotAgent"]

_MOST_SUBGOALS = 200  # in one decision; a sound plan takes tens


class _Stuck(Exception):
    """The bot goes round in its subgoals without deciding."""


class _GuardedStack(list[Any]):
    """The bot's stack of subgoals, which counts how often its top is looked at.

    Minigrid's ``replan`` loops over the top of the stack until a subgoal suggests an action; on
    UnlockToUnlock and GoToImpUnlock two subgoals can call for one another for ever.
    """

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        if self.looks > _MOST_SUBGOALS:
            raise _Stuck
        return super().__getitem__(index)


class BabyAIBotAgent(Agent):
    """Minigrid's BabyAIBot: it plans on the level's true state, as far as it has come into view.

    Where the bot cannot decide (it goes round in circles, or a level is beyond it) the agent takes
    a random step and begins a new plan.

    Args:
        seed: the seed of those random steps.
    """

    name = "bot"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._episodes: dict[int, _Plan] = {}

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Make a plan.

        Raises:
            UnknownName: if the environment is no BabyAI level.
        """
        game = getattr(env.unwrapped, "game", None)
        if not hasattr(game, "instrs"):
            spec_id = env.spec.id if env.spec is not None else str(env)
            raise UnknownName(
                f"agent 'bot' plays BabyAI levels only: expected an id BabyAI-Text-..., "
                f"got {spec_id!r}"
            )
        takes_numbers = isinstance(env.action_space, spaces.Discrete)
        names = None if takes_numbers else env.get_wrapper_attr("action_names")
        self._episodes[episode] = _Plan(game, np.random.default_rng([self._seed, seed]), names)

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Ask each episode's bot."""
        return [self._episodes[info.get("episode_index", 0)].next_action() for info in infos]

    def end(self, episode: int) -> None:
        """Drop the plan."""
        del self._episodes[episode]


class _Plan:
    """One episode's bot, and what it did last."""

    def __init__(self, game: Any, random: np.random.Generator, names: Sequence[str] | None) -> None:
        self._bots = require("minigrid.utils.baby_ai_bot", extra="babyai", needed_by="agent 'bot'")
        self._game = game
        self._random = random
        self._names = names
        self._bot = self._new_bot()
        self._last: int | None = None

    def next_action(self) -> Any:
        action = self._decide()
        if action is None:
            action = int(self._random.integers(int(self._game.actions.forward) + 1))
            self._bot, self._last = self._new_bot(), None
        else:
            self._last = action
        return action if self._names is None else self._names[action]

    def _new_bot(self) -> Any:
        try:
            bot = self._bots.BabyAIBot(self._game)
        except AssertionError:
            return None  # an instruction that the bot cannot take
        bot.stack = _GuardedStack(bot.stack)
        return bot

    def _decide(self) -> int | None:
        """The bot's choice; None where it has none."""
        if self._bot is None:
            return None
        self._bot.stack.looks = 0
        try:
            return int(self._bot.replan(self._last))
        # What Minigrid's bot ends with on levels that are beyond it.
        except (_Stuck, AssertionError, self._bots.DisappearedBoxError):
            return None
