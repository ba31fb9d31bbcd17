"""Models that transformers runs here: real ones, only small and untrained."""

from __future__ import annotations

import math
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.models import prompt
from textenvs.errors import ModelError, UnknownName
from textenvs.llm import Cache, Gateway, Messages, Sampling, ToolCall, get_model
from textenvs.llm.backends.hf import HFModel
from textenvs.llm.backends.reading import read_answer
from tiny_models import make_causal

pytestmark = pytest.mark.models

PROMPTS: list[Messages] = [
    prompt("You see a red ball 2 steps forward"),
    prompt("go"),
    [
        {"role": "system", "content": "Possible action of the agent: turn left, turn right"},
        *prompt("You see a wall 3 steps left, You carry a yellow key"),
    ],
    prompt("🧭 naïve"),
    prompt("pick up"),
]
SHORT = Sampling(max_tokens=12)
WARM = Sampling(temperature=1.0, max_tokens=12)


@pytest.fixture(scope="module")
def causal(tiny_causal: Path) -> HFModel:
    return HFModel(str(tiny_causal), device="cpu")


@pytest.fixture(scope="module")
def encoder_decoder(tiny_encoder_decoder: Path) -> HFModel:
    return HFModel(str(tiny_encoder_decoder), device="cpu")


@pytest.fixture(scope="module")
def raw(tiny_causal: Path) -> tuple[Any, Any]:
    """The same model and its tokenizer, as transformers gives them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_causal).eval()
    return model, AutoTokenizer.from_pretrained(tiny_causal)


@pytest.fixture(scope="module")
def bart(tiny_encoder_decoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder-decoder of absolute positions whose own settings ask for beams."""
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    folder = tmp_path_factory.mktemp("bart")
    for path in tiny_encoder_decoder.glob("tokenizer*"):
        shutil.copy(path, folder)
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=400,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=40,
        init_std=0.5,
        bos_token_id=1,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=1,
        forced_eos_token_id=None,
    )
    model = BartForConditionalGeneration(config)
    model.generation_config.num_beams = 4
    model.save_pretrained(folder)
    return folder


def own_greedy(raw: tuple[Any, Any], messages: Messages, **arguments: Any) -> str:
    """What transformers answers itself."""
    model, tokenizer = raw
    read = tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    written = model.generate(**read, do_sample=False, **arguments)[0, read["input_ids"].shape[1] :]
    return str(tokenizer.decode(written, skip_special_tokens=True))


def direct_score(model: Any, read: list[int], follow: list[int]) -> float:
    """Log-probabilities by one forward pass over everything."""
    import torch

    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([read + follow])).logits[0].double()
    places = torch.arange(len(read) - 1, len(read) + len(follow) - 1)
    each = logits[places].log_softmax(-1)
    return float(each[torch.arange(len(follow)), torch.tensor(follow)].sum())


def chi_square_is_plausible(seen: Counter[str], expected: dict[str, float]) -> bool:
    """Whether counts fit probabilities; what is expected less than 10 times is one class."""
    n = seen.total()
    classes = [(seen[text], n * p) for text, p in expected.items() if n * p >= 10]
    rest = n - sum(count for count, _ in classes), n - sum(mean for _, mean in classes)
    if rest[1] > 1:
        classes.append(rest)
    statistic = sum((count - mean) ** 2 / mean for count, mean in classes)
    freedom = len(classes) - 1
    assert freedom >= 1  # else nothing was put to the test
    return statistic < freedom + 4.5 * math.sqrt(2 * freedom)


# Greedy answers


def test_a_greedy_answer_is_transformers_own(causal: HFModel, raw: tuple[Any, Any]) -> None:
    answers = causal.generate(PROMPTS, SHORT)
    own = [own_greedy(raw, messages, max_new_tokens=12) for messages in PROMPTS]
    assert [answer.text for answer in answers] == [text.strip() for text in own]
    assert len({answer.text for answer in answers}) == len(PROMPTS)


