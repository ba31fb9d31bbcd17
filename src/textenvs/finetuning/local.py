"""Fine-tuning in this process: TRL's trainer, with LoRA adapters of PEFT or of all weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import textenvs
from textenvs.errors import ModelError, require
from textenvs.finetuning.folder import RunFolder, claim
from textenvs.finetuning.local_parts import (
    NEEDED_BY,
    chosen_device,
    chosen_dtype,
    load_base,
    new_adapter,
    training_arguments,
)
from textenvs.finetuning.local_record import finish
from textenvs.finetuning.local_settings import DTYPES, SCHEDULES, LocalSettings
from textenvs.finetuning.targets import (
    Row,
    Target,
    TargetBuilder,
    end_tokens,
    hash_file,
    read_rows,
    split_rows,
)
from textenvs.finetuning.trainer import (
    Progress,
    answer_tokens,
    last_checkpoint,
    make_trainer,
    read_history,
    without_progress,
)
from textenvs.llm.backends.fingerprint import fingerprint

__all__ = ["DTYPES", "SCHEDULES", "LocalSettings", "finetune_local"]

_CHECKPOINTS = "checkpoints"


def finetune_local(
    settings: LocalSettings,
    out: Path | str,
    *,
    device: str | None = None,
    gradient_checkpointing: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Fine-tune a model, or go on with a run that was stopped.

    Args:
        settings: what the weights depend on.
        out: the run's folder.
        device: "cpu", "cuda", "cuda:1"; None for a GPU if there is one.
        gradient_checkpointing: compute activations twice, to keep fewer in memory.
        on_progress: called after every step and evaluation.
        say: called with remarks.

    Returns:
        What ``finetune.json`` has; under ``model`` the name of the tuned one.

    Raises:
        MissingExtra: if TRL, PEFT or transformers is not installed.
        ModelError: if the model cannot be loaded, or its chat template refuses a row.
        ValueError: if a file is no training file, or the folder holds another run.
    """
    out = Path(out)
    for module in ("torch", "transformers", "trl", "peft", "datasets"):
        require(module, extra="finetune", needed_by=NEEDED_BY)
    with _quiet():
        device = chosen_device(device)
        data = _data(settings)
        identity = {
            "provider": "local",
            "settings": {**asdict(settings), "dtype": chosen_dtype(settings.dtype, device)},
            "data": data,
            "base": {"name": settings.base, "fingerprint": fingerprint(Path(settings.base))},
        }
        with claim(out, identity) as run:
            if not run.finished:
                _train(settings, run, device, gradient_checkpointing, on_progress, say)
            return run.record


def _data(settings: LocalSettings) -> dict[str, str]:
    data = {"training_sha256": hash_file(settings.training_file)}
    if settings.validation_file is not None:
        data["validation_sha256"] = hash_file(settings.validation_file)
    return data


def _train(
    settings: LocalSettings,
    run: RunFolder,
    device: str,
    gradient_checkpointing: bool,
    on_progress: Callable[[Progress], None],
    say: Callable[[str], None],
) -> None:
    rows, held_out_rows = _rows(settings)
    model, tokenizer = load_base(settings, device)
    targets = TargetBuilder(tokenizer, end_tokens(model, tokenizer), f"hf:{settings.base}")
    longest = settings.max_length or getattr(model.config, "max_position_embeddings", None)
    training = _fitting(targets, rows, longest, say)
    held_out = _fitting(targets, held_out_rows, longest, say) if held_out_rows else []
    counts = {
        "training": len(training),
        "validation": len(held_out),
        "left_out": len(rows) + len(held_out_rows) - len(training) - len(held_out),
        "training_tokens": sum(len(target.input_ids) for target in training),
        "training_answer_tokens": answer_tokens(training),
    }
    run.write(textenvs=textenvs.__version__, device=device, rows=counts)
    checkpoints = run.path / _CHECKPOINTS
    checkpoint = last_checkpoint(checkpoints)
    if checkpoint is not None:
        step, steps, history = read_history(checkpoint)
        say(f"going on from step {step} of {steps}")
        over = step >= steps or 0 < settings.patience <= without_progress(history)
    else:
        over = False
    if not over:
        with _offline():
            trainer = make_trainer(
                model=model,
                tokenizer=tokenizer,
                arguments=training_arguments(
                    settings,
                    checkpoints,
                    device,
                    len(training),
                    gradient_checkpointing,
                    measure_first=bool(held_out) and checkpoint is None,
                ),
                adapter=None if settings.full else new_adapter(settings),
                training=training,
                held_out=held_out,
                eval_steps=settings.eval_steps,
                save_steps=settings.save_steps,
                patience=settings.patience,
                on_progress=on_progress,
            )
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        checkpoint = last_checkpoint(checkpoints)
    if checkpoint is None:
        raise ModelError(f"{checkpoints}: expected a checkpoint after training, found none")
    finish(settings, run, checkpoint)


def _rows(settings: LocalSettings) -> tuple[list[Row], list[Row]]:
    rows = read_rows(settings.training_file)
    if settings.validation_file is not None:
        return rows, read_rows(settings.validation_file)
    return (
        split_rows(rows, settings.validation, settings.seed) if settings.validation else (rows, [])
    )


def _fitting(
    builder: TargetBuilder, rows: Sequence[Row], longest: int | None, say: Callable[[str], None]
) -> list[Target]:
    targets, too_long = builder.build_all(rows, longest)
    if not targets:
        raise ValueError(
            f"{rows[0].place}: expected rows of up to {longest} tokens, got longer ones only"
        )
    if too_long:
        say(
            f"{len(too_long)} of {len(rows)} rows have more than {longest} tokens and are left "
            f"out, the first is {too_long[0].place}"
        )
    return targets


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing for a while."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _offline() -> Iterator[None]:
    """Keep PEFT, when it writes an adapter, from asking a hub for its base model."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
