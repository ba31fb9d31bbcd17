"""What the weights of a fine-tuning in this process depend on."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from textenvs.errors import choose

__all__ = ["DTYPES", "SCHEDULES", "LocalSettings", "check_suffix", "check_validation"]

DTYPES = ("auto", "float32", "bfloat16")
SCHEDULES = ("linear", "cosine", "constant")
_SUFFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
