"""GLAM: kinds of task, the untrained model, the smoke run."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import glam
import textenvs  # noqa: F401  # registers the ids


@pytest.mark.parametrize(
    ("mission", "kind"),
    [
        ("go to the red ball", "go to"),
        ("pick up a grey box", "pick up"),
        ("open the door", "open"),
        ("open the blue door", "open"),
        ("put the red ball next to the blue box", "put next"),
        ("pick up the red ball, then go to the blue box", "sequence"),
        ("go to the blue box after you pick up the red ball", "sequence"),
    ],
)
def test_the_kind_of_task_is_read_from_the_mission(mission: str, kind: str) -> None:
    assert glam.kind_of(mission) == kind


def test_every_mission_of_the_level_has_its_kind() -> None:
    names = dict(
        zip(("goto", "pickup", "open", "putnext", "pick_up_seq_go_to"), glam.KINDS, strict=True)
    )
    env = gymnasium.make(glam.ENV_ID)
    base: Any = env.unwrapped
    seen = set()
    for seed in range(40):
        _, info = env.reset(seed=seed)
        assert glam.kind_of(info["mission"]) == names[base.game.kind]
        seen.add(base.game.kind)
    assert seen == set(names)


def test_equal_time_gives_short_episodes_their_weight() -> None:
    short = {"episodes": 10, "successes": 10, "steps": 100}
    long = {"episodes": 10, "successes": 0, "steps": 900}
    kinds = dict(zip(glam.KINDS, (short, long, long, long, long), strict=True))
    # In 900 steps of each kind: 90 short episodes, all successes, and 10 of each other kind.
    assert glam._equal_time(kinds) == f"{100 * 90 / 130:.1f}"
    assert glam._equal_time({**kinds, "open": {"episodes": 0, "successes": 0, "steps": 0}}) == "-"


@pytest.mark.models
def test_a_smoke_run_scores_with_an_untrained_model(tmp_path: Path, capsys: Any) -> None:
    glam.main(["--smoke", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    assert "smoke run, no result" in said
    assert "an untrained model (random weights), greedy" in said
    assert not (tmp_path / "glam.json").exists()
    rows = json.loads((tmp_path / "glam.smoke.json").read_text())["rows"]
    assert [row["kind"] for row in rows] == ["untrained", "untrained", "random", "expert"]
    for row in rows:
        assert set(row["more"]["actions"]) <= {
            *("turn left", "turn right", "go forward", "pick up", "drop", "toggle")
        }
        assert sum(kind["episodes"] for kind in row["more"]["kinds"].values()) == 3
    # Nothing of it names the folder that the model was made in.
    assert "/tmp" not in (tmp_path / "glam.smoke.json").read_text()


def test_the_published_table_says_where_it_is_from() -> None:
    text = glam.PAGE
    assert "generalization_tests.png" in text
    assert "± {error}" in text
    assert glam.PUBLISHED[0] == ("(a) training tasks", ".15", ".14", ".17", ".11", ".89 (± .05)")
