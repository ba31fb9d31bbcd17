from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("minigrid")

from gymnasium.envs.registration import load_env_creator, registry
from minigrid.core.world_object import Box
from minigrid.envs.babyai.core.verifier import (
    AfterInstr,
    AndInstr,
    BeforeInstr,
    GoToInstr,
    OpenInstr,
    PickupInstr,
    PutNextInstr,
)
from minigrid.utils.baby_ai_bot import BabyAIBot

from textenvs.envs.babyai.instructions import override, parse_mission
from textenvs.envs.babyai.level_table import LEVELS, MINIGRID_IDS

BABYAI = [name for name in MINIGRID_IDS if name.startswith("BabyAI-")]


def make(level: str) -> Any:
    if level in LEVELS:
        entry_point, kwargs = LEVELS[level]
        return load_env_creator(entry_point)(**kwargs)
    spec = registry[level]
    return load_env_creator(str(spec.entry_point))(**spec.kwargs)


def tree(instr: Any) -> tuple[Any, ...]:
    if isinstance(instr, BeforeInstr | AfterInstr | AndInstr):
        return type(instr), tree(instr.instr_a), tree(instr.instr_b)
    descs = (getattr(instr, name, None) for name in ("desc", "desc_move", "desc_fixed"))
    return type(instr), [(d.type, d.color, d.loc) for d in descs if d is not None]


def without_articles(mission: str) -> str:
    return re.sub(r"\b(a|the) ", "", mission)


@pytest.mark.parametrize("level", [*BABYAI, *LEVELS])
def test_round_trip(level: str) -> None:
    env = make(level)
    for seed in range(5):
        env.reset(seed=seed)
        instr = parse_mission(env.mission)
        assert tree(instr) == tree(env.instrs)
        if env.carrying is None:  # what is carried is nowhere in the grid
            instr.reset_verifier(env)
            assert without_articles(instr.surface(env)) == without_articles(env.mission)


@pytest.mark.parametrize("level", [*BABYAI, *LEVELS])
def test_a_world_hosts_its_own_mission(level: str) -> None:
    env = make(level)
    for seed in range(3):
        env.reset(seed=seed)
        before = env.mission, env.max_steps
        if env.carrying is None:
            assert override(env, env.mission)
            assert (env.mission, env.max_steps) == before


@pytest.mark.parametrize(
    ("mission", "instr"),
    [
        ("go to a door", GoToInstr),
        ("pick up the red object behind you", PickupInstr),
        ("open the door in front of you", OpenInstr),
        ("put a key on your left next to the grey door on your right", PutNextInstr),
        ("open a door and pick up a box", AndInstr),
        ("go to a box and go to the key, then open the red door", BeforeInstr),
        ("open the red door after you go to a box and go to the key", AfterInstr),
    ],
)
def test_parse(mission: str, instr: type) -> None:
    assert type(parse_mission(mission)) is instr


def test_parsed_parts_are_in_the_order_of_the_text() -> None:
    parsed = parse_mission("go to the red ball after you pick up a key behind you")
    assert tree(parsed) == (
        AfterInstr,
        (GoToInstr, [("ball", "red", None)]),
        (PickupInstr, [("key", None, "behind")]),
    )


@pytest.mark.parametrize(
    ("mission", "part"),
    [
        ("", ""),
        ("dance", "dance"),
        ("go to the pink ball", "the pink ball"),
        ("go to red ball", "red ball"),
        ("Go to the ball", "Go to the ball"),
        ("pick up a door", "pick up a door"),
        ("open the box", "open the box"),
        ("put a key near a box", "put a key near a box"),
        ("put a door next to a box", "put a door next to a box"),
        ("go to a key and go to a box and go to a ball", "a box and go to a ball"),
        ("go to a key, then fly, then go to a box", "fly, then go to a box"),
        ("go to a key after you sing", "sing"),
    ],
)
def test_errors_quote_the_part(mission: str, part: str) -> None:
    with pytest.raises(ValueError, match=r"is not understood\. Understood are 'go to X'") as error:
        parse_mission(mission)
    assert repr(part) in str(error.value) or part in str(error.value)


def test_override_gives_the_mission_and_its_limit() -> None:
    env = make("BabyAI-GoToLocal-v0")
    env.reset(seed=0)
    ball = next(c for c in env.grid.grid if c is not None and c.type == "ball")
    key = next(c for c in env.grid.grid if c is not None and c.type == "key")
    mission = f"pick up a {ball.color} ball, then go to a {key.color} key"
    assert override(env, mission)
    assert env.mission == mission
    assert env.gen_obs()["mission"] == mission
    assert env.max_steps == 128
    bot, action = BabyAIBot(env), None
    reward, terminated = 0.0, False
    while not terminated:
        action = bot.replan(action)
        _, reward, terminated, _, _ = env.step(action)
    assert reward > 0


def test_override_leaves_a_world_that_cannot_host() -> None:
    env = make("BabyAI-GoToObj-v0")
    env.reset(seed=0)
    instrs, mission, limit = env.instrs, env.mission, env.max_steps
    assert not override(env, "open the door")
    assert not override(env, f"put the {env.instrs.desc.type} next to a box")
    assert (env.instrs, env.mission, env.max_steps) == (instrs, mission, limit)
    with pytest.raises(ValueError, match="not understood"):
        override(env, "sing")
    assert env.instrs is instrs


def test_override_keeps_a_given_limit() -> None:
    entry_point = str(registry["BabyAI-GoToLocal-v0"].entry_point)
    env: Any = load_env_creator(entry_point)(max_steps=10)
    env.reset(seed=0)
    assert override(env, env.mission)
    assert env.max_steps == 10


def test_override_wants_the_object_within_reach() -> None:
    env = make("GoToLocal-RedBall-S20")
    env.reset(seed=0)
    other = next(c for c in env.grid.grid if c is not None and c.type == "key")
    mission = f"go to the {other.color} key on your {{}}"
    side = next(side for side in ("left", "right") if override(env, mission.format(side)))
    x, y = env.instrs.desc.obj_poss[0]
    assert len(env.instrs.desc.obj_poss) == 1
    env.reset(seed=0)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        if env.grid.get(x + dx, y + dy) is None:
            env.put_obj(Box("grey"), x + dx, y + dy)
    assert not override(env, mission.format(side))


def test_walls_are_no_objects() -> None:
    env = make("BabyAI-GoToObj-v0")
    env.reset(seed=0)
    color = env.instrs.desc.color
    assert override(env, f"go to the {color} object")
    assert override(env, "go to the object")
    assert len(env.instrs.desc.obj_set) == 1
    if color != "grey":
        assert not override(env, "go to a grey object")
