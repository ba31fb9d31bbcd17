"""Sentence embeddings, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textenvs.errors import require

__all__ = ["DEFAULT_EMBEDDINGS", "Embedder", "Embeddings", "get_embedder"]

DEFAULT_EMBEDDINGS = "sentence-transformers/all-MiniLM-L6-v2"
"""The model of the in5490 project and, in a smaller size, of ELLM."""


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
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            found = self._load()(new, normalize_embeddings=True, show_progress_bar=False)
            self._known |= zip(new, np.asarray(found, np.float32), strict=True)
        return np.stack([self._known[text] for text in texts])

    def _load(self) -> Callable[..., Any]:
        if self._encode is None:
            require("sentence_transformers", extra="advice", needed_by="sentence embeddings")
            from sentence_transformers import SentenceTransformer

            self._encode = SentenceTransformer(self.model, device="cpu").encode
        return self._encode


@lru_cache(maxsize=4)
def get_embedder(model: str = DEFAULT_EMBEDDINGS) -> Embeddings:
    """The embeddings of a model, shared by all that ask for them in this process."""
    return Embeddings(model)
