"""How fast the environments are: ratios of two sides that are measured in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

import throughput
from speeds.comparing import compare


def test_the_first_round_warms_up_and_a_ratio_is_of_one_round() -> None:
    ours, peer = iter([1.0, 40.0, 60.0, 20.0]), iter([1.0, 10.0, 20.0, 10.0])
    row = compare("ours / peer", lambda: next(ours), lambda: next(peer), "steps/s", 3)
    assert row.ratios == [4.0, 3.0, 2.0]
    assert row.line() == "| ours / peer | 40.0 | 10.0 | steps/s | 3.00 | 2.00 to 4.00 |"


def test_what_is_measured_is_a_line_each_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("minigrid")
    throughput.main(["babyai", "--steps", "20", "--rounds", "1", "--out", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        f"| {level.replace('-', '-Text-', 1)}, {style} / {level}"
        for level in ("BabyAI-GoToLocal-v0", "BabyAI-BossLevel-v0", "MiniGrid-DoorKey-8x8-v0")
        for style in ("default", "glam")
    ]
    page = (tmp_path / "performance.md").read_text()
    assert all(line in page for line in lines)
    assert (tmp_path / "performance.png").stat().st_size


def test_what_is_unknown_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        throughput.main(["babyai", "mars"])
    assert "expected of crafter, babyai, nethack, import, got mars" in capsys.readouterr().err
