"""The documentation is true: its examples run, and its tables of ids are the registry."""

import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import textenvs

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
PAGES = ROOT / "docs" / "environments"

FENCE = re.compile(r"^```.*$", re.MULTILINE)
ROW = re.compile(r"^\| `([\w-]+-v\d+)` \|(.*)\|$", re.MULTILINE)
LIMIT = re.compile(r"(\d+)(?: to (\d+))?")
# Where Minigrid registers a level in two versions, making the older one warns that it is older.
SUPERSEDED = "ignore:.*The environment .* is out of date:DeprecationWarning"


def _param(path: Path) -> Any:
    needs_nethack = "nethack" in path.name or "nethack" in path.parts
    needs_nethack |= bool(re.search(r"^\s*(>>>|\.\.\.) .*NetHack-Text", path.read_text(), re.M))
    marks = [pytest.mark.nethack] if needs_nethack else []
    return pytest.param(path, marks=marks, id=str(path.relative_to(ROOT)))


def _with_examples(*paths: Path) -> list[Any]:
    return [_param(path) for path in paths if ">>> " in path.read_text()]


TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((SOURCE / "textenvs").rglob("*.py"))


def _run(test: doctest.DocTest) -> None:
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "\n" + "".join(said)


@pytest.mark.parametrize("path", _with_examples(*TEXTS))
@pytest.mark.filterwarnings(SUPERSEDED)
def test_the_examples_of_a_page_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = FENCE.sub("", path.read_text())  # a fence would be taken for the end of an output
    _run(doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0))


@pytest.mark.parametrize("path", _with_examples(*MODULES))
@pytest.mark.filterwarnings(SUPERSEDED)
def test_the_examples_of_a_module_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parts = path.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    tests = [
        test
        for test in doctest.DocTestFinder().find(importlib.import_module(name), name)
        if test.examples
    ]
    assert tests, f"{name} has examples where doctest does not find them"
    for test in tests:
        _run(test)


def _rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables that begin with an id: id -> the other cells."""
    rows = ROW.findall((PAGES / page).read_text())
    assert len({env_id for env_id, _ in rows}) == len(rows), f"{page} lists an id twice"
    return {env_id: [cell.strip() for cell in cells.split(" | ")] for env_id, cells in rows}


@pytest.mark.parametrize("game", ["Crafter", "BabyAI", "MiniGrid", "NetHack"])
def test_a_page_lists_the_ids_of_its_game(game: str) -> None:
    listed = _rows(f"{game.lower()}.md")
    registered = {spec.id for spec in textenvs.env_specs(game)}
    assert set(listed) == registered


@pytest.mark.parametrize("game", ["Crafter", "NetHack"])
def test_a_page_tells_the_limits_of_its_game(game: str) -> None:
    for env_id, (_, limit) in _rows(f"{game.lower()}.md").items():
        registered = gymnasium.spec(env_id).max_episode_steps
        # Crafter's own limit, which a hidden Noop shortens.
        own = 10_000 if env_id in ("Crafter-Text-v0", "Crafter-Text-NoReward-v0") else 9_999
        assert int(limit) == (registered or own), env_id


@pytest.mark.parametrize("game", ["BabyAI", "MiniGrid"])
@pytest.mark.filterwarnings(SUPERSEDED)
def test_a_page_tells_the_missions_and_limits_of_its_levels(game: str) -> None:
    for env_id, (mission, limit) in _rows(f"{game.lower()}.md").items():
        env: Any = gymnasium.make(env_id, disable_env_checker=True)
        match = LIMIT.fullmatch(limit)
        assert match, env_id
        least, most = int(match[1]), int(match[2] or match[1])
        for seed in range(5):
            _, info = env.reset(seed=seed)
            assert seed or info["mission"] == mission, env_id
            assert least <= env.unwrapped.game.max_steps <= most, env_id
        env.close()
