"""Small models with random weights, made where they are needed: real ones, only untrained."""

from __future__ import annotations

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = (
    "turn left turn right go forward pick up drop toggle done",
    "You see a red ball 2 steps forward, You see a wall 3 steps left, You carry a yellow key",
    "Goal of the agent: go to the purple box. Possible action of the agent: Observation Action",
    "Noop Move West Move East Move North Move South Do Sleep Place Stone Make Wood Pickaxe",
)


def _tokenizer(folder: Path, chat: bool) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>"
    )
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    return len(fast)


def make_causal(folder: Path, *, chat: bool = True, seed: int = 0) -> Path:
    """A GPT-2 of two layers."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    words = _tokenizer(folder, chat)
    config = GPT2Config(
        vocab_size=words,
        n_positions=2048,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
        initializer_range=0.5,  # so that its choices differ
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def make_encoder_decoder(folder: Path, *, seed: int = 0) -> Path:
    """A T5 of two layers."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(seed)
    words = _tokenizer(folder, chat=False)
    config = T5Config(
        vocab_size=words,
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        eos_token_id=1,
        pad_token_id=0,
        initializer_factor=5.0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder
