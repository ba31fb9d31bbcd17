"""The one loop of agent and environment."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from textenvs.agents.agent import Agent
from textenvs.errors import TraceError
from textenvs.traces import (
    Trace,
    TraceWriter,
    has_header,
    header,
    observed_text,
    read_end,
    read_trace,
)

__all__ = ["Episode", "Event", "episode_seed", "rollout"]

_SEED_BITS = 53  # exact in every reader of JSON


@dataclass(frozen=True)
class Episode:
    """An episode that came to its end.

    Attributes:
        env_id: what was played.
        episode: its number in the run.
        seed: what it was reset with.
        episode_return: the sum of its rewards.
        length: its steps.
        terminated, truncated: how it ended.
        success: whether the task was done, in [0, 1]; None where the game has no task.
        progress: how far it came, in [0, 1]; None where the game does not say.
        achievements: name -> how often; None where the game has none.
        path: its trace; None if none was written.
    """

    env_id: str
    episode: int
    seed: int
    episode_return: float
    length: int
    terminated: bool
    truncated: bool
    success: bool | None
    progress: float | None
    achievements: Mapping[str, int] | None
    path: Path | None


@dataclass(frozen=True)
class Event:
    """A step as it is played, for whoever watches (see ``on_step``)."""

    episode: int
    t: int
    observation: Any
    action: Any
    reward: float
    info: Mapping[str, Any]
    over: bool


def episode_seed(seed: int, env_id: str, episode: int) -> int:
    """The seed that an episode is reset with: spread, so that runs and ids share no worlds.

    It depends on the run's seed, the id and the episode's number alone: agents that are compared
    with one another play the same worlds.

    Raises:
        ValueError: if the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"expected a seed of 0 or more, got {seed}")
    entropy = [seed, zlib.crc32(env_id.encode()), episode]
    low, high = np.random.SeedSequence(entropy).generate_state(2)
    return (int(high) << 32 | int(low)) >> (64 - _SEED_BITS)


def rollout(
    env: str | EnvSpec | Callable[[], gymnasium.Env[Any, Any]],
    agent: Agent,
    *,
    episodes: int,
    seed: int = 0,
    num_envs: int = 1,
    directory: Path | str | None = None,
    model: str = "",
    settings: Mapping[str, Any] | None = None,
    on_step: Callable[[Event], None] | None = None,
) -> list[Episode]:
    """Play exactly so many episodes, several at once, in batches for the agent.

    An episode's world and course depend on the seed, the id and its number, not on ``num_envs``.
    An agent that is ``independent`` is not kept waiting: each episode goes on in a thread of its
    own as soon as its action is there.
    With a directory every episode is a trace in it (``episode-00000.jsonl``, ...), and the same
    call resumes a run that was killed: episodes that are complete are read, one that was cut is
    played again up to where it stopped, checked against its trace, and continued.

    Args:
        env: an id, a spec, or a function that makes the environment.
        agent: who plays.
        episodes: how many episodes.
        seed: the run's seed, 0 or more; see :func:`episode_seed`.
        num_envs: how many episodes run at once.
        directory: where the traces go; None to write none.
        model: the model's name, for the traces.
        settings: further settings, for the traces; a run is resumed only with the same ones.
        on_step: called with every step that is played (not with those that are read), one at a
            time.

    Returns:
        The episodes in the order of their numbers.

    Raises:
        ValueError: if a number is out of range.
        TraceError: if the directory holds another run, or the game differs from its trace.
    """
    if episodes < 1 or num_envs < 1:
        raise ValueError(
            f"expected episodes and num_envs of 1 or more, got {episodes} and {num_envs}"
        )
    make: Callable[[], gymnasium.Env[Any, Any]] = (
        env if callable(env) else lambda: gymnasium.make(env)
    )
    run = _Run(make, agent, seed, Path(directory) if directory else None, model, settings, on_step)
    try:
        return run.play(episodes, num_envs)
    finally:
        run.close()


