"""Shaping by a potential: what it pays, within episodes, and that the best policies stay best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import textenvs  # noqa: F401  # registers the ids
from textenvs import wrappers
from textenvs.errors import UnknownName
from textenvs.shaping import History, get_potential
from textenvs.wrappers import vector

LEVEL = "BabyAI-Text-GoToLocal-v0"
GAMMA = 0.97


def things_in_sight(text: str) -> float:
    """A potential as good as any: how much of the view is told."""
    return len(text) / 50


class Novelty:
    """A potential of histories: how many different texts the last three were."""

    horizon = 2

    def __call__(self, histories: Sequence[History]) -> np.ndarray:
        return np.array([float(len(set(h.observations)) + sum(h.actions)) for h in histories])


NOVELTY = Novelty()


def play(env: gymnasium.Env[Any, Any], seed: int, longest: int = 1000) -> dict[str, Any]:
    """An episode of random play: potentials and what was paid."""
    env.action_space.seed(seed)
    _, info = env.reset(seed=seed)
    potentials, paid = [info["potential"]], []
    for _ in range(longest):
        _, reward, terminated, truncated, info = env.step(int(env.action_space.sample()))
        paid.append(info["rewards"]["shaping"])
        potentials.append(info["potential"])
        assert reward == pytest.approx(sum(info["rewards"].values()))
        if terminated or truncated:
            return {"potentials": potentials, "paid": paid, "terminated": terminated}
    raise AssertionError("the episode did not end")


@pytest.mark.parametrize("potential", [things_in_sight, NOVELTY, f"{__name__}:NOVELTY"])
def test_an_episode_pays_what_its_ends_are_worth(potential: Any) -> None:
    ends = set()
    for seed in range(30):
        env = wrappers.PotentialShapingReward(gymnasium.make(LEVEL), potential, GAMMA)
        episode = play(env, seed)
        total = sum(GAMMA**t * paid for t, paid in enumerate(episode["paid"]))
        first, last = episode["potentials"][0], episode["potentials"][-1]
        rest = 0.0 if episode["terminated"] else GAMMA ** len(episode["paid"]) * last
        assert total == pytest.approx(rest - first)
        ends.add(episode["terminated"])
    assert ends == {True, False}  # episodes of both kinds were seen


def test_a_step_pays_by_hand() -> None:
    rule = wrappers.PotentialShapingReward(
        gymnasium.make(LEVEL), things_in_sight, gamma=0.5, scale=10
    )
    before, _ = rule.reset(seed=0)
    after, reward, *_, info = rule.step(0)
    expected = 10 * (0.5 * things_in_sight(after) - things_in_sight(before))
    assert reward == info["rewards"]["shaping"] == pytest.approx(expected)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("potential", [things_in_sight, NOVELTY])
def test_many_games_are_paid_as_each_alone(mode: AutoresetMode, potential: Any) -> None:
    count, steps = 3, 150
    games = SyncVectorEnv([lambda: gymnasium.make(LEVEL)] * count, autoreset_mode=mode)
    many = vector.PotentialShapingReward(games, potential, GAMMA, scale=2.0)
    alone = [
        wrappers.PotentialShapingReward(gymnasium.make(LEVEL), potential, GAMMA, scale=2.0)
        for _ in range(count)
    ]
    actions = np.random.default_rng(0).integers(7, size=(steps, count))
    many.reset(seed=[5, 6, 7])
    for i, env in enumerate(alone):
        env.reset(seed=5 + i)
    over = np.zeros(count, bool)
    borders = 0
    for row in actions:
        if mode == AutoresetMode.DISABLED and over.any():
            many.reset(options={"reset_mask": over})
            for i in np.flatnonzero(over):
                alone[i].reset()
            over[:] = False
        _, _, terminated, truncated, infos = many.step(row)
        for i, env in enumerate(alone):
            if over[i] and mode == AutoresetMode.NEXT_STEP:
                _, info = env.reset()
                assert infos["rewards"]["shaping"][i] == 0
                assert infos["potential"][i] == info["potential"]
                over[i] = False
                continue
            *_, ended, cut, info = env.step(int(row[i]))
            assert infos["rewards"]["shaping"][i] == pytest.approx(info["rewards"]["shaping"])
            if ended or cut:
                borders += 1
                if mode == AutoresetMode.SAME_STEP:
                    _, info = env.reset()
                else:
                    over[i] = True
            assert infos["potential"][i] == info["potential"]
            assert (terminated[i], truncated[i]) == (ended, cut)
    assert borders >= 3


def _values(
    steps: dict[Any, list[tuple[Any, float, bool]]], gamma: float
) -> dict[Any, list[float]]:
    """The values of all actions in all states, by iteration."""
    values = {state: [0.0] * len(found) for state, found in steps.items()}
    for _ in range(400):
        values = {
            state: [r + (0 if over else gamma * max(values[to])) for to, r, over in found]
            for state, found in steps.items()
        }
    return values


def test_the_best_policies_of_a_room_stay_the_best() -> None:
    env = gymnasium.make("MiniGrid-Text-Empty-5x5-v0")
    shaped = wrappers.PotentialShapingReward(env, things_in_sight, GAMMA, scale=3.0)
    shaped.reset(seed=0)
    base: Any = env.unwrapped.game.unwrapped  # type: ignore[attr-defined]
    plain: dict[Any, list[tuple[Any, float, bool]]] = {}
    paid: dict[Any, list[tuple[Any, float, bool]]] = {}
    todo = [((1, 1), 0)]
    while todo:
        state = todo.pop()
        if state in plain:
            continue
        plain[state], paid[state] = [], []
        for action in range(3):
            shaped.reset(seed=0)
            for move in _way(state):
                shaped.step(move)
            assert (tuple(base.agent_pos), base.agent_dir) == state
            _, _, over, _, info = shaped.step(action)
            to = (tuple(int(x) for x in base.agent_pos), int(base.agent_dir))
            game = float(over)  # what it gives falls with the steps, which are no part of a state
            plain[state].append((to, game, over))
            paid[state].append((to, game + info["rewards"]["shaping"], over))
            if not over:
                todo.append(to)
    assert len(plain) == 32  # eight cells without the goal's, four directions
    without, with_it = _values(plain, GAMMA), _values(paid, GAMMA)
    for state, values in without.items():
        shift = np.array(values) - np.array(with_it[state])
        np.testing.assert_allclose(shift, shift[0], atol=1e-6)  # the potential of the state


def _way(state: tuple[tuple[int, int], int]) -> list[int]:
    """Moves from the corner, looking right, down and then right, to a state of an empty room."""
    (x, y), heading = state
    turn_left, turn_right, ahead = 0, 1, 2
    moves = [turn_right, *[ahead] * (y - 1), turn_left, *[ahead] * (x - 1)]
    return moves + [turn_right] * heading


def test_a_potential_that_is_not_there_is_told() -> None:
    for name in ("nowhere:potential", "textenvs:no_such_potential", "no colon"):
        with pytest.raises(UnknownName, match="'module:name'"):
            get_potential(name)
