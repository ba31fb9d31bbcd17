"""NetHack: NLE's game and tasks with seeds that count, and Motif's tasks."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import seeding

pytestmark = pytest.mark.nethack

# A game in which the wanderer below takes the stairs to level 2 at this step.
STAIRS_SEED, STAIRS_STEP = 31, 79


def _make(task: str = "Score", **kwargs: Any) -> Any:
    from textenvs.envs.nethack.env import NetHackTextEnv

    return NetHackTextEnv(task, **kwargs)


def _wander(env: Any, seed: int, steps: int) -> list[tuple[Any, float, bool, bool, dict[str, Any]]]:
    """Random moves, and every other step an attempt to go down."""
    names = env.action_names
    down = names.index("down")
    moves = [i for i, name in enumerate(names) if name.split()[-1].startswith(("n", "s", "e", "w"))]
    moves = [i for i in moves if names[i] not in ("eat", "wait", "search")]
    random = np.random.default_rng(seed)
    env.reset(seed=seed)
    played = []
    for t in range(steps):
        played.append(env.step(down if t % 2 else int(random.choice(moves))))
        if played[-1][2]:
            break
    return played


@pytest.mark.parametrize("task", ["Score", "Gold", "Eat", "Scout"])
@pytest.mark.parametrize("seed", [0, 1])
def test_nles_tasks_are_played_and_paid_as_nle_does(task: str, seed: int) -> None:
    import nle  # noqa: F401

    ours = _make(task, obs="dict")
    a, _ = ours.reset(seed=seed)
    core, display = (int(n) for n in seeding.np_random(seed)[0].integers(2**63 - 1, size=2))
    theirs = gymnasium.make(f"NetHack{task}-v0", fix_moon_phase=True, render_mode="ansi").unwrapped
    theirs.seed(core, display, reseed=False)
    b, _ = theirs.reset()
    for action in np.random.default_rng(0).integers(23, size=1200):
        for key in ("glyphs", "blstats", "message", "tty_chars", "inv_strs"):
            assert np.array_equal(a[key], b[key]), key
        a, *got, _ = ours.step(action)
        b, *want, _ = theirs.step(action)
        assert got == want
        if want[1]:
            break
    ours.close()
    theirs.close()


def test_seeds_count() -> None:
    env = _make(obs="dict")
    first, _ = env.reset(seed=1)
    second, _ = env.reset()
    assert not np.array_equal(first["glyphs"], second["glyphs"])
    again, _ = env.reset(seed=1)
    assert np.array_equal(first["glyphs"], again["glyphs"])
    assert np.array_equal(env.reset()[0]["glyphs"], second["glyphs"])


def test_arrays_are_copies() -> None:
    env = _make(obs="dict")
    first, _ = env.reset(seed=1)
    kept = {key: value.copy() for key, value in first.items() if key != "text"}
    for action in range(8):
        env.step(action)
    assert all(np.array_equal(first[key], value) for key, value in kept.items())


def test_the_sentence_of_the_stairs_reaches_the_agent() -> None:
    """NLE turns the page that says it; the text has all pages."""
    *_, (text, reward, terminated, truncated, info) = _wander(
        _make("Staircase", style="nle_language"), STAIRS_SEED, 200
    )
    assert info["messages"] == ("You descend the stairs.",)
    assert "You descend the stairs." in text
    assert (reward, terminated, truncated) == (50.0, True, False)
    assert (info["success"], info["end_status"], info["depth"]) == (True, "success", 2)


def test_the_brief_style_tells_what_the_game_asks_and_when_the_stairs_are_underfoot() -> None:
    env = _make("Staircase", style="brief")
    env.reset(seed=STAIRS_SEED)
    eat, more = (env.action_names.index(name) for name in ("eat", "more"))
    assert env.step(eat)[0] == "The game asks: What do you want to eat?"
    assert env.step(more)[0].startswith("In sight: ")
    played = _wander(_make("Staircase", style="brief"), STAIRS_SEED, 200)
    assert played[STAIRS_STEP - 1][0].startswith("You stand on stairs down.")


def test_the_reward_of_a_success_is_a_parameter() -> None:
    played = _wander(_make("Staircase", success_reward=1.0, penalty_step=-0.01), STAIRS_SEED, 200)
    assert len(played) == STAIRS_STEP + 1
    assert played[-1][1] == 1.0 - 0.01  # the game's time stands still on the stairs
    assert {reward for _, reward, *_ in played[:-1]} == {0.0, -0.01}


def test_a_continual_task_pays_once_and_goes_on() -> None:
    played = _wander(_make("StaircaseContinual"), STAIRS_SEED, 200)
    assert len(played) == 200
    assert [t for t, (_, reward, *_) in enumerate(played) if reward] == [STAIRS_STEP]
    assert played[STAIRS_STEP][1] == 50.0
    assert [step[4]["success"] for step in played].index(True) == STAIRS_STEP
    assert played[-1][4]["success"]


def test_deeper_staircases_want_deeper_levels() -> None:
    played = _wander(_make("StaircaseLvl3"), STAIRS_SEED, 120)
    assert len(played) == 120
    assert not any(reward for _, reward, *_ in played)
    assert played[-1][4]["depth"] == 2


def test_limits_of_steps_truncate() -> None:
    env = gymnasium.make("NetHack-Text-Score-v0", max_episode_steps=3)
    env.reset(seed=0)
    ends = [env.step(21)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    assert gymnasium.spec("NetHack-Text-Score-v0").max_episode_steps == 5_000
    assert gymnasium.spec("NetHack-Text-Challenge-v0").max_episode_steps == 1_000_000


def test_a_challenge_without_progress_is_aborted_which_is_a_truncation() -> None:
    env = _make("Challenge", no_progress_timeout=5)
    env.reset(seed=0)
    esc = env.action_names.index("esc")
    ends = [env.step(esc)[2:] for _ in range(5)]
    assert [end[:2] for end in ends] == [(False, False)] * 4 + [(False, True)]
    assert ends[-1][2]["end_status"] == "aborted"


def test_a_death_terminates() -> None:
    env = _make("Score")
    names = env.action_names
    random = np.random.default_rng(0)
    env.reset(seed=1)
    for _ in range(2000):
        _, _, terminated, truncated, info = env.step(int(random.integers(len(names))))
        if terminated:
            break
    assert (terminated, truncated, info["end_status"]) == (True, False, "over")
    # NLE's numbers are zero after the end; these are the last before it.
    assert info["turn"] > 0
    assert info["depth"] == 1


def test_every_action_has_a_name_and_a_key() -> None:
    from nle import nethack
    from nle.env.tasks import TASK_ACTIONS

    from textenvs.envs.nethack.actions import TASK_ACTION_NAMES

    task, everything = _make(), _make("Challenge")
    assert task.action_names == TASK_ACTION_NAMES
    assert len(task.action_names) == len(TASK_ACTIONS) == 23
    assert task.action_keys[:9] == ("<CR>", "k", "l", "j", "h", "u", "n", "b", "y")
    assert len(set(everything.action_names)) == len(nethack.ACTIONS) == 121
    keys = dict(zip(everything.action_names, everything.action_keys, strict=True))
    # Actions that share a key keep their own names.
    assert (keys["seespells"], keys["plus"]) == ("+", "+")
    assert (keys["seegold"], keys["dollar"], keys["seeamulet"], keys["quote"]) == tuple('$$""')
    assert (keys["overview"], keys["pray"], keys["esc"], keys["space"]) == (
        "^o",
        "M-p",
        "^[",
        "<SP>",
    )
    assert (keys["far northwest"], keys["turnundead"], keys["nine"]) == ("Y", "M-t", "9")
    assert _make("Score", actions="all").action_names == everything.action_names


def test_the_eat_fix_answers_with_the_first_thing_that_is_offered() -> None:
    env = _make("Eat", eat_fix=True)
    eat, northwest = env.action_names.index("eat"), env.action_names.index("northwest")
    for seed in range(30):
        env.reset(seed=seed)
        *_, info = env.step(eat)
        if info["messages"] and info["messages"][-1].startswith("What do you want to eat? ["):
            break
    _, reward, _, _, info = env.step(northwest)
    turn = info["turn"]
    for _ in range(6):  # eating takes its time
        _, more, _, _, info = env.step(env.action_names.index("wait"))
        reward += more
    assert reward > 0
    assert info["turn"] > turn


def test_without_the_answer_the_eat_fix_declines() -> None:
    env = _make("Eat", eat_fix=True)
    env.reset(seed=0)
    env.step(env.action_names.index("eat"))
    *_, info = env.step(env.action_names.index("east"))
    assert "Never mind." in info["messages"] or not info["messages"]
    assert info["turn"] == 1


def test_pictures_and_terminal() -> None:
    env = _make(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (336, 1264, 3)
    first = env.render()
    assert first.any()
    assert np.array_equal(env.render(), first)
    env.reset()
    assert not np.array_equal(env.render(), first)
    env = _make(render_mode="ansi")
    env.reset(seed=0)
    lines = env.render().split("\n")
    assert len(lines) == 24
    assert lines[23].startswith("Dlvl:1 ")


def test_any_of_nles_arrays_can_be_asked_for() -> None:
    env = _make(obs="dict", observation_keys=["screen_descriptions", "blstats"])
    observation, _ = env.reset(seed=0)
    assert list(observation) == ["text", "screen_descriptions", "blstats"]
    with pytest.raises(ValueError, match="unknown observation key 'smell'"):
        _make(obs="dict", observation_keys=["smell"])


def test_progress_is_balrogs() -> None:
    from textenvs.envs.nethack.progress import progress

    assert progress(1, 1) == 0.0
    assert progress(2, 1) == pytest.approx(0.0154, abs=5e-5)
    assert progress(1, 2) == pytest.approx(0.0185, abs=5e-5)
    assert progress(50, 30) == pytest.approx(0.807, abs=5e-4)
    assert progress(0, 0) == progress(-5, 1) == 0.0


def test_closing_twice_is_fine() -> None:
    env = _make()
    env.reset(seed=0)
    env.close()
    env.close()


def test_a_game_shows_nothing_of_the_games_before_it() -> None:
    """The list of scores at the end is of this game alone."""
    env = _make("Challenge", skip_more=True)
    up, yes = (env.action_names.index(name) for name in ("up", "northwest"))
    ends = []
    for _ in range(2):
        env.reset(seed=0)
        env.step(up)
        ends.append(env.step(yes)[0])
    assert ends[0] == ends[1]
    assert "You made the top ten list!" in ends[0]


def test_menus_stay_where_pages_are_turned() -> None:
    """As on the leaderboard: --More-- is turned, what one may choose from is left to the agent."""
    env = _make("Challenge", character="val-hum-neu-fem", skip_more=True)
    env.reset(seed=0)
    names = env.action_names
    for word in ("drop", "apply", "drop", "southwest"):  # letters a and b
        env.step(names.index(word))
    text, *_ = env.step(names.index("pickup"))
    assert "Pick up what?" in text
    assert "(end)" in text
    assert "a - a +0 dagger" in text
    env.step(names.index("apply"))
    text, *_ = env.step(names.index("more"))
    assert "dagger" in text.partition("Status:")[0]


def test_all_pages_of_the_end_are_kept_whole() -> None:
    env = _make("Challenge", skip_more=True)
    env.reset(seed=0)
    env.step(env.action_names.index("up"))
    *_, info = env.step(env.action_names.index("northwest"))
    assert "Agent the Ranger's attributes:" in info["messages"]
    assert any(page.startswith("Goodbye Agent the Ranger...") for page in info["messages"])
    assert not any("--More--" in page for page in info["messages"])
