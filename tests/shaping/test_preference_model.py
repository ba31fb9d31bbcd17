"""The model of preferences: its loss, its ties, what it learns, what it does not see."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from knowledge_world import make_dataset  # noqa: E402
from preference_world import label_steps_forward, train_on_steps_forward  # noqa: E402
from textenvs.cli import main  # noqa: E402
from textenvs.errors import TraceError  # noqa: E402
from textenvs.knowledge import read_knowledge  # noqa: E402
from textenvs.shaping import History, PreferencePotential  # noqa: E402
from textenvs.shaping.preference_model import (  # noqa: E402
    PreferenceModel,
    PreferenceSettings,
    preference_loss,
    preference_tensors,
)
from textenvs.shaping.preference_training import PreferenceTraining, train_preference  # noqa: E402

pytestmark = pytest.mark.models


def test_the_loss_by_hand() -> None:
    first, second = torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 0.0, 0.0])
    labels = torch.tensor([0.0, 1.0, 0.5, 0.5])
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    expected = (right + wrong + (right + wrong) / 2 + math.log(2)) / 4
    assert float(preference_loss(first, second, labels)) == pytest.approx(expected)


def test_a_batch_of_ties_has_a_loss() -> None:
    loss = preference_loss(torch.zeros(3), torch.zeros(3), torch.full((3,), 0.5))
    assert float(loss) == pytest.approx(math.log(2))


@pytest.mark.parametrize("game", ["minigrid", "crafter"])
@pytest.mark.parametrize("read", ["state", "text"])
def test_values_do_not_see_what_comes_later(game: str, read: str, tmp_path: Path) -> None:
    data = make_dataset(tmp_path, game)
    settings = PreferenceSettings(game, len(data.meta["action_names"]), input=read)
    torch.manual_seed(0)
    model = PreferenceModel(settings).eval()
    whole = data[0].history(3, 5)
    other = History(
        (*whole.observations[:4], *data[1].history(30, 1).observations),
        (*whole.actions[:3], (whole.actions[3] + 1) % 7, (whole.actions[4] + 1) % 7),
    )
    with torch.no_grad():
        values, scores = model(preference_tensors([whole, other], settings))
    assert values.shape == (2, 5)
    assert scores.shape == (2,)
    torch.testing.assert_close(values[0, :3], values[1, :3])
    assert not torch.allclose(values[0, 3:], values[1, 3:])


def test_a_rule_that_is_known_is_learned(tmp_path: Path) -> None:
    out, told = train_on_steps_forward(tmp_path, epochs=25, learning_rate=1e-3)
    assert told["held_out_accuracy"] > 0.85
    assert told["train_accuracy"] > 0.9
    assert len(told["epochs"]) == 25
    best = min(range(25), key=lambda i: told["epochs"][i]["held_out_loss"])
    assert told["best_epoch"] == best + 1
    # The potential: forward steps are worth more than turns.
    observation = make_dataset(tmp_path / "more", "minigrid")[0].history(0, 0).observations[0]
    forward, turning = (History((observation,) * 6, (action,) * 5) for action in (2, 0))
    values = PreferencePotential(out)([forward, turning, History((observation,), ())])
    assert values[0] > values[1] + 0.5
    assert np.isfinite(values).all()


def test_the_same_seed_learns_the_same(tmp_path: Path) -> None:
    labels = label_steps_forward(tmp_path, pairs=40)
    training = PreferenceTraining(epochs=2)
    first = train_preference(labels, tmp_path / "a", training)
    second = train_preference(labels, tmp_path / "b", training)
    assert first == second
    assert (tmp_path / "a" / "model.pt").stat().st_size > 1000


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = label_steps_forward(tmp_path, pairs=40)
    arguments = ["train-preference", "--dataset", str(labels), "--out", str(tmp_path / "m")]
    assert main([*arguments, "--epochs", "2", "--input", "text"]) == 0
    assert "learned and" in capsys.readouterr().out
    assert read_knowledge(tmp_path / "m", "preference")["settings"]["input"] == "text"
    assert main(["train-preference", "--dataset", str(tmp_path), "--out", str(tmp_path / "n")]) == 2
    assert "textenvs label-preference" in capsys.readouterr().err


def test_too_few_labels_are_an_error(tmp_path: Path) -> None:
    labels = label_steps_forward(tmp_path, pairs=20)
    lines = (labels / "preferences.jsonl").read_text().splitlines()
    unknown = [json.dumps({**json.loads(line), "label": None}) for line in lines[9:]]
    (labels / "preferences.jsonl").write_text("\n".join([*lines[:9], *unknown]) + "\n")
    with pytest.raises(TraceError, match="10 labels or more, got 9"):
        train_preference(labels, tmp_path / "out")
