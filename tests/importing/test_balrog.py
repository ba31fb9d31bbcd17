"""BALROG's submissions as traces."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from textenvs.errors import TraceError
from textenvs.evaluation import read_record
from textenvs.evaluation.report import METRICS
from textenvs.importing import Game, Source, read_balrog, write_game
from textenvs.metrics import CRAFTER_ACHIEVEMENTS

NEW = ("Step", "Action", "Reasoning", "Observation", "Reward", "Done")
OLD = ("Step", "Observation", "Action", "Reasoning", "Reward", "Done")
ANSWERS = ["Do", "Collect, Wood", "Noop", "", "Noop"]
PLAYED = ["Do", "Noop", "Noop", "Noop", "Noop"]
TOLD = (
    "\n\nYour previous output action: '{}' is not a valid action. Defaulted to action: Noop\n",
    "\n\nYour previous output did not contain a valid action. Defaulted to action: Noop"
    "\n\nObservation:\n",
)


def result(**more: Any) -> dict[str, Any]:
    """The results of an episode of Crafter with the answers above."""
    return {
        "task": "default",
        "action_frequency": {"Do": 1, "Noop": 4},
        "input_tokens": 1000,
        "output_tokens": 10,
        "done": True,
        "episode_return": 0.9,
        "num_steps": 5,
        "failed_candidates": ["Collect, Wood", ""],
        "progression": 1 / 22,
        "achievements": {**dict.fromkeys(CRAFTER_ACHIEVEMENTS, 0), "collect_wood": 3},
        "seed": 12,
        "agent": {"type": "naive", "max_text_history": 16},
        "client": {"model_id": "x/y", "base_url": "http://secret", "timeout": 60},
        **more,
    }


def rows(columns: tuple[str, ...] = NEW, **more: str) -> list[dict[str, str]]:
    """The steps of the same episode."""
    actions = ANSWERS if columns == NEW else PLAYED
    told = ["", TOLD[0].format(ANSWERS[1]), "", TOLD[1], ""] if columns == NEW else [""] * 5
    return [
        {
            "Step": str(t),
            "Action": action,
            "Reasoning": "",
            "Observation": f'{told[t]}You see:\n- "grass" {t}, ˘',
            "Reward": ("1.0", "0.0", "0.0", "0.0", "-0.1")[t],
            "Done": str(t == 4),
            **more,
        }
        for t, action in enumerate(actions)
    ]


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a submission with one episode of Crafter, its results and steps as given."""

    def write(
        found: object = None,
        steps: list[dict[str, str]] | None = None,
        columns: tuple[str, ...] = NEW,
        name: str = "2025_model",
        published: int = 1,
    ) -> Path:
        folder = tmp_path / "submissions" / name
        episode = folder / "crafter" / "default" / "default_run_00"
        episode.parent.mkdir(parents=True, exist_ok=True)
        said = {
            "progression_percentage": 100 / 22,
            "standard_error": 0.0,
            "episodes_played": published,
        }
        (folder / "metadata.yaml").write_text('name: "A model"\ndate: "2025-01-01"')
        (folder / "summary.json").write_text(
            json.dumps({"environments": {"crafter": said, "textworld": said}})
        )
        (folder / "crafter" / "crafter_summary.json").write_text(
            json.dumps({**said, "average_steps": 5.0, "tasks": {"default": said}})
        )
        content = json.dumps(found) if isinstance(found, dict) else found
        episode.with_suffix(".json").write_text(
            json.dumps(result()) if content is None else str(content)
        )
        with episode.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, escapechar="˘")
            writer.writeheader()
            writer.writerows(rows(columns) if steps is None else steps)
        return folder

    return write


def read(*folders: Path) -> tuple[list[Game], Source]:
    source = Source()
    return list(read_balrog(folders, source)), source


def test_the_newer_layout_has_the_answers(make: Make) -> None:
    (game,), source = read(make())
    assert source.problems == []
    assert source.left_out == ["2025_model/textworld"]
    first, second, _, fourth, last = game.steps
    # The observation of a row is the one after its action.
    assert "observation" not in first
    assert second["observation"] == 'You see:\n- "grass" 0, ˘'
    assert game.end is not None
    assert game.end["observation"] == 'You see:\n- "grass" 4, ˘'
    assert (first["text_action"], first["invalid_action"], first["parse_stage"]) == (
        *("Do", False),
        "exact",
    )
    assert (second["action"], second["answer"], second["text_action"]) == (
        *("Collect, Wood", "Collect, Wood"),
        "Noop",
    )
    assert second["invalid_action"]
    assert (fourth["answer"], fourth["answer_status"]) == ("", "empty")
    assert "answer_status" not in second
    assert [step["reward"] for step in game.steps] == [1.0, 0.0, 0.0, 0.0, -0.1]
    assert [step["terminated"] for step in game.steps] == [False] * 4 + [True]
    assert last["feedback"] == TOLD[1]  # what told of the fourth answer comes with the next text
    assert last["observation"] == 'You see:\n- "grass" 3, ˘'


