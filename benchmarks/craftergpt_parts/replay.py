"""CrafterGPT's recorded games, played again through our environment and compared."""

from __future__ import annotations

import csv
import pathlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium

import textenvs  # noqa: F401  # registers the ids
from craftergpt_parts.collapse import Uses, collapse_of, uses_of
from craftergpt_parts.published import DESPAWN_CHOICES, ENV_ID, PUBLISHED_GAMES
from textenvs.envs.crafter.reference import ReferenceCrafter
from textenvs.wrappers import ParseTextAction

__all__ = ["ChosenDespawns", "Replay", "replay_file", "replay_folder"]

_TOLERANCE = 1e-6  # of rewards


class ChosenDespawns(ReferenceCrafter):
    """The published Crafter, in which single creatures that are removed were chosen beforehand.

    The draw is made all the same, so that the world's generator goes on as it would have.

    Args:
        choices: event -> which creature goes, counted in order of creation.

    Attributes:
        events: how many choices between two creatures or more there were so far.
    """

    def __init__(self, choices: Mapping[int, int]) -> None:
        super().__init__()
        self._choices = choices
        self.events = 0

    def _balance_object(self, chunk: Any, objs: Any, cls: Any, *rules: Any) -> None:
        # Crafter calls this for every kind of creature in every chunk. It adds one, or removes one,
        # or does neither, by the number there is; only a removal draws between the creatures.
        material, target = rules[0], rules[-1]
        count = sum(isinstance(obj, cls) for obj in objs)
        most = int(target(count, self._world.mask(*chunk, material).sum())[1])
        if count < 2 or count <= most:
            super()._balance_object(chunk, objs, cls, *rules)
            return
        draws = self._world.random
        self._world.random = _Draws(draws, self._choose)
        try:
            super()._balance_object(chunk, objs, cls, *rules)
        finally:
            self._world.random = draws

    def _choose(self, drawn: int, count: int) -> int:
        chosen = self._choices.get(self.events, drawn)
        self.events += 1
        return chosen if chosen < count else drawn


class _Draws:
    """A generator whose integers somebody else has the last word on."""

    def __init__(self, random: Any, choose: Any) -> None:
        self._random = random
        self._choose = choose

    def uniform(self) -> float:
        return float(self._random.uniform())

    def randint(self, low: int, high: int) -> int:
        return int(self._choose(int(self._random.randint(low, high)), high))


@dataclass(frozen=True)
class Replay:
    """A recorded game, played again.

    Attributes:
        group, seed: which one.
        rows: how many it has.
        exact: how many of them came out equal before the first that did not.
        differs: what differs first: row, field, recorded, replayed; empty if nothing does.
        recorded, replayed: the rewards' sums; the replay stops at the first difference.
        choices: how many despawn choices were given.
        uses: what was played, by the record.
    """

    group: str
    seed: int
    rows: int
    exact: int
    differs: str
    recorded: float
    replayed: float
    choices: int
    uses: Uses


def replay_file(path: pathlib.Path) -> Replay:
    """Play a recorded game through our environment and CrafterGPT's parser, and compare.

    Its first text belongs to the seed's first episode and its game to the second one, since the
    published loop resets twice.
    """
    found = re.fullmatch(r"(prompt_only|fine_tuned)_seed_(\d+)\.csv", path.name)
    if found is None:
        raise ValueError(f"expected GROUP_seed_N.csv, got {path.name}")
    group, seed = found[1], int(found[2])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{path}: expected rows, found none")
    choices = DESPAWN_CHOICES.get(seed, {})
    env = _replay_env(choices)
    text, _ = env.reset(seed=seed)
    differs, exact, total = _difference(0, "observation", rows[0]["observation"], text), 0, 0.0
    text, _ = env.reset()
    start = text
    for number, row in enumerate(rows):
        if differs:
            break
        if number:
            differs = _difference(number, "observation", row["observation"], text)
        # The recorded action in the form in which the published agent answers.
        text, reward, terminated, truncated, info = env.step(f'"{row["action"]}"')
        over = str(terminated or truncated)
        differs = differs or _difference(number, "action", row["action"], info["text_action"])
        if abs(reward - float(row["reward"])) > _TOLERANCE:
            differs = differs or f"row {number}, reward: {row['reward']} is {reward:g}"
        differs = differs or _difference(number, "done", row["done"], over)
        exact += not differs
        total += reward if not differs else 0.0
    env.close()
    recorded = round(float(rows[-1]["total_reward"]), 6)
    # The record lacks the game's first text and its last one: those are the replay's.
    texts = [start, *(row["observation"] for row in rows[1:]), None if differs else text]
    return Replay(
        group=group,
        seed=seed,
        rows=len(rows),
        exact=exact,
        differs=differs,
        recorded=recorded,
        replayed=round(total, 6),
        choices=len(choices),
        uses=uses_of([row["action"] for row in rows], texts),
    )


def _replay_env(choices: Mapping[int, int]) -> ParseTextAction:
    env = gymnasium.make(ENV_ID, engine="reference" if choices else "fast")
    if choices:
        base: Any = env.unwrapped
        base.game = ChosenDespawns(choices)
    return ParseTextAction(env, parser="craftergpt")


def _difference(row: int, field: str, recorded: str, replayed: str) -> str:
    if recorded == replayed:
        return ""
    at = next(
        (i for i, (a, b) in enumerate(zip(recorded, replayed, strict=False)) if a != b),
        min(len(recorded), len(replayed)),
    )
    was, became = recorded[at : at + 30], replayed[at : at + 30]
    return f"row {row}, {field}: {was!r} is {became!r}"


def replay_folder(folder: pathlib.Path) -> dict[str, Any]:
    """Replay all recorded games of a folder, and recompute the reward log of those there are."""
    paths = sorted(folder.glob("*_seed_*.csv"))
    if not paths:
        raise ValueError(f"{folder}: expected recorded games (GROUP_seed_N.csv), found none")
    replays = sorted((replay_file(path) for path in paths), key=lambda r: (r.group, r.seed))
    log = folder / "reward_log.txt"
    files = []
    for replay in replays:
        file = asdict(replay)
        del file["uses"]
        files.append({**file, "collapse": collapse_of([replay.uses])})
    return {
        "files": files,
        "collapse": {
            group: collapse_of(there)
            for group in PUBLISHED_GAMES
            if (there := [replay.uses for replay in replays if replay.group == group])
        },
        "reward_log": _read_log(log) if log.is_file() else None,
    }


def _read_log(path: pathlib.Path) -> dict[str, Any]:
    """CrafterGPT's reward log: the games' rewards in the order of their seeds, and their mean."""
    blocks = path.read_text(encoding="utf-8").split(":\n")[1:]
    log: dict[str, Any] = {}
    for group, block in zip(PUBLISHED_GAMES, blocks, strict=True):
        numbers = [float(number) for number in re.findall(r"-?\d+\.\d+", block)]
        *rewards, mean = numbers
        log[group] = {"rewards": dict(zip(PUBLISHED_GAMES[group], rewards, strict=True))}
        log[group]["mean"] = mean
    return log
