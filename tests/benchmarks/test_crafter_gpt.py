"""CrafterGPT: the replay of its recorded games, despawn choices, and the smoke run."""

import json
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import crafter_gpt
from craftergpt_parts import replay as replaying
from craftergpt_parts import replay_page
from craftergpt_parts.collapse import Uses, collapse_of, uses_of
from craftergpt_parts.collapse_page import collapse_page
from craftergpt_parts.playing import human_row
from craftergpt_parts.published import PUBLISHED_GAMES, PUBLISHED_MEANS
from craftergpt_parts.replay import ChosenDespawns
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
    model, tuned, random = results["rows"]
    assert [row["kind"] for row in results["rows"]] == ["model", "model", "random"]
    assert (model["player"], tuned["player"]) == ("scripted", "scripted (fine-tuned)")
    assert (model["more"]["agent"], tuned["more"]["agent"]) == ("prompt_only", "fine_tuned")
    assert tuned["settings"] == model["settings"]
    assert model["values"]["length"] == [12.0, 12.0]
    assert model["more"]["answers"] == 24
    assert 0 < model["more"]["accidents"] < 24
    page = (tmp_path / "crafter_gpt.smoke.md").read_text()
    assert "No row of human experts" in page
    assert "| 0.90 |" in page
    # The second agent's scripted model answers one action, which needs what it never has.
    found = tuned["more"]["collapse"]
    assert (found["action"], found["uses"], found["steps"]) == ("Make Stone Pickaxe", 24, 24)
    assert (found["effects"], found["told"]) == (0, 24)
    assert (found["collapsed"], found["games_collapsed"]) == (True, 2)
    assert found["effective_actions"] == 1.0
    assert not random["more"]["collapse"]["collapsed"]
    assert (
        "- scripted (fine-tuned), seed 0: **collapsed**. The most frequent action, "
        "`Make Stone Pickaxe`, is 24 of 24 steps (100.0 %); 0 of 24 uses had an effect." in page
    )
    assert "- random, seed 0: **not collapsed**." in page
    assert "Reward of scripted (fine-tuned) - that of scripted: " in page
    assert "(2 pairs)" in page


def answer_stone(messages: Any) -> str:
    return 'Action Choice:\n"Make Stone Pickaxe"'


def answer_west(messages: Any) -> str:
    return 'Action Choice:\n"Move West"'


