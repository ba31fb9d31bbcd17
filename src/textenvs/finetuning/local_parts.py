"""The model, the adapter and TRL's arguments of a fine-tuning in this process."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError, require
from textenvs.finetuning.local_settings import LocalSettings

__all__ = [
    "NEEDED_BY",
    "chosen_device",
    "chosen_dtype",
    "load_base",
    "new_adapter",
    "training_arguments",
]

NEEDED_BY = "textenvs finetune"
_POINTS = 200  # of the curve of the loss


def load_base(settings: LocalSettings, device: str) -> tuple[Any, Any]:
    """The model that is tuned, and its tokenizer.

    Raises:
        ModelError: if it cannot be loaded, or is no causal model.
    """
    import torch
    import transformers

    dtype = torch.float32
    if not settings.full and chosen_dtype(settings.dtype, device) == "bfloat16":
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


def new_adapter(settings: LocalSettings) -> Any:
    """PEFT's settings of the adapter."""
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


def training_arguments(
    settings: LocalSettings,
    checkpoints: Path,
    device: str,
    rows: int,
    gradient_checkpointing: bool,
    *,
    measure_first: bool,
) -> Any:
    """TRL's arguments.

    Args:
        settings: of the run.
        checkpoints: where they go.
        device: "cpu", or a GPU.
        rows: how many are learned from.
        gradient_checkpointing: compute activations twice, to keep fewer in memory.
        measure_first: whether the held-out rows are measured before the first step.

    Raises:
        MissingExtra: if TRL is not installed.
    """
    trl = require("trl", extra="finetune", needed_by=NEEDED_BY)
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
        bf16=chosen_dtype(settings.dtype, device) == "bfloat16",
        fp16=False,
        gradient_checkpointing=gradient_checkpointing,
        eval_strategy="no",  # when it is evaluated and saved is the trainer's own schedule
        save_strategy="no",
        eval_on_start=measure_first,
        logging_steps=_logged_every(settings, rows),
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
    """Steps between two points of the curve of the loss."""
    a_step = settings.batch_size * settings.gradient_accumulation
    return max(math.ceil(rows / a_step) * settings.epochs // _POINTS, 1)


def chosen_device(device: str | None) -> str:
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


def chosen_dtype(dtype: str, device: str) -> str:
    """The type to compute in: ``dtype``; of "auto" bfloat16 on a GPU that has it, else float32."""
    import torch

    if dtype != "auto":
        return dtype
    return "bfloat16" if device != "cpu" and torch.cuda.is_bf16_supported() else "float32"
