"""``textenvs filter`` and ``textenvs validate``."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from textenvs.cli import main
from textenvs.cli.main import _parser
from textenvs.finetuning.rows import LEFT_OUT
from textenvs.finetuning.trace_columns import EPISODE_COLUMNS
from tiny_models import make_causal

pytestmark = pytest.mark.models

ROOT = Path(__file__).resolve().parents[2]


def stats(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_name(f"{path.name}.stats.json").read_text())
    return found


def test_the_statistics_alone_write_nothing(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    arguments = ["filter", "--input", str(mixed), "--stats-only", "--output", str(path)]
    assert main([*arguments, "--min-achievements", "2", "--min-reward", "1"]) == 0
    said = capsys.readouterr().out
    for line in ("Total traces: 49", "High quality traces:", "Average reward:", "Filtered traces:"):
        assert line in said
    for name in ("reward", "achievements", "length", "tokens"):
        assert f"{name} (# kept, . not)" in said
    assert not list(tmp_path.iterdir())


def test_without_options_nothing_is_filtered(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    arguments = ["filter", "--input", str(mixed), "--output", str(path), "--prompt", "default"]
    assert main(arguments) == 0
    found = stats(path)["statistics"]
    assert found["filtered"] == found["total"] == 49
    assert found["dropped"] == {}


def test_what_is_written_can_be_written_again(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    arguments = ["filter", "--input", str(mixed), "--output", str(path), "--prompt", "default"]
    options = ["--window", "10", "--min-window-reward", "0.5", "--max-action-share", "0.3"]
    assert main([*arguments, *options, "--validation", "0.2", "--seed", "3"]) == 0
    told = stats(path)
    assert told["criteria"]["window"] == 10
    assert told["statistics"]["windows"]["kept"] < told["statistics"]["windows"]["all"]
    for side, of_side in told["files"].items():
        content = Path(of_side["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == of_side["sha256"]
        assert content.count(b"\n") == told["rows"][side]
    for source in told["sources"]:
        assert hashlib.sha256(Path(source["file"]).read_bytes()).hexdigest() == source["sha256"]
    first = path.read_bytes()
    assert main([*arguments, *options, "--validation", "0.2", "--seed", "3"]) == 0
    assert path.read_bytes() == first
    assert main(["validate", str(path)]) == 0
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


@pytest.mark.parametrize("form", ["chat", "prompt-completion", "text"])
def test_each_format_is_valid(
    mixed: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    folders = [str(mixed / name) for name in ("walker", "caller")]
    arguments = ["filter", "--input", *folders, "--output", str(path), "--format", form]
    model = make_causal(tmp_path / "model")
    assert main([*arguments, "--tokenizer", str(model)]) == 0
    assert stats(path)["tokens"]["train"]["total"] > 0
    assert main(["validate", str(path), "--tokenizer", str(model)]) == 0
    assert f"format {form}" in capsys.readouterr().out
    assert main(["validate", str(path), "--tokenizer", str(model), "--max-tokens", "3"]) == 2


def test_what_is_skipped_and_missing_is_said(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, path = tmp_path / "traces", tmp_path / "rows.jsonl"
    shutil.copytree(mixed / "bot", folder)
    broken = min(folder.rglob("episode-*.jsonl"))
    broken.write_text(broken.read_text()[:-30])
    arguments = ["filter", "--input", str(folder), "--output", str(path), "--model", "gpt"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "skipped, unfinished" in said.err
    assert "no trace is of the model 'gpt', but of ''" in said.err
    assert "expected rows, got none" in said.err
    assert stats(path)["skipped"][0]["file"] == str(broken)
    assert path.read_text() == ""
    assert main(["validate", str(path)]) == 2
    assert main(arguments[:-2]) == 0
    assert "--prompt renders one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--output", "rows.jsonl", "--stride", "3"],
        ["--output", "rows.jsonl", "--where", "nothing"],
        ["--output", "rows.jsonl", "--achievement-types", "craft_wood_pickaxe"],
        ["--output", "rows.jsonl", "--prompt", "smartplay"],
        ["--output", "rows.jsonl", "--tokenizer", "nowhere"],
        ["--output", "rows.jsonl", "--cap-action", "Sing=3", "--prompt", "default"],
    ],
)
def test_what_is_wrong_is_one_line(
    mixed: Path,
    tmp_path: Path,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["filter", "--input", str(mixed), *options]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("textenvs filter: error: ")
    assert not list(tmp_path.iterdir())


# The page


def test_the_page_lists_all_options_defaults_columns_and_reasons() -> None:
    page = (ROOT / "docs" / "filtering.md").read_text()
    for name in ("filter", "validate"):
        start = page.index(f"\n## `textenvs {name}`\n")
        section = page[start : page.find("\n## ", start + 5)]
        commands = next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
        rows = dict(re.findall(r"^\| `(--[\w-]+)` \|([^|]*)\|", section, re.M))
        options = [a for a in commands.choices[name]._actions if a.option_strings]
        assert rows.keys() == {a.option_strings[-1] for a in options} - {"--help"}
        for action in options:
            if isinstance(action.default, str | int | float) and action.default not in (
                "",
                False,
                argparse.SUPPRESS,
            ):
                assert rows[action.option_strings[-1]].strip(" `") == str(action.default or 0)
            for choice in action.choices or ():
                assert f"`{choice}`" in section
    for known in (EPISODE_COLUMNS, LEFT_OUT):
        assert all(f"| `{name}` | {what} |" in page for name, what in known.items())
