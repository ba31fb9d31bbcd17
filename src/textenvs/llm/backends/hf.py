"""Models that transformers runs here, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textenvs.errors import MissingExtra, ModelError, UnknownName, choose, require
from textenvs.llm.backends.fingerprint import fingerprint
from textenvs.llm.backends.reading import PromptReader, read_answer
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling, Usage

__all__ = ["HFModel", "parse_options"]

DTYPES = ("auto", "float32", "bfloat16", "float16")


class HFModel(LanguageModel):
    """A causal or an encoder-decoder model of transformers.

    Prompts are answered in batches, padded on the left. Sampling draws each prompt's tokens with a
    generator of its own, seeded by the sample index, so that an answer does not depend on what
    else is in the batch (but for rounding, which may differ with its shape).

    Args:
        path: a folder, or a name that transformers finds.
        adapter: a folder of a LoRA adapter that PEFT can load.
        device: "cpu", "cuda", "cuda:1"; None for a GPU if there is one.
        dtype: one of ``DTYPES``; "auto" is that of the weights.
        batch_size: prompts at once, at most.

    Raises:
        MissingExtra: if transformers, torch or (for an adapter) peft is not installed.
        ModelError: if there is no such model, or it cannot be loaded.
    """

    tells_scores = True

    def __init__(
        self,
        path: str,
        *,
        adapter: str | None = None,
        device: str | None = None,
        dtype: str = "auto",
        batch_size: int = 32,
    ) -> None:
        choose("dtype", dtype, DTYPES)
        if batch_size < 1:
            raise ValueError(f"expected a batch_size of 1 or more, got {batch_size}")
        needed_by = f"model 'hf:{path}'"
        self._torch = require("torch", extra="hf", needed_by=needed_by)
        self._transformers = require("transformers", extra="hf", needed_by=needed_by)
        device = device or ("cuda" if self._torch.cuda.is_available() else "cpu")
        try:
            config = self._transformers.AutoConfig.from_pretrained(path)
            kind = "AutoModelForCausalLM"
            if config.is_encoder_decoder:
                kind = "AutoModelForSeq2SeqLM"
            self._tokenizer = self._transformers.AutoTokenizer.from_pretrained(path)
            model = getattr(self._transformers, kind).from_pretrained(path, dtype=dtype)
            if adapter is not None:
                peft = require("peft", extra="finetune", needed_by=f"the adapter {adapter!r}")
                model = peft.PeftModel.from_pretrained(model, adapter)
            self._model = model.to(device).eval()
        except MissingExtra:
            raise
        except Exception as error:  # those of safetensors and of tokenizers are of no other kind
            said = " ".join(str(error).split())[:300]
            raise ModelError(f"model 'hf:{path}' cannot be loaded: {said}") from error
        self._is_encoder_decoder = bool(config.is_encoder_decoder)
        self._batch_size = batch_size
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._longest = getattr(config, "max_position_embeddings", None)
        self._ends = _end_tokens(self._model, self._tokenizer)
        prints = [fingerprint(Path(folder)) for folder in (path, adapter) if folder]
        identity = "+".join(
            [folder for folder in (path, adapter) if folder] + ([] if dtype == "auto" else [dtype])
        )
        known = "".join(found[:12] for found in prints if found)
        self.name = f"hf:{identity}" + (f"#{known}" if known else "")
        self._reader = PromptReader(self._tokenizer, self.name)

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        """Answer n prompts in batches.

        Raises:
            ModelError: if a prompt is longer than the model can read.
        """
        texts = [self._reader.text(messages, sampling.tools) for messages in prompts]
        seeds = list(samples or [0] * len(prompts))
        answers: list[Completion] = []
        for start in range(0, len(texts), self._batch_size):
            batch = slice(start, start + self._batch_size)
            answers += self._answer(texts[batch], sampling, seeds[batch])
        return answers

    def count_tokens(self, prompt: Messages | str) -> int:
        """How many tokens a prompt has, with those of the chat template."""
        return len(self._reader.prompt(prompt))

    def score(
        self, prompts: Sequence[Messages | str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Log-probabilities of texts that could follow; each prompt is read once.

        Raises:
            ModelError: if a prompt is longer than the model can read.
            ValueError: if a continuation is empty.
        """
        both = list(zip(prompts, continuations, strict=True))
        read = [self._reader.prompt(prompt) for prompt, _ in both]
        follow = [[self._reader.continuation(text) for text in texts] for _, texts in both]
        scores: list[list[float]] = []
        for start in range(0, len(read), self._batch_size):
            batch = slice(start, start + self._batch_size)
            scores += self._score(read[batch], follow[batch])
        return scores

    def _check_length(self, tokens: int, answer: int) -> None:
        whole = max(tokens, answer) if self._is_encoder_decoder else tokens + answer
        if self._longest is not None and whole > self._longest:
            raise ModelError(
                f"{self.name} reads {self._longest} tokens: expected a prompt and an answer within "
                f"them, got {tokens} and up to {answer}; show less history, or allow less of an "
                "answer"
            )

    def _answer(
        self, texts: Sequence[str], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Completion]:
        torch = self._torch
        batch = self._tokenizer(
            list(texts),
            return_tensors="pt",
            padding=True,
            add_special_tokens=self._reader.adds_special,
        ).to(self._model.device)
        width = batch["input_ids"].shape[1]
        self._check_length(width, sampling.max_tokens)
        config = self._transformers.GenerationConfig(
            do_sample=False,
            num_beams=1,  # whatever the model's own settings say
            use_cache=True,  # trainers save it switched off
            max_new_tokens=sampling.max_tokens,
            eos_token_id=list(self._ends) or None,
            pad_token_id=self._tokenizer.pad_token_id,
            decoder_start_token_id=getattr(self._model.config, "decoder_start_token_id", None),
        )
        arguments: dict[str, Any] = {}
        if sampling.stop:
            arguments = {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        with torch.inference_mode():
            tokens = self._model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                generation_config=config,
                logits_processor=self._processors(sampling, seeds),
                **arguments,
            )
        written = tokens[:, 1:] if self._is_encoder_decoder else tokens[:, width:]
        read = batch["attention_mask"].sum(1).tolist()
        return [
            self._completion(row, n_read, sampling)
            for row, n_read in zip(written.tolist(), read, strict=True)
        ]

    def _processors(self, sampling: Sampling, seeds: Sequence[int]) -> Any:
        processors = self._transformers.LogitsProcessorList()
        temperature = 1.0 if sampling.temperature is None else sampling.temperature
        if temperature == 0:
            return processors
        if temperature != 1:
            processors.append(self._transformers.TemperatureLogitsWarper(temperature))
        if sampling.top_p < 1:
            processors.append(self._transformers.TopPLogitsWarper(sampling.top_p))
        processors.append(_Gumbel(self._torch, seeds))
        return processors

    def _completion(self, row: list[int], n_read: int, sampling: Sampling) -> Completion:
        ended = next((i for i, token in enumerate(row) if token in self._ends), None)
        kept = row if ended is None else row[:ended]
        text = self._tokenizer.decode(kept, skip_special_tokens=True)
        stops = [text.find(stop) for stop in sampling.stop if stop in text]
        if stops:
            text = text[: min(stops)]
            # It was written up to the stop, then filled up to the length of its neighbours.
            ended = None
            while kept and kept[-1] == self._tokenizer.pad_token_id:
                kept = kept[:-1]
        n_written = len(kept) + (ended is not None)
        cut = ended is None and not stops and n_written >= sampling.max_tokens
        answer = read_answer(text, tools=bool(sampling.tools), cut=cut)
        thought = 0
        if answer.reasoning:
            thought = len(self._tokenizer(answer.reasoning, add_special_tokens=False)["input_ids"])
        usage = Usage(n_read, n_written, reasoning_tokens=min(thought, n_written))
        return Completion(
            answer.text, answer.status, answer.tool_calls, answer.reasoning, usage, usd=0.0
        )

    def _score(self, read: list[list[int]], follow: list[list[list[int]]]) -> list[list[float]]:
        torch = self._torch
        owner = [i for i, texts in enumerate(follow) for _ in texts]
        tokens = [text for texts in follow for text in texts]
        if not tokens:
            return [[] for _ in read]
        self._check_length(max(map(len, read)), max(map(len, tokens)))
        device = self._model.device
        pad = self._tokenizer.pad_token_id
        ids, mask = _pad(torch, read, pad, left=True, device=device)
        next_ids, next_mask = _pad(torch, tokens, pad, left=False, device=device)
        index = torch.tensor(owner, device=device)
        with torch.inference_mode():
            ask = self._logits_seq2seq if self._is_encoder_decoder else self._logits_causal
            logits = ask(ids, mask, next_ids, next_mask, index)
            each = logits.float().log_softmax(-1).gather(-1, next_ids[..., None])[..., 0]
            sums = (each * next_mask).sum(1).tolist()
        scores: list[list[float]] = [[] for _ in read]
        for i, value in zip(owner, sums, strict=True):
            scores[i].append(value)
        return scores

    def _logits_causal(self, ids: Any, mask: Any, next_ids: Any, next_mask: Any, index: Any) -> Any:
        """What the model expects at each place of the continuations: (continuations, T, words)."""
        torch = self._torch
        places = (mask.cumsum(1) - 1).clamp(min=0)
        prompt = self._model(
            input_ids=ids, attention_mask=mask, position_ids=places, use_cache=True
        )
        first = prompt.logits[:, -1:][index]
        if next_ids.shape[1] == 1:
            return first
        past = prompt.past_key_values
        past.batch_select_indices(index)
        end = mask.sum(1)[index]
        rest = self._model(
            input_ids=next_ids[:, :-1],
            attention_mask=torch.cat([mask[index], next_mask[:, :-1]], 1),
            position_ids=end[:, None] + torch.arange(next_ids.shape[1] - 1, device=ids.device),
            past_key_values=past,
            use_cache=True,
        )
        return torch.cat([first, rest.logits], 1)

    def _logits_seq2seq(
        self, ids: Any, mask: Any, next_ids: Any, next_mask: Any, index: Any
    ) -> Any:
        torch = self._torch
        encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask)
        states = self._transformers.modeling_outputs.BaseModelOutput(
            last_hidden_state=encoded.last_hidden_state[index]
        )
        start = torch.full_like(next_ids[:, :1], self._model.config.decoder_start_token_id)
        return self._model(
            encoder_outputs=states,
            attention_mask=mask[index],
            decoder_input_ids=torch.cat([start, next_ids[:, :-1]], 1),
        ).logits


