from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("minigrid")

from gymnasium.envs.registration import load_env_creator, registry
from minigrid.utils.baby_ai_bot import BabyAIBot

from textenvs.envs.babyai.level_table import (
    BACKGROUND_LEVELS,
    GLAM_LEVELS,
    LEVELS,
    MINIGRID_IDS,
)
from textenvs.envs.babyai.levels_glam import HELD_OUT, KINDS, MixedTestLocal, MixedTrainLocal

THING = r"(?:a|the) (\w+ )?(\w+)"
SURFACES = {
    "goto": rf"go to {THING}",
    "pickup": rf"pick up {THING}",
    "open": r"open (?:a|the) (\w+ )?door",
    "putnext": rf"put {THING} next to {THING}",
    "pick_up_seq_go_to": rf"pick up {THING}, then go to {THING}"
    rf"|go to {THING} after you pick up {THING}",
}


def make(level: str, **kwargs: Any) -> Any:
    entry_point, level_kwargs = LEVELS[level]
    return load_env_creator(entry_point)(**{**level_kwargs, **kwargs})


def fingerprint(env: Any) -> tuple[Any, ...]:
    position = tuple(int(x) for x in env.agent_pos)
    return env.mission, position, env.agent_dir, env.max_steps, env.grid.encode().tobytes()


def nouns(mission: str) -> set[tuple[str, str]]:
    found = re.findall(r"(red|green|blue|purple|yellow|grey) (key|ball|box|door)", mission)
    return {(color, kind) for color, kind in found}


@contextmanager
def seconds(limit: float) -> Iterator[None]:
    """Minigrid's bot can loop forever inside one `replan`, where no limit on steps helps."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def bot_solves(env: Any, seed: int) -> bool:
    env.reset(seed=seed)
    bot, action, reward = BabyAIBot(env), None, 0.0
    try:
        with seconds(10):
            for _ in range(env.max_steps):
                action = bot.replan(action)
                _, reward, terminated, truncated, _ = env.step(action)
                if terminated or truncated:
                    break
    except TimeoutError:
        return False
    return reward > 0


def test_minigrid_ids_are_those_of_the_registry() -> None:
    families = ("BabyAI-", "MiniGrid-")
    registered = {
        name
        for name, spec in registry.items()
        if name.startswith(families) and "WFC" not in name and "Text" not in name.split("-")
        if str(spec.entry_point).startswith("minigrid.")
    }
    assert set(MINIGRID_IDS) == registered
    assert len(MINIGRID_IDS) == len(set(MINIGRID_IDS)) == 96 + 76


def test_level_names_are_no_names_of_minigrid() -> None:
    theirs = {name.removeprefix("BabyAI-").rpartition("-v")[0] for name in MINIGRID_IDS}
    assert not theirs & set(LEVELS)
    assert len(LEVELS) == len(GLAM_LEVELS) + len(BACKGROUND_LEVELS)
    assert len(BACKGROUND_LEVELS) == 17


def test_tables_are_plain_data_and_import_nothing() -> None:
    for _, kwargs in LEVELS.values():
        assert json.loads(json.dumps(kwargs)) == kwargs
    code = (
        "import sys; sys.modules['minigrid'] = None\n"
        "from textenvs.envs.babyai.level_table import LEVELS, MINIGRID_IDS\n"
        "print(len(LEVELS))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(out.stdout) == len(LEVELS)


@pytest.mark.parametrize("level", LEVELS)
def test_a_seed_fixes_the_episodes_whatever_ran_before(level: str) -> None:
    fresh, used = make(level), make(level)
    for _ in range(3):
        used.reset()
    for env in (fresh, used):
        np.random.seed(id(env) % 1000)
        env.reset(seed=5)
    for _ in range(4):
        assert fingerprint(fresh) == fingerprint(used)
        fresh.reset()
        used.reset()


HASHING = """
import contextlib, hashlib, io
from gymnasium.envs.registration import load_env_creator
from textenvs.envs.babyai.level_table import LEVELS
digest = hashlib.sha256()
with contextlib.redirect_stdout(io.StringIO()):
    for entry_point, kwargs in LEVELS.values():
        env = load_env_creator(entry_point)(**kwargs)
        for seed in (3, None):
            observed, _ = env.reset(seed=seed)
            digest.update(observed["mission"].encode() + env.grid.encode().tobytes())
            digest.update(repr([int(x) for x in (*env.agent_pos, env.max_steps)]).encode())
