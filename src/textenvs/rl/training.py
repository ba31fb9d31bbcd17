"""Training by Stable-Baselines3, from checkpoint to checkpoint."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from textenvs.errors import MissingExtra
from textenvs.llm import LanguageModel
from textenvs.rl.episode_ppo import EpisodePPO
from textenvs.rl.features import GameFeatures
from textenvs.rl.making import advisors_of, make_training_env, potential_of
from textenvs.rl.nethack_features import NetHackFeatures
from textenvs.rl.rnd import RndPolicy, RndPPO
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.rl.settings import CHECKPOINT, TrainSettings, check_settings, keep_settings
from textenvs.shaping import Normalized
from textenvs.traces import replace_file

__all__ = ["evaluate_policy", "load_trained", "train"]

_EPISODES, _EVALUATIONS = "episodes.jsonl", "evaluations.jsonl"
_POTENTIAL = "potential.json"
_RECENT = 100  # episodes whose mean is told
_EVALUATION_SEED = 2**31  # far from what training draws


_OURS: Mapping[str, type[BaseAlgorithm]] = {
    "ppo": PPO,
    "a2c": A2C,
    "dqn": DQN,
    "episode_ppo": EpisodePPO,
    "ppo-rnd": RndPPO,
}


def _algorithm(name: str) -> type[BaseAlgorithm]:
    if name in _OURS:
        return _OURS[name]
    try:
        import sb3_contrib
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{name} needs the package 'sb3_contrib', which is not installed: "
            'pip install "textenvs[rl]"'
        ) from error
    return {
        "recurrent_ppo": sb3_contrib.RecurrentPPO,
        "maskable_ppo": sb3_contrib.MaskablePPO,
    }[name]


def _check_arguments(kind: type[BaseAlgorithm], hyper: Mapping[str, Any]) -> None:
    known = {
        name
        for each in kind.__mro__
        if "__init__" in vars(each)
        for name in inspect.signature(vars(each)["__init__"]).parameters
    }
    for name in hyper:
        if name not in known:
            raise ValueError(
                f"unknown argument {name!r} of {kind.__name__}: expected one of "
                f"{', '.join(sorted(known - {'self', 'args', 'kwargs', 'policy', 'env'}))}"
            )


def _made(
    kind: type[BaseAlgorithm], settings: TrainSettings, env: Sb3VecEnv, arguments: dict[str, Any]
) -> BaseAlgorithm:
    try:
        return kind(_policy(settings), env, **arguments)
    except (TypeError, AssertionError) as error:  # what algorithms say of values
        given = ", ".join(f"{key}={value!r}" for key, value in settings.hyper.items())
        raise ValueError(f"{settings.algo} does not take {given or 'this'}: {error}") from error


def _check_masks(env: Sb3VecEnv, env_id: str) -> None:
    try:
        env.get_attr("action_masks")
    except AttributeError as error:
        raise ValueError(
            f"expected a game that tells which actions are valid (Crafter, MiniGrid, BabyAI) for "
            f"maskable_ppo, got {env_id}: take another --algo"
        ) from error


def _policy(settings: TrainSettings) -> Any:
    if settings.algo == "ppo-rnd":
        return RndPolicy
    if "policy" not in settings.advice:
        recurrent = settings.algo == "recurrent_ppo"
        return "MultiInputLstmPolicy" if recurrent else "MultiInputPolicy"
    from textenvs.rl import advice_policy

    return {
        "recurrent_ppo": advice_policy.RecurrentAdvicePolicy,
        "maskable_ppo": advice_policy.MaskableAdvicePolicy,
    }.get(settings.algo, advice_policy.AdvicePolicy)


def _policy_arguments(settings: TrainSettings) -> dict[str, Any]:
    found: dict[str, Any] = {"features_extractor_class": NetHackFeatures, **settings.policy}
    if settings.encoder != "nethack":
        found = {
            "features_extractor_class": GameFeatures,
            "features_extractor_kwargs": {
                "encoder": settings.encoder,
                "sees_advice": "observation" in settings.advice,
            },
            **settings.policy,
        }
    if "policy" in settings.advice:
        found |= {
            "advice_strength": settings.strength,
            "advice_threshold": settings.policy_threshold,
            "advice_scaled": settings.scaled,
        }
    return found


def train(
    settings: TrainSettings,
    out: Path,
    *,
    llm: LanguageModel | None = None,
    tensorboard: bool = True,
    on_progress: Callable[[int, Mapping[str, float]], None] = lambda steps, told: None,
) -> BaseAlgorithm:
    """Train, or go on with a training that was stopped.

    ``out`` gets ``settings.json``, ``episodes.jsonl`` (of every episode the steps until its end,
    its length, the game's own return and success), ``evaluations.jsonl``, ``model.zip`` with the
    last checkpoint, TensorBoard's logs and, if there is a potential, ``potential.json`` with its
    ``mean`` and ``deviation`` and how often it failed (``faults``).

    Args:
        settings: what is trained.
        out: the folder of the run.
        llm: who advises, in place of the model that the settings name (a gateway with a cache).
        tensorboard: whether logs for TensorBoard are written.
        on_progress: called after every rollout with the steps and what is known of the episodes.

    Returns:
        The trained algorithm.

    Raises:
        ValueError: if the folder has a run with other settings.
    """
    out = Path(out)
    check_settings(settings, out)
    env = make_training_env(settings, llm, settings.num_envs, learning=True, folder=out)
    kind = _algorithm(settings.algo)
    potential = potential_of(env)
    checkpoint = out / CHECKPOINT
    logs = str(out / "tensorboard") if tensorboard else None
    if checkpoint.exists():
        model = kind.load(checkpoint, env=env, device="cpu", tensorboard_log=logs)
        _drop_after(out, model.num_timesteps)
        if potential is not None and (out / _POTENTIAL).exists():
            potential.go_on(json.loads((out / _POTENTIAL).read_text(encoding="utf-8")))
        if hasattr(model, "learning_starts"):  # what was played before is not kept
            starts = inspect.signature(kind).parameters["learning_starts"].default
            model.learning_starts = (
                settings.hyper.get("learning_starts", starts) + model.num_timesteps
            )
    else:
        arguments: dict[str, Any] = {
            "policy_kwargs": _policy_arguments(settings),
            "seed": settings.seed,
            "device": "cpu",
            "tensorboard_log": logs,
            **settings.hyper,
        }
        _check_arguments(kind, settings.hyper)
        if settings.algo == "maskable_ppo":
            _check_masks(env, settings.env_id)
        model = _made(kind, settings, env, arguments)
        _drop_after(out, -1)  # of a run that was stopped before its first checkpoint
    keep_settings(settings, out)  # not before they have made something
    env.seed(_world_seed(settings.seed, model.num_timesteps))
    left = settings.total_timesteps - model.num_timesteps
    played = len(_read(out / _EPISODES))
    if left > 0 and (settings.total_episodes is None or played < settings.total_episodes):
        watch = _Watch(settings, out, llm, on_progress, played, env)
        model.learn(
            left, callback=watch, reset_num_timesteps=False, tb_log_name="run", log_interval=10
        )
        _save(model, out, potential)
    else:
        recent = [json.loads(line) for line in _read(out / _EPISODES)[-_RECENT:]]
        on_progress(model.num_timesteps, _means(recent))
    env.close()
    return model


def _means(episodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean return of episodes, and the share that succeeded where it is told."""
    found = {}
    for key in ("return", "success"):
        values = [float(each[key]) for each in episodes if key in each]
        if values:
            found[key] = float(np.mean(values))
    return found


def _world_seed(seed: int, steps: int) -> int:
    """The seed of the first game; those beside it get the next numbers.

    Far from that of the next run, whose games would else be nearly all the same, and another one
    where a run goes on, which would else begin with the worlds that it began with.
    """
    return int(np.random.SeedSequence([seed, steps]).generate_state(1)[0] // 2)


def load_trained(settings: TrainSettings, out: Path) -> BaseAlgorithm:
    """The last checkpoint of a training, to play with.

    Args:
        settings: what was trained.
        out: the folder of the run.

    Raises:
        ValueError: if there is no checkpoint.
    """
    checkpoint = Path(out) / CHECKPOINT
    if not checkpoint.exists():
        raise ValueError(f"expected a trained model, got none: {checkpoint} is missing")
    return _algorithm(settings.algo).load(checkpoint, device="cpu")


class _Watch(BaseCallback):
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
        self._file = (self._out / _EPISODES).open("a", encoding="utf-8")
        every = self._settings.checkpoint_every
        self._next_save = (self.num_timesteps // every + 1) * every
        told = _read(self._out / _EVALUATIONS)
        self._evaluated = _steps(told[-1]) if told else -1
        every = self._settings.eval_every
        self._next_eval = -(-self.num_timesteps // every) * every if every else -1

    def _on_rollout_start(self) -> None:
        self._anneal()
        if 0 <= self._next_eval <= self.num_timesteps:
            self._evaluate()
            self._next_eval += self._settings.eval_every
        if self.num_timesteps >= self._next_save:
            self._file.flush()
            _save(self.model, self._out, self._potential)
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
        self._recent = [*self._recent, told][-_RECENT:]
        self._played += 1
        self._returns[index] = self._lengths[index] = 0

    def _on_rollout_end(self) -> None:
        self._file.flush()
        told = _means(self._recent)
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
        with (self._out / _EVALUATIONS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")

    def _on_training_end(self) -> None:
        if self._settings.eval_every:
            self._evaluate()
        self._file.close()


def kept_of(info: Mapping[str, Any], keys: Sequence[str]) -> dict[str, float]:
    """Entries of ``info`` as numbers.

    Raises:
        ValueError: if one is missing, or no number.
    """
    found = {}
    for key in keys:
        try:
            found[key] = float(info[key])
        except (KeyError, TypeError, ValueError) as error:
            numbers = [k for k, v in info.items() if isinstance(v, int | float | np.number)]
            raise ValueError(
                f"expected keep to name numbers in info ({', '.join(sorted(numbers))}), got {key!r}"
            ) from error
    return found


def evaluate_policy(
    model: BaseAlgorithm, settings: TrainSettings, llm: LanguageModel | None = None
) -> dict[str, list[float]]:
    """Play greedily, one episode on each of ``eval_episodes`` fixed seeds.

    Returns:
        ``return`` (the game's own), ``length``, ``success`` where the game tells it, and what
        ``keep`` names: a number for each episode.
    """
    count = settings.eval_episodes
    env = make_training_env(settings, llm, count, learning=False)
    env.seed(_EVALUATION_SEED)
    observations = env.reset()
    returns, lengths, over = np.zeros(count), np.zeros(count, int), np.zeros(count, bool)
    success: list[float | None] = [None] * count
    kept: dict[str, list[float]] = {key: [0.0] * count for key in settings.keep}
    state, starts = None, np.ones(count, bool)
    while not over.all():
        masks: dict[str, Any] = {}
        if settings.algo == "maskable_ppo":
            masks["action_masks"] = np.stack(env.env_method("action_masks"))
        actions, state = model.predict(
            observations, state=state, episode_start=starts, deterministic=True, **masks
        )
        observations, rewards, dones, infos = env.step(actions)
        starts = dones
        returns += np.where(over, 0, rewards)
        lengths += ~over
        for i in np.flatnonzero(dones & ~over):
            success[i] = infos[i].get("success")
            for key, value in kept_of(infos[i], settings.keep).items():
                kept[key][i] = value
        over |= dones
    env.close()
    found = {"return": returns.round(6).tolist(), "length": lengths.tolist()}
    if all(each is not None for each in success):
        found["success"] = [float(each) for each in success if each is not None]
    return found | kept


def _save(model: BaseAlgorithm, out: Path, potential: Normalized | None) -> None:
    if potential is not None:
        replace_file(out / _POTENTIAL, json.dumps(potential.state()) + "\n")
    path = out / CHECKPOINT
    fresh = path.with_name("new-" + path.name)
    model.save(fresh)
    os.replace(fresh, path)


def _drop_after(out: Path, steps: int) -> None:
    """Forget what came after the checkpoint; it is played again."""
    for name in (_EPISODES, _EVALUATIONS):
        path = out / name
        if path.exists():
            kept = [line for line in _read(path) if line.endswith("}") and _steps(line) <= steps]
            replace_file(path, "".join(f"{line}\n" for line in kept))


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _steps(line: str) -> int:
    return int(json.loads(line)["steps"])
