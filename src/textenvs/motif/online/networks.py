"""The networks that generalise labels to captions that have none (torch)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textenvs.errors import TraceError
from textenvs.motif.online.labels import Item
from textenvs.motif.reward_model import RewardModel, RewardSettings, message_layers
from textenvs.motif.reward_training import bradley_terry
from textenvs.tensor_files import save_tensors

__all__ = ["Learner", "classifier", "ranker"]

_STEPS, _BATCH, _RATE, _LONGEST_GRADIENT = 32, 256, 1e-4, 10.0
_DROPOUT = 0.1
_SAMPLE = 1024  # captions over which a reward's mean and deviation are taken

Answers: TypeAlias = Callable[[Sequence[str]], torch.Tensor]
"""Captions in, what a network says of them out: (n,)."""

Loss: TypeAlias = Callable[[Answers, Sequence[Item], torch.Tensor], torch.Tensor]
"""Of a network's answers, items, and their labels."""


class _Classifier(nn.Sequential):
    """Motif's layers for messages, then two of 512 and a logit, with dropout (as in ONI)."""

    def __init__(self) -> None:
        super().__init__(
            *message_layers(),
            *(nn.Linear(128, 512), nn.ReLU(), nn.Dropout(_DROPOUT)),
            *(nn.Linear(512, 512), nn.ReLU(), nn.Dropout(_DROPOUT)),
            nn.Linear(512, 1),
        )


class Learner:
    """A network that is trained a little whenever labels come, and what it says meanwhile.

    It reads the first 256 bytes of a caption. Who asks :attr:`says` gets the answers of the last
    finished update: training happens on another copy, in another thread.

    Args:
        network: (n, characters) int64 -> (n, 1).
        loss: what is made less.
        settings: how captions are read.
        path: where it is kept; None for nowhere.
        seed: of the batches.
        scaled: whether answers are given less their mean, over their deviation.

    Raises:
        TraceError: if something else is there.

    Attributes:
        says: captions -> (n,) float64; None before it was trained.
        updates: how often it was trained.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        path: Path | None,
        seed: int,
        *,
        scaled: bool,
    ) -> None:
        self._network, self._loss, self._path, self._scaled = network, loss, path, scaled
        self._reader = RewardModel(RewardSettings())
        self._optimizer = torch.optim.Adam(network.parameters(), _RATE)
        self._rng = np.random.default_rng(seed)
        self.updates = 0
        self.mean, self.deviation = 0.0, 1.0
        if path is not None and path.exists():
            try:
                kept = torch.load(path, map_location="cpu", weights_only=True)
                network.load_state_dict(kept["network"])
                self._optimizer.load_state_dict(kept["optimizer"])
            except (KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
                raise TraceError(
                    f"{path}: expected a network of OnlineFeedbackReward, got: {error}"
                ) from error
            self.updates = kept["updates"]
            self.mean, self.deviation = kept["mean"], kept["deviation"]
        self.says = self._frozen() if self.updates else None

    def update(self, labels: Mapping[Item, int], stopped: Callable[[], bool]) -> None:
        """Train for 32 batches of the labels, drawn anew each, unless it is stopped."""
        items = list(labels)
        wanted = torch.tensor([labels[item] for item in items])
        self._network.train()
        for _ in range(_STEPS):
            if stopped():
                return
            chosen = self._rng.integers(len(items), size=min(_BATCH, len(items)))
            loss = self._loss(
                lambda captions: self._answers(self._network, captions),
                [items[i] for i in chosen],
                wanted[torch.from_numpy(chosen)],
            )
            self._optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._network.parameters(), _LONGEST_GRADIENT)
            self._optimizer.step()
        self._network.eval()
        if self._scaled:
            newest = list(dict.fromkeys(text for item in items[-_SAMPLE:] for text in item))
            with torch.inference_mode():
                found = self._answers(self._network, newest)
            self.mean, self.deviation = float(found.mean()), max(float(found.std()), 1e-6)
        self.updates += 1
        self._save()
        self.says = self._frozen()

    def _answers(self, network: nn.Module, captions: Sequence[str]) -> torch.Tensor:
        found: torch.Tensor = network(self._reader.read(captions)).squeeze(-1)
        return found

    def _frozen(self) -> Callable[[Sequence[str]], NDArray[np.float64]]:
        network = copy.deepcopy(self._network).eval()
        mean, deviation = self.mean, self.deviation

        def says(captions: Sequence[str]) -> NDArray[np.float64]:
            with torch.inference_mode():
                found = self._answers(network, captions).double().numpy()
            return np.asarray((found - mean) / deviation)

        return says

    def _save(self) -> None:
        if self._path is None:
            return
        record: dict[str, Any] = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "updates": self.updates,
            "mean": self.mean,
            "deviation": self.deviation,
        }
        save_tensors(record, self._path)


def classifier(path: Path | None, seed: int) -> Learner:
    """Whether captions are helpful, as logits, learned by cross-entropy."""

    def loss(answers: Answers, items: Sequence[Item], labels: torch.Tensor) -> torch.Tensor:
        found = answers([item[0] for item in items])
        return nn.functional.binary_cross_entropy_with_logits(found, labels.to(found.dtype))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Learner(_Classifier(), loss, path, seed, scaled=False)


def ranker(path: Path | None, seed: int) -> Learner:
    """Motif's reward, learned from preferences between captions."""

    def loss(answers: Answers, items: Sequence[Item], labels: torch.Tensor) -> torch.Tensor:
        first, second = (answers([item[i] for item in items]) for i in (0, 1))
        return bradley_terry(first, second, labels)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Learner(RewardModel(RewardSettings()).network, loss, path, seed, scaled=True)
