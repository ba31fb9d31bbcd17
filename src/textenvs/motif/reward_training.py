"""Learning a reward from labels, epoch by epoch, resumable at any kill."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textenvs.errors import TraceError
from textenvs.motif.pairs import FIRST, TIE, UNKNOWN, Pairs, caption_of
from textenvs.motif.reward_model import RewardModel, RewardSettings, StoredReward
from textenvs.tensor_files import save_tensors
from textenvs.traces import replace_file

__all__ = ["RewardTraining", "bradley_terry", "train_reward"]

_CHECKPOINT, _METRICS = "checkpoint.pt", "epochs.jsonl"
_QUANTILES = 1001
_BATCH = 1024
_FEWEST = 10  # labels


@dataclass(frozen=True)
class RewardTraining:
    """How a reward is learned; Motif's numbers.

    Attributes:
        encoder: one of :data:`textenvs.motif.reward_model.ENCODERS`.
        epochs: times that every pair is seen.
        batch_size: pairs of a step.
        learning_rate: of Adam.
        seed: of the split, the weights and the order.
        held_out: share of the pairs that are not learned from.
        device: where it is learned.
    """

    encoder: str = "cnn"
    epochs: int = 10
    batch_size: int = 1024
    learning_rate: float = 1e-5
    seed: int = 777
    held_out: float = 0.2
    device: str = "cpu"


def bradley_terry(first: torch.Tensor, second: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the Bradley-Terry model, ties half and half.

    Args:
        first: (n,) rewards of the first captions.
        second: (n,) of the second ones.
        labels: (n,), of :mod:`textenvs.motif.pairs`, none of them unknown.

    Returns:
        The mean; P(second better) = sigmoid(second - first).
    """
    wanted = torch.where(labels == TIE, 0.5, labels.to(first.dtype))
    return nn.functional.binary_cross_entropy_with_logits(second - first, wanted)


def train_reward(
    pairs: Pairs,
    annotator: str,
    out: Path,
    training: RewardTraining | None = None,
    *,
    on_progress: Callable[[int, str], None] = lambda done, said: None,
) -> dict[str, Any]:
    """Learn a reward from the labels of an annotator.

    ``out`` gets ``reward.pt`` of the epoch with the least loss on held-out pairs, ``epochs.jsonl``
    with the loss and the accuracies of every epoch, and ``checkpoint.pt``, from which the same
    call goes on.

    Args:
        pairs: what was labelled.
        annotator: whose labels.
        out: where the reward goes.
        training: how it is learned.
        on_progress: called with the epochs that are done.

    Returns:
        The numbers of the epoch that is kept: ``epoch``; ``train_loss``, ``train_accuracy``,
        ``held_out_loss`` and ``held_out_accuracy`` (of pairs that are no ties), and ``agrees_with_
        score``, the share of held-out pairs in which the greater reward has the greater score.

    Raises:
        TraceError: if fewer than ten pairs are labelled, or none of them with a preference.
        ValueError: if ``out`` has a training with other settings or labels, or of more epochs, or
            if there is no such device.
    """
    training = RewardTraining() if training is None else training
    _check_device(training.device)
    data = _Data(pairs, annotator)
    order = torch.randperm(
        len(data.labels), generator=torch.Generator().manual_seed(training.seed)
    ).numpy()
    held = max(1, round(training.held_out * len(order)))
    learned, tested = order[held:], order[:held]
    caption = "observation" if pairs.about.get("caption") == "observation" else "message"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        model = RewardModel(RewardSettings(training.encoder, caption)).to(training.device)
    optimizer = torch.optim.Adam(model.parameters(), training.learning_rate)
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: expected a folder for the reward, got a file")
    out.mkdir(parents=True, exist_ok=True)
    settings = _settings(training, annotator, data)
    told = _go_on(out, model, optimizer, settings)
    if len(told) > training.epochs:
        raise ValueError(
            f"{out}: expected {len(told)} epochs or more, as it has learned for so many, got "
            f"{training.epochs}: give another folder for fewer"
        )
    inputs = model.read(data.captions)
    for epoch in range(len(told), training.epochs):
        rng = np.random.default_rng([training.seed, epoch])
        model.train()
        for part in np.array_split(
            rng.permutation(learned), math.ceil(len(learned) / training.batch_size)
        ):
            loss = bradley_terry(*_scores(model, inputs, data, part), data.wanted(part))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        found = {"epoch": epoch + 1, **_quality(model, inputs, data, learned, tested)}
        told.append(found)
        if found["held_out_loss"] <= min(each["held_out_loss"] for each in told):
            about = {"annotator": annotator, "training": asdict(training), **found}
            _stored(model, inputs, data, learned, about).save(out)
        _keep(out, model, optimizer, settings, told)
        on_progress(epoch + 1, f"held-out accuracy {found['held_out_accuracy']:.3f}")
    return min(told, key=lambda each: each["held_out_loss"])


