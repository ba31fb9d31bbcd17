"""What networks of Stable-Baselines3 are fed with: MiniGrid's view, words, numbers."""

from __future__ import annotations

import math

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from textenvs.rl.sb3_vec_env import WORDS

__all__ = ["ENCODERS", "GameFeatures"]

_OBJECTS = 11  # values of each of the three channels of MiniGrid's view
_CHANNELS = 3
_WIDTH = 64
ENCODERS = ("mlp", "cnn", "text")
"""Of MiniGrid's view: one-hot cells as they are, or through convolutions; or words alone."""


class GameFeatures(BaseFeaturesExtractor):
    """Features of a game's observation.

    ``mlp``: every channel of every cell of MiniGrid's ``image`` one-hot, as in5490 has it.
    ``cnn``: that through two convolutions. ``text``: ``tokens`` through an embedding and a GRU.
    ``advice`` is left to the policy unless ``sees_advice``; ``direction`` is left out, as in5490
    leaves it out.

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
        key = "tokens" if encoder == "text" else "image"
        if key not in observation_space.spaces:
            raise ValueError(
                f"expected observations with {key!r} for the encoder {encoder!r}, got "
                f"{', '.join(observation_space.spaces)}; games without MiniGrid's view are read as "
                "text: encoder 'text', and tokens to show"
            )
        shape = observation_space[key].shape
        assert shape is not None
        self.size = math.isqrt(shape[0] // _CHANNELS)
        channels = _OBJECTS * _CHANNELS
        wide = self.size * self.size * channels
        features = {"mlp": wide, "cnn": _WIDTH * max(self.size - 2, 1) ** 2, "text": 2 * _WIDTH}
        advised = math.prod(observation_space["advice"].shape or ()) if sees_advice else 0
        super().__init__(observation_space, features[encoder] + advised)
        self.encoder = encoder
        self.sees_advice = sees_advice
        if encoder == "cnn":
            self.convolutions = nn.Sequential(
                nn.Conv2d(channels, 32, 2),
                nn.ReLU(),
                nn.Conv2d(32, _WIDTH, 2),
                nn.ReLU(),
                nn.Flatten(),
            )
        elif encoder == "text":
            self.words = nn.Embedding(WORDS, _WIDTH, padding_idx=0)
            self.reader = nn.GRU(_WIDTH, 2 * _WIDTH, batch_first=True)

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
        cells = observations["image"].long().reshape(-1, self.size, self.size, _CHANNELS)
        one_hot = nn.functional.one_hot(cells.clamp(max=_OBJECTS - 1), _OBJECTS).float()
        if self.encoder == "mlp":
            return one_hot.flatten(1)
        return self.convolutions(one_hot.flatten(3).permute(0, 3, 1, 2))
