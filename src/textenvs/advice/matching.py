"""From a language model's advice in words to a number for each action."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textenvs.advice.embeddings import Embedder
from textenvs.parsing import Parser, ends_with_tag

__all__ = ["above", "by_names", "by_probabilities", "by_similarity"]


def by_similarity(answer: str, captions: Sequence[str], embedder: Embedder) -> NDArray[np.float32]:
    """How much each action's caption is like a line of the answer.

    The cosine with the line that is most alike (in5490's ``suggest``; Sentence-BERT: Reimers and
    Gurevych, EMNLP 2019).

    Args:
        answer: one suggestion a line.
        captions: of the actions.
        embedder: gives vectors of length 1.

    Returns:
        (actions,) float32 in [-1, 1]; zeros for an answer without a line.
    """
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    if not lines:
        return np.zeros(len(captions), np.float32)
    vectors = embedder([*captions, *lines])
    cosines = vectors[: len(captions)] @ vectors[len(captions) :].T
    return np.asarray(cosines.max(axis=1).clip(-1, 1), np.float32)  # rounding goes beyond


def by_names(answer: str, parser: Parser, actions: int) -> NDArray[np.float32]:
    """The share of the answer's lines that name each action; lines that name none do not count.

    Of an answer that ends with what is to be done (``ACTION: go forward``), that alone counts.

    Args:
        answer: one suggestion a line, or a thought and an action.
        parser: knows the actions' names.
        actions: how many there are.

    Returns:
        (actions,) float32 that add up to 1, or zeros.
    """
    texts = [answer] if ends_with_tag(answer) else answer.splitlines()
    found = [parser.parse(text).action for text in texts if text.strip()]
    counts = np.zeros(actions, np.float32)
    for action in found:
        if action is not None:
            counts[action] += 1
    return counts / max(counts.sum(), np.float32(1))


def by_probabilities(logprobs: Sequence[float]) -> NDArray[np.float32]:
    """The model's own probabilities of the actions, normalised over them.

    Args:
        logprobs: of each action's text after the prompt.

    Returns:
        (actions,) float32 that add up to 1.
    """
    values = np.asarray(logprobs, np.float64)
    weights = np.exp(values - values.max())
    return np.asarray(weights / weights.sum(), np.float32)


def above(vector: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """What is above a threshold; the rest is 0."""
    return np.where(vector > threshold, vector, np.float32(0))
