"""The example of learners with memory and with masks runs, advised."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.models

pytest.importorskip("sb3_contrib")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "advised_learners.py"


@pytest.mark.parametrize("algo", ["recurrent_ppo", "maskable_ppo"])
def test_an_advised_learner_learns(algo: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(EXAMPLE))["main"]
    main(["--algo", algo, "--total-timesteps", "2048", "--num-envs", "4"])
    said = capsys.readouterr().out
    assert said.startswith(f"{algo}: ")
    assert said.endswith(" episodes succeeded\n")
    assert "of the last 0" not in said
