"""What the benchmarks share."""

from pathlib import Path
from typing import Any

import pytest

import common
import players
import result_rows
from result_rows import Row
from textenvs.errors import UnknownName
from textenvs.evaluation import Settings

LEVEL = "BabyAI-Text-GoToLocal-v0"


def row(player: str = "random", seed: int | None = 0, **values: list[float]) -> Row:
    return Row(player, "random", "Crafter", seed, values)


def test_a_new_row_takes_the_place_of_that_of_the_same_player_game_and_seed() -> None:
    old = [row(success=[0.0]), row("model", success=[1.0])]
    merged = result_rows.merge(old, [row(success=[1.0]), row(seed=1, success=[0.0])])
    assert [(r.player, r.seed, r.values["success"]) for r in merged] == [
        ("random", 0, [1.0]),
        ("model", 0, [1.0]),
        ("random", 1, [0.0]),
    ]
    assert result_rows.stored_episodes(merged, "random", "Crafter", 0) == 1
    assert result_rows.stored_episodes(merged, "nobody", "Crafter", 0) == 0


def test_differences_are_of_pairs_and_the_shorter_run_decides() -> None:
    random, model = row(success=[0.0, 0.0, 0.0, 1.0]), row("model", success=[1.0, 1.0, 1.0])
    said = result_rows.against(model, random, "success", percent=True)
    assert said.startswith("100.0 [100.0, 100.0], p = ")
    assert said.endswith("(3 pairs)")
    assert result_rows.against(random, random, "success") == "-"
    assert result_rows.against(model, row(seed=1, success=[0.0] * 3), "success") == "-"
    assert result_rows.against(model, None, "success") == "-"
    assert result_rows.difference([(0.0, 1.0)]) == "-"
    assert "p < 0.001" in result_rows.difference([(0.0, 1.0)] * 30)


def test_random_play_can_be_kept_to_the_published_actions(tmp_path: Path) -> None:
    settings = Settings((LEVEL,), agent="random", episodes=2, max_steps=40)
    random = players.play(
        settings, tmp_path, player="random", kind="random", game="x", random_of=2, concurrency=2
    )
    assert random.episodes == 2
    paths = players.traces(tmp_path, settings)
    text = "".join(path.read_text() for path in paths)
    assert '"text_action":"turn left"' in text
    assert '"text_action":"turn right"' in text
    assert '"text_action":"go forward"' not in text
    again = players.play(
        settings, tmp_path, player="random", kind="random", game="x", random_of=2, concurrency=1
    )
    assert again == random


def test_a_smoke_run_has_folders_and_names_of_its_own(tmp_path: Path) -> None:
    parser = common.options("what", "how many")
    real = common.read_arguments(parser, "glam", [])
    assert (real.name, real.out) == ("glam", common.ROOT / "docs" / "results")
    assert real.runs == Path("runs") / "glam"
    smoke = common.read_arguments(parser, "glam", ["--smoke"])
    assert smoke.name == "glam.smoke"
    assert common.ROOT not in smoke.out.parents
    assert common.ROOT not in smoke.runs.parents
    there = common.read_arguments(parser, "glam", ["--smoke", "--out", str(tmp_path)])
    assert there.out == tmp_path


def test_what_was_written_is_read_again(tmp_path: Path, capsys: Any) -> None:
    args = common.read_arguments(
        common.options("what", "how many"), "x", ["--smoke", "--out", str(tmp_path)]
    )
    assert common.read_results(args) == ({}, [])
    rows = [row(success=[0.5, 1.0], length=[3.0, 4.0])]

    def draw(pyplot: Any) -> Any:
        return pyplot.subplots()[0]

    common.write_results(args, rows, {"more": 1}, "# Title\n\nText\n", draw)
    results, again = common.read_results(args)
    assert (results["more"], results["smoke"], again) == (1, True, rows)
    assert "smoke run, no result" in (tmp_path / "x.smoke.md").read_text()
    assert "smoke run, no result" in capsys.readouterr().out


def test_what_a_user_can_mend_ends_with_one_line() -> None:
    def main() -> None:
        raise UnknownName("unknown model\n'x'")

    with pytest.raises(SystemExit, match=r"^error: unknown model 'x'$"):
        common.guarded(main)


@pytest.mark.parametrize("wrong", ["--episodes=0", "--seed=-1", "--concurrency=x"])
def test_numbers_out_of_range_are_refused(wrong: str) -> None:
    with pytest.raises(SystemExit):
        common.options("what", "how many").parse_args([wrong])
