"""What models behind a server share: a request for each prompt."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling

__all__ = ["ServedModel"]


class ServedModel(LanguageModel):
    """A model that is asked by single requests, of as many threads as may run at once."""

    concurrent = True

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Send a request for each prompt, one after the other.

        Raises:
            Fault: if one fails in a way that may pass.
            ModelError: if it fails otherwise.
        """
        return [
            self._ask(messages, sampling, sample)
            for messages, sample in zip(prompts, samples or [0] * len(prompts), strict=True)
        ]

    @abstractmethod
    def _ask(self, messages: Messages, sampling: Sampling, sample: int) -> Completion:
        """Send one request.

        Raises:
            Fault: if it fails in a way that may pass.
            ModelError: if it fails otherwise.
        """
