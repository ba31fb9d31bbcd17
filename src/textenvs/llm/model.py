"""What a language model is: batches of messages in, completions out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from textenvs.errors import Unsupported

__all__ = [
    "STATUSES",
    "Completion",
    "LanguageModel",
    "Message",
    "Messages",
    "Sampling",
    "ToolCall",
    "Usage",
]

Message = Mapping[str, Any]
"""``role`` and ``content``, as OpenAI's API has them."""
Messages = Sequence[Message]

STATUSES = ("ok", "cut", "empty", "refused")
"""What became of an answer: it is whole, it ran into a limit, there is none, the model refused."""


@dataclass(frozen=True)
class Sampling:
    """What, beside the messages, an answer depends on.

    Attributes:
        temperature: 0 for the most probable answer; None for the server's default.
        top_p: nucleus, in (0, 1].
        max_tokens: the longest answer, reasoning included.
        stop: texts that end an answer, and are not part of it.
        tools: tools that may be called, as OpenAI's API describes them.
        tool_choice: "auto", "required", "none" or the name of a tool; read with tools only.

    Raises:
        ValueError: if a number is out of range.
    """

    temperature: float | None = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str = "auto"

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise ValueError(f"expected a temperature of 0 or more, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"expected a top_p in (0, 1], got {self.top_p}")
        if self.max_tokens < 1:
            raise ValueError(f"expected max_tokens of 1 or more, got {self.max_tokens}")

    @property
    def greedy(self) -> bool:
        """Whether an answer follows from the messages alone."""
        return self.temperature == 0

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON types, those that say nothing left out."""
        record = {**asdict(self), "stop": list(self.stop), "tools": [dict(t) for t in self.tools]}
        record["top_p"] = float(self.top_p)  # 1 and 1.0 are one setting, and so one key of a cache
        if self.temperature is not None:
            record["temperature"] = float(self.temperature)
        if not self.tools:
            del record["tools"], record["tool_choice"]
        return record


@dataclass(frozen=True)
class Usage:
    """Tokens of requests and answers.

    Attributes:
        input_tokens: of the prompt, the cached ones included.
        output_tokens: of the answer, its reasoning included.
        cached_input_tokens: those of the prompt that the server had read before.
        reasoning_tokens: those of the answer that are reasoning and not shown.
        counted: whether somebody counted them; where a server does not tell them, they are unknown,
            and not 0.

    Raises:
        ValueError: if a number is negative.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    counted: bool = True

    def __post_init__(self) -> None:
        numbers = (self.input_tokens, self.output_tokens, self.cached_input_tokens)
        if min(*numbers, self.reasoning_tokens) < 0:
            raise ValueError(f"expected numbers of tokens of 0 or more, got {self}")

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.counted and other.counted,
        )

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON types; ``counted`` only where they are not."""
        record = dict(vars(self))  # asdict would copy every number deeply
        if self.counted:
            del record["counted"]
        return record

    @property
    def total(self) -> int:
        """Tokens of input and output."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model called; ``arguments`` is the text that it wrote, JSON if all is well.

    It is untrusted, as every text of a model is.
    """

    name: str
    arguments: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _writable(self.name))
        object.__setattr__(self, "arguments", _writable(self.arguments))


@dataclass(frozen=True)
class Completion:
    """A model's answer.

    Attributes:
        text: what it said, its reasoning left out.
        status: one of :data:`STATUSES`.
        tool_calls: the tools that it called.
        reasoning: its reasoning, where the server tells it.
        usage: what it took.
        usd: what it cost; None if no price is known.
    """

    text: str
    status: str = "ok"
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    usage: Usage = field(default_factory=Usage)
    usd: float | None = None

    def __post_init__(self) -> None:
        # A text that was cut within a character cannot be written, nor sent back in a history.
        for name in ("text", "reasoning"):
            object.__setattr__(self, name, _writable(getattr(self, name)))

    def as_json(self) -> dict[str, Any]:
        """The answer as JSON types."""
        return {**asdict(self), "usage": self.usage.as_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Completion:
        """An answer from what :meth:`as_json` gave, or JSON made of it."""
        calls = tuple(ToolCall(**call) for call in record["tool_calls"])
        return cls(**{**record, "tool_calls": calls, "usage": Usage(**record["usage"])})


def _writable(text: str) -> str:
    """A text without lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class LanguageModel(ABC):
    """Answers batches of prompts.

    Attributes:
        name: what identifies its answers: the same name, messages, sampling and sample index
            stand for the same answer.
        concurrent: whether single requests of several threads are as good as a batch, as they are
            to a server.
        tells_cost: whether its answers tell what they cost.
        tells_scores: whether it can :meth:`score`.
        cacheable: whether its name stands for it alone, so that its answers can be kept.
    """

    name: str
    concurrent: bool = False
    tells_cost: bool = False
    tells_scores: bool = False
    cacheable: bool = True

    def __deepcopy__(self, memo: Any) -> LanguageModel:
        # Gymnasium copies the arguments that a wrapper was made with; weights, connections and
        # what was spent are not to be doubled.
        return self

    @abstractmethod
    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Answer n prompts.

        Args:
            prompts: n lists of messages.
            sampling: how to answer.
            samples: an index for each prompt, that tells repeated draws for one prompt apart; it
                is the seed where the model takes one. None for 0.

        Returns:
            n completions, in order.
        """

    def score(
        self, prompts: Sequence[Messages | str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Log-probabilities of texts that could follow.

        Args:
            prompts: n prompts; a ``str`` is taken as it is, messages go through the chat template.
            continuations: for each prompt the texts to score.

        Returns:
            For each prompt and continuation the sum of its tokens' log-probabilities (natural
            logarithm), each given the prompt and the tokens before it.

        Raises:
            Unsupported: if the model does not tell them.
        """
        raise Unsupported(
            f"{self.name} does not tell log-probabilities: expected a model of the kind 'hf' or "
            "'vllm'"
        )

    def count_tokens(self, prompt: Messages | str) -> int:
        """How many tokens a prompt has; 0 if the model does not tell."""
        return 0

    def check(self) -> None:  # noqa: B027
        """See whether it could be asked at all.

        Raises:
            ModelError: if it could not, and why.
        """

    def stop(self, why: BaseException) -> None:  # noqa: B027
        """Whoever waits here is to give up, since the run has failed elsewhere."""

    def close(self) -> None:  # noqa: B027  # most models hold nothing
        """Give back what it holds."""
