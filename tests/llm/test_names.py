"""Models by their names, and what tells them apart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from textenvs.errors import UnknownName
from textenvs.llm import KINDS, get_model
from textenvs.llm.backends.fingerprint import fingerprint
from textenvs.llm.backends.hf import parse_options
from textenvs.llm.names import _served, identity

# Names


@pytest.mark.parametrize("name", ["", "gpt-4o", "nothing:x", "openai", "openai:", ":x", "OpenAI:x"])
def test_what_is_no_name_of_a_model_is_told_with_the_forms_that_are(name: str) -> None:
    with pytest.raises(UnknownName, match=r"unknown model .*: expected one of openai:M"):
        get_model(name)


def test_every_kind_tells_how_it_is_written() -> None:
    assert set(KINDS) == {"openai", "hf", "vllm", "litellm", "recorded", "scripted", "tiny"}
    assert all(re.match(rf"{kind}[: ]", form) for kind, (_, form) in KINDS.items())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("m", ("m", None, None)),
        ("org/m:free", ("org/m:free", None, None)),
        ("m@http://h:1/v1", ("m", "http://h:1/v1", None)),
        ("m@https://h/v1?timeout=0.5", ("m", "https://h/v1", 0.5)),
        ("m?timeout=5", ("m", None, 5.0)),
        ("m@2024@http://h/v1", ("m@2024", "http://h/v1", None)),
        ("/models/m@http://h/v1", ("/models/m", "http://h/v1", None)),
    ],
)
def test_a_served_model_has_a_name_an_address_and_a_timeout(
    name: str, parts: tuple[str, str | None, float | None]
) -> None:
    assert _served(name) == parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("timeout=soon", "expected timeout in seconds, as a number"),
        ("timeout=", "expected timeout in seconds"),
        ("timeout=0", "expected timeout in seconds above 0"),
        ("timeout=-1", "expected timeout in seconds above 0"),
        ("timeout=inf", "expected timeout in seconds above 0"),
        ("timeout=nan", "expected timeout in seconds above 0"),
        ("retries=3", "unknown option 'retries' of a server: expected timeout"),
        ("junk", "unknown option 'junk' of a server"),
    ],
)
@pytest.mark.models
@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_options_of_a_server_are_checked_before_it_is_asked(
    kind: str, options: str, message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        get_model(f"{kind}:m@http://127.0.0.1:9/v1?{options}")


@pytest.mark.models
def test_a_key_among_the_options_is_not_repeated() -> None:
    with pytest.raises(UnknownName) as caught:
        get_model("openai:m@http://127.0.0.1:9/v1?api_key=sk-secret-123")
    assert "secret" not in str(caught.value)


def test_options_of_a_local_model() -> None:
    options = {"adapter": "DIR", "device": "cuda:1", "dtype": "bfloat16", "batch_size": "8"}
    assert parse_options(options) == {**options, "batch_size": 8}
    assert parse_options({}) == {}
    with pytest.raises(UnknownName, match="expected batch_size as an integer, got 'many'"):
        parse_options({"batch_size": "many"})
    with pytest.raises(UnknownName, match="unknown option of 'hf' 'size': expected one of"):
        parse_options({"size": "8"})


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("openai:m", "openai:m"),
        ("openai:m@http://h/v1?timeout=5", "openai:m@http://h/v1"),
        ("hf:p?device=cuda&dtype=float32&batch_size=8", "hf:p?dtype=float32"),
        ("hf:p?adapter=/a+b c%20d", "hf:p?adapter=/a+b c%20d"),
    ],
)
def test_options_that_change_no_answer_are_no_part_of_a_models_identity(
    name: str, same: str
) -> None:
    assert identity(name) == same
    assert identity(same) == same


def test_no_package_is_imported_before_its_kind_is_named() -> None:
    code = (
        "import sys, textenvs.llm\n"
        "print([m for m in ('torch', 'transformers', 'openai', 'litellm', 'vllm') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


# Fingerprints


def model(folder: Path, weights: bytes = b"w", config: str = "{}") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_another_model_at_the_same_path_is_told_apart(tmp_path: Path) -> None:
    found = {
        fingerprint(model(tmp_path / "m", *files))
        for files in [(b"w", "{}"), (b"v", "{}"), (b"w", "{ }"), (b"ww", "{}")]
    }
    assert len(found) == 4


def test_the_same_model_is_the_same_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    one, other = model(tmp_path / "one"), model(tmp_path / "other")
    os.utime(other / "model.safetensors", (0, 0))
    (other / "README.md").write_text("about it")
    assert fingerprint(one) == fingerprint(other)


def test_a_name_at_a_hub_has_none(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "org" / "name") == ""


@pytest.mark.parametrize("size", [3 << 20, 100 << 20])
def test_training_that_leaves_both_ends_of_the_weights_as_they_were_is_seen(
    tmp_path: Path, size: int
) -> None:
    """An adapter that was merged leaves the embeddings and the last norm alone."""
    folder = model(tmp_path / "m")
    weights = folder / "model.safetensors"
    os.truncate(weights, size)
    before = fingerprint(folder)
    with weights.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"x" * (1 << 20))
    assert fingerprint(folder) != before
