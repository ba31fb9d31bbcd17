"""Motif's agent by RLlib: the game that RLlib is shown, its V-trace, a run from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.nethack, pytest.mark.models]

pytest.importorskip("nle")
pytest.importorskip("stable_baselines3")
motif_rllib = pytest.importorskip("motif_rllib")
rllib_game = pytest.importorskip("motivated.rllib_game")
files = pytest.importorskip("motivated.rllib_files")

SCRIPT = Path(motif_rllib.__file__)


def _arguments(*argv: str) -> Any:
    return motif_rllib._arguments(argv)


def test_sizes_are_the_usual_the_smallest_or_the_published_ones(tmp_path: Path) -> None:
    names = ("workers", "envs_per_worker", "steps", "batch")
    sizes = [
        [getattr(_arguments(*argv), name) for name in names]
        for argv in ([], ["--smoke", "--steps", "9"], ["--published"])
    ]
    assert sizes == [[2, 2, 20_000, 4096], [2, 2, 9, 128], [24, 20, 2_000_000_000, 4096]]


def test_the_weight_of_the_game_depends_on_the_task() -> None:
    assert _arguments().extrinsic_coef == 0.1
    assert _arguments("--task", "Oracle").extrinsic_coef == 10
    assert _arguments("--task", "Oracle", "--extrinsic-coef", "3").extrinsic_coef == 3


def test_rllib_is_shown_arrays_and_the_games_own_return() -> None:
    args = _arguments("--smoke", "--intrinsic-coef", "0")
    with rllib_game.make_game(motif_rllib._game_settings(args)) as game:
        assert game.unwrapped.eat_fix
        observation, info = game.reset(seed=0)
        assert game.observation_space.contains(observation)
        assert set(observation) == {"glyphs", "blstats", "message"}
        assert not info
        paid, ended = 0.0, False
        while not ended:
            _, reward, terminated, truncated, info = game.step(0)  # north, from the start a wall
            paid += float(reward)
            ended = terminated or truncated
            assert ended or not info
    # A step in which no time passes costs 0.01; the scale and the weight are 0.1 each.
    assert info["game_return"] == pytest.approx(-0.3)
    assert paid == pytest.approx(-0.003)


def test_a_line_says_what_there_is() -> None:
    told = {"steps": 1000, "episodes": 2, "game_return": 7.5, "steps_per_second": 90.2}
    assert motif_rllib.line(told) == "1000 steps, 2 episodes, mean game return 7.50, 90 steps/s"
    assert "mean game return -," in motif_rllib.line({**told, "game_return": None})


def test_lines_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "out" / "progress.jsonl"
    files.keep_until(path, 0)
    assert path.read_text() == ""
    path.write_text("".join(f'{{"steps": {steps}}}\n' for steps in (10, 20, 30)) + '{"st')
    files.keep_until(path, 20)
    assert path.read_text() == '{"steps": 10}\n{"steps": 20}\n'


def test_the_newest_checkpoint_is_a_whole_one(tmp_path: Path) -> None:
    assert files.newest(tmp_path) is None
    for name in ("900", "1000", "unfinished"):
        (tmp_path / "checkpoint" / name).mkdir(parents=True)
    assert files.newest(tmp_path).name == "1000"


def test_a_run_goes_on_with_its_own_settings_alone(tmp_path: Path) -> None:
    motif_rllib._check_settings(_arguments("--out", str(tmp_path)))
    motif_rllib._check_settings(_arguments("--out", str(tmp_path), "--beta", "2"))
    (tmp_path / "checkpoint" / "100").mkdir(parents=True)  # from here on something was learned
    with pytest.raises(ValueError, match="other settings"):
        motif_rllib._check_settings(_arguments("--out", str(tmp_path), "--beta", "1"))


def test_an_unknown_task_is_an_error(tmp_path: Path) -> None:
    told = _run(tmp_path, "--task", "Dance")
    assert told.returncode == 1
    assert "NetHack-Text-Dance" in told.stderr


@pytest.mark.slow
def test_what_follows_a_fragment_counts_by_its_value() -> None:
    """By hand: V = 10 everywhere, nothing is paid, on policy; so what is a step from the end is
    worth 10 gamma. RLlib alone says 0."""
    import torch
    from ray.rllib.algorithms.impala.torch.vtrace_torch_v2 import vtrace_torch
    from ray.rllib.connectors.learner import AddOneTsToEpisodesAndTruncate
    from ray.rllib.env.single_agent_episode import SingleAgentEpisode

    from motivated.recurrent_policy import BootstrapByValue

    def targets(*connectors: Any) -> list[float]:
        episode = SingleAgentEpisode(
            observations=[0, 1, 2, 3],
            actions=[0, 0, 0],
            rewards=[0.0, 0.0, 0.0],
            extra_model_outputs={"action_logp": [-3.0, -3.0, -3.0]},
            len_lookback_buffer=0,
        ).to_numpy()
        batch: dict[str, Any] = {}
        for connector in connectors:
            connector(rl_module=None, batch=batch, episodes=[episode], shared_data={})
        (mask,) = batch["loss_mask"].values()
        behaved = torch.as_tensor(episode.get_extra_model_outputs("action_logp"))[:, None].float()
        found, _ = vtrace_torch(
            target_action_log_probs=torch.full((4, 1), -3.0),
            behaviour_action_log_probs=behaved,
            discounts=0.99 * torch.as_tensor(mask)[:, None].float(),
            rewards=torch.as_tensor(episode.get_rewards())[:, None].float(),
            values=torch.full((4, 1), 10.0),
            bootstrap_values=torch.tensor([10.0]),
        )
        return found[:3, 0].tolist()

    right = [10 * 0.99**3, 10 * 0.99**2, 10 * 0.99]
    extended = AddOneTsToEpisodesAndTruncate()
    assert targets(extended, BootstrapByValue()) == pytest.approx(right)
    assert targets(extended) == pytest.approx([0, 0, 0]), "RLlib is right now: drop ours"


@pytest.mark.slow
def test_a_smoke_run_has_two_workers_and_goes_on_where_it_was(tmp_path: Path) -> None:
    first = _run(tmp_path, "--smoke")
    assert first.returncode == 0, first.stderr
    before = _progress(tmp_path)
    assert before[-1]["steps"] >= 512
    assert before[-1]["episodes"] >= 512 // 30 - 4  # of 4 games, each at most 30 steps long
    assert any(each["game_return"] is not None for each in before)
    assert all(0 < each["entropy"] < 3.14 for each in before)  # of 23 actions: it was learned from
    assert {each["workers"] for each in before} == {2}
    assert "mean game return" in first.stdout

    again = _run(tmp_path, "--smoke", "--steps", "800")
    assert again.returncode == 0, again.stderr
    after = _progress(tmp_path)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    steps = [each["steps"] for each in after]
    assert steps == sorted(set(steps))
    assert after[len(before)]["episodes"] >= before[-1]["episodes"]
    assert [each.name for each in (tmp_path / "checkpoint").iterdir()] == [str(steps[-1])]

    done = _run(tmp_path, "--smoke", "--steps", "800")
    assert done.returncode == 0, done.stderr
    assert "already" in done.stdout


def _progress(out: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (out / "progress.jsonl").read_text().splitlines()]


def _run(out: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--out", str(out), *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)