class _Gumbel:
    """Makes the most probable token a sample: the argmax of logits with Gumbel noise is one."""

    def __init__(self, torch: Any, seeds: Sequence[int]) -> None:
        self._torch = torch
        self._generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        torch = self._torch
        # Minus the logarithm of an exponential number is a Gumbel one.
        exponential = torch.stack(
            [
                torch.empty(scores.shape[1]).exponential_(generator=generator)
                for generator in self._generators
            ]
        )
        return scores.float() - exponential.clamp(min=1e-30).log().to(scores.device)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    found = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*found, tokenizer.eos_token_id] if token is not None)


def _pad(torch: Any, rows: list[list[int]], pad: int, *, left: bool, device: Any) -> Any:
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[i, where] = torch.tensor(row)
        mask[i, where] = 1
    return ids.to(device), mask.to(device)


def parse_options(
    options: dict[str, str],
    kind: str = "hf",
    known: Sequence[str] = ("adapter", "device", "dtype", "batch_size"),
) -> dict[str, Any]:
    """The options of a model's name ("hf:PATH?dtype=bfloat16&batch_size=8") as arguments.

    Raises:
        UnknownName: for an option that does not exist.
    """
    arguments: dict[str, Any] = {}
    for key, value in options.items():
        choose(f"option of {kind!r}", key, known)
        if key == "batch_size" and not value.isdecimal():
            raise UnknownName(f"expected batch_size as an integer, got {value!r}")
        arguments[key] = int(value) if key == "batch_size" else value
    return arguments