def test_it_is_the_same_alone_in_a_batch_and_in_batches_of_any_size(
    causal: HFModel, tiny_causal: Path
) -> None:
    together = causal.generate(PROMPTS, SHORT)
    assert together == [causal.generate([messages], SHORT)[0] for messages in PROMPTS]
    assert together[::-1] == causal.generate(PROMPTS[::-1], SHORT)
    assert together == HFModel(str(tiny_causal), device="cpu", batch_size=2).generate(
        PROMPTS, SHORT
    )


def test_the_models_own_settings_of_sampling_change_no_greedy_answer(
    tiny_causal: Path, tmp_path: Path, raw: tuple[Any, Any]
) -> None:
    folder = shutil.copytree(tiny_causal, tmp_path / "m")
    (folder / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 0.1, "top_k": 2, "top_p": 0.1, "eos_token_id": 1}'
    )
    model = HFModel(str(folder), device="cpu")
    own = own_greedy(raw, PROMPTS[0], max_new_tokens=12)
    assert model.generate(PROMPTS[:1], SHORT)[0].text == own.strip()
    warm = model.generate([prompt("go")] * 20, Sampling(1.0, max_tokens=1), list(range(20)))
    assert len({answer.text for answer in warm}) > 2  # its top_k is not ours


def test_tokens_are_counted_without_the_padding(causal: HFModel, raw: tuple[Any, Any]) -> None:
    for messages, answer in zip(PROMPTS, causal.generate(PROMPTS, SHORT), strict=True):
        read = raw[1].apply_chat_template(
            list(messages), add_generation_prompt=True, return_dict=True
        )
        assert answer.usage.input_tokens == len(read["input_ids"])
        assert answer.usage.output_tokens == 12
        assert (answer.status, answer.usd) == ("cut", 0.0)


def test_nothing_asked_is_nothing_answered(causal: HFModel) -> None:
    assert causal.generate([], SHORT) == []
    assert causal.score([], []) == []
    assert causal.score(["go", "to"], [[], []]) == [[], []]


def test_tokens_of_a_prompt_are_counted_as_they_are_read(
    causal: HFModel, encoder_decoder: HFModel
) -> None:
    for model in (causal, encoder_decoder):
        answers = model.generate(PROMPTS, Sampling(max_tokens=1))
        counted = [model.count_tokens(messages) for messages in PROMPTS]
        assert counted == [answer.usage.input_tokens for answer in answers]
        assert model.count_tokens("go") == len(model._tokenizer("go")["input_ids"])


# Ends


@pytest.fixture(scope="module")
def ending(tiny_causal: Path, tmp_path_factory: pytest.TempPathFactory) -> HFModel:
    """A model that calls more tokens an end: those that it writes fourth to some of the prompts."""
    folder = shutil.copytree(tiny_causal, tmp_path_factory.mktemp("ending") / "m")
    plain = HFModel(str(folder), device="cpu")
    ends = [1]
    for messages in PROMPTS[:2]:
        text = plain._reader.text(messages)
        read = plain._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        ends.append(int(plain._model.generate(**read, do_sample=False, max_new_tokens=4)[0, -1]))
    (folder / "generation_config.json").write_text(f'{{"eos_token_id": {ends}}}')
    return HFModel(str(folder), device="cpu")


def test_an_answer_ends_at_a_token_that_ends_it(
    ending: HFModel, causal: HFModel, raw: tuple[Any, Any]
) -> None:
    sampling = Sampling(max_tokens=40)
    answers = ending.generate(PROMPTS, sampling)
    assert answers == [ending.generate([messages], sampling)[0] for messages in PROMPTS]
    ended = [a for a in answers if a.status == "ok"]
    assert len(ended) >= 2
    assert all(answer.usage.output_tokens < 40 for answer in ended)
    assert answers[1].usage.output_tokens <= 4
    for answer, whole in zip(answers, causal.generate(PROMPTS, sampling), strict=True):
        assert whole.text.startswith(answer.text.rstrip("�"))