class _Run:
    """The environments of a rollout, and what all of its episodes share."""

    def __init__(
        self,
        make: Callable[[], gymnasium.Env[Any, Any]],
        agent: Agent,
        seed: int,
        directory: Path | None,
        model: str,
        settings: Mapping[str, Any] | None,
        on_step: Callable[[Event], None] | None,
    ) -> None:
        self.agent = agent
        self.on_step = on_step
        self.watching = threading.Lock()
        self._make = make
        self._seed = seed
        self._directory = directory
        self._model = model
        self._settings = settings
        first = make()
        self._envs = [first]
        self._idle = [first]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._env_id = first.spec.id if first.spec is not None else type(first.unwrapped).__name__

    def play(self, episodes: int, num_envs: int) -> list[Episode]:
        done: dict[int, Episode] = {}
        pending = self._pending(episodes, done)
        if self.agent.independent and min(num_envs, len(pending)) > 1:
            self._play_apart(deque(pending), min(num_envs, len(pending)), done)
        else:
            self._play_together(deque(pending), num_envs, done)
        return [done[episode] for episode in range(episodes)]

    def _play_together(self, pending: deque[int], num_envs: int, done: dict[int, Episode]) -> None:
        """Play several episodes at once, in batches for the agent."""
        running: list[_Running] = []
        while not self._stopped.is_set():
            while len(running) < num_envs and pending:
                running.append(self._begin(pending.popleft()))
            for game in [game for game in running if game.over]:
                running.remove(game)
                with self._lock:
                    self._idle.append(game.env)
                done[game.episode] = game.finish()
            if not running and not pending:
                return
            if not running:
                continue
            actions = self.agent.act(
                [game.observation for game in running], [game.info for game in running]
            )
            if len(actions) != len(running):
                raise ValueError(
                    f"expected {len(running)} actions of agent {self.agent.name!r}, "
                    f"got {len(actions)}"
                )
            for game, action in zip(running, actions, strict=True):
                game.step(action)

    def _play_apart(self, pending: deque[int], num_envs: int, done: dict[int, Episode]) -> None:
        """Play several episodes at once, each in a thread; the first error stops them all."""
        errors: list[BaseException] = []

        def play() -> None:
            while not self._stopped.is_set():
                try:
                    episode = pending.popleft()
                except IndexError:
                    return
                try:
                    self._play_together(deque([episode]), 1, done)
                except BaseException as error:
                    errors.append(error)
                    self._stop(error)

        threads = [threading.Thread(target=play, daemon=True) for _ in range(num_envs)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as error:  # Ctrl-C comes here
            self._stop(error)
            # What is in flight is played and written; no environment is closed under its thread.
            for thread in threads:
                if thread.is_alive():
                    thread.join()
            raise
        if errors:
            raise errors[0]

    def _stop(self, why: BaseException) -> None:
        self._stopped.set()
        self.agent.stop(why)

    def close(self) -> None:
        for env in self._envs:
            env.close()

    def _pending(self, episodes: int, done: dict[int, Episode]) -> list[int]:
        """The episodes that remain; those with a complete trace are put into ``done``."""
        pending = []
        for episode in range(episodes):
            path = self._path(episode)
            whole = read_end(path) if path is not None and path.exists() else None
            if path is None or whole is None:
                pending.append(episode)
            else:
                header, end = whole
                self._check(path, header, episode)
                done[episode] = _read_episode(self._env_id, path, header, end)
        for episode in pending:
            self._trace(episode)  # what is of another run is told before anything is played
        return pending

    def _path(self, episode: int) -> Path | None:
        return None if self._directory is None else self._directory / f"episode-{episode:05d}.jsonl"

    def _header(self, episode: int) -> dict[str, Any]:
        return header(
            self._envs[0],
            episode=episode,
            seed=episode_seed(self._seed, self._env_id, episode),
            agent=self.agent.name or type(self.agent).__name__,
            model=self._model,
            settings=self._settings,
        )

    def _trace(self, episode: int) -> Trace | None:
        """The trace of an episode that was begun before, if it is one of this run."""
        path = self._path(episode)
        if path is None or not path.exists() or not has_header(path):
            return None
        trace = read_trace(path)
        self._check(path, trace.header, episode)
        return trace

    def _check(self, path: Path, header: Mapping[str, Any], episode: int) -> None:
        mine = self._header(episode)
        for key in ("env_spec", "seed", "agent", "model", "settings"):
            if header.get(key) != mine[key]:
                where, want, got = _first_difference(key, mine[key], header.get(key))
                raise TraceError(
                    f"{path} is of another run: expected {where} {want!r}, got {got!r}; choose "
                    "another directory, or the same settings"
                )

    def _idle_env(self) -> gymnasium.Env[Any, Any]:
        with self._lock:
            if not self._idle:
                self._envs.append(self._make())
                return self._envs[-1]
            return self._idle.pop()

    def _begin(self, episode: int) -> _Running:
        env = self._idle_env()
        game = _Running(self, env, episode, episode_seed(self._seed, self._env_id, episode))
        path = self._path(episode)
        if path is not None:
            trace = self._trace(episode)
            if trace is None:
                game.writer = TraceWriter(path, self._header(episode))
            else:
                game.catch_up(trace)
                game.writer = TraceWriter(path, trace.header, trace.steps)
        return game


class _Running:
    """An episode that is being played."""

    def __init__(self, run: _Run, env: gymnasium.Env[Any, Any], episode: int, seed: int) -> None:
        self.run, self.env, self.episode, self.seed = run, env, episode, seed
        self.writer: TraceWriter | None = None
        self.over = False
        self._return = 0.0
        self._length = 0
        self._terminated = self._truncated = False
        self.observation, info = env.reset(seed=seed)
        self.info = {**info, "episode_index": episode}
        run.agent.begin(episode, env, seed)

    def step(self, action: Any) -> None:
        before = self.observation
        reward = self._advance(action)
        if self.writer is not None:
            self.writer.step(
                observation=before,
                action=action,
                reward=reward,
                terminated=self._terminated,
                truncated=self._truncated,
                info=self.info,
                notes=self.run.agent.notes(self.episode),
            )
        if self.run.on_step is not None:
            t = self._length - 1
            event = Event(self.episode, t, before, action, reward, self.info, self.over)
            with self.run.watching:
                self.run.on_step(event)

    def catch_up(self, trace: Trace) -> None:
        """Play recorded steps again.

        Raises:
            TraceError: if the game shows something else than it did.
        """
        for step in trace.steps:
            trace.compare(step, "observation", observed_text(self.observation))
            self.run.agent.replay([self.observation], [self.info], [step])
            trace.compare(step, "reward", self._advance(step["action"]))

    def finish(self) -> Episode:
        info = self.info
        if self.writer is not None:
            self.writer.end(
                observation=self.observation,
                info=info,
                terminated=self._terminated,
                truncated=self._truncated,
            )
        self.run.agent.end(self.episode)
        return Episode(
            env_id=self.run._env_id,
            episode=self.episode,
            seed=self.seed,
            episode_return=self._return,
            length=self._length,
            terminated=self._terminated,
            truncated=self._truncated,
            success=info.get("success"),
            progress=info.get("progress"),
            achievements=info.get("achievements"),
            path=self.writer.path if self.writer is not None else None,
        )

    def _advance(self, action: Any) -> float:
        self.observation, paid, terminated, truncated, info = self.env.step(action)
        self.info = {**info, "episode_index": self.episode}
        reward = float(paid)
        self._return += reward
        self._length += 1
        self._terminated, self._truncated = bool(terminated), bool(truncated)
        self.over = self._terminated or self._truncated
        return reward


def _first_difference(key: str, want: Any, got: Any) -> tuple[str, Any, Any]:
    """Where two values of JSON types differ, down to the key, and how."""
    if isinstance(want, dict) and isinstance(got, dict):
        for name in {**want, **got}:
            if want.get(name) != got.get(name):
                return _first_difference(f"{key}.{name}", want.get(name), got.get(name))
    return key, want, got


def _read_episode(
    env_id: str, path: Path, header: Mapping[str, Any], end: Mapping[str, Any]
) -> Episode:
    return Episode(
        env_id=env_id,
        episode=header["episode"],
        seed=header["seed"],
        episode_return=end["return"],
        length=end["length"],
        terminated=end["terminated"],
        truncated=end["truncated"],
        success=end.get("success"),
        progress=end.get("progress"),
        achievements=end.get("achievements"),
        path=path,
    )
