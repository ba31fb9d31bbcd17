"""What a job at a server is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textenvs.finetuning.local_settings import check_suffix, check_validation
from textenvs.llm.backends.openai import check_address

__all__ = ["HostedSettings"]


@dataclass(frozen=True)
class HostedSettings:
    """What a job is made of.

    Attributes:
        training_file: JSON Lines to learn from.
        model: the server's name of the model, with or without ``openai:``.
        validation_file: JSON Lines that are held out; None for none.
        validation: the share of the training file that is held out instead.
        suffix: part of the name of the tuned model.
        epochs: passes over the training file.
        batch_size: rows a step.
        learning_rate_multiplier: of the server's own learning rate; None leaves it to the server.
        seed: of the job.
        base_url: the server's address; None for ``OPENAI_BASE_URL``, else OpenAI's.

    Raises:
        ValueError: if a setting is out of range.
        ModelError: if the address is none, or has a key in it.
    """

    training_file: str
    model: str
    validation_file: str | None = None
    validation: float = 0.0
    suffix: str = ""
    epochs: int = 3
    batch_size: int = 4
    learning_rate_multiplier: float | None = None
    seed: int = 0
    base_url: str | None = None

    def __post_init__(self) -> None:
        check_suffix(self.suffix)
        check_validation(self.validation_file, self.validation)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of 1 or more, got {getattr(self, name)}")
        if self.base_url is not None:
            check_address(self.base_url)

    @property
    def base(self) -> str:
        """The model without its kind."""
        return self.model.removeprefix("openai:")

    def hyperparameters(self) -> dict[str, Any]:
        """What the API calls so."""
        found: dict[str, Any] = {"n_epochs": self.epochs, "batch_size": self.batch_size}
        if self.learning_rate_multiplier is not None:
            found["learning_rate_multiplier"] = self.learning_rate_multiplier
        return found