def test_an_end_that_comes_with_the_last_token_that_fits_is_an_end(ending: HFModel) -> None:
    (whole,) = ending.generate(PROMPTS[1:2], Sampling(max_tokens=40))
    n = whole.usage.output_tokens
    (fits,) = ending.generate(PROMPTS[1:2], Sampling(max_tokens=n))
    assert fits == whole
    if n > 1:
        assert ending.generate(PROMPTS[1:2], Sampling(max_tokens=n - 1))[0].status == "cut"


@pytest.mark.parametrize("padding", ["<pad>", "<|end|>"])
def test_stops_end_an_answer_and_are_no_part_of_it_alone_and_in_a_batch(
    tiny_causal: Path, padding: str
) -> None:
    model = HFModel(str(tiny_causal), device="cpu")
    model._tokenizer.pad_token = padding  # many models have none but their end
    whole = [answer.text for answer in model.generate(PROMPTS, SHORT)]
    plain = [re.findall(r"[ -~]{2}", text[3:]) for text in whole]  # no halves of characters
    stops = (plain[0][0], plain[2][-1])
    sampling = Sampling(max_tokens=12, stop=stops)
    answers = model.generate(PROMPTS, sampling)
    for text, answer in zip(whole, answers, strict=True):
        found = [text.find(stop) for stop in stops if stop in text]
        assert answer.text == (text[: min(found)].strip() if found else text)
        assert answer.status == ("ok" if found else "cut")
        assert found or answer.usage.output_tokens == 12
    stopped = [answer for answer in answers if answer.status == "ok"]
    assert len(stopped) >= 2
    assert min(answer.usage.output_tokens for answer in stopped) < 12
    assert answers == [model.generate([messages], sampling)[0] for messages in PROMPTS]


def test_a_limit_of_one_token(causal: HFModel) -> None:
    (answer,) = causal.generate(PROMPTS[:1], Sampling(max_tokens=1))
    assert answer.usage.output_tokens == 1


# Sampling


def test_a_sample_depends_on_its_index_and_on_nothing_else_in_the_batch(causal: HFModel) -> None:
    alone = {n: causal.generate([PROMPTS[0]], WARM, [n])[0] for n in range(4)}
    assert len({answer.text for answer in alone.values()}) == 4
    batch = [PROMPTS[0], PROMPTS[2], PROMPTS[0], PROMPTS[1], PROMPTS[0], PROMPTS[0]]
    mixed = causal.generate(batch, WARM, [2, 0, 0, 3, 1, 2])
    assert [mixed[0], mixed[2], mixed[4], mixed[5]] == [alone[2], alone[0], alone[1], alone[2]]
    assert causal.generate([PROMPTS[0]], WARM) == [alone[0]]


@pytest.mark.parametrize("sample", [-1, 2**63 - 1, 2**64 + 5])
def test_any_integer_is_a_sample_index(causal: HFModel, sample: int) -> None:
    assert causal.generate([PROMPTS[0]], WARM, [sample]) == causal.generate(
        [PROMPTS[0]], WARM, [sample]
    )


@pytest.mark.parametrize(
    ("temperature", "top_p"), [(None, 1.0), (1.0, 1.0), (0.6, 1.0), (1.5, 0.8), (1.0, 0.5)]
)
def test_samples_have_the_probabilities_of_the_model(
    causal: HFModel,
    monkeypatch: pytest.MonkeyPatch,
    temperature: float | None,
    top_p: float,
) -> None:
    import torch

    text = causal._reader.text(PROMPTS[1])
    read = causal._tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        logits = causal._model(**read).logits[0, -1].double()
    each = (logits / (1.0 if temperature is None else temperature)).softmax(-1)
    order = each.argsort(descending=True)
    before = each[order].cumsum(0) - each[order]  # of the more probable ones
    each[order[before >= top_p]] = 0.0
    each /= each.sum()
    expected: dict[str, float] = Counter()
    for token, p in enumerate(each.tolist()):
        said = causal._tokenizer.decode([token], skip_special_tokens=True).strip()
        expected[said] += p
    sampling = Sampling(temperature, top_p, max_tokens=1)
    n = 3000
    monkeypatch.setattr(causal, "_batch_size", 500)
    answers = causal.generate([PROMPTS[1]] * n, sampling, list(range(n)))
    seen = Counter(answer.text for answer in answers)
    assert all(expected[said] > 0 for said in seen)  # nothing outside of the nucleus
    assert chi_square_is_plausible(seen, expected)


