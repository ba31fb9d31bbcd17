"""The untrained model: its tokenizer, its chat template, its architecture."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import tokenizers
import torch
import transformers

__all__ = ["CHAT_TEMPLATE", "deepen", "make_model"]

WORDS = 2048
_DIRECTIONS = (
    "ahead|behind|left|right|northeast|northwest|southeast|southwest|north|south|east|west"
)
# What a token may be, at most. Prompts are short and few comparisons are needed where a heading, a
# coloured thing, a distance with its direction, and a whole action are one token each.
_PIECES = "|".join(
    (
        r"(?<=\nACTION:)[^\n]+",
        r"[.\n]? ?[A-Z][A-Za-z ]*:",
        r"\n?You [a-z]+",
        r" ?(?:red|green|blue|purple|yellow|grey) (?:ball|box|key|door)",
        rf" ?\d{{1,2}} (?:{_DIRECTIONS})\b",
        r" ?[A-Za-z]+",
        r" ?\d",
        r"\n",
        r"[^\sA-Za-z\d]+",
        r"\s+",
    )
)
_SPECIAL = ("<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _tokenizer(texts: Iterable[str]) -> transformers.PreTrainedTokenizerFast:
    """Byte pairs within words, learned from texts."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(_PIECES), "isolated"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=list(_SPECIAL),
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


# (layer, head, how many tokens back), and how sharply.
_BACK = ((0, 0, 1), (0, 1, 1), (0, 2, 2), (1, 0, 1))
_SHARPNESS = 6.5
_FREQUENCIES = 4


def _look_back(model: transformers.LlamaForCausalLM) -> None:
    """Begin with some heads that look at the token before, or the one before that.

    To find what follows a name in a list takes such a head and a second one behind it. With random
    weights a model of this size needs tens of thousands of rows until it has the first one. The
    biases of queries and keys alone can make it: rotated by their places (RoPE), they agree best
    at one distance, of which the fastest rotations tell the most.
    """
    config = model.config
    size = config.hidden_size // config.num_attention_heads
    pairs = torch.arange(_FREQUENCIES)
    speeds = config.rope_parameters["rope_theta"] ** (-2.0 * pairs / size)
    with torch.no_grad():
        for layer, head, back in _BACK:
            attention = model.model.layers[layer].self_attn
            first, second = head * size + pairs, head * size + size // 2 + pairs
            attention.q_proj.bias[first] = _SHARPNESS * torch.cos(back * speeds)
            attention.q_proj.bias[second] = -_SHARPNESS * torch.sin(back * speeds)
            attention.k_proj.bias[first] = _SHARPNESS
            values = slice(head * size, (head + 1) * size)
            attention.v_proj.weight[values].normal_(std=0.1)
            attention.o_proj.weight[:, values].normal_(std=0.1)


def make_model(texts: Iterable[str], folder: Path, seed: int, width: int, layers: int) -> None:
    """Write an untrained model with a tokenizer for these texts into a folder.

    Args:
        texts: what the tokenizer is made for.
        folder: where to; replaced as a whole.
        seed: of the random weights.
        width: of the hidden states; a multiple of 32.
        layers: how many.
    """
    fast = _tokenizer(texts)
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(fast),
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 32 * 32,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        max_position_embeddings=2048,
        bos_token_id=fast.eos_token_id,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        tie_word_embeddings=True,
        attention_bias=True,
    )
    model = transformers.LlamaForCausalLM(config)
    _look_back(model)
    _save(model, fast, folder)


def deepen(model: Path, folder: Path, seed: int, layers: int) -> None:
    """Write a model that says the same, with more layers to learn with.

    A new layer is put before each of the last ones. What it adds to the hidden states is zero until
    it has learned: both of its last matrices begin with zeros (Net2DeeperNet: Chen, Goodfellow and
    Shlens, ICLR 2016, arXiv:1511.05641).

    Args:
        model: the folder of the model.
        folder: where to; replaced as a whole.
        seed: of the random weights of the new layers.
        layers: how many there shall be; from as many as there are to twice as many.
    """
    old = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    before = old.config.num_hidden_layers
    added = layers - before
    if not 0 <= added <= before:
        raise ValueError(
            f"a model of {before} layers is deepened to {before} to {2 * before}, not {layers}"
        )
    config = transformers.LlamaConfig(**{**old.config.to_dict(), "num_hidden_layers": layers})
    torch.manual_seed(seed)
    new = transformers.LlamaForCausalLM(config)
    new.model.embed_tokens.load_state_dict(old.model.embed_tokens.state_dict())
    new.model.norm.load_state_dict(old.model.norm.state_dict())
    left_alone = before - added
    for i, layer in enumerate(old.model.layers):
        place = i + max(0, i - left_alone + 1)
        new.model.layers[place].load_state_dict(layer.state_dict())
    with torch.no_grad():
        for layer in list(new.model.layers)[left_alone::2]:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    _save(new, transformers.AutoTokenizer.from_pretrained(model), folder)


def _save(
    model: transformers.LlamaForCausalLM,
    tokenizer: transformers.PreTrainedTokenizerBase,
    folder: Path,
) -> None:
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)
