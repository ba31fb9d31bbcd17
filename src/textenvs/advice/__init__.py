"""A language model's advice to a learner: asked in words, matched with the actions."""

from textenvs.advice.advisor import MATCHES, PROMPTS, Advice, Advisor
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS, Embedder, Embeddings, get_embedder
from textenvs.advice.matching import above, by_names, by_probabilities, by_similarity
from textenvs.advice.scene import (
    CAPTIONS,
    Scene,
    action_number,
    check_captions,
    names_of,
    read_scene,
)

__all__ = [
    "CAPTIONS",
    "DEFAULT_EMBEDDINGS",
    "MATCHES",
    "PROMPTS",
    "Advice",
    "Advisor",
    "Embedder",
    "Embeddings",
    "Scene",
    "above",
    "action_number",
    "by_names",
    "by_probabilities",
    "by_similarity",
    "check_captions",
    "get_embedder",
    "names_of",
    "read_scene",
]
