"""Asking a model for code, preferences and goals: what is asked, kept, and made of the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knowledge_world import make_dataset
from textenvs.cli import main
from textenvs.errors import ModelError, TraceError
from textenvs.knowledge import Dataset, read_knowledge
from textenvs.knowledge.asking import Notebook
from textenvs.knowledge.code_labels import label_code
from textenvs.knowledge.goal_labels import label_goals
from textenvs.knowledge.preference_labels import (
    LABELS,
    combined_label,
    label_preference,
    position_bias,
)
from textenvs.llm import Messages
from textenvs.shaping import CodePotential

Make = Callable[[Callable[[Messages], str]], Notebook]

GOOD = """\
```python
def potential(observation, past_observations, past_actions):
    return {value}, {{"length": float(len(past_actions))}}
```"""


def test_code_is_asked_for_tried_and_improved(
    dataset: Dataset, notebook: Make, tmp_path: Path
) -> None:
    asked: list[Messages] = []

    def answer(messages: Messages) -> str:
        asked.append(messages)
        return GOOD.format(value=len(asked) / 10)

    told = label_code(dataset, notebook(answer), tmp_path / "out", rounds=3, samples=2)
    assert len(asked) == 3
    system = asked[0][0]["content"]
    for name in dataset.meta["action_names"]:
        assert name in system
    feedback = asked[1][-1]["content"]
    assert feedback.count("It says 0.100 (length 5.000)") == 2
    assert feedback.count("Done:") == 10
    versions = [(tmp_path / "out" / f"code-{i:02d}.py").read_text() for i in range(3)]
    assert [re.findall(r"return (0\.\d)", each) for each in versions] == [["0.1"], ["0.2"], ["0.3"]]
    assert (tmp_path / "out" / "code.py").read_text() == versions[2]
    assert told["says"]["mean"] == pytest.approx(0.3)
    assert told["says"]["faults"] == 0
    assert read_knowledge(tmp_path / "out", "code")["llm"] == "scripted:test"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("I would rather not.", "there is no ```python block"),
        ("```python\nimport os\ndef potential(a, b, c):\n    return 0\n```", "'os' cannot be"),
        ("```python\ndef potential(a, b, c):\n    return a[99]\n```", "raised: "),
        ("```python\ndef potential(a, b, c):\n    return float('nan')\n```", "not finite"),
        ("```python\ndef potential(a, b, c):\n    while True: pass\n```", "too long"),
    ],
)
def test_code_that_fails_is_sent_back_with_the_reason(
    bad: str, why: str, notebook: Make, tmp_path: Path
) -> None:
    data = make_dataset(tmp_path / "data", "minigrid")
    asked: list[Messages] = []

    def answer(messages: Messages) -> str:
        asked.append(messages)
        return bad if len(asked) == 1 else GOOD.format(value=0.5)

    told = label_code(data, notebook(answer), tmp_path / "out", rounds=1, samples=1)
    assert why in asked[1][-1]["content"]
    assert told["answers_with_faults"] == 1


def test_code_that_never_works_is_an_error(notebook: Make, tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", "minigrid")
    with pytest.raises(ModelError, match="none in 3 answers"):
        label_code(data, notebook(lambda m: "no"), tmp_path / "out", repairs=2)


def _prefers_longer(messages: Messages) -> str:
    first, second = messages[-1]["content"].split("\n\nPiece B\n")
    a, b = len(first) - len("Piece A\n"), len(second)
    return "I count.\nA = B" if a == b else f"I count.\n{'A > B' if a > b else 'B > A'}"


def test_preferences_are_asked_in_both_orders(
    dataset: Dataset, notebook: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    told = label_preference(dataset, notebook(_prefers_longer), out, pairs=12, swap=True, batch=5)
    lines = [json.loads(line) for line in (out / LABELS).read_text().splitlines()]
    assert [line["pair"] for line in lines] == list(range(12))
    assert all(line["answers"][0] == line["answers"][1] == line["label"] for line in lines)
    assert told["position"] == {"pairs": 12, "same": 1.0, "first": 0.0, "second": 0.0}
    assert sum(told["labels"].values()) == 12
    requests = [json.loads(line) for line in (out / "requests.jsonl").read_text().splitlines()]
    assert len(requests) == 24
    assert {"prompt", "answer", "sample", "usage"} <= set(requests[0])


def test_a_preference_for_a_place_is_told_and_counts_as_a_tie(
    notebook: Make, tmp_path: Path
) -> None:
    data = make_dataset(tmp_path / "data", "minigrid")
    told = label_preference(data, notebook(lambda m: "A > B"), tmp_path / "out", pairs=6, swap=True)
    assert told["position"]["first"] == 1.0
    assert told["labels"] == {"neither": 6}
    assert position_bias([(1.0, 0.0), (None, 0.0)])["second"] == 1.0


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        ([0.0], 0.0),
        ([None], None),
        ([None, 1.0], 1.0),
        ([0.0, 1.0], 0.5),
        ([0.5, 1.0], 0.5),
        ([1.0, 1.0], 1.0),
    ],
)
def test_labels_of_several_answers(answers: list[float | None], label: float | None) -> None:
    assert combined_label(answers) == label


def test_goals_become_a_library_that_later_questions_show(
    dataset: Dataset, notebook: Make, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(messages: Messages) -> str:
        asked.append(messages[-1]["content"])
        return f"- You see a ball\n- goal {(len(asked) - 1) // 4}\nnothing else"

    out = tmp_path / "out"
    told = label_goals(dataset, notebook(answer), out, pieces=8, batch=4)
    library = json.loads((out / "goals.json").read_text())
    assert library["goals"] == ["you see a ball", "goal 0", "goal 1"]
    assert [piece["goals"] for piece in library["pieces"]] == [[0, 1]] * 4 + [[0, 2]] * 4
    assert all(len(piece["texts"]) == 4 for piece in library["pieces"])
    assert "before" not in asked[0]
    assert "- you see a ball\n- goal 0" in asked[4]
    assert told["goals"] == 3


def test_a_stopped_run_goes_on_without_asking_again(notebook: Make, tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", "minigrid")
    asked: list[Messages] = []

    def answer(messages: Messages) -> str:
        asked.append(messages)
        if len(asked) == 9:
            raise KeyboardInterrupt
        return _prefers_longer(messages)

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        label_preference(data, notebook(answer), out, pairs=16, batch=4)
    assert len((out / "requests.jsonl").read_text().splitlines()) == 8
    with (out / "requests.jsonl").open("a") as file:
        file.write('{"prompt": [half a li')
    whole = label_preference(data, notebook(answer), out, pairs=16, batch=4)
    assert len(asked) == 9 + 8
    lines = (out / "requests.jsonl").read_text().splitlines()
    assert len({json.dumps(json.loads(line)["prompt"]) for line in lines}) == len(lines) == 16
    again = label_preference(data, notebook(answer), out, pairs=16, batch=4)
    assert len(asked) == 17
    assert again["labels"] == whole["labels"]


def answer_all(messages: Messages) -> str:
    """What the command's model says: code, a preference and a goal."""
    return GOOD.format(value=0.25) + "\n- you see a ball\n\nB > A"