def test_the_header_says_what_is_known_and_no_address(make: Make) -> None:
    (game,), _ = read(make())
    header = game.header
    assert (game.player, header["model"], header["agent"]) == ("A model", "x/y", "naive")
    assert (header["env_id"], header["env_spec"], header["seed"]) == (
        *("Crafter-Text-BALROG-v0", None),
        None,  # BALROG's does not determine Crafter's world
    )
    assert header["settings"] == {"agent": {"max_text_history": 16}} | {
        "client": {"model_id": "x/y", "timeout": 60}
    }
    assert header["imported"] == {
        "from": "balrog",
        "file": "2025_model/crafter/default/default_run_00.csv",
        "task": "default",
        "seed": 12,
    }


def test_the_older_layout_has_what_was_played(make: Make) -> None:
    (game,), source = read(make(columns=OLD))
    assert source.problems == []
    assert [step["text_action"] for step in game.steps] == PLAYED
    # Two of four Noops replaced an answer; which is not known.
    assert [step.get("answer") for step in game.steps] == ["Do", None, None, None, None]
    assert all("invalid_action" not in step for step in game.steps[1:])
    assert game.end is not None
    assert game.end["parse_stages"] == {"exact": 3, "": 2}
    assert game.end["unread_answers"] == {"Collect, Wood": 1, "": 1}


def test_in_the_older_layout_answers_are_joined_where_they_can_be(make: Make) -> None:
    refused = ["a", "b", "c", "d"]
    (game,), source = read(make(result(failed_candidates=refused), columns=OLD))
    assert source.problems == []
    assert [step["answer"] for step in game.steps] == ["Do", *refused]
    assert [step["invalid_action"] for step in game.steps] == [False] + [True] * 4
    (game,), _ = read(make(result(failed_candidates=[]), columns=OLD))
    assert [step["invalid_action"] for step in game.steps] == [False] * 5
    assert game.end is not None
    assert "parse_stages" not in game.end


@pytest.mark.parametrize("columns", [NEW, OLD])
def test_a_record_reads_the_trace(make: Make, tmp_path: Path, columns: tuple[str, ...]) -> None:
    (game,), _ = read(make(columns=columns))
    record = read_record(write_game(tmp_path / "out", game))
    assert record is not None
    assert (record.length, record.recorded, record.invalid) == (5, 5, 2)
    assert record.stages == Counter({"exact": 3, "": 2})
    assert record.unread == Counter({"Collect, Wood": 1, "": 1})
    assert record.statuses == Counter({"empty": 1})
    assert (record.usage.input_tokens, record.usage.output_tokens) == (1000, 10)
    assert record.usd is None
    assert METRICS["progress"](record) == 1 / 22
    assert METRICS["invalid_action_rate"](record) == 0.4
    # When an achievement was unlocked is not known.
    assert METRICS["smartplay_score"](record) is None


def test_without_its_steps_an_episode_has_its_results(make: Make, tmp_path: Path) -> None:
    folder = make()
    (folder / "crafter/default/default_run_00.csv").unlink()
    (game,), source = read(folder)
    assert [(problem.file, problem.kind) for problem in source.problems] == [
        ("2025_model/crafter/default/default_run_00.csv", "missing")
    ]
    assert game.steps == []
    assert game.header["imported"]["lacks"] == ["steps"]
    assert game.end is not None
    assert "observation" not in game.end
    record = read_record(write_game(tmp_path / "out", game))
    assert record is not None
    assert (record.length, record.recorded, record.invalid) == (5, 0, 2)


