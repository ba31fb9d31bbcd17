"""The documentation is true: its examples run, its tables are the registry, its commands exist."""

import argparse
import doctest
import importlib
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import textenvs
from textenvs.agents.language import LANGUAGE_AGENTS
from textenvs.cli.main import _parser
from textenvs.evaluation import METRICS, Settings, evaluate
from textenvs.llm import FAULTS, KINDS, Gateway
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.llm.model import STATUSES
from textenvs.prompts import HISTORIES, PROMPTS
from textenvs.published_parsers import PARSERS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
PAGES = ROOT / "docs" / "environments"

FENCE = re.compile(r"^```.*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
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


# Models, agents, evaluation


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def _in_code(page: str) -> set[str]:
    """What a page has in backticks."""
    return set(re.findall(r"`([^`\n]+)`", FENCED.sub("", _page(page))))


def _section(page: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", _page(page), re.M | re.S)
    assert found, f"{page} has no section {heading!r}"
    return found[1]


def _command(name: str) -> argparse.ArgumentParser:
    commands = next(
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    parser: argparse.ArgumentParser = commands.choices[name]
    return parser


@pytest.mark.parametrize("name", ["eval", "compare"])
def test_the_tables_of_a_command_are_its_options(name: str) -> None:
    rows = re.findall(r"^\| `(--[\w-]+)` \|", _section("evaluation.md", f"`textenvs {name}`"), re.M)
    options = [
        option
        for action in _command(name)._actions
        for option in action.option_strings
        if option not in ("-h", "--help")
    ]
    assert sorted(rows) == sorted(options)


@pytest.mark.parametrize("name", ["eval", "compare"])
def test_the_tables_of_a_command_have_its_choices_and_defaults(name: str) -> None:
    section = _section("evaluation.md", f"`textenvs {name}`")
    for action in _command(name)._actions:
        if not action.option_strings or action.option_strings[0] == "-h":
            continue
        first_cell = f"| `{action.option_strings[0]}` |"
        row = next(line for line in section.split("\n") if line.startswith(first_cell))
        for choice in action.choices or ():
            assert f"`{choice}`" in row
        if isinstance(action.default, int | float) and not isinstance(action.default, bool):
            assert f"| {action.default:g} |" in row
        elif isinstance(action.default, str) and action.default:
            assert f"| `{action.default}` |" in row


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("models.md", [*FAULTS, *STATUSES]),
        ("agents.md", [*LANGUAGE_AGENTS, *PROMPTS, *HISTORIES, *PARSERS]),
        ("evaluation.md", [*LANGUAGE_AGENTS, *PROMPTS, *METRICS]),
        ("traces.md", STATUSES),
    ],
)
def test_a_page_names_all_that_there_is(page: str, names: Iterable[str]) -> None:
    assert set(names) <= _in_code(page)


def test_the_page_of_models_has_a_row_for_each_kind() -> None:
    rows = re.findall(r"^\| `(tiny|\w+(?=:))[^`]*` \|", _page("models.md"), re.M)
    assert set(rows) == set(KINDS)


def test_the_page_of_evaluation_names_all_fields_of_a_summary(tmp_path: Path) -> None:
    settings = Settings(
        ("Crafter-Text-v0", "BabyAI-Text-GoToObj-v0"), llm="script", episodes=2, max_steps=2
    )
    model = Gateway(ScriptedModel(lambda messages: "Sing", "script"))
    summary = evaluate(settings, tmp_path, model=model)
    fields = {*summary, *summary["sent"]}
    fields |= {field for found in summary["environments"].values() for field in found}
    assert fields <= _in_code("evaluation.md")


def _commands() -> list[Any]:
    """The calls of the command line in all pages."""
    found = []
    for path in TEXTS:
        for fenced in re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.M | re.S):
            for line in fenced.replace("\\\n", " ").split("\n"):
                name, _, arguments = line.removeprefix("PYTHONPATH=. ").partition(" ")
                if name == "textenvs":
                    where = f"{path.relative_to(ROOT)}: {arguments[:40]}"
                    found.append(pytest.param(arguments, id=where))
    return found


@pytest.mark.parametrize("arguments", _commands())
def test_a_command_of_a_page_is_one(arguments: str) -> None:
    options = _parser().parse_args(shlex.split(arguments, comments=True))
    known = {spec.id for spec in textenvs.env_specs()}
    ids = getattr(options, "ids", None) or [getattr(options, "id", None)]
    assert known.issuperset(env_id for env_id in ids if env_id)


SPEED = re.compile(r"^\|.* / .*\| [\d.]+ to [\d.]+ \|$", re.MULTILINE)


def test_the_speeds_of_the_readme_are_those_of_the_page() -> None:
    told = SPEED.findall((ROOT / "README.md").read_text())
    assert told
    assert set(told) <= set(SPEED.findall((ROOT / "docs" / "performance.md").read_text()))


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in TEXTS])
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(FENCED.sub("", path.read_text())):
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there), f"{target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    """What the headings of a page are found under."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
