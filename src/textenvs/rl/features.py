"""What networks of Stable-Baselines3 are fed with: the view of MiniGrid or Crafter, or words."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from textenvs.captioners.crafter_view import NAMES
from textenvs.rl.words import WORDS

__all__ = ["ENCODERS", "GameFeatures"]


class _View(NamedTuple):
    """A view: cells with numbers that stand for kinds.

    Attributes:
        key: of the observation.
        width, channels: the cells are (width, height, channels).
        kinds: values of a channel.
        beside: what else the observation tells, key -> by what it is divided.
    """

    key: str
    width: int | None
    channels: int
    kinds: int
    beside: dict[str, float]


_VIEWS = (
    _View("image", None, 3, 11, {}),  # MiniGrid's, as wide as high
    _View(
        "local_view",
        9,
        1,
        len(NAMES),
        {"inventory": 9.0, "facing": 1.0, "sleeping": 1.0, "daylight": 1.0},
    ),
)
_WIDTH = 64
ENCODERS = ("mlp", "cnn", "text")
"""Of MiniGrid's view: one-hot cells as they are, or through convolutions; or words alone."""


class GameFeatures(BaseFeaturesExtractor):
    """Features of a game's observation.

    ``mlp``: every channel of every cell of the view one-hot, as in5490 has it. ``cnn``: that
    through two convolutions. ``text``: ``tokens`` through an embedding and a GRU. The view is
    MiniGrid's ``image``, or Crafter's ``local_view``, with which comes what else Crafter shows.
    ``advice`` is left to the policy unless ``sees_advice``; MiniGrid's ``direction`` is left out,
    as in5490 leaves it out.

    Args:
        observation_space: of :class:`textenvs.rl.sb3_vec_env.Sb3VecEnv`.
        encoder: one of :data:`ENCODERS`.
        sees_advice: whether ``advice`` is one of the features.

    Raises:
        ValueError: if the observations lack what the encoder reads.
    """

    def __init__(
        self, observation_space: spaces.Dict, encoder: str = "mlp", sees_advice: bool = False
    ) -> None:
        view = next((each for each in _VIEWS if each.key in observation_space.spaces), None)
        found = "tokens" in observation_space.spaces if encoder == "text" else view is not None
        if not found:
            wanted = "tokens" if encoder == "text" else " or ".join(each.key for each in _VIEWS)
            raise ValueError(
                f"expected observations with {wanted!r} for the encoder {encoder!r}, got "
                f"{', '.join(observation_space.spaces)}; NetHack is read by the encoder "
                "'nethack', and any game as text: encoder 'text', and tokens to show"
            )
        self.encoder = encoder
        self.sees_advice = sees_advice
        advised = math.prod(observation_space["advice"].shape or ()) if sees_advice else 0
        if encoder == "text" or view is None:
            super().__init__(observation_space, 2 * _WIDTH + advised)
            self.words = nn.Embedding(WORDS, _WIDTH, padding_idx=0)
            self.reader = nn.GRU(_WIDTH, 2 * _WIDTH, batch_first=True)
            return
        cells = math.prod(observation_space[view.key].shape or ()) // view.channels
        self._view = view
        self._width = view.width or math.isqrt(cells)
        self._height = cells // self._width
        if cells != self._width * self._height:
            raise ValueError(
                f"expected {view.key!r} {self._width} cells wide, got {cells} cells: leave the "
                "view as the id has it"
            )
        beside = sum(spaces.flatdim(observation_space[key]) for key in view.beside)
        channels = view.channels * view.kinds
        narrow = max(self._width - 2, 1) * max(self._height - 2, 1)
        features = cells * channels if encoder == "mlp" else _WIDTH * narrow
        super().__init__(observation_space, features + beside + advised)
        if encoder == "cnn":
            self.convolutions = nn.Sequential(
                nn.Conv2d(channels, 32, 2),
                nn.ReLU(),
                nn.Conv2d(32, _WIDTH, 2),
                nn.ReLU(),
                nn.Flatten(),
            )

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Features: (batch, features_dim) float32."""
        found = self._encode(observations)
        if self.sees_advice:
            found = torch.cat([found, observations["advice"].float()], dim=1)
        return found

    def _encode(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.encoder == "text":
            tokens = observations["tokens"].long()
            _, last = self.reader(self.words(tokens))
            return last[0]
        view = self._view
        cells = observations[view.key].long()
        cells = cells.reshape(-1, self._width, self._height, view.channels)
        one_hot = nn.functional.one_hot(cells.clamp(max=view.kinds - 1), view.kinds).float()
        if self.encoder == "mlp":
            found = one_hot.flatten(1)
        else:
            found = self.convolutions(one_hot.flatten(3).permute(0, 3, 1, 2))
        beside = [observations[k].float().flatten(1) / scale for k, scale in view.beside.items()]
        return torch.cat([found, *beside], dim=1) if beside else found
