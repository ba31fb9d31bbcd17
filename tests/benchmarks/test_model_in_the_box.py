"""The model in the box beside others: the tasks, the pooled rows, the smoke run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import model_in_the_box
from result_rows import Row

pytestmark = [pytest.mark.models, pytest.mark.nethack]


def _row(game: str, values: list[float], player: str = "tiny") -> Row:
    return Row(player, "model", game, 0, {"success": values})


def test_pooled_rows_are_all_kinds_together() -> None:
    rows = [_row(kind, [1.0, 0.0]) for kind in model_in_the_box.KINDS]
    (both,) = (r for r in model_in_the_box.pooled(rows) if r.game == "MixedTrainLocal")
    assert both.episodes == 10
    interval = both.interval("success")
    assert interval is not None
    assert interval.mean == 0.5


def test_a_kind_that_is_missing_makes_no_pooled_row() -> None:
    rows = [_row(kind, [1.0]) for kind in model_in_the_box.KINDS[1:]]
    assert model_in_the_box.pooled(rows) == rows


def test_unverified_rows_are_shown_as_such() -> None:
    lines = {line[0]: line[1] for line in model_in_the_box._published_lines()}
    assert "unverified" in lines["R29"]
    assert "unverified" not in lines["R26"]


def test_the_smoke_run_plays_every_task_with_every_player(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model_in_the_box.main(["--smoke"])
    said = capsys.readouterr().out
    written = Path(said.partition("Written: ")[2].partition(".json")[0] + ".json")
    rows = json.loads(written.read_text())["rows"]
    players = {(row["player"], row["game"]) for row in rows}
    tasks = {task.name for task in model_in_the_box.TASKS}
    assert players == {(player, task) for player in model_in_the_box.PLAYERS for task in tasks}
    assert "smoke" in said