class _Data:
    """The labelled pairs: every different caption once, and which of them make the pairs."""

    def __init__(self, pairs: Pairs, annotator: str) -> None:
        labels = np.asarray(pairs.labels(annotator))
        rows = np.flatnonzero(labels != UNKNOWN)
        decided = int((labels[rows] != TIE).sum())
        if len(rows) < _FEWEST or not decided:
            raise TraceError(
                f"{pairs.directory}: expected {_FEWEST} labels or more of {annotator}, and "
                f"preferences among them, got {len(rows)} and {decided}: `textenvs annotate` "
                "makes them"
            )
        self.labels = labels[rows]
        numbers: dict[bytes, int] = {}
        self.captions: list[str] = []
        self.pairs = np.empty((len(rows), 2, pairs.messages.shape[2]), np.int64)
        for i, row in enumerate(rows.tolist()):
            for j, sequence in enumerate(pairs.messages[row]):
                for k, text in enumerate(sequence):
                    digest = blake2b(text.tobytes(), digest_size=16).digest()
                    if digest not in numbers:
                        numbers[digest] = len(numbers)
                        self.captions.append(caption_of(text[None]))
                    self.pairs[i, j, k] = numbers[digest]
        try:
            self.scores: NDArray[Any] | None = np.asarray(pairs.info("score"))[rows]
        except TraceError:
            self.scores = None

    def digest(self) -> str:
        """What tells labels and captions apart."""
        found = blake2b(self.labels.tobytes(), digest_size=16)
        found.update(self.pairs.tobytes())
        found.update("\0".join(self.captions).encode())
        return found.hexdigest()

    def wanted(self, chosen: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(self.labels[chosen].astype(np.int64))


def _scores(
    model: RewardModel, inputs: torch.Tensor, data: _Data, chosen: NDArray[np.int64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The rewards of both captions, means over their steps; each different one is read once."""
    which, places = np.unique(data.pairs[chosen], return_inverse=True)
    device = next(model.parameters()).device
    rewards = model(inputs[torch.from_numpy(which)].to(device)).cpu()
    found = rewards[torch.from_numpy(places.reshape(len(chosen), 2, -1))].mean(-1)
    return found[:, 0], found[:, 1]


def _rewards(model: RewardModel, inputs: torch.Tensor) -> NDArray[np.float64]:
    device = next(model.parameters()).device
    with torch.inference_mode():
        parts = [model(part.to(device)).cpu() for part in inputs.split(_BATCH)]
    return torch.cat(parts).double().numpy()


def _quality(
    model: RewardModel,
    inputs: torch.Tensor,
    data: _Data,
    learned: NDArray[np.int64],
    tested: NDArray[np.int64],
) -> dict[str, float]:
    rewards = _rewards(model, inputs)
    found: dict[str, float] = {}
    for name, chosen in (("train", learned), ("held_out", tested)):
        both = torch.from_numpy(rewards[data.pairs[chosen]].mean(-1))
        labels = data.wanted(chosen)
        decided = labels != TIE
        right = ((both[:, 0] > both[:, 1]) == (labels == FIRST))[decided]
        found[f"{name}_loss"] = round(float(bradley_terry(both[:, 0], both[:, 1], labels)), 6)
        found[f"{name}_accuracy"] = round(float(right.double().mean()), 6) if len(right) else 0.0
    found["agrees_with_score"] = _agreement(rewards, data, tested)
    return found


def _agreement(rewards: NDArray[np.float64], data: _Data, chosen: NDArray[np.int64]) -> float:
    if data.scores is None:
        return math.nan
    scores = data.scores[chosen]
    both = rewards[data.pairs[chosen]].mean(-1)
    decided = scores[:, 0] != scores[:, 1]
    same = ((both[:, 0] > both[:, 1]) == (scores[:, 0] > scores[:, 1]))[decided]
    return round(float(same.mean()), 6) if len(same) else math.nan


def _stored(
    model: RewardModel,
    inputs: torch.Tensor,
    data: _Data,
    learned: NDArray[np.int64],
    about: dict[str, Any],
) -> StoredReward:
    rewards = _rewards(model, inputs)
    seen = data.pairs[learned].reshape(-1)
    mean, deviation = float(rewards[seen].mean()), max(float(rewards[seen].std()), 1e-6)
    different = (rewards[np.unique(seen)] - mean) / deviation
    quantiles = np.quantile(different, np.linspace(0, 1, _QUANTILES))
    kept = RewardModel(model.settings)
    kept.load_state_dict({key: each.cpu() for key, each in model.state_dict().items()})
    return StoredReward(kept, mean, deviation, quantiles, about)


def _check_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"expected a device such as cpu or cuda, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"expected a device that is here, got {name!r}: there is no CUDA")


def _settings(training: RewardTraining, annotator: str, data: _Data) -> dict[str, Any]:
    """What must not change when a training goes on; it may become longer."""
    found = {**asdict(training), "annotator": annotator, "labels": data.digest()}
    return {key: found[key] for key in found if key not in ("epochs", "device")}


def _go_on(
    out: Path,
    model: RewardModel,
    optimizer: torch.optim.Optimizer,
    settings: dict[str, Any],
) -> list[dict[str, float]]:
    """Load the last checkpoint, if there is one; the epochs that are done."""
    path = out / _CHECKPOINT
    if not path.exists():
        return []
    kept = torch.load(path, map_location="cpu", weights_only=True)
    changed = [key for key, value in settings.items() if kept["settings"].get(key) != value]
    if changed:
        raise ValueError(
            f"{out} has a training with other settings ({', '.join(changed)}): expected those, or "
            "another folder"
        )
    model.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    told: list[dict[str, float]] = kept["told"]
    return told


def _keep(
    out: Path,
    model: RewardModel,
    optimizer: torch.optim.Optimizer,
    settings: dict[str, Any],
    told: list[dict[str, float]],
) -> None:
    record = {
        "settings": settings,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "told": told,
    }
    save_tensors(record, out / _CHECKPOINT)
    replace_file(out / _METRICS, "".join(json.dumps(each) + "\n" for each in told))
