"""TRL's trainer with whole checkpoints, and an evaluation of what is to be learned: actions."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textenvs.errors import require
from textenvs.finetuning.targets import NO_LOSS, Target

__all__ = [
    "Progress",
    "best_step",
    "last_checkpoint",
    "make_trainer",
    "read_history",
    "without_progress",
]

LOSS, PREDICTED = "eval_loss", "eval_predicted"
_CHECKPOINT = "checkpoint-"
_WRITING = ".writing"
_FILES = "files.json"  # written last: what a checkpoint is made of
_STATE = "trainer_state.json"


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        step: of the optimizer.
        steps: how many there are.
        loss: of the last batches; None before the first.
        validation_loss: of the last evaluation, a token; None before the first.
        predicted: the share of held-out actions that it predicted.
    """

    step: int
    steps: int
    loss: float | None = None
    validation_loss: float | None = None
    predicted: float | None = None


# What follows from the history alone, so that a run that was resumed knows it too.


def _evaluations(history: Sequence[Mapping[str, Any]]) -> list[tuple[int, float, float]]:
    """(step, share predicted, loss) of the evaluations after the first step."""
    found = [line for line in history if PREDICTED in line]
    return [(line["step"], line[PREDICTED], line[LOSS]) for line in found if line["step"]]


def best_step(history: Sequence[Mapping[str, Any]]) -> int | None:
    """The step of the best evaluation; None if there was none.

    The largest share of predicted actions is best, of equal ones that with the lower loss.
    """
    found = _evaluations(history)
    return max(found, key=lambda each: (each[1], -each[2], -each[0]))[0] if found else None


def without_progress(history: Sequence[Mapping[str, Any]]) -> int:
    """How many evaluations there were since the best one."""
    best = best_step(history)
    return sum(1 for step, _, _ in _evaluations(history) if best is not None and step > best)