@pytest.mark.parametrize(
    ("command", "kind", "more"),
    [
        ("label-code", "code", ["--rounds", "2"]),
        ("label-preference", "preference-labels", ["--pairs", "4", "--swap"]),
        ("label-goals", "goal", ["--pieces", "4"]),
    ],
)
def test_the_commands(
    command: str, kind: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_dataset(tmp_path / "data", "minigrid")
    arguments: list[Any] = [command, "--dataset", str(tmp_path / "data"), "--env", "minigrid"]
    arguments += ["--llm", f"scripted:{__name__}:answer_all", "--out", str(tmp_path / "out")]
    assert main([*arguments, *more, "--label", "somebody"]) == 0
    assert "requests to somebody" in capsys.readouterr().out
    assert read_knowledge(tmp_path / "out", kind)["llm"] == "somebody"
    arguments[arguments.index("minigrid")] = "crafter"
    assert main([*arguments, *more]) == 2
    assert "expected a dataset of crafter" in capsys.readouterr().err


def test_code_of_another_game_is_refused(dataset: Dataset, notebook: Make, tmp_path: Path) -> None:
    label_code(dataset, notebook(answer_all), tmp_path / "out", rounds=1)
    other = {"minigrid": "crafter", "crafter": "minigrid"}[dataset.meta["game"]]
    with pytest.raises(TraceError, match=f"expected knowledge of {other}"):
        CodePotential(tmp_path / "out", other)
    with pytest.raises(TraceError, match="expected knowledge as goal"):
        read_knowledge(tmp_path / "none", "goal")
