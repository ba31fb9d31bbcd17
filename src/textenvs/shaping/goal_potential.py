"""A potential from goals that a language model suggested."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS, Embedder, get_embedder
from textenvs.shaping.potential import History

__all__ = ["HORIZON", "LIBRARY", "GoalPotential", "statements"]

HORIZON = 3
"""Actions of the pieces that goals were suggested for."""

LIBRARY = "goals.json"
"""The file of a library of goals."""

_BORDER = re.compile(r"[.,;\n]\s*")
_KEPT = 50_000  # texts whose likeness to everything is remembered


@lru_cache(maxsize=_KEPT)
def statements(text: str) -> tuple[str, ...]:
    """The single statements of a caption, in lower case, each once.

    Example:
        >>> statements("You see: grass at 1 steps to your left, cow at 5 steps to your right.")
        ('grass at 1 steps to your left', 'cow at 5 steps to your right')
    """
    parts = _BORDER.split(text.lower().replace("you see: ", ""))
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


class GoalPotential:
    """How well what is told of a state agrees with a goal that was suggested for states like it.

    States are alike as what was told of their last steps is: the three most similar pieces of the
    library tell which goals count. The potential is the greatest cosine of a statement of the
    state's caption and one of those goals, if it is above a threshold, else 0
    (background-knowledge-rl: top 3, threshold 0.85; there of the caption as a whole, here of its
    single statements, which are few, so that each is embedded once).

    Args:
        path: a folder of ``textenvs label-goals``, or ``"ready"`` for what came with the package
            for ``game``.
        game: a key of :data:`textenvs.knowledge.games.GAMES`; None for that of the folder.
        threshold: cosine up to which the potential is 0.
        top: pieces whose goals count.
        embeddings: the sentence-transformers model, or what embeds.

    Attributes:
        about: what the knowledge is of.

    Raises:
        TraceError: if there is no such knowledge.
        MissingExtra: at the first state, if sentence-transformers is not installed.
    """

    horizon = HORIZON

    def __init__(
        self,
        path: Path | str,
        game: str | None = None,
        threshold: float = 0.85,
        top: int = 3,
        embeddings: str | Embedder = DEFAULT_EMBEDDINGS,
    ) -> None:
        from textenvs.knowledge.folder import find_knowledge

        folder, self.about = find_knowledge(path, "goal", game)
        library = json.loads((folder / LIBRARY).read_text(encoding="utf-8"))
        self._threshold, self._top = threshold, min(top, len(library["pieces"]))
        self._embed = get_embedder(embeddings) if isinstance(embeddings, str) else embeddings
        self._library = library
        self._keys: NDArray[np.float32] | None = None
        self._goals: NDArray[np.float32] | None = None
        self._of_key = np.zeros((len(library["pieces"]), len(library["goals"])), np.bool_)
        for i, piece in enumerate(library["pieces"]):
            self._of_key[i, piece["goals"]] = True
        self._to_keys: dict[str, NDArray[np.float32]] = {}
        self._to_goals: dict[str, NDArray[np.float32]] = {}

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """How well each state agrees with a goal: (n,), 0 or from the threshold to 1."""
        texts = [tuple(str(o["text"]) for o in each.observations) for each in histories]
        self._learn({text for window in texts for text in window})
        return np.array([self._value(window) for window in texts], np.float64)

    def _value(self, window: Sequence[str]) -> float:
        # The keys are means of the texts' vectors, so that likeness to them is a mean as well.
        likeness = sum(self._to_keys[text] for text in window)
        nearest = np.argpartition(likeness, -self._top)[-self._top :]
        counted = self._of_key[nearest].any(axis=0)
        found = self._to_goals[window[-1]][counted]
        best = float(found.max()) if len(found) else 0.0
        return min(best, 1.0) if best > self._threshold else 0.0

    def _learn(self, texts: set[str]) -> None:
        """What new texts are like: their likeness to every key and to every goal."""
        new = [text for text in sorted(texts) if text not in self._to_keys]
        if not new:
            return
        if self._keys is None or self._goals is None:
            self._goals = self._embed(self._library["goals"])
            pieces = self._library["pieces"]
            self._keys = _of_length_one(
                np.stack([self._mean([self._vector(t) for t in p["texts"]]) for p in pieces])
            )
        if len(self._to_keys) + len(new) > _KEPT:
            self._to_keys.clear()
            self._to_goals.clear()
            new = sorted(texts)
        self._embed([each for text in new for each in statements(text) or ("",)])  # in one batch
        for text in new:
            vectors = self._embed(statements(text) or ("",))
            self._to_keys[text] = self._keys @ self._mean(list(vectors))
            self._to_goals[text] = (self._goals @ vectors.T).max(axis=1)

    def _vector(self, text: str) -> NDArray[np.float32]:
        return self._mean(list(self._embed(statements(text) or ("",))))

    @staticmethod
    def _mean(vectors: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        return _of_length_one(np.mean(vectors, axis=0))


def _of_length_one(vectors: NDArray[Any]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
