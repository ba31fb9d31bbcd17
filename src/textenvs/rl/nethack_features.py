"""What networks of Stable-Baselines3 are fed with in NetHack: message, status, map."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

__all__ = ["NETHACK_KEYS", "NetHackFeatures"]

NETHACK_KEYS = ("glyphs", "blstats", "message")
"""What is read of NLE's arrays."""

_ROWS, _COLUMNS = 21, 79
_GLYPHS = 5991  # NLE 1.3.0: MAX_GLYPH and a few more
_BEYOND = _GLYPHS - 1  # a cell that is not on the map
_CROP = 9  # cells of the map around the hero, on a side
_MESSAGE = 256
# What a unit of each entry of blstats counts, as in Motif's obs_wrappers.py (51b5f47); entries that
# say who or where somebody is, and the score, count nothing.
_SCALES = (
    *(1 / 79, 1 / 21, 0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
    *(0, 0.1, 0.1, 0, 1e-3, 0.1, 0.1, 0.1, 0, 0.1, 0.01, 1e-3, 1, 0.1, 0, 0, 0, 0),
)
_LARGEST = 5.0
_WIDTH = 128


class NetHackFeatures(BaseFeaturesExtractor):
    """Features of NLE's arrays: the parts of Motif's policy, of glyphs in place of pictures.

    The message as numbers through two layers; the status, scaled and cut at 5, through two layers
    and as it is; the 9 x 9 glyphs around the hero, and the whole map, through convolutions of
    embedded glyphs. What is remembered of earlier steps is the recurrent policy's.

    Args:
        observation_space: of :class:`textenvs.rl.sb3_vec_env.Sb3VecEnv`, with ``message``,
            ``blstats`` and ``glyphs``.

    Raises:
        ValueError: if one of them is missing.
    """

    def __init__(self, observation_space: spaces.Dict) -> None:
        missing = set(NETHACK_KEYS) - set(observation_space.spaces)
        if missing:
            raise ValueError(
                f"expected observations of NetHack with {', '.join(sorted(missing))}, got "
                f"{', '.join(observation_space.spaces)}"
            )
        map_parts = 16 * 3 * 10
        super().__init__(observation_space, 2 * _WIDTH + len(_SCALES) + _WIDTH + map_parts)
        self.message = nn.Sequential(
            nn.Linear(_MESSAGE, _WIDTH), nn.ELU(), nn.Linear(_WIDTH, _WIDTH), nn.ELU()
        )
        self.status = nn.Sequential(
            nn.Linear(len(_SCALES), _WIDTH), nn.ELU(), nn.Linear(_WIDTH, _WIDTH), nn.ELU()
        )
        self.glyphs = nn.Embedding(_GLYPHS, 16)
        self.near = nn.Sequential(
            nn.Conv2d(16, 32, 3),
            nn.ELU(),
            nn.Conv2d(32, 32, 3),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(32 * (_CROP - 4) ** 2, _WIDTH),
            nn.ELU(),
        )
        # Of the whole map, 20 times as large as what is near, less is read of each cell: else it
        # would take most of the time.
        self.far_glyphs = nn.Embedding(_GLYPHS, 4)
        self.map = nn.Sequential(
            nn.Conv2d(4, 8, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Flatten(),
        )
        self.register_buffer("scales", torch.tensor(_SCALES), persistent=False)

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Features: (batch, features_dim) float32."""
        status = (observations["blstats"].float() * self.scales).clamp(-_LARGEST, _LARGEST)
        message = observations["message"].float() / 255
        glyphs = observations["glyphs"].long().reshape(-1, _ROWS, _COLUMNS)
        crop = _around(glyphs, observations["blstats"][:, :2].long())
        return torch.cat(
            [
                self.message(message),
                self.status(status),
                status,
                self.near(_embedded(self.glyphs, crop)),
                self.map(_embedded(self.far_glyphs, glyphs)),
            ],
            dim=1,
        )


def _embedded(embedding: nn.Embedding, glyphs: torch.Tensor) -> torch.Tensor:
    """Glyphs (n, rows, columns) as (n, channels, rows, columns), the channels last in memory.

    Rows are selected, not embedded: the gradient is the same, and five times as soon on a CPU.
    """
    chosen = glyphs.clamp(0, _GLYPHS - 1).flatten()
    found = embedding.weight.index_select(0, chosen)
    return found.view(*glyphs.shape, -1).permute(0, 3, 1, 2)


def _around(glyphs: torch.Tensor, hero: torch.Tensor) -> torch.Tensor:
    """The cells around the hero: (n, 9, 9), of glyphs (n, 21, 79) and (x, y) of the hero (n, 2)."""
    side = _CROP // 2
    padded = nn.functional.pad(glyphs, (side, side, side, side), value=_BEYOND)
    steps = torch.arange(_CROP, device=glyphs.device)
    rows = hero[:, 1, None, None] + steps[None, :, None]
    columns = hero[:, 0, None, None] + steps[None, None, :]
    return padded[torch.arange(len(glyphs), device=glyphs.device)[:, None, None], rows, columns]