# Checkpoints


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; what is half written or half removed is none."""
    found = [path for path in folder.glob(f"{_CHECKPOINT}*") if path.name[11:].isdecimal()]
    for path in sorted(found, key=_step, reverse=True):
        if _is_whole(path):
            return path
    return None


def read_history(checkpoint: Path) -> tuple[int, int, list[dict[str, Any]]]:
    """The step of a checkpoint, the steps of the run, and what was logged until then."""
    state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    return int(state["global_step"]), int(state["max_steps"]), list(state["log_history"])


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name[len(_CHECKPOINT) :])


def _is_whole(path: Path) -> bool:
    try:
        files = json.loads((path / _FILES).read_text(encoding="utf-8"))
        return all((path / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, AttributeError):
        return False


def _seal(path: Path) -> None:
    """Write what a checkpoint is made of, and have all of it on the disk."""
    files = {
        str(file.relative_to(path)): file.stat().st_size
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }
    (path / _FILES).write_text(json.dumps(files, indent=2), encoding="utf-8")
    for name in [*files, _FILES]:
        with (path / name).open("rb") as file:
            os.fsync(file.fileno())


def remove_checkpoints(folder: Path, keep: Iterable[int]) -> None:
    """Remove the checkpoints of all steps but some."""
    kept = set(keep)
    for path in folder.glob(f"{_CHECKPOINT}*"):
        if path.name[11:].isdecimal() and _step(path) not in kept:
            shutil.rmtree(path, ignore_errors=True)


def make_trainer(
    *,
    model: Any,
    tokenizer: Any,
    arguments: Any,
    adapter: Any,
    training: Sequence[Target],
    held_out: Sequence[Target],
    eval_steps: int | None,
    save_steps: int | None,
    patience: int,
    on_progress: Callable[[Progress], None],
) -> Any:
    """Make the trainer.

    Args:
        model: of transformers.
        tokenizer: of transformers.
        arguments: TRL's, whose ``output_dir`` is where the checkpoints are.
        adapter: PEFT's configuration; None to train all weights.
        training: what is learned.
        held_out: what is predicted in evaluations; there are none if it is empty.
        eval_steps: steps between evaluations; None for one at the end of each epoch.
        save_steps: steps between further checkpoints; None for none.
        patience: stop after so many evaluations without a better one; 0 for never.
        on_progress: called with how far it is.

    Raises:
        MissingExtra: if TRL is not installed.
    """
    trl = require("trl", extra="finetune", needed_by="textenvs finetune")
    transformers = require("transformers", extra="finetune", needed_by="textenvs finetune")
    datasets = require("datasets", extra="finetune", needed_by="textenvs finetune")
    torch = require("torch", extra="finetune", needed_by="textenvs finetune")
    checkpoints = Path(arguments.output_dir)

    class Schedule(transformers.TrainerCallback):  # type: ignore[name-defined]
        """When it is evaluated, saved, logged and over."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            step, over = state.global_step, state.global_step >= state.max_steps
            by_epoch = eval_steps is None and float(state.epoch).is_integer()
            due = over or by_epoch or (eval_steps is not None and step % eval_steps == 0)
            control.should_evaluate = due and bool(held_out)
            control.should_save = due or (save_steps is not None and step % save_steps == 0)
            # What was logged has then the same steps, whether a run was resumed or not.
            control.should_log |= control.should_save
            on_progress(_progress(state))

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if patience and without_progress(state.log_history) >= patience:
                control.should_training_stop = True
            on_progress(_progress(state))

    class Trainer(trl.SFTTrainer):  # type: ignore[name-defined]
        """TRL's trainer, which asks nothing of the network."""

        writing = False
        control: Any

        def _send_telemetry(self) -> None:
            """Send nothing."""

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """Write none: it would be about a hub."""

        def _get_output_dir(self, trial: Any) -> str:
            return str(checkpoints / _WRITING if self.writing else checkpoints)

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            """Write a checkpoint beside the others, and put it among them when it is whole."""
            step = self.state.global_step
            shutil.rmtree(checkpoints / _WRITING, ignore_errors=True)
            self.writing = True
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self.writing = False
            fresh = checkpoints / _WRITING / f"{_CHECKPOINT}{step}"
            _seal(fresh)
            place = checkpoints / fresh.name
            shutil.rmtree(place, ignore_errors=True)  # a broken one of an earlier try
            fresh.replace(place)
            (checkpoints / _WRITING).rmdir()
            best = best_step(self.state.log_history)
            remove_checkpoints(checkpoints, {step} if best is None else {step, best})

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            """The loss a token, and the share of actions predicted."""
            metrics = self._measure()
            self.log(dict(metrics))
            self.control = self.callback_handler.on_evaluate(
                self.args, self.state, self.control, metrics
            )
            return metrics

        def _measure(self) -> dict[str, float]:
            self.model.eval()
            loss, tokens, predicted = 0.0, 0, 0
            size = self.args.per_device_eval_batch_size
            for start in range(0, len(held_out), size):
                batch = held_out[start : start + size]
                inputs = self._prepare_inputs(self.data_collator([_example(row) for row in batch]))
                with torch.no_grad(), self.compute_loss_context_manager():
                    found = self.model(**inputs, use_cache=False, fused_lm_head=True)
                loss -= float(found.log_probs.double().sum())
                tokens += int(found.label_mask.sum())
                # The token at a place is predicted at the one before it.
                wrong = (found.label_mask & ~found.is_top1.bool()).cpu()
                for row, target in zip(wrong, batch, strict=True):
                    predicted += not bool(row[max(target.action - 1, 0) :].any())
            return {LOSS: loss / tokens, PREDICTED: predicted / len(held_out)}

    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list([_example(target) for target in training]),
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=[Schedule()],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _example(target: Target) -> dict[str, list[int]]:
    return {"input_ids": target.input_ids, "labels": target.labels}


def _progress(state: Any) -> Progress:
    def last(key: str) -> float | None:
        found = (line[key] for line in reversed(state.log_history) if key in line)
        return next(found, None)

    return Progress(state.global_step, state.max_steps, last("loss"), last(LOSS), last(PREDICTED))


def answer_tokens(targets: Sequence[Target]) -> int:
    """How many tokens carry loss."""
    return sum(label != NO_LOSS for target in targets for label in target.labels)