def test_temperature_towards_zero_is_greedy(causal: HFModel) -> None:
    cold = causal.generate(PROMPTS, Sampling(1e-4, max_tokens=12), [3] * len(PROMPTS))
    assert cold == causal.generate(PROMPTS, SHORT)


def test_a_tiny_nucleus_is_greedy(causal: HFModel) -> None:
    narrow = causal.generate(PROMPTS, Sampling(1.0, 1e-6, max_tokens=12), [3] * len(PROMPTS))
    assert narrow == causal.generate(PROMPTS, SHORT)


def test_samples_go_through_the_cache_by_their_index(causal: HFModel, tmp_path: Path) -> None:
    gateway = Gateway(causal, cache=Cache(tmp_path / "c"))
    first = gateway.generate([PROMPTS[0]] * 3, WARM, [0, 1, 0])
    assert first[0] == first[2] != first[1]


# Scores


def test_a_score_is_the_sum_of_the_tokens_log_probabilities(
    causal: HFModel, raw: tuple[Any, Any]
) -> None:
    model, tokenizer = raw
    texts = ["turn left", " go", "🧭", "Place Stone Make Wood Pickaxe", "x"]
    (scores,) = causal.score(["You see a red ball"], [texts])
    read = tokenizer("You see a red ball")["input_ids"]
    for text, score in zip(texts, scores, strict=True):
        follow = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert score == pytest.approx(direct_score(model, read, follow), abs=1e-3)
        assert score < 0


def test_messages_are_scored_through_the_chat_template(
    causal: HFModel, raw: tuple[Any, Any]
) -> None:
    model, tokenizer = raw
    read = tokenizer.apply_chat_template(
        list(PROMPTS[2]), add_generation_prompt=True, return_dict=True
    )["input_ids"]
    follow = tokenizer("turn left", add_special_tokens=False)["input_ids"]
    assert causal.score([PROMPTS[2]], [["turn left"]])[0][0] == pytest.approx(
        direct_score(model, read, follow), abs=1e-3
    )


def test_the_neighbours_of_a_prompt_and_of_a_text_change_no_score(causal: HFModel) -> None:
    prompts = ["go", "You see a wall 3 steps left, You carry a yellow key", "turn left turn right"]
    texts = [["a", " turn left turn right go forward"], ["drop"], [" pick up", " d", " toggle"]]
    together = causal.score(prompts, texts)
    for one, follow, scores in zip(prompts, texts, together, strict=True):
        for text, score in zip(follow, scores, strict=True):
            assert causal.score([one], [[text]])[0][0] == pytest.approx(score, abs=2e-3)
    assert [len(scores) for scores in together] == [2, 1, 3]


WORDS = st.sampled_from([" left", " right", " go", " forward", " You", " see", " Do", ",", " 3"])
PARTS = st.lists(WORDS, min_size=1, max_size=6).map("".join)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_scores_obey_the_chain_rule(causal: HFModel, data: st.DataObject) -> None:
    first, second = data.draw(PARTS), data.draw(PARTS)
    begin = data.draw(st.sampled_from(["go", "You see a red ball 2 steps forward"]))

    def tokens(text: str) -> list[int]:
        found: list[int] = causal._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    assert tokens(begin + first + second) == tokens(begin) + tokens(first) + tokens(second)
    (both, one), (other,) = causal.score(
        [begin, begin + first], [[first + second, first], [second]]
    )
    assert both == pytest.approx(one + other, abs=5e-3)


