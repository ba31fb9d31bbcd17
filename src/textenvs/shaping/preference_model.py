"""A model of preferences: how good the states of a piece of a game are (torch).

Christiano et al. (arXiv:1706.03741) with a transformer over states and actions, as in Kim et al.
(arXiv:2303.00957) and background-knowledge-rl. Unlike there, the last state of a piece is read, the
attention is scaled, ties have half the probability of each side, and no timestep is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import nn

from textenvs.errors import choose
from textenvs.rl.features import GameFeatures
from textenvs.rl.words import WORDS, word_ids
from textenvs.shaping.potential import History

__all__ = [
    "INPUTS",
    "PreferenceModel",
    "PreferenceSettings",
    "preference_loss",
    "preference_tensors",
]

INPUTS = ("state", "text")
"""What the model reads of an observation: the game's arrays, or its caption."""

_ARRAYS: dict[str, dict[str, spaces.Space[Any]]] = {
    "minigrid": {"image": spaces.Box(0, 255, (147,), np.uint8)},
    "crafter": {
        "local_view": spaces.Box(0, 18, (63,), np.uint8),
        "inventory": spaces.Box(0, 9, (16,), np.uint8),
        "facing": spaces.Box(-1, 1, (2,), np.int8),
        "sleeping": spaces.Box(0, 1, (1,), np.uint8),
        "daylight": spaces.Box(0.0, 1.0, (1,), np.float32),
    },
}
_WORDS_READ = 96


@dataclass(frozen=True)
class PreferenceSettings:
    """What a model is made of; plain data, kept beside its weights.

    Attributes:
        game: a key of :data:`textenvs.knowledge.games.GAMES`.
        actions: how many there are.
        length: actions of a piece.
        input: one of :data:`INPUTS`.
        width: of the tokens.
        heads: of the attention.
        layers: of the transformer.

    Raises:
        UnknownName: if a choice is none.
    """

    game: str
    actions: int
    length: int = 5
    input: str = "state"
    width: int = 64
    heads: int = 2
    layers: int = 1

    def __post_init__(self) -> None:
        choose("game", self.game, _ARRAYS)
        choose("input", self.input, INPUTS)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON types."""
        return asdict(self)


class PreferenceModel(nn.Module):
    """A causal transformer over s_0, a_0, s_1, ..., s_n, with a value at every state.

    The score of a piece is the sum of the values of the states that its actions led to, weighted
    by attention; so the value at the last state is how good it is to have come there that way.

    Args:
        settings: what it is made of.
    """

    def __init__(self, settings: PreferenceSettings) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        if settings.input == "text":
            self.words = nn.EmbeddingBag(WORDS, width, mode="mean", padding_idx=0)
            self.encoder: nn.Module = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        else:
            features = GameFeatures(spaces.Dict(_ARRAYS[settings.game]), encoder="mlp")
            self.encoder = nn.Sequential(features, nn.Linear(features.features_dim, width))
        none = settings.actions  # before an episode, which no piece shows: it says nothing
        self.action = nn.Embedding(settings.actions + 1, width, padding_idx=none)
        self.place = nn.Embedding(2 * settings.length + 1, width)
        self.transformer = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(
                width, settings.heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
            ),
            settings.layers,
            enable_nested_tensor=False,
        )
        self.value = nn.Linear(width, 1)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        count = 2 * settings.length + 1
        mask = torch.triu(torch.ones(count, count, dtype=torch.bool), diagonal=1)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, pieces: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The values of states and the scores of pieces.

        Args:
            pieces: ``actions`` (n, length) and the observations, key -> (n, length + 1, ...), as
                :func:`preference_tensors` makes them.

        Returns:
            (n, length), the values of the states that the actions led to; (n,), the scores.
        """
        actions = pieces["actions"]
        count, length = actions.shape
        states = self._states(pieces).reshape(count, length + 1, -1)
        tokens = torch.empty(count, 2 * length + 1, states.shape[-1], dtype=states.dtype)
        tokens[:, 0::2] = states
        tokens[:, 1::2] = self.action(actions)
        places = self.place(torch.arange(2 * length + 1))
        found = self.transformer(tokens + places, mask=self.mask)[:, 2::2]
        values = self.value(found).squeeze(-1)
        likeness = (self.query(found[:, -1:]) * self.key(found)).sum(-1)
        weights = torch.softmax(likeness / self.settings.width**0.5, dim=1)
        return values, (weights * values).sum(1)

    def _states(self, pieces: Mapping[str, torch.Tensor]) -> torch.Tensor:
        seen = {key: each.flatten(0, 1) for key, each in pieces.items() if key != "actions"}
        if self.settings.input == "text":
            return self.encoder(self.words(seen["tokens"]))
        return self.encoder(seen)


def preference_tensors(
    histories: Sequence[History], settings: PreferenceSettings
) -> dict[str, torch.Tensor]:
    """Histories as a model reads them; one that is short is filled with its first state.

    Args:
        histories: n of them, of observations that are dicts.
        settings: of the model.
    """
    length = settings.length
    whole = [history.filled(length, settings.actions) for history in histories]
    rows = [each.observations for each in whole]
    found = {"actions": torch.tensor([each.actions for each in whole])}
    if settings.input == "text":
        words = [[word_ids(str(o["text"]), _WORDS_READ) for o in row] for row in rows]
        found["tokens"] = torch.from_numpy(np.array(words, np.int64))
        return found
    for key in _ARRAYS[settings.game]:
        each: NDArray[Any] = np.array([[o[key] for o in row] for row in rows])
        found[key] = torch.from_numpy(each.reshape(len(rows), length + 1, -1))
    return found


def preference_loss(
    first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of the Bradley-Terry model, ties half and half.

    Args:
        first: (n,) scores of the first pieces.
        second: (n,) of the second ones.
        labels: (n,), 0 where the first is better, 1 the second, 0.5 neither.

    Returns:
        The mean; P(second better) = sigmoid(second - first).
    """
    return nn.functional.binary_cross_entropy_with_logits(second - first, labels)
