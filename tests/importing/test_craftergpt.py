"""CrafterGPT's games as traces."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec

from textenvs.errors import TraceError
from textenvs.importing import Game, Source, read_craftergpt, write_game
from textenvs.traces import read_trace


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def games(published_data: Path, source: Source) -> list[Game]:
    return list(read_craftergpt([published_data / "craftergpt"], source))


def replayed(header: dict[str, Any]) -> tuple[gymnasium.Env[Any, Any], str, str]:
    """The game as its header says: what the seed gives first, and what its second reset does."""
    env = gymnasium.make(EnvSpec.from_json(json.dumps(header["env_spec"])))
    before, _ = env.reset(seed=header["imported"]["seed"])
    observation = before
    for _ in range(header["imported"]["reset"] - 1):
        observation, _ = env.reset()
    return env, before, observation


def test_every_game_replays_to_the_letter_as_its_header_says(games: list[Game]) -> None:
    assert len(games) == 6
    for game in games:
        assert game.header["seed"] is None  # one reset with it would give another game
        env, before, observation = replayed(game.header)
        assert game.steps[0]["observation"] == before
        for t, step in enumerate(game.steps):
            if t:
                assert step["observation"] == observation
            observation, reward, terminated, _, info = env.step(step["action"])
            assert info["text_action"] == step["text_action"]
            assert (reward, terminated) == (pytest.approx(step["reward"]), step["terminated"])


def test_returns_are_among_the_published_and_absent_games_are_counted(
    games: list[Game], source: Source
) -> None:
    published = {row.player: row.returns or () for row in source.published}
    assert {player: len(returns) for player, returns in published.items()} == {
        "prompt_only": 10,
        "fine_tuned": 10,
    }
    for game in games:
        assert game.end is not None
        assert any(game.end["return"] == pytest.approx(one) for one in published[game.player])
        assert game.end["length"] == len(game.steps)
        assert "observation" not in game.end
        assert "achievements" not in game.end
    assert [(p.file, p.kind, p.episodes) for p in source.problems] == [
        ("craftergpt/prompt_only_seed_*.csv", "missing", 7),
        ("craftergpt/fine_tuned_seed_*.csv", "missing", 7),
    ]


def test_answers_are_joined_to_the_steps_they_belong_to(games: list[Game]) -> None:
    answered = {
        (game.player, game.header["imported"]["seed"]): [
            s["t"] for s in game.steps if "answer" in s
        ]
        for game in games
    }
    steps = answered.pop(("prompt_only", 44))
    assert steps == [*range(21), *range(154, 174)]
    assert not any(answered.values())
    (game,) = [g for g in games if g.header["imported"]["seed"] == 44]
    last = game.steps[-1]
    assert last["text_action"] == "Sleep"
    assert last["answer"].endswith('Action Choice:\n"Attack the zombie with my iron sword."')
    assert (last["invalid_action"], last["parse_stage"]) == (False, "substring")
    assert "invalid_action" not in game.steps[100]


def test_a_trace_is_written_and_read(games: list[Game], tmp_path: Path) -> None:
    path = write_game(tmp_path, games[0])
    trace = read_trace(path)
    assert path.parent == tmp_path / games[0].player / "Crafter-Text-SmartPlay-v0"
    assert (trace.header, trace.steps, trace.end) == (
        games[0].header,
        games[0].steps,
        games[0].end,
    )


@pytest.fixture
def copied(published_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "craftergpt"
    folder.mkdir()
    for path in (published_data / "craftergpt").iterdir():
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("Make Wood Pickaxe", "Fly", 1), "got 'Fly'"),
        (lambda text: text[: len(text) // 2] + '"', "expected a CSV|fields in row|a number"),
        (lambda text: text.replace("step,", "t,", 1), "expected the columns step, "),
        (lambda text: text.replace("False,0.0", "False,7.0", 1), "expected the total_reward 0.0"),
        (lambda text: "", "expected the columns .*got an empty file"),
    ],
)
def test_a_broken_game_is_named(copied: Path, source: Source, change: Any, why: str) -> None:
    path = copied / "prompt_only_seed_44.csv"
    path.write_text(change(path.read_text()))
    assert len(list(read_craftergpt([copied], source))) == 5
    broken = [problem for problem in source.problems if problem.kind == "broken"]
    assert broken[0].file == "craftergpt/prompt_only_seed_44.csv"
    assert re.search(why, broken[0].why)
    # Its answers belong to no other game.
    assert {problem.file for problem in broken[1:]} == {
        "craftergpt/prompt_only_log_first_20_steps.txt",
        "craftergpt/prompt_only_log_last_20_steps.txt",
    }


def test_a_log_without_answers_and_rewards_that_are_none_are_named(
    copied: Path, source: Source
) -> None:
    (copied / "prompt_only_log_first_20_steps.txt").write_text("nothing")
    (copied / "reward_log.txt").write_text("Prompt Only:\nmany\n")
    assert len(list(read_craftergpt([copied], source))) == 6
    assert {problem.file: problem.kind for problem in source.problems} == {
        "craftergpt/prompt_only_log_first_20_steps.txt": "broken",
        "craftergpt/reward_log.txt": "broken",
    }


def test_a_game_that_is_not_done_has_no_end(copied: Path, source: Source) -> None:
    path = copied / "fine_tuned_seed_92.csv"
    lines = path.read_text()
    path.write_text(lines[: lines.index("\n5,") + 1])
    (game,) = [
        game
        for game in read_craftergpt([copied], source)
        if game.header["imported"]["file"].endswith("_92.csv")
    ]
    assert (len(game.steps), game.end) == (5, None)


def test_a_folder_without_games_is_refused(tmp_path: Path, source: Source) -> None:
    with pytest.raises(TraceError, match="expected games of CrafterGPT"):
        list(read_craftergpt([tmp_path], source))
