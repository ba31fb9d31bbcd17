"""Models that vLLM runs here, on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textenvs.errors import UnknownName, choose, require
from textenvs.llm.backends.fingerprint import fingerprint
from textenvs.llm.backends.reading import PromptReader, read_answer
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling, Usage

__all__ = ["VLLMModel", "parse_options"]

_SEED_BITS = 31
_CHANGE_ANSWERS = ("dtype", "quantization", "max_model_len")
_NUMBERS = ("max_model_len", "tensor_parallel_size")


class VLLMModel(LanguageModel):
    """A model in vLLM's offline engine, which batches by itself and reuses what prompts share.

    Args:
        path: a folder, or a name that vLLM finds.
        **engine: arguments of ``vllm.LLM``.

    Raises:
        MissingExtra: if vllm is not installed.
    """

    tells_scores = True

    def __init__(self, path: str, **engine: Any) -> None:
        self._vllm = require("vllm", extra="vllm", needed_by=f"model 'vllm:{path}'")
        known = fingerprint(Path(path))[:12]
        changed = "".join(
            f"+{key}={value}" for key, value in engine.items() if key in _CHANGE_ANSWERS
        )
        self.name = f"vllm:{path}{changed}" + (f"#{known}" if known else "")
        self._engine = self._vllm.LLM(model=path, enable_prefix_caching=True, **engine)
        self._reader = PromptReader(self._engine.get_tokenizer(), self.name)

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Answer n prompts; the engine batches them."""
        seeds = samples or [0] * len(prompts)
        settings = [
            self._vllm.SamplingParams(
                temperature=1.0 if sampling.temperature is None else sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                stop=list(sampling.stop) or None,
                seed=seed % 2**_SEED_BITS,
            )
            for seed in seeds
        ]
        texts = [self._reader.text(messages, sampling.tools) for messages in prompts]
        tokens = [{"prompt_token_ids": self._tokens(text)} for text in texts]
        outputs = self._engine.generate(tokens, settings, use_tqdm=False)
        return [_completion(output, bool(sampling.tools)) for output in outputs]

    def count_tokens(self, prompt: Messages | str) -> int:
        """How many tokens a prompt has, with those of the chat template."""
        return len(self._reader.prompt(prompt))

    def score(
        self, prompts: Sequence[Messages | str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Log-probabilities of texts that could follow.

        Raises:
            ValueError: if a continuation is empty.
        """
        read = [self._reader.prompt(prompt) for prompt in prompts]
        follow = [[self._reader.continuation(text) for text in texts] for texts in continuations]
        whole = [
            (tokens, len(prompt))
            for prompt, texts in zip(read, follow, strict=True)
            for text in texts
            for tokens in [prompt + text]
        ]
        outputs = self._engine.generate(
            [{"prompt_token_ids": tokens} for tokens, _ in whole],
            self._vllm.SamplingParams(max_tokens=1, prompt_logprobs=0),
            use_tqdm=False,
        )
        sums = iter(
            sum(
                output.prompt_logprobs[place][tokens[place]].logprob
                for place in range(start, len(tokens))
            )
            for output, (tokens, start) in zip(outputs, whole, strict=True)
        )
        return [[float(next(sums)) for _ in texts] for texts in follow]

    def _tokens(self, text: str) -> list[int]:
        tokenizer = self._engine.get_tokenizer()
        return list(tokenizer(text, add_special_tokens=self._reader.adds_special)["input_ids"])


def parse_options(options: dict[str, str]) -> dict[str, Any]:
    """The options of a model's name ("vllm:PATH?dtype=bfloat16") as arguments of the engine.

    Raises:
        UnknownName: for an option that does not exist, or no number where one belongs.
    """
    arguments: dict[str, Any] = {}
    for key, value in options.items():
        choose("option of 'vllm'", key, (*_CHANGE_ANSWERS, "tensor_parallel_size"))
        if key in _NUMBERS and not value.isdecimal():
            raise UnknownName(f"expected {key} as an integer, got {value!r}")
        arguments[key] = int(value) if key in _NUMBERS else value
    return arguments


def _completion(output: Any, tools: bool) -> Completion:
    written = output.outputs[0]
    answer = read_answer(written.text, tools=tools, cut=written.finish_reason == "length")
    usage = Usage(
        input_tokens=len(output.prompt_token_ids),
        output_tokens=len(written.token_ids),
        cached_input_tokens=output.num_cached_tokens or 0,
    )
    return Completion(
        answer.text, answer.status, answer.tool_calls, answer.reasoning, usage, usd=0.0
    )