def test_the_probabilities_of_all_that_can_follow_add_up_to_one(
    causal: HFModel, encoder_decoder: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in (causal, encoder_decoder):
        with monkeypatch.context() as patch:
            patch.setattr(model._reader, "continuation", lambda text: [int(text)])
            everything = [str(token) for token in range(len(model._tokenizer))]
            (scores,) = model.score(["You see a red ball"], [everything])
        assert len(scores) == 400
        assert math.fsum(map(math.exp, scores)) == pytest.approx(1.0, abs=1e-4)


def test_the_greedy_answer_begins_with_the_best_token(causal: HFModel) -> None:
    (answer,) = causal.generate([PROMPTS[4]], Sampling(max_tokens=1))
    texts = [" left", " right", " go", " Stone", " wall", "zz", answer.text]
    (scores,) = causal.score([PROMPTS[4]], [texts])
    assert max(scores) == scores[-1]


def test_an_encoder_decoder_scores_as_a_direct_pass_does(encoder_decoder: HFModel) -> None:
    import torch

    model, tokenizer = encoder_decoder._model, encoder_decoder._tokenizer
    prompts = ["go", "You see a wall 3 steps left, You carry a yellow key"]
    texts = [["turn left", "a"], [" go forward", "drop", "pick up toggle"]]
    scores = encoder_decoder.score(prompts, texts)
    for one, follow, found in zip(prompts, texts, scores, strict=True):
        for text, score in zip(follow, found, strict=True):
            labels = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
            with torch.inference_mode():
                logits = model(**tokenizer(one, return_tensors="pt"), labels=labels).logits[0]
            each = logits.double().log_softmax(-1)[torch.arange(labels.shape[1]), labels[0]]
            assert score == pytest.approx(float(each.sum()), abs=2e-2)


def test_an_empty_text_has_no_score(causal: HFModel) -> None:
    with pytest.raises(ValueError, match="expected a continuation of at least one token, got ''"):
        causal.score(["go"], [[""]])
    with pytest.raises(ValueError, match="expected a prompt of at least one token"):
        causal.score([""], [["go"]])


def test_as_many_lists_of_texts_as_prompts_are_expected(causal: HFModel) -> None:
    with pytest.raises(ValueError, match="zip"):
        causal.score(["go", "to"], [["x"]])


# Encoder-decoders


def test_an_encoder_decoder_answers_as_transformers_does(encoder_decoder: HFModel) -> None:
    model, tokenizer = encoder_decoder._model, encoder_decoder._tokenizer
    answers = encoder_decoder.generate(PROMPTS, SHORT)
    assert answers == [encoder_decoder.generate([messages], SHORT)[0] for messages in PROMPTS]
    for messages, answer in zip(PROMPTS, answers, strict=True):
        text = "\n\n".join(message["content"] for message in messages) + "\n"
        read = tokenizer(text, return_tensors="pt")
        written = model.generate(input_ids=read["input_ids"], do_sample=False, max_new_tokens=12)[0]
        assert answer.text == tokenizer.decode(written, skip_special_tokens=True).strip()


def test_one_that_wants_beams_is_asked_without(bart: Path) -> None:
    model = HFModel(str(bart), device="cpu")
    read = model._tokenizer("go\n", return_tensors="pt")
    own = model._model.generate(
        input_ids=read["input_ids"], do_sample=False, num_beams=1, max_new_tokens=12
    )
    text = model._tokenizer.decode(own[0], skip_special_tokens=True).strip()
    assert model.generate([prompt("go")], SHORT)[0].text == text
    assert len({a.text for a in model.generate([prompt("go")] * 3, WARM, [0, 1, 2])}) == 3


# Lengths


def test_a_prompt_that_is_too_long_is_told_with_the_lengths(causal: HFModel) -> None:
    long = "go " * 3000
    with pytest.raises(ModelError, match=r"reads 2048 tokens: expected a prompt and an answer"):
        causal.generate([prompt(long)], SHORT)
    with pytest.raises(ModelError, match="reads 2048 tokens"):
        causal.score([long], [["go"]])
    with pytest.raises(ModelError, match="allow less of an answer"):
        causal.generate([prompt("go")], Sampling(max_tokens=2048))


def test_an_encoder_and_a_decoder_read_as_much_each(bart: Path) -> None:
    model = HFModel(str(bart), device="cpu")
    fits = "d" * 38
    assert model.generate([prompt(fits)], Sampling(max_tokens=39))[0].text
    assert model.score([fits], [[fits]])
    with pytest.raises(ModelError, match="reads 40 tokens"):
        model.generate([prompt("d" * 60)], SHORT)
    with pytest.raises(ModelError, match="reads 40 tokens"):
        model.generate([prompt("d")], Sampling(max_tokens=60))
    with pytest.raises(ModelError, match="reads 40 tokens"):
        model.score(["d" * 60], [["d"]])
    with pytest.raises(ModelError, match="reads 40 tokens"):
        model.score(["d"], [["d" * 60]])


# Texts


def test_a_lone_surrogate_cannot_be_read(causal: HFModel, encoder_decoder: HFModel) -> None:
    for model in (causal, encoder_decoder):
        with pytest.raises(ModelError, match="got a lone surrogate"):
            model.generate([prompt("a\ud800b")], SHORT)
        with pytest.raises(ModelError, match="got a lone surrogate"):
            model.score(["a\ud800b"], [["c"]])
        with pytest.raises(ModelError, match="got a lone surrogate"):
            model.score(["a"], [["\udfff"]])


def test_a_chat_template_that_refuses_is_told(tiny_causal: Path) -> None:
    model = HFModel(str(tiny_causal), device="cpu")
    model._tokenizer.chat_template = "{{ raise_exception('no\nsystem') }}"
    with pytest.raises(ModelError, match="its chat template refuses: no system"):
        model.generate([prompt("go")], SHORT)


def test_a_model_without_a_chat_template_reads_the_contents(tmp_path: Path) -> None:
    model = HFModel(str(make_causal(tmp_path, chat=False)), device="cpu")
    messages = [{"role": "system", "content": "turn left"}, *prompt("go")]
    assert model._reader.text(messages) == "turn left\n\ngo\n"
    (answer,) = model.generate([messages], SHORT)
    assert answer.usage.input_tokens == len(model._tokenizer("turn left\n\ngo\n")["input_ids"])


# Adapters


@pytest.fixture(scope="module")
def adapter(tiny_causal: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(
        r=4,
        target_modules=["c_attn"],
        init_lora_weights=False,  # so that it changes something
        fan_in_fan_out=True,
        task_type="CAUSAL_LM",
    )
    folder = tmp_path_factory.mktemp("adapter")
    base = AutoModelForCausalLM.from_pretrained(tiny_causal)
    get_peft_model(base, config).save_pretrained(folder)
    return folder


def test_an_adapter_answers_as_peft_does_and_not_as_its_base(
    causal: HFModel, raw: tuple[Any, Any], tiny_causal: Path, adapter: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_causal)
    own = PeftModel.from_pretrained(base, adapter).eval()
    model: Any = get_model(f"hf:{tiny_causal}?adapter={adapter}&device=cpu")
    answers = model.generate(PROMPTS, SHORT)
    assert [answer.text for answer in answers] == [
        own_greedy((own, raw[1]), messages, max_new_tokens=12).strip() for messages in PROMPTS
    ]
    assert answers != causal.generate(PROMPTS, SHORT)
    read, follow = raw[1]("go")["input_ids"], raw[1](" left right")["input_ids"]
    assert model.score(["go"], [[" left right"]])[0][0] == pytest.approx(
        direct_score(own, read, follow), abs=1e-3
    )
    assert model.name.startswith(f"hf:{tiny_causal}+{adapter}#")


def test_an_adapter_that_is_not_there_is_told(tiny_causal: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        get_model(f"hf:{tiny_causal}?adapter={tmp_path / 'no'}")


# Names


def test_a_model_that_was_trained_on_at_the_same_path_has_another_name(tmp_path: Path) -> None:
    names = [
        HFModel(str(make_causal(tmp_path, seed=seed)), device="cpu").name for seed in (0, 1, 0)
    ]
    assert names[0].startswith(f"hf:{tmp_path}#")
    assert names[0] != names[1]
    assert names[0] == names[2]


def test_what_changes_no_answer_is_no_part_of_the_name(tiny_causal: Path, causal: HFModel) -> None:
    assert get_model(f"hf:{tiny_causal}?batch_size=3&device=cpu").name == causal.name
    half = get_model(f"hf:{tiny_causal}?dtype=bfloat16&device=cpu")
    assert half.name != causal.name
    assert "bfloat16" in half.name


def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model 'hf:nobody/nothing' cannot be loaded: "):
        get_model("hf:nobody/nothing")
    with pytest.raises(ModelError, match="cannot be loaded"):
        get_model(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        get_model(f"hf:{tmp_path / 'no'}")


def test_weights_that_are_broken_are_told(tiny_causal: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_causal, tmp_path / "m")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=rf"model 'hf:{folder}' cannot be loaded") as caught:
        get_model(f"hf:{folder}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", ["dtype=float7", "batch_size=x", "nothing=1", "adapters=x"])
def test_an_option_that_does_not_exist_is_told(tiny_causal: Path, options: str) -> None:
    with pytest.raises(UnknownName, match="expected"):
        get_model(f"hf:{tiny_causal}?{options}")


def test_a_device_that_is_not_there_is_told(tiny_causal: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        get_model(f"hf:{tiny_causal}?device=nowhere")
    with pytest.raises(ValueError, match="expected a batch_size of 1 or more, got 0"):
        get_model(f"hf:{tiny_causal}?batch_size=0")


# What was written


@pytest.mark.parametrize(
    ("written", "text", "reasoning"),
    [
        ("go", "go", ""),
        ("<think>hm\nhm</think>\n\ngo", "go", "hm\nhm"),
        ("  <think></think>go", "go", ""),
        ("hm</think> go", "go", "hm"),  # the template wrote the beginning
        ("<think>a</think>b</think>c", "b</think>c", "a"),
        ("go <think>", "go <think>", ""),
    ],
)
def test_thoughts_are_kept_apart(written: str, text: str, reasoning: str) -> None:
    answer = read_answer(written, tools=False, cut=False)
    assert (answer.text, answer.reasoning, answer.status) == (text, reasoning, "ok")


@pytest.mark.parametrize(
    ("written", "cut", "status"),
    [
        ("", False, "empty"),
        (" \n", False, "empty"),
        ("<think>hm</think>  ", False, "empty"),
        ("<think>hm", True, "cut"),
        ("", True, "cut"),
        ("go", False, "ok"),
    ],
)
def test_what_became_of_an_answer(written: str, cut: bool, status: str) -> None:
    assert read_answer(written, tools=False, cut=cut).status == status


def test_tool_calls_are_read_where_tools_were_offered() -> None:
    written = (
        '<think>hm</think>I act.\n<tool_call>\n{"name": "act", "arguments": {"to": "北"}}\n'
        '</tool_call><tool_call>{"name": "stop"}</tool_call>'
    )
    answer = read_answer(written, tools=True, cut=False)
    assert answer.text == "I act."
    assert answer.reasoning == "hm"
    assert answer.tool_calls == (ToolCall("act", '{"to": "\\u5317"}'), ToolCall("stop", "{}"))
    plain = read_answer(written, tools=False, cut=False)
    assert plain.tool_calls == ()
    assert "<tool_call>" in plain.text


@pytest.mark.parametrize(
    "call", ["{no json}", '{"arguments": {}}', '{"name": 7}', '{"name": "a", }', '{"a": 1} {}']
)
def test_a_call_that_cannot_be_read_is_text(call: str) -> None:
    answer = read_answer(f"<tool_call>{call}</tool_call>", tools=True, cut=False)
    assert answer.tool_calls == ()
    assert answer.text == f"<tool_call>{call}</tool_call>"


def test_a_call_alone_is_an_answer() -> None:
    call = '<tool_call>{"name": "act", "arguments": "{\\"a\\": 1}"}</tool_call>'
    answer = read_answer(call, tools=True, cut=False)
    assert (answer.text, answer.status) == ("", "ok")
    assert answer.tool_calls == (ToolCall("act", '{"a": 1}'),)
