"""The model in the box: a small language model that comes with the package."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from textenvs.errors import ModelError, require
from textenvs.llm.backends.hf import HFModel

__all__ = ["FOLDER", "TinyModel", "check_files"]

FOLDER = Path(__file__).resolve().parent.parent / "tiny"
"""A folder that ``transformers.AutoModelForCausalLM.from_pretrained`` reads."""

SUMS = "SHA256SUMS"


class TinyModel(HFModel):
    """A causal model of about three million parameters, trained on experts' games of three games.

    It answers :class:`textenvs.agents.RecallAgent` with the prompt ``bare``, and nothing else: it
    knows no English beyond the captions. How it was trained is told in ``docs/tiny_model.md``.

    Args:
        **options: as :class:`HFModel`; the dtype is float32 unless told otherwise.

    Raises:
        MissingExtra: if transformers or torch is not installed.
        ModelError: if a file is not what was released.
    """

    def __init__(self, **options: Any) -> None:
        for package in ("torch", "transformers"):
            require(package, extra="hf", needed_by="model 'tiny'")
        weights = check_files(FOLDER)
        super().__init__(str(FOLDER), **{"dtype": "float32", **options})
        self.name = f"tiny#{weights[:12]}"


def check_files(folder: Path) -> str:
    """Compare the files of a model with their checksums.

    Returns:
        The SHA-256 of the weights.

    Raises:
        ModelError: naming the first file that is missing or another one.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise ModelError(f"model 'tiny' is incomplete: {error}; install textenvs again") from error
    sums = {name: value for value, _, name in (line.partition("  ") for line in lines)}
    for name, expected in sums.items():
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
        if found != expected:
            raise ModelError(
                f"{path}: expected the file with SHA-256 {expected}, got {found}; install textenvs "
                "again"
            )
    return sums["model.safetensors"]
