"""CrafterGPT: the replay of its recorded games, despawn choices, and the smoke run."""

import json
from pathlib import Path
from typing import Any

import pytest

import crafter_gpt
from crafter_gpt import ChosenDespawns
from textenvs.envs.crafter.reference import ReferenceCrafter

SHORT = "fine_tuned_seed_385.csv"
NOOP = 0


@pytest.fixture
def games(published_data: Path) -> Path:
    folder = published_data / "craftergpt"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: no recorded games to replay")
    return folder


def test_a_smoke_run_writes_away_from_the_results_and_says_what_it_is(
    tmp_path: Path, capsys: Any
) -> None:
    crafter_gpt.main(["--smoke", "--out", str(tmp_path), "--data", str(tmp_path / "none")])
    assert "smoke run, no result" in capsys.readouterr().out
    assert not (tmp_path / "crafter_gpt.json").exists()
    results = json.loads((tmp_path / "crafter_gpt.smoke.json").read_text())
    model, random = results["rows"]
    assert (model["kind"], random["kind"]) == ("model", "random")
    assert model["values"]["length"] == [12.0, 12.0]
    assert model["more"]["answers"] == 24
    assert 0 < model["more"]["accidents"] < 24
    page = (tmp_path / "crafter_gpt.smoke.md").read_text()
    assert "No row of human experts" in page
    assert "| 0.90 |" in page


def test_a_recorded_game_replays(games: Path) -> None:
    replay = crafter_gpt.replay_file(games / SHORT)
    assert (replay.group, replay.seed, replay.rows, replay.exact) == ("fine_tuned", 385, 37, 37)
    assert (replay.differs, replay.recorded, replay.replayed) == ("", 0.1, 0.1)
    rows, reward = crafter_gpt.PUBLISHED_GAMES["fine_tuned"][385]
    assert (replay.rows, replay.recorded) == (rows, reward)


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("food: 8/9", "food: 7/9", "observation: '7/9"),
        (",0.0,False,0.0\n1,", ",0.5,False,0.0\n1,", "row 0, reward: 0.5 is 0"),
        (",0.0,False,0.0\n1,", ",0.0,True,0.0\n1,", "row 0, done: 'True' is 'False'"),
    ],
)
def test_the_first_difference_is_named(
    old: str, new: str, differs: str, games: Path, tmp_path: Path
) -> None:
    text = (games / SHORT).read_text()
    assert old in text
    wrong = tmp_path / SHORT
    wrong.write_text(text.replace(old, new, 1))
    replay = crafter_gpt.replay_file(wrong)
    assert replay.exact < replay.rows
    assert differs in replay.differs
    assert "1 of 10 games were there, 0 replayed exactly" in crafter_gpt.replay_page(
        crafter_gpt.replay_folder(tmp_path)
    )


def test_means_of_some_games_are_not_given_for_those_of_all(games: Path, tmp_path: Path) -> None:
    for path in (games / SHORT, games / "reward_log.txt"):
        (tmp_path / path.name).write_text(path.read_text())
    replay = crafter_gpt.replay_folder(tmp_path)
    page = crafter_gpt.replay_page(replay)
    assert "prompt-only: none of the 10 games was there" in page
    assert "fine-tuned: 1 of 10 games were there, 1 replayed exactly" in page
    assert "cannot be recomputed" in page
    assert "1 of the 1 games that were replayed exactly have the reward" in page
    assert "prompt-only 0.90 (it says 0.9), fine-tuned -0.80 (it says -0.8)" in page


def test_the_means_of_all_games_are_the_published_ones() -> None:
    for group, games in crafter_gpt.PUBLISHED_GAMES.items():
        files = [
            {
                **{"group": group, "seed": seed, "rows": rows, "differs": "", "choices": 0},
                **{"recorded": reward, "replayed": reward},
            }
            for seed, (rows, reward) in games.items()
        ]
        published = f"{crafter_gpt.PUBLISHED_MEANS[group]:.2f}"
        said = crafter_gpt._means(group, files)
        assert f"mean of all {published} recorded, {published} published" in said


def test_a_folder_without_games_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected recorded games"):
        crafter_gpt.replay_folder(tmp_path)


def creatures(game: ReferenceCrafter) -> list[tuple[str, int]]:
    objects = game._world.objects
    return [(type(thing).__name__, thing.creation) for thing in objects]


def play_until_a_choice(game: ChosenDespawns, most: int = 400) -> int:
    """Do nothing until creatures were chosen between, which a removal follows."""
    for step in range(most):
        before = game.events
        game.play(NOOP)
        if game.events > before:
            return step
    raise AssertionError("nothing was ever chosen")


def test_a_despawn_choice_removes_another_creature_and_changes_no_draw() -> None:
    natural = ChosenDespawns({})
    natural.seed_world(7)
    natural.reset()
    start = natural.get_state()
    plain = ReferenceCrafter()
    plain.set_state(start)
    step = play_until_a_choice(natural)
    for _ in range(step + 1):
        plain.play(NOOP)
    assert creatures(plain) == creatures(natural)  # no choice: the reference's own game
    left = set()
    for choice in (0, 1):
        game = ChosenDespawns({0: choice})
        game.set_state(start)
        assert play_until_a_choice(game) == step
        left.add(tuple(creatures(game)))
        assert game._world.random.get_state()[2] == natural._world.random.get_state()[2]
    assert len(left) == 2
    assert tuple(creatures(natural)) in left


def test_a_choice_beyond_the_creatures_there_are_is_left_to_the_draw() -> None:
    game = ChosenDespawns({0: 9})
    assert (game._choose(1, 2), game.events) == (1, 1)
    assert game._choose(0, 2) == 0
    assert ChosenDespawns({0: 1})._choose(0, 2) == 1


def test_games_with_choices_are_played_by_the_engine_that_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base: Any = crafter_gpt._replay_env({0: 0}).unwrapped
    assert isinstance(base.game, ChosenDespawns)
    base = crafter_gpt._replay_env({}).unwrapped
    assert not isinstance(base.game, ReferenceCrafter)
    known = {seed for games in crafter_gpt.PUBLISHED_GAMES.values() for seed in games}
    assert set(crafter_gpt.DESPAWN_CHOICES) < known
    assert len(known) == 20
    assert len(crafter_gpt.DESPAWN_CHOICES[576]) == 32


def test_a_recorded_game_replays_on_the_engine_that_takes_choices(
    games: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A choice for an event that never comes: the engine of the choices, the game as it is.
    monkeypatch.setattr(crafter_gpt, "DESPAWN_CHOICES", {385: {10_000: 0}})
    replay = crafter_gpt.replay_file(games / SHORT)
    assert (replay.choices, replay.exact, replay.differs) == (1, 37, "")


def test_the_human_row_is_the_published_score(published_data: Path) -> None:
    row = crafter_gpt.human_row(published_data)
    if row is None:
        pytest.skip("the human experts' score file is missing")
    players = row.more["crafter_score_of_players"]
    assert row.episodes == 100
    assert (round(players["mean"], 1), round(players["deviation"], 1)) == (50.5, 6.8)
    assert crafter_gpt.human_row(published_data / "none") is None
