"""Crafter: the published game, deterministic, with the published wrappers' episodes."""

import csv
from pathlib import Path

import crafter
import gymnasium
import numpy as np
import pytest

from textenvs.captioners.crafter import smartplay
from textenvs.envs.crafter.env import CrafterTextEnv
from textenvs.envs.crafter.reference import ReferenceCrafter
from textenvs.envs.crafter.tasks import ACTION_NAMES

NOOP, SLEEP = 0, 6
FRAME_STEPS = 330  # a whole day and a night


@pytest.mark.parametrize("seed", [44, 92, 255, 383, 385, 708])
def test_a_recorded_game_of_crafter_gpt_replays_to_the_letter(
    seed: int, published_data: Path
) -> None:
    (path,) = (published_data / "craftergpt").glob(f"*_seed_{seed}.csv")
    rows = list(csv.DictReader(path.open()))
    env = gymnasium.make("Crafter-Text-SmartPlay-v0")
    observation, _ = env.reset(seed=seed)
    assert observation == rows[0]["observation"]  # its first text is of the episode before
    observation, _ = env.reset()
    for t, row in enumerate(rows):
        if t:
            assert observation == row["observation"], t
        action = ACTION_NAMES.index(row["action"])
        observation, reward, terminated, truncated, _ = env.step(action)
        assert reward == pytest.approx(float(row["reward"]), abs=1e-6)
        assert str(terminated or truncated) == row["done"]


def test_the_first_episode_is_that_of_the_published_game() -> None:
    env = CrafterTextEnv()
    _, info = env.reset(seed=3)
    published = crafter.Env(seed=3)
    published.reset()
    *_, first = published.step(NOOP)
    _, _, _, _, ours = env.step(NOOP)
    assert np.array_equal(ours["semantic"], first["semantic"])
    assert ours["inventory"] == first["inventory"]
    assert tuple(first["player_pos"]) == ours["player_pos"]
    assert not np.array_equal(env.reset()[1]["semantic"], info["semantic"])


def test_pictures_are_the_published_ones_by_day_and_by_night() -> None:
    """No creature is removed for the first steps, so the published game takes the same course."""
    ours = ReferenceCrafter()
    ours.seed_world(5)
    ours.reset()
    published = crafter.Env(seed=5)
    frame = published.reset()
    assert np.array_equal(ours.render(), frame)
    nights = 0
    # The published set of creatures, ordered as ours, makes it deterministic.
    published._balance_chunk = lambda chunk, objects: crafter.Env._balance_chunk(
        published, chunk, sorted(objects, key=published._world._objects.index)
    )
    for _ in range(FRAME_STEPS):
        frame, *_ = published.step(SLEEP)
        ours.step(SLEEP)
        nights += ours._world.daylight < 0.5
        assert np.array_equal(ours.render(), frame)
    assert nights > 50


def test_rendering_changes_nothing() -> None:
    texts = []
    for render_mode in (None, "rgb_array", "ansi"):
        env = CrafterTextEnv(render_mode=render_mode)
        env.reset(seed=2)
        actions = np.random.default_rng(0).integers(17, size=250)
        played = []
        for action in actions:
            observation, reward, *_ = env.step(action)
            env.render()
            env.render()
            played.append((observation, reward))
        texts.append(played)
    assert texts[0] == texts[1] == texts[2]


def test_render_modes() -> None:
    ansi = CrafterTextEnv(render_mode="ansi")
    with pytest.raises(ValueError, match="expected reset\\(\\) before render\\(\\)"):
        ansi.render()
    ansi.reset(seed=0)
    rows = ansi.render().split("\n")
    assert [len(row) for row in rows] == [9] * 7
    assert rows[3][4] == "@"
    picture = CrafterTextEnv(render_mode="rgb_array", size=(128, 96))
    picture.reset(seed=0)
    assert picture.render().shape == (96, 128, 3)


def test_no_reward_pays_nothing_and_tells_the_games_reward() -> None:
    env = gymnasium.make("Crafter-Text-NoReward-v0")
    plain = gymnasium.make("Crafter-Text-v0")
    env.reset(seed=1)
    plain.reset(seed=1)
    rewards = [(env.step(a), plain.step(a)) for a in np.random.default_rng(1).integers(17, size=80)]
    assert {ours[1] for ours, _ in rewards} == {0.0}
    assert [ours[4]["reward"] for ours, _ in rewards] == [theirs[1] for _, theirs in rewards]
    assert any(theirs[1] for _, theirs in rewards)


def test_presets_play_a_hidden_noop() -> None:
    plain = CrafterTextEnv()
    plain.reset(seed=6)
    *_, after_noop = plain.step(NOOP)
    for task in ("SmartPlay", "BALROG"):
        _, info = CrafterTextEnv(task).reset(seed=6)
        assert np.array_equal(info["semantic"], after_noop["semantic"])
        assert info["action"] is None


def test_an_episode_is_truncated_at_its_length_a_hidden_noop_included() -> None:
    for task, agents_steps in (("", 5), ("SmartPlay", 4)):
        env = CrafterTextEnv(task, length=5)
        env.reset(seed=0)
        ends = [env.step(NOOP)[2:4] for _ in range(agents_steps)]
        assert ends == [(False, False)] * (agents_steps - 1) + [(False, True)]


def test_balrog_stops_after_2000_steps_of_the_agent() -> None:
    spec = gymnasium.spec("Crafter-Text-BALROG-v0")
    assert spec.max_episode_steps == 2000
    assert gymnasium.spec("Crafter-Text-SmartPlay-v0").max_episode_steps is None
    assert CrafterTextEnv("SmartPlay").game._length == 10_000


def test_info_has_what_captions_need_and_nothing_shared() -> None:
    env = CrafterTextEnv("SmartPlay")
    observation, info = env.reset(seed=9)
    assert smartplay(info, strict=True) == observation
    kept = info["semantic"].copy()
    for _ in range(30):
        env.step(1)
    assert np.array_equal(info["semantic"], kept)
    assert set(info) >= {"text_action", "achievements", "unlocked", "progress", "daylight", "ripe"}


def test_balrogs_contexts_are_in_info() -> None:
    observation, info = CrafterTextEnv("BALROG").reset(seed=9)
    assert observation == f"{info['short_term_context']}\n{info['long_term_context']}"
    assert info["long_term_context"].startswith("You see:\n- ")
    assert info["short_term_context"].startswith("Your status:\n- health: 9/9")


def test_unlocked_names_what_was_achieved_in_this_step() -> None:
    env = CrafterTextEnv()
    env.reset(seed=1)
    unlocked = {}
    for t, action in enumerate(np.random.default_rng(1).integers(17, size=120)):
        *_, info = env.step(action)
        unlocked |= {name: t for name in info["unlocked"]}
    assert unlocked
    assert {name for name, n in info["achievements"].items() if n} == set(unlocked)
    assert info["progress"] == len(unlocked) / 22


@pytest.mark.parametrize("action", [-1, 17])
def test_an_action_out_of_range_is_refused(action: int) -> None:
    env = CrafterTextEnv()
    with pytest.raises(ValueError, match=f"expected an action from 0 to 16, got {action}"):
        env.step(action)


def test_unseeded_resets_go_on_in_one_reproducible_stream() -> None:
    env = CrafterTextEnv()
    env.reset(seed=4)
    second = env.reset()[1]["semantic"]
    other = CrafterTextEnv()
    other.reset(seed=4)
    assert np.array_equal(other.reset()[1]["semantic"], second)
    fresh = [CrafterTextEnv().reset()[1]["semantic"] for _ in range(2)]
    assert not np.array_equal(*fresh)