print(digest.hexdigest())
"""


def test_fresh_processes_agree_whatever_the_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", HASHING],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "random")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_dists", [0, 8])
@pytest.mark.parametrize("level", [MixedTrainLocal, MixedTestLocal])
def test_kinds(level: type[MixedTrainLocal], kind: str, num_dists: int) -> None:
    env = level(kind=kind, num_dists=num_dists)
    extra = {"goto": 1, "pickup": 1, "open": 2, "putnext": 2, "pick_up_seq_go_to": 2}[kind]
    for seed in range(20):
        env.reset(seed=seed)
        assert env.kind == kind
        assert re.fullmatch(SURFACES[kind], env.mission)
        assert env.max_steps == (64 if kind in ("goto", "pickup") else 128)
        assert (env.grid.width, env.grid.height) == ((15 if kind == "open" else 8), 8)
        objs: list[Any] = [c for c in env.grid.grid if c is not None and c.type != "wall"]
        assert len(objs) == num_dists + extra
        if kind == "open":
            (door,) = (cell for cell in objs if cell.type == "door")
            assert door.is_locked
            assert any(cell.type == "key" and cell.color == door.color for cell in objs)


@pytest.mark.parametrize("level", [MixedTrainLocal, MixedTestLocal])
def test_none_draws_every_kind_from_the_seed(level: type[MixedTrainLocal]) -> None:
    env, again = level(), level()
    env.reset(seed=0)
    again.reset(seed=0)
    drawn = []
    for _ in range(100):
        assert fingerprint(env) == fingerprint(again)
        assert (env.width, env.height) == (env.grid.width, env.grid.height)
        drawn.append(env.kind)
        env.reset()
        again.reset()
    for kind in KINDS:  # uniform: 20 expected, standard deviation 4
        assert 6 <= drawn.count(kind) <= 34


def test_an_unknown_kind_is_an_error_that_names_the_kinds() -> None:
    with pytest.raises(ValueError, match=r"dance.*pick_up_seq_go_to"):
        MixedTrainLocal(kind="dance")


def test_a_given_limit_holds() -> None:
    env = MixedTrainLocal(kind="open", max_steps=7)
    env.reset(seed=0)
    assert env.max_steps == 7


def test_training_never_names_what_is_held_out() -> None:
    env = MixedTrainLocal()
    hidden = 0
    for seed in range(200):
        env.reset(seed=seed)
        assert not nouns(env.mission) & HELD_OUT
        hidden += env.mission == "open the door"
    assert hidden


def test_testing_names_nothing_else() -> None:
    env = MixedTestLocal()
    for seed in range(200):
        env.reset(seed=seed)
        assert nouns(env.mission)
        assert nouns(env.mission) <= HELD_OUT
        assert "the door" not in env.mission


@pytest.mark.parametrize(
    ("level", "surface"),
    [
        ("PickUpSeqGoToLocal", SURFACES["pick_up_seq_go_to"]),
        ("PickUpThenGoToLocal", rf"pick up {THING}, then go to {THING}"),
        ("GoToAfterPickUpLocal", rf"go to {THING} after you pick up {THING}"),
        (
            "PickUpSeqPickUpLocal",
            rf"pick up {THING}, then pick up {THING}|pick up {THING} after you pick up {THING}",
        ),
    ],
)
def test_sequence_levels(level: str, surface: str) -> None:
    env = make(level)
    joints = set()
    for seed in range(200):
        env.reset(seed=seed)
        assert re.fullmatch(surface, env.mission)
        assert not nouns(env.mission) & HELD_OUT
        assert env.max_steps == 128
        joints.add("then" in env.mission)
    assert len(joints) == (2 if "Seq" in level else 1)


def background_surface(level: str) -> str:
    task, target, _ = level.split("-")
    names = re.findall(r"[A-Z][a-z]+", target)
    if target == "Pretraining":
        return r"go to (a|the) (red|green|blue) (ball|box)"
    things = [f"{a} {b}".lower() for a, b in zip(names[::2], names[1::2], strict=True)]
    if len(things) == 2:
        a, b = things
        return (
            rf"go to (a|the) {a}, then go to (a|the) {b}"
            rf"|go to (a|the) {b} after you go to (a|the) {a}"
        )
    return rf"{'pick up' if task == 'PickUp' else 'go to'} (a|the) {things[0]}"


@pytest.mark.parametrize("level", BACKGROUND_LEVELS)
def test_background_levels(level: str) -> None:
    env = make(level)
    size = int(level.rpartition("-S")[2])
    dists = {20: 7, 23: 12, 25: 15, 28: 20, 30: 25}[size] + level.startswith("PickUp")
    targets = 1 if level.startswith(("GoToLocal", "PickUp")) else 2
    seen = set()
    for seed in range(30):
        env.reset(seed=seed)
        assert re.fullmatch(background_surface(level), env.mission)
        assert (env.width, env.height, env.max_steps) == (size, size, size * size * targets)
        objs = [cell for cell in env.grid.grid if cell is not None and cell.type != "wall"]
        assert len(objs) == dists + targets
        for article, color, kind in re.findall(r"(a|the) (\w+) (ball|box|key)", env.mission):
            same = sum((obj.color, obj.type) == (color, kind) for obj in objs)
            assert article == ("the" if same == 1 else "a")
        front = env.grid.get(*env.front_pos)
        assert front is None or front.type == "wall"
        seen.update(nouns(env.mission))
    assert len(seen) == (6 if "Pretraining" in level else targets)


def test_the_reward_falls_with_the_steps() -> None:
    env = make("GoToLocal-RedBall-S20")
    env.reset(seed=0)
    bot, action, steps = BabyAIBot(env), None, 0
    terminated, reward = False, 0.0
    while not terminated:
        action = bot.replan(action)
        _, reward, terminated, _, _ = env.step(action)
        steps += 1
    assert reward == 1 - 0.9 * steps / 400


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [MixedTrainLocal, MixedTestLocal])
def test_the_bot_solves_every_kind(level: type[MixedTrainLocal], kind: str) -> None:
    for num_dists in (0, 8):
        env = level(kind=kind, num_dists=num_dists)
        assert sum(bot_solves(env, seed) for seed in range(20)) >= 19


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_the_bot_solves_every_level(level: str) -> None:
    env = make(level)
    assert sum(bot_solves(env, seed) for seed in range(20)) >= 19
