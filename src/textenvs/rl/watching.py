"""What happens beside the learning: episodes are kept, advice fades, policies are evaluated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from textenvs.llm import LanguageModel
from textenvs.rl.evaluating import evaluate_policy, kept_of
from textenvs.rl.making import advisors_of, potential_of
from textenvs.rl.run_files import EPISODES, EVALUATIONS, read_lines, save, steps_of
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.rl.settings import TrainSettings

__all__ = ["RECENT", "Watch", "mean_of_episodes"]

RECENT = 100
"""Episodes whose mean is told."""


class Watch(BaseCallback):
    """Keeps episodes, anneals advice, evaluates, and saves checkpoints."""

    def __init__(
        self,
        settings: TrainSettings,
        out: Path,
        llm: LanguageModel | None,
        on_progress: Callable[[int, Mapping[str, float]], None],
        played: int,
        env: Sb3VecEnv,
    ) -> None:
        super().__init__()
        self._played = played
        self._potential = potential_of(env)
        self._advisors = advisors_of(env)
        self._settings, self._out, self._llm = settings, out, llm
        self._on_progress = on_progress
        self._returns = np.zeros(settings.num_envs)
        self._lengths = np.zeros(settings.num_envs, int)
        self._recent: list[dict[str, Any]] = []
        self._file: Any = None
        self._next_save = self._next_eval = 0
        self._evaluated = -1

    def _on_training_start(self) -> None:
        self._file = (self._out / EPISODES).open("a", encoding="utf-8")
        every = self._settings.checkpoint_every
        self._next_save = (self.num_timesteps // every + 1) * every
        told = read_lines(self._out / EVALUATIONS)
        self._evaluated = steps_of(told[-1]) if told else -1
        every = self._settings.eval_every
        self._next_eval = -(-self.num_timesteps // every) * every if every else -1

    def _on_rollout_start(self) -> None:
        self._anneal()
        if 0 <= self._next_eval <= self.num_timesteps:
            self._evaluate()
            self._next_eval += self._settings.eval_every
        if self.num_timesteps >= self._next_save:
            self._file.flush()
            save(self.model, self._out, self._potential)
            self._next_save += self._settings.checkpoint_every

    def _anneal(self) -> None:
        found = self._settings
        for done, limit in (
            (self.num_timesteps, found.anneal),
            (self._played, found.anneal_episodes),
        ):
            if limit and hasattr(self.model.policy, "anneal"):
                self.model.policy.anneal = max(0.0, 1 - done / limit) ** 2  # ((T - k) / T)^2

    def _on_step(self) -> bool:
        infos, dones = self.locals["infos"], self.locals["dones"]
        rewards = self.locals["rewards"]
        for i, info in enumerate(infos):
            self._returns[i] += info["rewards"]["game"] if "rewards" in info else rewards[i]
            self._lengths[i] += 1
            if dones[i]:
                self._tell(i, info)
        limit = self._settings.total_episodes
        return limit is None or self._played < limit

    def _tell(self, index: int, info: Mapping[str, Any]) -> None:
        told = {
            "steps": self.num_timesteps,
            "length": int(self._lengths[index]),
            "return": round(float(self._returns[index]), 6),
        }
        if "success" in info:
            told["success"] = bool(info["success"])
        told |= kept_of(info, self._settings.keep)
        self._file.write(json.dumps(told) + "\n")
        self._recent = [*self._recent, told][-RECENT:]
        self._played += 1
        self._returns[index] = self._lengths[index] = 0

    def _on_rollout_end(self) -> None:
        self._file.flush()
        told = mean_of_episodes(self._recent)
        for key, value in told.items():
            self.logger.record(f"game/{key}", value)
        if self._potential is not None:
            for key, count in self._potential.faults.items():
                self.logger.record(f"potential/{key}", count)
        asked = sum(each.asked for each in self._advisors)
        unanswered = sum(each.unanswered for each in self._advisors)
        if unanswered:
            told["unanswered"] = unanswered / asked
            self.logger.record("advice/unanswered", told["unanswered"])
        self._on_progress(self.num_timesteps, told)

    def _evaluate(self) -> None:
        if self.num_timesteps == self._evaluated:
            return
        self._evaluated = self.num_timesteps
        found = evaluate_policy(self.model, self._settings, self._llm)
        told = {"steps": self.num_timesteps, **found}
        for key in ("return", "success"):
            if key in found:
                self.logger.record(f"evaluation/{key}", float(np.mean(found[key])))
        with (self._out / EVALUATIONS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")

    def _on_training_end(self) -> None:
        if self._settings.eval_every:
            self._evaluate()
        self._file.close()


def mean_of_episodes(episodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean return of episodes, and the share that succeeded where it is told."""
    found = {}
    for key in ("return", "success"):
        values = [float(each[key]) for each in episodes if key in each]
        if values:
            found[key] = float(np.mean(values))
    return found
