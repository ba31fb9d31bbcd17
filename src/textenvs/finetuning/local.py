"""Fine-tuning in this process: TRL's trainer, with LoRA adapters of PEFT or of all weights."""

from __future__ import annotations

import math
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import textenvs
from textenvs.errors import ModelError, choose, require
from textenvs.finetuning.folder import RunFolder, claim
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
    LOSS,
    PREDICTED,
    Progress,
    answer_tokens,
    best_step,
    last_checkpoint,
    make_trainer,
    read_history,
    without_progress,
)
from textenvs.llm.backends.fingerprint import fingerprint

__all__ = ["DTYPES", "SCHEDULES", "LocalSettings", "check_suffix", "finetune_local"]

DTYPES = ("auto", "float32", "bfloat16")
SCHEDULES = ("linear", "cosine", "constant")

_NEEDED_BY = "textenvs finetune"
_CHECKPOINTS = "checkpoints"
_SUFFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_POINTS = 200  # of the curve of the loss
# What is in a checkpoint and no part of a model.
_NOT_OF_MODELS = (
    *("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth", "trainer_state.json"),
    *("training_args.bin", "files.json", "README.md"),
)


@dataclass(frozen=True)
class LocalSettings:
    """What the weights depend on.

    Attributes:
        training_file: JSON Lines to learn from.
        model: a folder, or a name that transformers finds, with or without ``hf:``.
        validation_file: JSON Lines that are held out; None for none.
        validation: the share of the training file that is held out instead.
        suffix: part of the name of the folder of the tuned model.
        epochs: passes over the training file.
        batch_size: rows a forward pass.
        gradient_accumulation: forward passes a step of the optimizer.
        learning_rate: the highest.
        schedule: one of :data:`SCHEDULES`.
        warmup: the share of the steps in which the learning rate rises.
        weight_decay: of AdamW.
        full: train all weights, and not an adapter.
        lora_rank: of the adapter.
        lora_alpha: its scale; None for twice the rank.
        lora_dropout: in the adapter.
        lora_targets: the modules that it adapts, with commas between; "all-linear" for all.
        max_length: leave out rows of more tokens; None for what the model can read.
        eval_steps: steps between evaluations and checkpoints; None for the end of each epoch.
        save_steps: steps between further checkpoints; None for none.
        patience: stop after so many evaluations without a better one; 0 for never.
        seed: of the order of the rows, the adapter's first weights and dropout.
        dtype: one of :data:`DTYPES`; "auto" is bfloat16 on a GPU that has it, float32 otherwise.

    Raises:
        ValueError: if a setting is out of range.
    """

    training_file: str
    model: str
    validation_file: str | None = None
    validation: float = 0.0
    suffix: str = ""
    epochs: int = 3
    batch_size: int = 4
    gradient_accumulation: int = 1
    learning_rate: float = 2e-5
    schedule: str = "linear"
    warmup: float = 0.0
    weight_decay: float = 0.0
    full: bool = False
    lora_rank: int = 16
    lora_alpha: float | None = None
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"
    max_length: int | None = None
    eval_steps: int | None = None
    save_steps: int | None = None
    patience: int = 3
    seed: int = 0
    dtype: str = "auto"

    def __post_init__(self) -> None:
        choose("schedule", self.schedule, SCHEDULES)
        choose("dtype", self.dtype, DTYPES)
        check_suffix(self.suffix)
        check_validation(self.validation_file, self.validation)
        for name in ("epochs", "batch_size", "gradient_accumulation", "lora_rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of 1 or more, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"expected a learning_rate above 0, got {self.learning_rate}")
        for name in ("warmup", "lora_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"expected {name} in [0, 1), got {getattr(self, name)}")

    @property
    def base(self) -> str:
        """The model without its kind."""
        return self.model.removeprefix("hf:")


def check_suffix(suffix: str) -> None:
    """Check a suffix.

    Raises:
        ValueError: if it is none.
    """
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise ValueError(
            f"expected a suffix of up to 64 letters, digits, '.', '_' and '-', got {suffix!r}"
        )


def check_validation(file: str | None, share: float) -> None:
    """Check what is held out.

    Raises:
        ValueError: if the share is none, or both are given.
    """
    if not 0 <= share < 1:
        raise ValueError(f"expected a share to hold out in [0, 1), got {share}")
    if file is not None and share:
        raise ValueError("expected a file that is held out, or a share, got both")


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
        require(module, extra="finetune", needed_by=_NEEDED_BY)
    with _quiet():
        device = _device(device)
        data = _data(settings)
        identity = {
            "provider": "local",
            "settings": {**asdict(settings), "dtype": _dtype(settings.dtype, device)},
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
    model, tokenizer = _load(settings, device)
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
                arguments=_arguments(
                    settings,
                    checkpoints,
                    device,
                    _logged_every(settings, len(training)),
                    gradient_checkpointing,
                    measure_first=bool(held_out) and checkpoint is None,
                ),
                adapter=None if settings.full else _adapter(settings),
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
    _finish(settings, run, checkpoint)


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


def _load(settings: LocalSettings, device: str) -> tuple[Any, Any]:
    import torch
    import transformers

    dtype = torch.float32
    if not settings.full and _dtype(settings.dtype, device) == "bfloat16":
        dtype = torch.bfloat16  # the adapter is float32 whatever the weights below it are
    try:
        config = transformers.AutoConfig.from_pretrained(settings.base)
        if config.is_encoder_decoder:
            raise ModelError(
                f"expected a causal model, got {settings.base!r}, an encoder and a decoder"
            )
        tokenizer = transformers.AutoTokenizer.from_pretrained(settings.base)
        model = transformers.AutoModelForCausalLM.from_pretrained(settings.base, dtype=dtype)
    except ModelError:
        raise
    except Exception as error:  # those of safetensors and of tokenizers are of no other kind
        said = " ".join(str(error).split())[:300]
        raise ModelError(f"model 'hf:{settings.base}' cannot be loaded: {said}") from error
    return model, tokenizer


def _adapter(settings: LocalSettings) -> Any:
    import peft

    names = settings.lora_targets.split(",")
    alpha = 2 * settings.lora_rank if settings.lora_alpha is None else settings.lora_alpha
    return peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.lora_rank,
        lora_alpha=alpha,
        lora_dropout=settings.lora_dropout,
        target_modules="all-linear" if names == ["all-linear"] else names,
    )


def _arguments(
    settings: LocalSettings,
    checkpoints: Path,
    device: str,
    logged_every: int,
    gradient_checkpointing: bool,
    *,
    measure_first: bool,
) -> Any:
    trl = require("trl", extra="finetune", needed_by=_NEEDED_BY)
    scheduler = settings.schedule
    if scheduler == "constant" and settings.warmup:
        scheduler = "constant_with_warmup"
    arguments = trl.SFTConfig(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=scheduler,
        warmup_steps=settings.warmup,
        weight_decay=settings.weight_decay,
        optim="adamw_torch",
        seed=settings.seed,
        data_seed=settings.seed,
        use_cpu=device == "cpu",
        bf16=_dtype(settings.dtype, device) == "bfloat16",
        fp16=False,
        gradient_checkpointing=gradient_checkpointing,
        eval_strategy="no",  # when it is evaluated and saved is the trainer's own schedule
        save_strategy="no",
        eval_on_start=measure_first,
        logging_steps=logged_every,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        report_to="none",
        push_to_hub=False,
        disable_tqdm=True,
        dataloader_num_workers=0,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # several would be run in threads, which TRL refuses
    return arguments


def _logged_every(settings: LocalSettings, rows: int) -> int:
    a_step = settings.batch_size * settings.gradient_accumulation
    return max(math.ceil(rows / a_step) * settings.epochs // _POINTS, 1)


def _finish(settings: LocalSettings, run: RunFolder, checkpoint: Path) -> None:
    """Put the best weights in their place, and write the record."""
    step, steps, history = read_history(checkpoint)
    best = best_step(history)
    chosen = checkpoint if best is None else checkpoint.with_name(f"checkpoint-{best}")
    kind = "model" if settings.full else "adapter"
    place = run.path / (f"{kind}-{settings.suffix}" if settings.suffix else kind)
    fresh = place.with_name(f".{place.name}.new")
    for path in (fresh, place):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(chosen, fresh, ignore=shutil.ignore_patterns(*_NOT_OF_MODELS))
    fresh.replace(place)
    name = f"hf:{place}" if settings.full else f"hf:{settings.base}?adapter={place}"
    run.write(
        state="finished",
        model=name,
        curves=_curves(history),
        metrics={
            "steps": step,
            "stopped_early": step < steps,
            "chosen_step": step if best is None else best,
            **_metrics(history, best),
        },
    )


def _curves(history: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What was logged, without what depends on the clock."""
    return {
        "training": [
            {key: line[key] for key in ("step", "epoch", "loss", "learning_rate")}
            for line in history
            if "loss" in line
        ],
        "validation": [
            {
                "step": line["step"],
                "epoch": line["epoch"],
                "loss": line[LOSS],
                "predicted": line[PREDICTED],
            }
            for line in history
            if PREDICTED in line
        ],
    }


def _metrics(history: Sequence[Mapping[str, Any]], best: int | None) -> dict[str, Any]:
    losses = [line["loss"] for line in history if "loss" in line]
    found: dict[str, Any] = {"training_loss": losses[-1] if losses else None}
    for line in history:
        if PREDICTED in line and line["step"] in (0, best):
            when = "before_" if line["step"] == 0 else ""
            found |= {f"{when}validation_loss": line[LOSS], f"{when}predicted": line[PREDICTED]}
    return found


def _device(device: str | None) -> str:
    """The device, chosen and set.

    Raises:
        ModelError: if there is no such device.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return device
    kind, _, index = device.partition(":")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise ModelError(f"expected a device cpu, cuda or cuda:N, got {device!r}")
    if int(index or 0) >= torch.cuda.device_count():
        raise ModelError(f"expected a device that is there, got {device!r}")
    torch.cuda.set_device(int(index or 0))
    return device


def _dtype(dtype: str, device: str) -> str:
    import torch

    if dtype != "auto":
        return dtype
    return "bfloat16" if device != "cpu" and torch.cuda.is_bf16_supported() else "float32"


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
