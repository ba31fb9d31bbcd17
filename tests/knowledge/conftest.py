"""A small dataset, and a model that answers by a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge_world import make_dataset
from textenvs.knowledge import Dataset
from textenvs.knowledge.asking import Notebook
from textenvs.llm import Cache, Gateway, Sampling
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.llm.model import Messages


@pytest.fixture(params=["minigrid", "crafter"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    """A dataset of each game."""
    return make_dataset(tmp_path / "data", request.param)


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[[Callable[[Messages], str]], Notebook]:
    """What asks a script, and keeps its answers."""

    def make(answer: Callable[[Messages], str]) -> Notebook:
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        gateway = Gateway(
            ScriptedModel(answer, name="scripted:test"), cache=Cache(folder / "answers.sqlite")
        )
        return Notebook(gateway, folder, Sampling(temperature=0.5))

    return make