def test_without_its_results_an_episode_has_no_end(make: Make, tmp_path: Path) -> None:
    folder = make()
    (folder / "crafter/default/default_run_00.json").unlink()
    (game,), source = read(folder)
    assert [problem.file for problem in source.problems] == [
        "2025_model/crafter/default/default_run_00.json"
    ]
    assert (len(game.steps), game.end) == (5, None)
    assert game.header["imported"]["lacks"] == ["results"]
    # The list of the actions is not recorded: which answers are some is not known.
    assert game.steps[1]["answer"] == "Collect, Wood"
    assert "invalid_action" not in game.steps[1]
    assert read_record(write_game(tmp_path / "out", game)) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("{", "expected JSON, got something else"),
        ("[]", "expected an object, got list"),
        ("[" * 100_000, "expected JSON"),
        (result(num_steps=0), "expected 1 or more as num_steps, got '0'"),
        (result(progression=0.5), "expected the progression 0.04"),
        (result(episode_return=float("nan")), "expected a number as episode_return, got 'nan'"),
        (result(failed_candidates=None), "expected failed_candidates, texts, got 'None'"),
        (result(achievements={"eat": 1}), "expected Crafter's 22 achievements"),
        (result(input_tokens="many"), "expected 0 or more as input_tokens, got 'many'"),
    ],
)
def test_broken_results_are_named(make: Make, found: object, why: str) -> None:
    (game,), source = read(make(found))
    (problem,) = source.problems
    assert (problem.kind, problem.file) == (
        "broken",
        "2025_model/crafter/default/default_run_00.json",
    )
    assert why in problem.why
    assert game.end is None


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (rows()[:4], "expected 5 rows, as num_steps says, got 4"),
        ([], "expected a row a step, got none"),
        (rows(Reward="0.5"), "expected rewards of 0.9, as episode_return says, got 2.5"),
        (rows(Reward="much"), "expected a number as Reward, got 'much'"),
        (rows(Done="no"), "expected True or False as Done, got 'no'"),
        (rows(Step="7"), "expected Step 0 in row 0, got '7'"),
        (rows(Action="Sleep"), "expected the failed_candidates among the actions"),
        (rows(Done="True"), "expected Done in the last row"),
    ],
)
def test_steps_that_are_not_those_of_the_results_are_named(
    make: Make, steps: list[dict[str, str]], why: str
) -> None:
    (game,), source = read(make(steps=steps))
    (problem,) = source.problems
    assert (problem.kind, problem.file.endswith(".csv")) == ("broken", True)
    assert why in problem.why
    assert (game.steps, game.end is not None) == ([], True)


def test_huge_fields_are_read_and_the_limit_of_others_stays(make: Make) -> None:
    limit = csv.field_size_limit()
    folder = make(steps=rows(Observation="x" * 300_000))
    (game,), source = read(folder)
    assert source.problems == []
    assert len(game.steps[1]["observation"]) == 300_000
    assert csv.field_size_limit() == limit


def test_published_episodes_that_are_not_here_are_named(make: Make) -> None:
    _, source = read(make(published=3))
    assert [problem.file for problem in source.problems] == [
        f"2025_model/crafter/default/default_run_0{run}.{suffix}"
        for run in (1, 2)
        for suffix in ("json", "csv")
    ]
    assert sum(problem.episodes for problem in source.problems) == 2
    assert [row.episodes for row in source.published] == [3]


def test_summaries_that_are_missing_or_differ_are_named(make: Make) -> None:
    folder = make()
    (folder / "metadata.yaml").unlink()
    (folder / "summary.json").write_text(
        '{"environments": {"crafter": {"standard_error": 1.0, "episodes_played": 1}}}'
    )
    (game,), source = read(folder)
    assert game.player == "2025_model"
    assert [(problem.file, problem.kind) for problem in source.problems] == [
        ("2025_model/metadata.yaml", "missing"),
        ("2025_model/crafter/crafter_summary.json", "broken"),
    ]


def test_submissions_of_one_name_keep_apart(make: Make, tmp_path: Path) -> None:
    make(name="a_naive")
    make(name="b_cot")
    games, _ = read(tmp_path / "submissions")
    assert [game.player for game in games] == ["a_naive", "b_cot"]


def test_a_submission_cannot_choose_where_it_is_written(make: Make, tmp_path: Path) -> None:
    folder = make()
    (folder / "metadata.yaml").write_text("name: ../../../etc/x y")
    (game,), _ = read(folder)
    path = write_game(tmp_path / "out", game)
    assert path.relative_to(tmp_path / "out").parts[0] == "etc-x-y"


def test_a_folder_without_submissions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="expected a submission to BALROG"):
        read(tmp_path)
