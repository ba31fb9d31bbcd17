"""Learning what the expert would answer, from checkpoint to checkpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from textenvs.finetuning.targets import NO_LOSS, Target

__all__ = ["targets", "train"]

_AT_ONCE = 4096
_DECAY = 0.01
_WARMUP = 100  # steps


def targets(
    model_folder: Path, rows: Sequence[tuple[str, str]], longest: int | None = None
) -> list[Target]:
    """Prompts and answers as tokens; those that have more than ``longest`` are left out.

    The same tokens as the chat template and ``textenvs finetune`` make, of all rows at once.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    built = []
    for start in range(0, len(rows), _AT_ONCE):
        batch = rows[start : start + _AT_ONCE]
        asked = [f"<|user|>{prompt}<|end|><|assistant|>" for prompt, _ in batch]
        said = [f"{answer}<|end|>" for _, answer in batch]
        tokens = tokenizer(asked + said, add_special_tokens=False)["input_ids"]
        for before, answer in zip(tokens[: len(batch)], tokens[len(batch) :], strict=True):
            labels = [NO_LOSS] * len(before) + answer
            built.append(Target(before + answer, labels, len(before)))
    return [row for row in built if longest is None or len(row.input_ids) <= longest]


class _Rows(torch.utils.data.Dataset[dict[str, Any]]):
    def __init__(self, rows: Sequence[Target]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self._rows[index]
        return {"input_ids": row.input_ids, "labels": row.labels}


def _collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad on the right, where a causal model needs no mask: what is before sees no padding."""
    width = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), NO_LOSS)
    for i, row in enumerate(rows):
        ids[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
        labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
    return {"input_ids": ids, "labels": labels}


def _logits(model: Any, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of the answers' tokens alone, and these tokens."""
    labels = inputs["labels"][:, 1:]
    answered = labels != NO_LOSS
    hidden = model.model(input_ids=inputs["input_ids"], use_cache=False).last_hidden_state
    return model.lm_head(hidden[:, :-1][answered]).float(), labels[answered]


class _Trainer(transformers.Trainer):
    """The trainer of transformers, with a head that reads the answers' tokens only.

    TRL's scores those of the prompts too where there is no GPU, which takes half of the time.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        logits, labels = _logits(model, inputs)
        return torch.nn.functional.cross_entropy(logits, labels)


class MuonAndAdam(torch.optim.Optimizer):
    """Muon for the matrices between the layers, Adam for the rest.

    Muon (Jordan and others, 2024, https://kellerjordan.github.io/posts/muon) is not meant for
    embeddings, biases and scales. Each has a group of its own; both keep their state here.
    """

    def __init__(self, model: torch.nn.Module, learning_rate: float, muon_rate: float) -> None:
        embedded = {id(each.weight) for each in model.modules() if _is_embedding(each)}
        matrices: list[torch.nn.Parameter] = []
        others: list[torch.nn.Parameter] = []
        for each in model.parameters():
            (matrices if each.ndim == 2 and id(each) not in embedded else others).append(each)
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(
                matrices, lr=muon_rate, weight_decay=_DECAY, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(
                others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=_DECAY, fused=True
            ),
        )
        super().__init__([part.param_groups[0] for part in self._parts], {})

    def step(self, closure: Any = None) -> None:
        """Take a step with the gradients that are there."""
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state
            part.step()


def _is_embedding(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Embedding)


class _Watch(transformers.TrainerCallback):
    """Measures the held-out rows where a checkpoint is due, and tells how far it is."""

    def __init__(
        self, held_out: Sequence[Target], on_progress: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._held_out = held_out
        self._on_progress = on_progress

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, model: Any = None, **_: Any
    ) -> None:
        if state.global_step and state.global_step % args.save_steps == 0:
            logs["held_out"] = state.log_history[-1]["held_out"] = _exact(model, self._held_out)
        self._on_progress({"step": state.global_step, "steps": state.max_steps, **logs})


def _exact(model: Any, rows: Sequence[Target]) -> float:
    """The share of answers of which every token is the most probable one."""
    right = 0
    model.eval()
    with torch.inference_mode():
        for row in rows:
            batch = _collate([{"input_ids": row.input_ids, "labels": row.labels}])
            logits, labels = _logits(model, {k: v.to(model.device) for k, v in batch.items()})
            right += bool((logits.argmax(-1) == labels).all())
    model.train()
    return right / len(rows)


def _last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint whose state, which is written last, can be read."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    for path in reversed(found):
        try:
            json.loads((path / "trainer_state.json").read_text())
        except (OSError, ValueError):
            continue
        return path
    return None


def train(
    base: Path,
    folder: Path,
    training: Sequence[Target],
    held_out: Sequence[Target],
    *,
    learning_rate: float,
    muon_rate: float,
    schedule: str,
    batch_size: int,
    epochs: float,
    seed: int,
    on_progress: Callable[[Mapping[str, Any]], None],
    save_steps: int = 500,
) -> Path:
    """Train all weights of a model; goes on from the last checkpoint in the folder.

    Returns:
        The folder of the last checkpoint, which is a model.
    """
    # On a CPU the fused attention takes three times as long backwards as products of matrices do.
    model = transformers.AutoModelForCausalLM.from_pretrained(
        base, dtype="float32", attn_implementation="eager"
    )
    has_gpu = torch.cuda.is_available()
    steps = max(1, math.floor(len(training) * epochs / batch_size))
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        lr_scheduler_type=schedule,
        warmup_steps=_WARMUP,
        seed=seed,
        data_seed=seed,
        bf16=True,
        use_cpu=not has_gpu,
        train_sampling_strategy="group_by_length",
        save_strategy="steps",
        save_steps=min(save_steps, steps),
        save_total_limit=2,
        logging_steps=min(100, steps),
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=_Rows(training),
        data_collator=_collate,
        processing_class=transformers.AutoTokenizer.from_pretrained(base),
        optimizers=(MuonAndAdam(model, learning_rate, muon_rate), None),
        callbacks=[_Watch(held_out, on_progress)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    checkpoint = _last_checkpoint(folder)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    last = folder / f"checkpoint-{trainer.state.global_step}"
    if not last.exists():
        trainer._save_checkpoint(trainer.model, trial=None)
    return last
