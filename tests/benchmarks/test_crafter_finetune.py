"""The whole workflow runs: roll out, filter, fine-tune, roll out again, compare."""

from __future__ import annotations

from pathlib import Path

import pytest

import crafter_finetune

pytestmark = [pytest.mark.models, pytest.mark.slow]


def test_a_smoke_run_goes_through_all_steps(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    crafter_finetune.main(["--smoke", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    steps = [line.split()[2] for line in said.splitlines() if line.startswith("$ textenvs")]
    assert steps == ["eval", "eval", "eval", "filter", "validate", "finetune", "eval", "compare"]
    written = Path(said.rpartition("Written: ")[2].strip())
    page = written.read_text()
    assert "A smoke run, no result." in page
    assert "| achievement rate (3 or more) | 23.4 % | 41.2 % (+17.8) |" in page
    assert not (tmp_path / "out").exists()  # it overwrites no result