def run_smoke(folder: Path, *options: str) -> list[dict[str, Any]]:
    arguments = ["--smoke", "--out", str(folder), "--data", str(folder / "none"), *options]
    crafter_gpt.main(arguments)
    return json.loads((folder / "crafter_gpt.smoke.json").read_text())["rows"]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The names of two models, which are functions of this module."""
    module = types.ModuleType("scripted_of_crafter_gpt")
    vars(module).update(west=answer_west, stone=answer_stone)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"scripted:{module.__name__}:west", f"scripted:{module.__name__}:stone"


def test_either_agent_plays_alone_and_rows_gather(tmp_path: Path, models: tuple[str, str]) -> None:
    base, tuned = models
    rows = run_smoke(tmp_path, "--fine-tuned", tuned, "--fine-tuned-label", "T")
    assert [row["player"] for row in rows] == ["T (fine-tuned)", "random"]
    assert "Reward of" not in (tmp_path / "crafter_gpt.smoke.md").read_text()
    rows = run_smoke(tmp_path, "--llm", base, "--label", "B")
    assert [row["player"] for row in rows] == ["T (fine-tuned)", "random", "B"]
    page = (tmp_path / "crafter_gpt.smoke.md").read_text()
    assert "Reward of T (fine-tuned) - that of B: " in page
    west = rows[2]["more"]["collapse"]
    assert (west["action"], west["share"], west["told"]) == ("Move West", 1.0, 0)
    assert "`Move West`, is 24 of 24 steps (100.0 %).\n" in page  # no word of effects


def test_both_agents_play_the_same_episodes(tmp_path: Path, models: tuple[str, str]) -> None:
    base, tuned = models
    rows = run_smoke(tmp_path, "--llm", base, "--fine-tuned", tuned)
    assert [row["more"].get("agent") for row in rows] == ["prompt_only", "fine_tuned", None]
    assert {row["seed"] for row in rows} == {0}
    assert [row["more"]["collapse"]["action"] for row in rows[:2]] == [
        *("Move West", "Make Stone Pickaxe"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--llm", "hf:a", "--fine-tuned", "hf:a"), "expected two models"),
        (("--fine-tuned", "hf:a", "--label", "B"), "expected --llm, whose label 'B'"),
        (("--llm", "hf:a", "--fine-tuned-label", "T"), "expected --fine-tuned, whose label 'T'"),
        (
            (*("--llm", "hf:a", "--label", "X"), *("--fine-tuned", "b", "--fine-tuned-label", "X")),
            "expected two labels",
        ),
    ],
)
def test_agents_that_cannot_be_told_apart_are_refused(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        run_smoke(tmp_path, *options)


def caption(*items: str) -> str:
    listed = "\n".join(f"- {item}" for item in items)
    carried = f"Your inventory:\n{listed}" if items else "You have nothing in your inventory."
    return f"You see nothing away from you.\n\nYour status:\n- health: 9/9\n\n{carried}"


def test_effects_are_read_from_what_is_carried() -> None:
    uses = uses_of(
        ["Do", "Place Table", "Make Wood Pickaxe", "Make Wood Pickaxe", "Move West", "Place Stone"],
        [
            caption(),
            caption("wood: 2"),
            caption("wood: 1"),
            caption("wood_pickaxe: 1"),
            caption("wood_pickaxe: 1"),
            caption("stone: 1"),
            "Error, you are out of the map.",
        ],
    )
    assert uses.actions["Make Wood Pickaxe"] == 2
    # Of a blow and a move captions do not tell, nor does one that is an error.
    assert uses.told == {"Place Table": 1, "Make Wood Pickaxe": 2}
    assert +uses.effects == {"Place Table": 1, "Make Wood Pickaxe": 1}
    with pytest.raises(ValueError, match="expected 2 texts"):
        uses_of(["Do"], [caption()])


def played(**actions: int) -> Uses:
    return Uses(Counter(actions), Counter(), Counter())


def test_collapse_is_of_all_steps_together_and_of_each_game() -> None:
    found = collapse_of([played(a=6, b=2), played(c=3, a=3, d=2)])
    assert (found["action"], found["uses"], found["steps"]) == ("a", 9, 16)
    assert (found["collapsed"], found["games"], found["games_collapsed"]) == (True, 2, 1)
    assert list(found["actions"]) == ["a", "c", "b", "d"]
    # Half is not more than half, and four that are played equally often are four.
    half = collapse_of([played(b=2, a=1, c=1)])
    assert (half["share"], half["collapsed"], half["games_collapsed"]) == (0.5, False, 0)
    even = collapse_of([played(d=5, c=5, b=5, a=5)])
    assert (even["action"], even["effective_actions"]) == ("a", pytest.approx(4.0))
    with pytest.raises(ValueError, match="expected games with steps"):
        collapse_of([])


def test_the_collapse_of_recorded_games(games: Path, tmp_path: Path) -> None:
    for name in (SHORT, "fine_tuned_seed_708.csv"):
        (tmp_path / name).write_text((games / name).read_text())
    replay = replaying.replay_folder(tmp_path)
    short, skewed = (file["collapse"] for file in replay["files"])
    assert (skewed["action"], skewed["uses"], skewed["steps"]) == ("Make Stone Pickaxe", 83, 91)
    assert (skewed["effects"], skewed["told"], skewed["collapsed"]) == (0, 83, True)
    assert not short["collapsed"]
    together = replay["collapse"]["fine_tuned"]
    assert (together["steps"], together["games_collapsed"]) == (91 + 37, 1)
    assert "prompt_only" not in replay["collapse"]
    # The page is also written from the file of an earlier call.
    page = collapse_page([], json.loads(json.dumps(replay)))
    assert "- Seed 708, by an earlier count: 83 times `Make Stone Pickaxe`; the same here." in page
    assert "seed 576 (not there, by an earlier count) | 1 | 337 | Make Stone Pickaxe | 187" in page
    assert "fine-tuned, 2 recorded games: **collapsed**" in page


def test_results_without_counts_have_a_page() -> None:
    old = {"files": [{"group": "fine_tuned", "seed": 708}]}
    page = collapse_page([], old)
    assert page == collapse_page([], None)
    assert "seed 708 (not there, by an earlier count)" in page


def test_a_recorded_game_replays(games: Path) -> None:
    replay = replaying.replay_file(games / SHORT)
    assert (replay.group, replay.seed, replay.rows, replay.exact) == ("fine_tuned", 385, 37, 37)
    assert (replay.differs, replay.recorded, replay.replayed) == ("", 0.1, 0.1)
    rows, reward = PUBLISHED_GAMES["fine_tuned"][385]
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
    replay = replaying.replay_file(wrong)
    assert replay.exact < replay.rows
    assert differs in replay.differs
    assert "1 of 10 games were there, 0 replayed exactly" in replay_page.replay_page(
        replaying.replay_folder(tmp_path)
    )


def test_means_of_some_games_are_not_given_for_those_of_all(games: Path, tmp_path: Path) -> None:
    for path in (games / SHORT, games / "reward_log.txt"):
        (tmp_path / path.name).write_text(path.read_text())
    replay = replaying.replay_folder(tmp_path)
    page = replay_page.replay_page(replay)
    assert "prompt-only: none of the 10 games was there" in page
    assert "fine-tuned: 1 of 10 games were there, 1 replayed exactly" in page
    assert "cannot be recomputed" in page
    assert "1 of the 1 games that were replayed exactly have the reward" in page
    assert "prompt-only 0.90 (it says 0.9), fine-tuned -0.80 (it says -0.8)" in page


def test_the_means_of_all_games_are_the_published_ones() -> None:
    for group, games in PUBLISHED_GAMES.items():
        files = [
            {
                **{"group": group, "seed": seed, "rows": rows, "differs": "", "choices": 0},
                **{"recorded": reward, "replayed": reward},
            }
            for seed, (rows, reward) in games.items()
        ]
        published = f"{PUBLISHED_MEANS[group]:.2f}"
        said = replay_page._means(group, files)
        assert f"mean of all {published} recorded, {published} published" in said


def test_a_folder_without_games_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected recorded games"):
        replaying.replay_folder(tmp_path)


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
    base: Any = replaying._replay_env({0: 0}).unwrapped
    assert isinstance(base.game, ChosenDespawns)
    base = replaying._replay_env({}).unwrapped
    assert not isinstance(base.game, ReferenceCrafter)
    known = {seed for games in PUBLISHED_GAMES.values() for seed in games}
    assert set(replaying.DESPAWN_CHOICES) < known
    assert len(known) == 20
    assert len(replaying.DESPAWN_CHOICES[576]) == 32


def test_a_recorded_game_replays_on_the_engine_that_takes_choices(
    games: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A choice for an event that never comes: the engine of the choices, the game as it is.
    monkeypatch.setattr(replaying, "DESPAWN_CHOICES", {385: {10_000: 0}})
    replay = replaying.replay_file(games / SHORT)
    assert (replay.choices, replay.exact, replay.differs) == (1, 37, "")


def test_the_human_row_is_the_published_score(published_data: Path) -> None:
    row = human_row(published_data)
    if row is None:
        pytest.skip("the human experts' score file is missing")
    players = row.more["crafter_score_of_players"]
    assert row.episodes == 100
    assert (round(players["mean"], 1), round(players["deviation"], 1)) == (50.5, 6.8)
    assert human_row(published_data / "none") is None
