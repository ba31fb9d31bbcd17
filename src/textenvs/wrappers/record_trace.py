"""Record what is played as traces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from textenvs.traces import TraceWriter, header

__all__ = ["RecordTrace"]

_EPISODE = re.compile(r"episode-(\d+)\.jsonl")


class RecordTrace(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Record every episode as a trace: a file an episode, a flushed line a step.

    The files are ``directory/episode-00000.jsonl`` and so on, counting on from those that are
    there; see :mod:`textenvs.traces` for their format.

    Args:
        env: what is played; the outermost wrapper records what the agent sees and says.
        directory: where the files go; it is made.
        agent: the agent's name, for the header.
        model: the model's name, for the header.

    Raises:
        OSError: at ``reset``, if a file cannot be written.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], directory: str, agent: str = "", model: str = ""
    ) -> None:
        RecordConstructorArgs.__init__(self, directory=str(directory), agent=agent, model=model)
        gymnasium.Wrapper.__init__(self, env)
        self._directory = Path(directory)
        self._agent = agent
        self._model = model
        self._writer: TraceWriter | None = None
        self._observation: Any = None
        self._notes: dict[str, Any] = {}

    @property
    def path(self) -> Path | None:
        """The file of the running episode, None before the first."""
        return None if self._writer is None else self._writer.path

    def annotate(self, notes: Mapping[str, Any]) -> None:
        """Add fields of JSON types (``prompt``, ``answer``, ``usage``) to the next step's line."""
        self._notes.update(notes)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset the environment and begin a file."""
        self._close_file()
        self._notes = {}
        self._observation, info = self.env.reset(seed=seed, options=options)
        episode, path = _reserve(self._directory)
        first = header(
            self.env,
            episode=episode,
            seed=seed,
            options=options,
            agent=self._agent,
            model=self._model,
        )
        self._writer = TraceWriter(path, first)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play an action and write its line."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._writer is not None:
            self._writer.step(
                observation=self._observation,
                action=action,
                reward=float(reward),
                terminated=terminated,
                truncated=truncated,
                info=info,
                notes=self._notes,
            )
            if terminated or truncated:
                self._writer.end(
                    observation=observation, info=info, terminated=terminated, truncated=truncated
                )
                self._writer = None
        self._notes = {}
        self._observation = observation
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Close the file and the environment."""
        self._close_file()
        super().close()

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _reserve(directory: Path) -> tuple[int, Path]:
    """Take the next number, and make its file so that no other process takes it."""
    directory.mkdir(parents=True, exist_ok=True)
    names = (_EPISODE.fullmatch(path.name) for path in directory.iterdir())
    episode = max((int(name[1]) + 1 for name in names if name), default=0)
    while True:
        path = directory / f"episode-{episode:05d}.jsonl"
        try:
            path.open("x").close()
        except FileExistsError:
            episode += 1
        else:
            return episode, path
