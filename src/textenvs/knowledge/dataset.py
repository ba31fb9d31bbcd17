"""Episodes in compact files: integers, and every text once.

A dataset is a folder of shards, ``shard-*.npz``, in the order of their names; reading a folder
merges them. A shard has numpy arrays alone, nothing pickled:

============================  =====================================================================
``meta``                      JSON: ``format``, ``version``, ``env``, ``style``, ``action_names``,
                              ``game``, and what the collector adds
``lengths``                   (episodes,) actions of each episode
``seeds``                     (episodes,), -1 where an episode has none of its own
``terminated, truncated``     (episodes,) how each episode ended
``actions, rewards``          (steps,) of all episodes, one after the other
``texts``                     JSON list of the different texts
``text``                      (steps + episodes,) indices into it, one more than actions an episode
``observation_*``             (steps + episodes, ...) the game's arrays
============================  =====================================================================
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textenvs.errors import TraceError
from textenvs.shaping.potential import History

__all__ = ["Dataset", "Episode", "Segment", "write_shard"]

_FORMAT, _VERSION = "textenvs-episodes", 1
_ARRAY = "observation_"


@dataclass(frozen=True)
class Episode:
    """A game that was played, T actions long.

    Attributes:
        observations: the game's arrays, key -> (T + 1, ...).
        texts: T + 1 captions.
        actions: (T,).
        rewards: (T,).
        terminated: whether the game ended.
        truncated: whether it was cut off.
        seed: of its world; -1 for none.
    """

    observations: Mapping[str, NDArray[Any]]
    texts: Sequence[str]
    actions: NDArray[Any]
    rewards: NDArray[Any]
    terminated: bool
    truncated: bool
    seed: int = -1

    def history(self, start: int, length: int) -> History:
        """What was observed and done from a step on: ``length`` actions, one observation more."""
        observations = tuple(
            {"text": self.texts[t], **{key: each[t] for key, each in self.observations.items()}}
            for t in range(start, start + length + 1)
        )
        return History(observations, tuple(self.actions[start : start + length].tolist()))


class Segment(NamedTuple):
    """A part of an episode.

    Attributes:
        episode: its number in the dataset.
        start: the step of its first action.
        length: how many actions.
    """

    episode: int
    start: int
    length: int


def write_shard(path: Path, episodes: Sequence[Episode], meta: Mapping[str, Any]) -> None:
    """Write episodes as one file, at once.

    Args:
        path: ``shard-*.npz``.
        episodes: one or more, with the same arrays.
        meta: what they are of; see the module for what is expected.

    Raises:
        ValueError: if there are none, or one has not as many observations as actions and one.
    """
    if not episodes:
        raise ValueError("expected episodes to write, got none")
    for each in episodes:
        sizes = {len(each.texts), *(len(array) for array in each.observations.values())}
        if sizes != {len(each.actions) + 1} or len(each.rewards) != len(each.actions):
            raise ValueError(
                f"expected {len(each.actions) + 1} observations of {len(each.actions)} actions, "
                f"got {sorted(sizes)}"
            )
    numbers: dict[str, int] = {}
    texts = [numbers.setdefault(text, len(numbers)) for each in episodes for text in each.texts]
    told = {"format": _FORMAT, "version": _VERSION, **meta}
    arrays: dict[str, Any] = {
        "meta": _bytes(told),
        "lengths": np.array([len(each.actions) for each in episodes], np.int32),
        "seeds": np.array([each.seed for each in episodes], np.int64),
        "terminated": np.array([each.terminated for each in episodes], np.bool_),
        "truncated": np.array([each.truncated for each in episodes], np.bool_),
        "actions": np.concatenate([each.actions for each in episodes]).astype(np.uint8),
        "rewards": np.concatenate([each.rewards for each in episodes]).astype(np.float32),
        "texts": _bytes(list(numbers)),
        "text": np.array(texts, np.int32),
    }
    for key in episodes[0].observations:
        arrays[_ARRAY + key] = np.concatenate([each.observations[key] for each in episodes])
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"new-{path.name}")
    fresh.write_bytes(held.getvalue())
    os.replace(fresh, path)


class Dataset:
    """Episodes of a folder of shards, or of one shard.

    Args:
        path: the folder, or a file.

    Attributes:
        meta: of the first shard.

    Raises:
        TraceError: if there are no shards, or they are not of one game and one style.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        files = [path] if path.is_file() else sorted(path.glob("shard-*.npz"))
        if not files:
            raise TraceError(f"{path}: expected shard-*.npz, as `textenvs collect` writes them")
        shards = [_read_shard(file) for file in files]
        self.meta: dict[str, Any] = _json(shards[0]["meta"])
        self._episodes: list[Episode] = []
        for file, shard in zip(files, shards, strict=True):
            meta = _json(shard["meta"])
            for key in ("env", "style", "game"):
                if meta[key] != self.meta[key]:
                    raise TraceError(
                        f"{file}: expected {key} {self.meta[key]!r} as in {files[0].name}, got "
                        f"{meta[key]!r}"
                    )
            self._episodes += _episodes(shard)

    def __len__(self) -> int:
        """How many episodes there are."""
        return len(self._episodes)

    def __getitem__(self, number: int) -> Episode:
        """An episode."""
        return self._episodes[number]

    @property
    def steps(self) -> int:
        """How many actions there are."""
        return sum(len(each.actions) for each in self._episodes)

    def sample(self, length: int, count: int, rng: np.random.Generator) -> list[Segment]:
        """Segments: an episode, then a start in it, both uniform.

        Args:
            length: actions of a segment.
            count: how many.
            rng: what draws them.

        Raises:
            ValueError: if no episode is that long.
        """
        long = [i for i, each in enumerate(self._episodes) if len(each.actions) >= length]
        if not long:
            raise ValueError(f"expected an episode of {length} actions or more, found none")
        found = []
        for number in rng.choice(long, count).tolist():
            starts = len(self._episodes[number].actions) - length + 1
            found.append(Segment(number, int(rng.integers(starts)), length))
        return found

    def history(self, segment: Segment) -> History:
        """What was observed and done in a segment."""
        return self._episodes[segment.episode].history(segment.start, segment.length)


def _read_shard(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        meta = _json(found["meta"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TraceError(f"{path}: expected a shard of episodes, got: {error}") from error
    if meta.get("format") != _FORMAT or meta.get("version") != _VERSION:
        raise TraceError(
            f"{path}: expected {_FORMAT} {_VERSION}, got {meta.get('format')} {meta.get('version')}"
        )
    return found


def _episodes(shard: Mapping[str, NDArray[Any]]) -> list[Episode]:
    texts = _json(shard["texts"])
    arrays = {key.removeprefix(_ARRAY): shard[key] for key in shard if key.startswith(_ARRAY)}
    found, step = [], 0
    for i, length in enumerate(shard["lengths"].tolist()):
        actions, seen = slice(step, step + length), slice(step + i, step + i + length + 1)
        found.append(
            Episode(
                observations={key: each[seen] for key, each in arrays.items()},
                texts=[texts[number] for number in shard["text"][seen].tolist()],
                actions=shard["actions"][actions],
                rewards=shard["rewards"][actions],
                terminated=bool(shard["terminated"][i]),
                truncated=bool(shard["truncated"][i]),
                seed=int(shard["seeds"][i]),
            )
        )
        step += length
    return found


def _bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


def _json(array: NDArray[np.uint8]) -> Any:
    return json.loads(array.tobytes())
