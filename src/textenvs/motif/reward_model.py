"""A reward from preferences between captions: the network, and what is known of it (torch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textenvs.errors import TraceError, choose
from textenvs.motif.pairs import encode_text
from textenvs.tensor_files import save_tensors

__all__ = [
    "CNN_WIDTH",
    "ENCODERS",
    "FILE",
    "RewardModel",
    "RewardSettings",
    "StoredReward",
    "load_reward",
    "message_layers",
]

ENCODERS = ("cnn", "transformer")
"""Motif's network over characters, and one over words for long captions."""

CNN_WIDTH = 256
"""Bytes of a caption that Motif's network reads."""

FILE = "reward.pt"
"""The file of a reward: weights, mean, deviation and quantiles."""

_FORMAT, _VERSION = "textenvs-reward", 1
_WORDS = 4096
_LONGEST = 192  # words that the transformer reads
_BATCH = 1024


@dataclass(frozen=True)
class RewardSettings:
    """What a reward is made of; plain data.

    Attributes:
        encoder: one of :data:`ENCODERS`.
        caption: what it is of, one of :data:`textenvs.motif.collecting.CAPTIONS`.
    """

    encoder: str = "cnn"
    caption: str = "message"

    def __post_init__(self) -> None:
        choose("encoder", self.encoder, ENCODERS)


class RewardModel(nn.Module):
    """Captions in, rewards out.

    ``cnn`` is Motif's network for messages (306,945 parameters; ``rl_baseline/encoders_nle.py``,
    ``lt_cnn``, and ``rlaif/reward_model.py``, 51b5f47): characters, six convolutions, four layers
    that are orthogonal to begin with.
    ``transformer``: words, two layers of attention, their mean.

    Args:
        settings: what it is made of.
    """

    def __init__(self, settings: RewardSettings) -> None:
        super().__init__()
        self.settings = settings
        self.network: nn.Module = _Cnn() if settings.encoder == "cnn" else _Transformer()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The rewards of captions: (n,), of what :meth:`read` makes of them."""
        return self.network(inputs).squeeze(-1)

    def read(self, captions: Sequence[str]) -> torch.Tensor:
        """Captions as the network reads them: (n, characters or words) int64."""
        if self.settings.encoder == "cnn":
            rows = [encode_text(caption, CNN_WIDTH) for caption in captions]
            return torch.from_numpy(np.stack(rows).astype(np.int64))
        from textenvs.rl.words import word_ids

        return torch.from_numpy(
            np.stack([word_ids(caption, _LONGEST, _WORDS) for caption in captions]).astype(np.int64)
        )


def message_layers() -> list[nn.Module]:
    """Motif's layers for messages: (n, 256) characters, int64, to (n, 128) features."""
    convolutions: list[nn.Module] = []
    for inputs in (32, 64):
        convolutions += [nn.Conv1d(inputs, 64, 7), nn.ReLU(), nn.MaxPool1d(3)]
    for _ in range(4):
        convolutions += [nn.Conv1d(64, 64, 3), nn.ReLU()]
    return [
        nn.Embedding(256, 32, padding_idx=0),
        _Transposed(),
        *convolutions,
        nn.MaxPool1d(3),
        nn.Flatten(),
        *(nn.Linear(320, 128), nn.ReLU()),
    ]


class _Cnn(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            *message_layers(),
            *(nn.Linear(128, 256), nn.ReLU()),
            *(nn.Linear(256, 512), nn.ReLU()),
            nn.Linear(512, 1),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight)


class _Transposed(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.transpose(1, 2)


class _Transformer(nn.Module):
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.words = nn.Embedding(_WORDS, width, padding_idx=0)
        self.places = nn.Embedding(_LONGEST, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        longest = max(int((inputs != 0).sum(1).max()), 1)
        inputs = inputs[:, :longest]
        empty = inputs == 0
        empty[:, 0] = False  # a caption without words is attended to as nothing at its first place
        found = self.words(inputs) + self.places(torch.arange(longest, device=inputs.device))
        found = self.layers(found, src_key_padding_mask=empty)
        kept = (~empty).unsqueeze(-1)
        return self.head((found * kept).sum(1) / kept.sum(1))


@dataclass(frozen=True)
class StoredReward:
    """A reward with what is known of its values.

    Attributes:
        model: the network.
        mean, deviation: of the rewards of the captions that it was learned from, each as often as
            it came.
        quantiles: (1001,) of the normalised rewards of the different ones, from 0 to 1.
        about: who labelled, how well they are told.
    """

    model: RewardModel
    mean: float
    deviation: float
    quantiles: NDArray[np.float64]
    about: dict[str, Any]

    def normalized(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """The rewards of captions less the mean, divided by the deviation: (n,)."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(captions), _BATCH):
                found.append(self.model(self.model.read(captions[start : start + _BATCH])))
        rewards = torch.cat(found).double().numpy() if found else np.zeros(0)
        return (rewards - self.mean) / self.deviation

    def threshold(self, quantile: float) -> float:
        """The normalised reward below which so large a share of the different captions is.

        Raises:
            ValueError: if the quantile is not in [0, 1].
        """
        if not 0 <= quantile <= 1:
            raise ValueError(f"expected a quantile in [0, 1], got {quantile}")
        return float(np.interp(quantile, np.linspace(0, 1, len(self.quantiles)), self.quantiles))

    def save(self, folder: Path) -> None:
        """Write :data:`FILE`, at once."""
        record = {
            "format": _FORMAT,
            "version": _VERSION,
            "settings": asdict(self.model.settings),
            "weights": self.model.state_dict(),
            "mean": self.mean,
            "deviation": self.deviation,
            "quantiles": torch.from_numpy(self.quantiles),
            "about": self.about,
        }
        save_tensors(record, folder / FILE)


def load_reward(folder: Path | str) -> StoredReward:
    """Read a reward; nothing in it is executed.

    Args:
        folder: of ``textenvs train-reward``.

    Raises:
        TraceError: if there is none.
    """
    path = Path(folder) / FILE
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if (found["format"], found["version"]) != (_FORMAT, _VERSION):
            raise ValueError(f"{found['format']} {found['version']}")
        model = RewardModel(RewardSettings(**found["settings"]))
        model.load_state_dict(found["weights"])
    except (
        *(OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError),
        UnpicklingError,
    ) as error:
        raise TraceError(
            f"{folder}: expected the folder of a reward, as `textenvs train-reward` writes it, "
            f"got: {error}"
        ) from error
    model.eval()
    return StoredReward(
        model, found["mean"], found["deviation"], found["quantiles"].numpy(), found["about"]
    )
