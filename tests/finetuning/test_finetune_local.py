"""Fine-tuning here: what carries loss, what is measured, and that a killed run ends the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import textenvs
from textenvs.cli import main
from textenvs.errors import ModelError, UnknownName
from textenvs.finetuning.local import LocalSettings, finetune_local
from textenvs.finetuning.targets import (
    NO_LOSS,
    TargetBuilder,
    action_start,
    read_rows,
    split_rows,
)
from textenvs.finetuning.trainer import Progress, best_step, last_checkpoint, without_progress
from textenvs.llm import Sampling, get_model
from textenvs.llm.backends.hf import HFModel
from textenvs.llm.backends.reading import PromptReader
from tiny_models import make_causal, make_encoder_decoder

pytestmark = pytest.mark.models

ANSWERS = {
    "red ball": "turn left",
    "wall": "turn right",
    "yellow key": "go forward",
    "purple box": "pick up",
}
SYSTEM = {"role": "system", "content": "Possible action of the agent: turn left, turn right"}


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few threads, as in the processes that are compared, and no network."""
    import torch

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_causal(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def chat(thing: str, steps: int) -> list[dict[str, Any]]:
    return [SYSTEM, {"role": "user", "content": f"You see a {thing} {steps} steps forward"}]


def row(thing: str, steps: int) -> dict[str, Any]:
    answer = {"role": "assistant", "content": ANSWERS[thing]}
    return {"messages": [*chat(thing, steps), answer]}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [row(thing, steps) for thing in ANSWERS for steps in range(1, 10)]
    return write(tmp_path_factory.mktemp("training") / "train.jsonl", rows)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [row(thing, steps) for thing in ANSWERS for steps in (10, 11, 12)]
    return write(tmp_path_factory.mktemp("held-out") / "held-out.jsonl", rows)


def settings(training: Path, base: Path, **changes: Any) -> LocalSettings:
    own = {"epochs": 2, "batch_size": 6, "learning_rate": 1e-2, "patience": 0}
    return LocalSettings(str(training), str(base), **own | changes)


# What carries loss


def target_of(content: dict[str, Any], tokenizer: Any, tmp_path: Path) -> Any:
    (only,) = read_rows(write(tmp_path / "row.jsonl", [content]))
    return TargetBuilder(tokenizer, frozenset([tokenizer.eos_token_id]), "tiny").build(only)


def learned(target: Any, tokenizer: Any) -> tuple[str, str]:
    """The text without loss and the text with it; the first is all before the second."""
    labels = target.labels
    first = next(i for i, label in enumerate(labels) if label != NO_LOSS)
    assert labels[first:] == target.input_ids[first:]
    assert labels[:first] == [NO_LOSS] * first
    ids = target.input_ids
    return tokenizer.decode(ids[:first]), tokenizer.decode(ids[first:])


TEMPLATES = {
    "ours": (None, "turn left<|end|>"),
    # Whatever follows the end is not asked of the model.
    "a line break behind the end": (
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        "turn left<|end|>",
    ),
    "no end": (
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}",
        " turn left\n<|end|>",
    ),
    "a blank before the answer": (
        "{% for m in messages %}{% if m['role'] == 'assistant' %} {{ m['content'] }}<|end|>"
        "{% else %}[INST] {{ m['content'] }} [/INST]{% endif %}{% endfor %}",
        " turn left<|end|>",
    ),
    "markers of generation": (
        "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}"
        "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}{% else %}"
        "{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        "turn left<|end|>",
    ),
    "an empty thought": (
        "{% for m in messages %}<|{{ m['role'] }}|>{% if loop.last and m['role'] == 'assistant' %}"
        "<think>\n\n</think>\n\n{% endif %}{{ m['content'] }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}",
        "<think>\n\n</think>\n\nturn left<|end|>",
    ),
    # The prompt in use is none that the template writes before an answer.
    "a thought that is asked for and dropped": (
        "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}",
        "turn left<|end|>",
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_exactly_the_answer_carries_loss(
    name: str, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template, expected = TEMPLATES[name]
    if template is not None:
        monkeypatch.setattr(tokenizer, "chat_template", template)
    target = target_of(row("red ball", 3), tokenizer, tmp_path)
    read, said = learned(target, tokenizer)
    assert said == expected
    # The prompt has the tokens that it has when the model is asked.
    asked = PromptReader(tokenizer, "tiny").prompt(chat("red ball", 3))
    assert target.input_ids[: len(asked)] == asked
    assert read == tokenizer.decode(asked)
    action = tokenizer.decode(target.input_ids[target.action :])
    assert action.split() == expected.rpartition("</think>")[2].split()


def test_only_the_last_answer_carries_loss(tokenizer: Any, tmp_path: Path) -> None:
    first, second = row("red ball", 3)["messages"], row("wall", 2)["messages"][1:]
    read, said = learned(target_of({"messages": first + second}, tokenizer, tmp_path), tokenizer)
    assert said == "turn right<|end|>"
    assert "turn left<|end|>" in read


def test_a_model_without_a_template(
    tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", None)
    target = target_of(row("red ball", 3), tokenizer, tmp_path)
    read, said = learned(target, tokenizer)
    assert said == "turn left<|end|>"
    assert read == f"{SYSTEM['content']}\n\nYou see a red ball 3 steps forward\n"


def test_texts(tokenizer: Any, tmp_path: Path) -> None:
    plain = {"prompt": "Action 3: ", "completion": "go forward"}
    assert learned(target_of(plain, tokenizer, tmp_path), tokenizer) == (
        "Action 3: ",
        "go forward<|end|>",
    )
    listed = {"prompt": chat("wall", 1), "completion": "turn right"}
    as_messages = {"messages": row("wall", 1)["messages"]}
    assert target_of(listed, tokenizer, tmp_path) == target_of(as_messages, tokenizer, tmp_path)
    # Of a text nothing tells who said what: all of it is learned, the last line is the action.
    target = target_of({"text": "User:\nwall\n\nAssistant:\nturn right"}, tokenizer, tmp_path)
    assert learned(target, tokenizer)[1].startswith("User:")
    assert tokenizer.decode(target.input_ids[target.action :]) == "turn right<|end|>"


def call_row() -> dict[str, Any]:
    call = {
        "id": "call_0",
        "type": "function",
        "function": {"name": "act", "arguments": '{"action": "drop"}'},
    }
    answer = {"role": "assistant", "content": None, "tool_calls": [call]}
    tool = {"type": "function", "function": {"name": "act", "parameters": {}}}
    return {"messages": [*chat("wall", 1), answer], "tools": [tool]}


def test_calls_are_learned_even_where_a_template_has_no_place_for_them(
    tokenizer: Any, tmp_path: Path
) -> None:
    target = target_of(call_row(), tokenizer, tmp_path)
    call = '<tool_call>\n{"name": "act", "arguments": {"action": "drop"}}\n</tool_call>'
    assert learned(target, tokenizer)[1] == f"{call}<|end|>"
    assert target.action == target.labels.count(NO_LOSS)  # all of it is the action


def test_calls_are_written_as_the_template_does(
    tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = (
        "{% for t in tools %}{{ t.function.name }};{% endfor %}"
        "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
        "{% for c in m.tool_calls or [] %}[{{ c.function.name }} "
        "{{ c.function.arguments | tojson }}]{% endfor %}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    monkeypatch.setattr(tokenizer, "chat_template", template)
    read, said = learned(target_of(call_row(), tokenizer, tmp_path), tokenizer)
    assert read.startswith("act;<|system|>")
    assert said == '[act {"action": "drop"}]<|end|>'


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        ("go forward", "go forward"),
        ("A wall.\nACTION: turn left", "turn left"),
        ("**Action:** turn left", "turn left"),
        ("I see.\n<|ACTION|>toggle<|END|>", "toggle<|END|>"),
        ("ACTION: drop? No.\nACTION: toggle", "toggle"),
        ("Threats:\n\n* None\n\nAction Choice:\nDo", "Do"),
        ("turn left\n\n", "turn left\n\n"),
    ],
)
def test_where_the_action_begins(answer: str, action: str, tokenizer: Any, tmp_path: Path) -> None:
    assert answer[action_start(answer) :] == action
    content = row("wall", 1)
    content["messages"][-1]["content"] = answer
    target = target_of(content, tokenizer, tmp_path)
    found = tokenizer.decode(target.input_ids[target.action :])
    assert found.removesuffix("<|end|>").strip() == action.strip()


def test_the_trainer_gets_these_labels(
    base: Path, training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the batches that the loss is taken of, not only in our own rows."""
    import trl
    from transformers import AutoTokenizer

    seen: list[tuple[list[int], list[int]]] = []
    compute_loss = trl.SFTTrainer.compute_loss

    def spy(self: Any, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        both = zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True)
        seen.extend(both)
        return compute_loss(self, model, inputs, *more, **named)

    monkeypatch.setattr(trl.SFTTrainer, "compute_loss", spy)
    finetune_local(settings(training, base, epochs=1), tmp_path / "run", device="cpu")
    tokenizer = AutoTokenizer.from_pretrained(base)
    answers = sorted(
        tokenizer.decode([label for label in labels if label != NO_LOSS]) for _, labels in seen
    )
    assert answers == sorted(f"{answer}<|end|>" for answer in ANSWERS.values() for _ in range(9))


# What is measured


def test_the_measures_are_those_of_the_model_in_use(
    base: Path, training: Path, held_out: Path, tmp_path: Path
) -> None:
    """Loss by hand, and predicted is what greedy decoding writes."""
    import torch

    record = finetune_local(
        settings(training, base, epochs=12, validation_file=str(held_out)),
        tmp_path / "run",
        device="cpu",
    )
    points = {point["step"]: point for point in record["curves"]["validation"]}
    rows = read_rows(held_out)
    for name, step in ((f"hf:{base}", 0), (record["model"], record["metrics"]["chosen_step"])):
        model = get_model(f"{name}{'&' if '?' in name else '?'}device=cpu")
        assert isinstance(model, HFModel)
        answers = model.generate([each.messages[:-1] for each in rows], Sampling(max_tokens=12))
        right = [
            answer.status == "ok" and answer.text == each.messages[-1]["content"]
            for answer, each in zip(answers, rows, strict=True)
        ]
        assert points[step]["predicted"] == sum(right) / len(rows)
        builder = TargetBuilder(model._tokenizer, model._ends, "tiny")
        loss, tokens = 0.0, 0
        for target in map(builder.build, rows):
            labels = torch.tensor(target.labels)
            with torch.inference_mode():
                logits = model._model(input_ids=torch.tensor([target.input_ids])).logits[0]
            kept = labels[1:] != NO_LOSS
            scores = logits[:-1].double().log_softmax(-1)[kept]
            loss -= float(scores.gather(1, labels[1:][kept, None]).sum())
            tokens += int(kept.sum())
        assert points[step]["loss"] == pytest.approx(loss / tokens, rel=1e-4)
    assert record["metrics"]["predicted"] == max(point["predicted"] for point in points.values())


def near(thing: str, steps: int) -> dict[str, Any]:
    """A row that two layers can learn: what decides stands right before the answer."""
    said = {"role": "user", "content": f"{steps} steps forward {thing}"}
    return {"messages": [said, {"role": "assistant", "content": ANSWERS[thing]}]}


@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_a_model_learns(full: bool, base: Path, tmp_path: Path) -> None:
    unseen = (4, 7, 10)
    seen = [steps for steps in range(1, 13) if steps not in unseen]
    training = write(tmp_path / "train.jsonl", [near(t, n) for t in ANSWERS for n in seen])
    held_out = write(tmp_path / "held-out.jsonl", [near(t, n) for t in ANSWERS for n in unseen])
    record = finetune_local(
        settings(
            training,
            base,
            full=full,
            epochs=16,
            learning_rate=1e-2 if full else 2e-2,
            suffix="small",
            validation_file=str(held_out),
        ),
        tmp_path / "run",
        device="cpu",
    )
    losses = [point["loss"] for point in record["curves"]["training"]]
    assert losses[-1] < losses[0] / 10
    metrics = record["metrics"]
    assert metrics["validation_loss"] < metrics["before_validation_loss"] / 10
    assert metrics["before_predicted"] == 0
    assert metrics["predicted"] >= 0.6  # guessing gives 0.25
    folder = tmp_path / "run" / ("model-small" if full else "adapter-small")
    assert record["model"] == (f"hf:{folder}" if full else f"hf:{base}?adapter={folder}")
    assert not (folder / "optimizer.pt").exists()
    prompts = [each.messages[:-1] for each in read_rows(held_out)]
    answers = get_model(record["model"]).generate(prompts, Sampling(max_tokens=12))
    right = [
        answer.text == each.messages[-1]["content"]
        for answer, each in zip(answers, read_rows(held_out), strict=True)
    ]
    assert sum(right) / len(right) == metrics["predicted"]


def line(step: int, predicted: float, loss: float) -> dict[str, float]:
    return {"step": step, "eval_predicted": predicted, "eval_loss": loss}


def test_the_best_evaluation() -> None:
    assert best_step([]) is None
    history = [line(0, 0.9, 0.1), line(5, 0.2, 2.0), {"step": 6, "loss": 1.0}, line(10, 0.4, 1.5)]
    assert best_step(history) == 10
    assert without_progress(history) == 0
    history += [line(15, 0.4, 1.4), line(20, 0.4, 1.6), line(25, 0.3, 1.0)]
    assert best_step(history) == 15  # of equal shares the one with the lower loss
    assert without_progress(history) == 2


def test_training_stops_early_and_keeps_the_best(
    base: Path, training: Path, held_out: Path, tmp_path: Path
) -> None:
    """The held-out answers are wrong on purpose: the more is learned, the fewer are predicted."""
    wrong = []
    for each in read_rows(held_out):
        said = list(ANSWERS.values())
        other = said[said.index(each.messages[-1]["content"]) - 1]
        wrong.append({"messages": [*each.messages[:-1], {"role": "assistant", "content": other}]})
    file = write(tmp_path / "wrong.jsonl", wrong)
    own = settings(training, base, epochs=40, patience=2, validation_file=str(file))
    record = finetune_local(own, tmp_path / "run", device="cpu")
    metrics = record["metrics"]
    assert metrics["stopped_early"]
    assert metrics["steps"] < 40 * 6
    points = record["curves"]["validation"]
    assert metrics["steps"] == metrics["chosen_step"] + 2 * 6
    assert points[-1]["step"] == metrics["steps"]
    chosen = tmp_path / "run" / "checkpoints" / f"checkpoint-{metrics['chosen_step']}"
    name = "adapter_model.safetensors"
    assert (chosen / name).read_bytes() == (tmp_path / "run" / "adapter" / name).read_bytes()


# Stopped runs


class Stop(Exception):
    """What a run is stopped with."""


def stop_at(step: int) -> Callable[[Progress], None]:
    def watch(progress: Progress) -> None:
        if progress.step == step:
            raise Stop

    return watch


def weights(run: Path) -> bytes:
    (file,) = [
        *run.glob("adapter*/adapter_model.safetensors"),
        *run.glob("model*/model.safetensors"),
    ]
    return file.read_bytes()


def lasting(run: Path) -> dict[str, Any]:
    """What two equal runs have in common: all but the paths."""
    record = json.loads((run / "finetune.json").read_text())
    return {key: record[key] for key in ("settings", "data", "curves", "metrics", "rows", "state")}


@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_a_run_that_was_stopped_ends_with_the_same_weights(
    full: bool, base: Path, training: Path, held_out: Path, tmp_path: Path
) -> None:
    """Stopped in the middle of epochs, at their ends, between checkpoints, and several times."""
    own = settings(
        training,
        base,
        full=full,
        epochs=3,
        gradient_accumulation=2,
        save_steps=2,
        lora_dropout=0.1,
        warmup=0.2,
        validation_file=str(held_out),
    )
    finetune_local(own, tmp_path / "whole", device="cpu")
    assert len(lasting(tmp_path / "whole")["curves"]["training"]) == 9
    for step in (1, 3, 5, 6, 8, 9):
        with pytest.raises(Stop):
            finetune_local(own, tmp_path / "parts", device="cpu", on_progress=stop_at(step))
    finetune_local(own, tmp_path / "parts", device="cpu")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert lasting(tmp_path / "parts") == lasting(tmp_path / "whole")


def test_a_run_that_stopped_early_is_not_gone_on_with(
    base: Path, training: Path, held_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the last checkpoint and the record."""
    own = settings(
        training, base, epochs=40, learning_rate=1e-9, patience=1, validation_file=str(held_out)
    )
    run = tmp_path / "run"
    record = finetune_local(own, run, device="cpu")
    assert record["metrics"]["stopped_early"]
    before = weights(run)
    (run / "finetune.json").write_text(json.dumps({**record, "state": "running"}))
    steps: list[Progress] = []
    again = finetune_local(own, run, device="cpu", on_progress=steps.append)
    assert not steps
    assert again == record
    assert weights(run) == before


def damage_by_cutting(checkpoint: Path) -> None:
    file = checkpoint / "optimizer.pt"
    file.write_bytes(file.read_bytes()[:-7])


def damage_by_removing(checkpoint: Path) -> None:
    (checkpoint / "rng_state.pth").unlink()


def damage_by_stopping_before_the_end(checkpoint: Path) -> None:
    (checkpoint / "files.json").unlink()


@pytest.mark.parametrize(
    "damage", [damage_by_cutting, damage_by_removing, damage_by_stopping_before_the_end]
)
def test_a_half_written_checkpoint_is_not_taken(
    damage: Callable[[Path], None], base: Path, training: Path, tmp_path: Path
) -> None:
    own = settings(training, base, epochs=1, save_steps=2)
    finetune_local(own, tmp_path / "whole", device="cpu")
    run = tmp_path / "run"
    with pytest.raises(Stop):
        finetune_local(own, run, device="cpu", on_progress=stop_at(3))
    checkpoints = run / "checkpoints"
    whole = last_checkpoint(checkpoints)
    assert whole == checkpoints / "checkpoint-2"
    shutil.copytree(whole, checkpoints / "checkpoint-4")
    damage(checkpoints / "checkpoint-4")
    shutil.copytree(whole, checkpoints / ".writing" / "checkpoint-6")
    assert last_checkpoint(checkpoints) == whole
    finetune_local(own, run, device="cpu")
    assert weights(run) == weights(tmp_path / "whole")
    assert [path.name for path in checkpoints.glob("checkpoint-*")] == ["checkpoint-6"]


def command(training: Path, held_out: Path, base: Path, out: Path, *more: str) -> list[str]:
    return [
        *("finetune", "--training-file", str(training), "--validation-file", str(held_out)),
        *("--model", str(base), "--out", str(out), "--device", "cpu", "--batch-size", "6"),
        *("--learning-rate", "1e-2", "--epochs", "8", "--save-steps", "4", "--patience", "0"),
        *("--lora-dropout", "0.1", *more),
    ]


def kill_behind(arguments: list[str], checkpoints: Path, step: int, delay: float) -> None:
    """Run the command and kill it a while after a checkpoint of so many steps or more."""
    client = subprocess.Popen(
        textenvs(*arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not any(int(path.name[11:]) >= step for path in checkpoints.glob("checkpoint-*")):
        assert time.monotonic() < deadline, "there never was a checkpoint"
        assert client.poll() is None, "it was over before it was killed"
        time.sleep(0.002)
    time.sleep(delay)
    client.send_signal(signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL


def test_a_run_that_was_killed_ends_with_the_same_weights(
    base: Path,
    training: Path,
    held_out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command(training, held_out, base, tmp_path / "whole")) == 0
    name = f"Model: hf:{base}?adapter={tmp_path}"
    assert capsys.readouterr().out.splitlines()[-1] == f"{name}/whole/adapter"
    arguments = command(training, held_out, base, tmp_path / "killed")
    kill_behind(arguments, tmp_path / "killed" / "checkpoints", 12, 0.05)
    assert not (tmp_path / "killed" / "adapter").exists()
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "going on from step" in said.err
    assert said.out.splitlines()[-1] == f"{name}/killed/adapter"
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert lasting(tmp_path / "killed") == lasting(tmp_path / "whole")
    # The same command again only tells the name.
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{name}/killed/adapter"


@pytest.mark.slow
@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_a_run_that_was_killed_again_and_again(
    full: bool, base: Path, training: Path, held_out: Path, tmp_path: Path
) -> None:
    more = ["--save-steps", "1", *(["--full"] if full else [])]
    arguments = command(training, held_out, base, tmp_path / "whole", *more)
    assert (
        subprocess.run(
            textenvs(*arguments), check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
        ).returncode
        == 0
    )
    arguments = command(training, held_out, base, tmp_path / "killed", *more)
    for number, step in enumerate((3, 9, 15, 21, 30, 40)):
        kill_behind(arguments, tmp_path / "killed" / "checkpoints", step, 0.013 * number)
    assert (
        subprocess.run(
            textenvs(*arguments), check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
        ).returncode
        == 0
    )
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert lasting(tmp_path / "killed") == lasting(tmp_path / "whole")


# What is refused


def test_another_runs_folder_is_refused(base: Path, training: Path, tmp_path: Path) -> None:
    own = settings(training, base, epochs=1)
    finetune_local(own, tmp_path / "run", device="cpu")
    other = settings(training, base, epochs=1, seed=1)
    with pytest.raises(ValueError, match="holds another run: its seed is 0, this one's 1"):
        finetune_local(other, tmp_path / "run", device="cpu")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match=r"got one with 'thesis.txt'"):
        finetune_local(own, tmp_path / "mine", device="cpu")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(ValueError, match="expected a folder, got a file"):
        finetune_local(own, tmp_path / "mine" / "thesis.txt", device="cpu")


def test_a_folder_has_one_process(base: Path, training: Path, tmp_path: Path) -> None:
    own = settings(training, base, epochs=1)

    def watch(progress: Progress) -> None:
        with pytest.raises(ValueError, match="another process runs in this folder"):
            finetune_local(own, tmp_path / "run", device="cpu")

    finetune_local(own, tmp_path / "run", device="cpu", on_progress=watch)


def test_rows_that_are_too_long_are_counted(base: Path, tmp_path: Path) -> None:
    rows = [row("wall", 1)] * 3 + [row("wall", 1)]
    rows[1] = {"messages": [{"role": "user", "content": "wall " * 100}, rows[0]["messages"][-1]]}
    file = write(tmp_path / "train.jsonl", rows)
    said: list[str] = []
    record = finetune_local(
        settings(file, base, epochs=1, max_length=60),
        tmp_path / "run",
        device="cpu",
        say=said.append,
    )
    assert record["rows"]["training"] == 3
    assert record["rows"]["left_out"] == 1
    assert said[0].startswith("1 of 4 rows have more than 60 tokens and are left out")
    assert said[0].endswith(f"{file}:2")
    with pytest.raises(ValueError, match="expected rows of up to 5 tokens"):
        finetune_local(settings(file, base, max_length=5), tmp_path / "short", device="cpu")


def test_what_is_no_training_file(base: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    user = {"role": "user", "content": "a"}
    for text, said in (
        ("", "got none"),
        ("[]", "expected a row like"),
        ("{}", "expected a row like"),
        ("{", "expected JSON"),
        (json.dumps({"messages": [user]}), "two messages or more"),
        (json.dumps({"messages": [user, user]}), "expected the assistant's message last"),
        (json.dumps({"messages": [user, {"role": "assistant", "content": " "}]}), "got neither"),
        (json.dumps({"messages": [user, {"content": "x"}]}), "messages with a role"),
        (json.dumps({"prompt": "a", "completion": ""}), "expected texts"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=said):
            finetune_local(settings(file, base), tmp_path / "run", device="cpu")
    assert not list((tmp_path / "run").glob("checkpoints"))


def test_models_that_cannot_be_tuned(training: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        finetune_local(settings(training, tmp_path / "none"), tmp_path / "run", device="cpu")
    folder = make_encoder_decoder(tmp_path / "t5")
    with pytest.raises(ModelError, match="expected a causal model"):
        finetune_local(settings(training, folder), tmp_path / "run5", device="cpu")
    with pytest.raises(ModelError, match="expected a device"):
        finetune_local(settings(training, folder), tmp_path / "run6", device="cuda:99")


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"warmup": 1.0},
        {"validation": 1.0},
        {"validation": 0.5, "validation_file": "x"},
        {"suffix": "../x"},
        {"suffix": "x" * 65},
    ],
)
def test_settings_out_of_range(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        LocalSettings("train.jsonl", "model", **changes)


def test_unknown_choices() -> None:
    with pytest.raises(UnknownName):
        LocalSettings("train.jsonl", "model", schedule="bumpy")
    with pytest.raises(UnknownName):
        LocalSettings("train.jsonl", "model", dtype="int8")


def test_the_page_names_all_options() -> None:
    """With their choices and defaults."""
    import argparse

    from textenvs.cli.finetune import _HOSTED, _LOCAL
    from textenvs.cli.main import _parser

    page = (Path(__file__).resolve().parents[2] / "docs" / "finetuning.md").read_text()
    rows = dict(re.findall(r"^\| `(--[\w-]+)` \|(.*)\|$", page, re.M))
    commands = next(
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    options = {
        option: action
        for action in commands.choices["finetune"]._actions
        for option in action.option_strings
        if option not in ("-h", "--help")
    }
    assert sorted(rows) == sorted(options)
    for option, action in options.items():
        for choice in action.choices or ():
            assert f"`{choice}`" in rows[option]
        default = {**_LOCAL, **_HOSTED}.get(action.dest, action.default)
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert f" {default:g} " in rows[option], option
        elif default and isinstance(default, str):
            assert f" `{default}` " in rows[option], option


# What is held out


def test_a_share_is_held_out_by_episodes(tmp_path: Path) -> None:
    rows = [{**row("wall", n), "metadata": {"episode": n // 5}} for n in range(50)]
    found = read_rows(write(tmp_path / "rows.jsonl", rows))
    kept, out = split_rows(found, 0.2, seed=3)
    assert (len(kept), len(out)) == (40, 10)
    episodes = [{each.content["metadata"]["episode"] for each in part} for part in (kept, out)]
    assert not episodes[0] & episodes[1]
    assert split_rows(found, 0.2, seed=3) == (kept, out)
    assert split_rows(found, 0.2, seed=4) != (kept, out)


def test_the_same_prompts_stay_together(tmp_path: Path) -> None:
    rows = [row("wall", n // 3) for n in range(30)]
    kept, out = split_rows(read_rows(write(tmp_path / "rows.jsonl", rows)), 0.3, seed=0)
    prompts = [{json.dumps(each.messages[:-1]) for each in part} for part in (kept, out)]
    assert not prompts[0] & prompts[1]
    assert len(out) == 9
    with pytest.raises(ValueError, match="two episodes or more"):
        split_rows(read_rows(write(tmp_path / "one.jsonl", rows[:3])), 0.3, seed=0)


def test_a_share_is_held_out_in_a_run(base: Path, training: Path, tmp_path: Path) -> None:
    record = finetune_local(
        settings(training, base, epochs=1, validation=0.25), tmp_path / "run", device="cpu"
    )
    assert (record["rows"]["training"], record["rows"]["validation"]) == (27, 9)
    assert [point["step"] for point in record["curves"]["validation"]] == [0, 5]


def test_nothing_asks_the_network(
    base: Path, training: Path, held_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_: Any) -> None:
        raise AssertionError("the network was asked")

    for name in ("HF_HUB_OFFLINE", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    own = settings(training, base, epochs=1, validation_file=str(held_out))
    finetune_local(own, tmp_path / "run", device="cpu")
    assert "HF_HUB_OFFLINE" not in os.environ
