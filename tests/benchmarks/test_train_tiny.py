"""The training of the model in the box: its rows, its tokens, a run from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from textenvs.llm.model import Completion, LanguageModel
from textenvs.loop import episode_seed

pytestmark = pytest.mark.models

pytest.importorskip("torch")
train_tiny = pytest.importorskip("train_tiny")
rounds = pytest.importorskip("tiny.rounds")
playing = pytest.importorskip("tiny.playing")
training = pytest.importorskip("tiny.training")

LEVEL = playing.Task("GoToLocal", "BabyAI-Text-GoToLocal-v0")


class Turner(LanguageModel):
    """Turns left, whatever is asked."""

    name = "turner"

    def generate(self, prompts, sampling, samples=None):  # type: ignore[no-untyped-def]
        return [Completion("I turn\nACTION: turn left")] * len(prompts)


def _rows(**arguments: object) -> list[object]:
    said = playing.play(LEVEL, range(5), model=None, **arguments)
    return [what for what in said if isinstance(what, playing.Row)]


def test_what_the_expert_plays_is_what_it_would_do_in_every_state() -> None:
    outcomes = [
        what
        for what in playing.play(LEVEL, range(8), model=None)
        if isinstance(what, playing.Outcome)
    ]
    assert len(outcomes) == 8
    assert all(outcome.info["success"] for outcome in outcomes)


def test_rows_are_the_same_again_whatever_the_batch() -> None:
    one = _rows(stray_share=0.2, at_once=1)
    five = _rows(stray_share=0.2, at_once=5)
    assert sorted(map(repr, one)) == sorted(map(repr, five))


def test_the_expert_says_what_it_would_do_where_the_model_went() -> None:
    rows = [
        what
        for what in playing.play(LEVEL, [0], model=Turner(), rows=6)
        if isinstance(what, playing.Row)
    ]
    assert len(rows) == 6
    assert all("I turn" not in row.answer and "\nACTION: " in row.answer for row in rows)


def test_a_model_that_goes_round_in_circles_is_led_out() -> None:
    """Turning left for ever has four states; the expert acts where one of them comes again."""
    said = list(playing.play(LEVEL, range(3), model=Turner(), at_once=1))
    outcomes = [what for what in said if isinstance(what, playing.Outcome)]
    assert all(outcome.info["success"] for outcome in outcomes)
    rows: list[str] = []
    for what in said:
        if isinstance(what, playing.Outcome):
            assert len(set(rows)) == len(rows)
            rows = []
        else:
            rows.append(what.prompt)


def test_training_plays_no_world_of_an_evaluation() -> None:
    blocks = len(rounds.TASKS) * len(rounds.ROUNDS)
    last = rounds.FIRST_SEED + blocks * rounds.SEEDS_OF_A_TASK
    ids = {task.env_id for task in rounds.TASKS}
    seeds = {episode_seed(run, name, n) for run in range(20) for name in ids for n in range(500)}
    assert min(seeds) > last


def test_tokens_are_those_of_the_pipeline(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from textenvs.finetuning.targets import Row, TargetBuilder
    from textenvs.llm.backends.tiny import FOLDER

    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    builder = TargetBuilder(tokenizer, frozenset([tokenizer.eos_token_id]), "tiny")
    rows = _rows()[:50]
    pairs = [(row.prompt, row.answer) for row in rows]  # type: ignore[attr-defined]
    for (prompt, answer), found in zip(pairs, training.targets(FOLDER, pairs), strict=True):
        chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        expected = builder.build(Row("row", "messages", {"messages": chat}))
        assert found.input_ids == expected.input_ids
        assert found.labels == expected.labels


def test_a_training_that_was_stopped_comes_to_the_same_bits(tmp_path: Path) -> None:
    from tiny.making import make_model

    pairs = [(row.prompt, row.answer) for row in _rows()[:24]]  # type: ignore[attr-defined]
    base = tmp_path / "base"
    make_model([f"{prompt}\n{answer}" for prompt, answer in pairs], base, 0, 96, 2)
    rows = training.targets(base, pairs)

    def train(folder: Path) -> Path:
        return training.train(
            base,
            folder,
            rows,
            rows[:2],
            learning_rate=1e-3,
            muon_rate=5e-3,
            schedule="linear",
            batch_size=4,
            epochs=1.0,
            seed=0,
            on_progress=lambda progress: None,
            save_steps=3,
        )

    whole = train(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole" / "checkpoint-3", tmp_path / "stopped" / "checkpoint-3")
    again = train(tmp_path / "stopped")
    assert whole.name == again.name == "checkpoint-6"
    weights = [path / "model.safetensors" for path in (whole, again)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert weights[0].read_bytes() != (base / "model.safetensors").read_bytes()


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_deeper_model_begins_with_what_it_knew(tmp_path: Path, layers: int) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tiny.making import deepen, make_model

    make_model(["You see: red ball 3 ahead."] * 5, tmp_path / "base", 0, 96, 2)
    deepen(tmp_path / "base", tmp_path / "deeper", 1, layers)
    tokens = torch.arange(5, 45).reshape(2, 20)
    said = []
    for name in ("base", "deeper"):
        model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / name)
        said.append(model(tokens).logits)
    assert model.config.num_hidden_layers == layers
    assert torch.equal(*said)
    with pytest.raises(ValueError, match="deepened to 2 to 4, not 5"):
        deepen(tmp_path / "base", tmp_path / "deeper", 1, 5)


@pytest.mark.slow
def test_a_smoke_run_makes_a_model_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train_tiny.main(["--smoke"])
    (report,) = tmp_path.glob("**/training.json")
    record = json.loads(report.read_text())
    assert len(record["rounds"]) == 2
    from textenvs.llm.backends.tiny import check_files

    assert check_files(report.parent / "tiny")
