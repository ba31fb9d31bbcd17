"""A potential learned from preferences of a language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textenvs.shaping.potential import History

__all__ = ["PreferencePotential"]


class PreferencePotential:
    """How good it is to have come to a state as it was come to, by a model of preferences.

    The value is brought to mean 0 and deviation 1 over the pieces that were labelled.

    Args:
        path: a folder of ``textenvs train-preference``, or ``"ready"`` for what came with the
            package for ``game``.
        game: a key of :data:`textenvs.knowledge.games.GAMES`; None for that of the folder.

    Attributes:
        about: what the knowledge is of.
        reads_text: whether it is the caption that is judged.

    Raises:
        TraceError: if there is no such knowledge.
        MissingExtra: if what it is computed with is not installed.
    """

    def __init__(self, path: Path | str, game: str | None = None) -> None:
        from textenvs.errors import require
        from textenvs.knowledge.folder import find_knowledge

        require("stable_baselines3", extra="rl", needed_by="potentials from preferences")
        import torch

        from textenvs.shaping.preference_model import PreferenceModel, PreferenceSettings
        from textenvs.shaping.preference_training import WEIGHTS

        folder, self.about = find_knowledge(path, "preference", game)
        self._settings = PreferenceSettings(**self.about["settings"])
        self._model = PreferenceModel(self._settings)
        self._model.load_state_dict(torch.load(folder / WEIGHTS, weights_only=True))
        self._model.eval()
        self._mean = float(self.about["says"]["mean"])
        self._deviation = max(float(self.about["says"]["deviation"]), 1e-6)
        self.horizon = self._settings.length
        self.reads_text = self._settings.input == "text"

    def __call__(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """How good each state is: (n,)."""
        import torch

        from textenvs.shaping.preference_model import preference_tensors

        with torch.inference_mode():
            values, _ = self._model(preference_tensors(histories, self._settings))
        return (values[:, -1].double().numpy() - self._mean) / self._deviation
