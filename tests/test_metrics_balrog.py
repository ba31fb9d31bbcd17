"""BALROG's progress, and its published rows computed again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from textenvs.envs.nethack.progress import BY_DEPTH, BY_EXPERIENCE_LEVEL, progress
from textenvs.metrics import (
    CRAFTER_ACHIEVEMENTS,
    babyai_progress,
    crafter_progress,
    nethack_progress,
    standard_error_balrog,
)

GAMES = ("crafter", "babyai", "nle")


def progress_of(game: str, episode: dict[str, Any]) -> float:
    """An episode's progress, computed from its record."""
    if game == "crafter":
        return crafter_progress(episode["achievements"])
    if game == "babyai":
        return babyai_progress(episode["episode_return"] > 0)
    depths = [int(name.removeprefix("Dlvl:")) for name in episode["dlvl_list"]]
    levels = [int(name.removeprefix("Xp:")) for name in episode["xplvl_list"]]
    # Which were had at once is not recorded; the greatest of each is enough.
    return nethack_progress([*((depth, 1) for depth in depths), *((1, level) for level in levels)])


def test_published_rows_are_computed_again_from_their_episodes(
    published_data: Path, record_property: Any
) -> None:
    compared, incomplete = [], []
    for path in sorted((published_data / "balrog").glob("*/summary.json")):
        published = json.loads(path.read_text())["environments"]
        for game in GAMES:
            row, name = published[game], f"{path.parent.name}/{game}"
            files = sorted((path.parent / game).rglob("*_run_*.json"))
            if len(files) != row["episodes_played"]:
                incomplete.append(name)
                continue
            episodes = [json.loads(file.read_text()) for file in files]
            values = [progress_of(game, episode) for episode in episodes]
            assert values == [episode["progression"] for episode in episodes], name
            by_game = path.parent / game / f"{game}_summary.json"
            for summary in (row, json.loads(by_game.read_text())):
                mean, error = summary["progression_percentage"], summary["standard_error"]
                assert 100 * math.fsum(values) / len(values) == pytest.approx(mean), name
                assert 100 * standard_error_balrog(values) == pytest.approx(error), name
            compared.append(name)
    stated = f"{len(compared)} rows compared, {len(incomplete)} without all their episodes"
    record_property("published rows", stated)
    print(stated)
    assert compared, f"expected a row whose episodes are complete, got none: {stated}"


def test_crafters_progress_is_the_share_that_was_unlocked() -> None:
    none = dict.fromkeys(CRAFTER_ACHIEVEMENTS, 0)
    assert crafter_progress(none) == 0
    assert crafter_progress({**none, "wake_up": 7, "eat_cow": 1}) == 2 / 22
    assert crafter_progress(dict.fromkeys(CRAFTER_ACHIEVEMENTS, 1)) == 1
    with pytest.raises(ValueError, match="expected Crafter's 22 achievements, got 1 "):
        crafter_progress({"wake_up": 1})


def test_babyais_progress_is_its_success() -> None:
    assert (babyai_progress(True), babyai_progress(False)) == (1.0, 0.0)
    assert type(babyai_progress(True)) is float


def test_nethacks_progress_is_the_greatest_of_its_states() -> None:
    assert nethack_progress([]) == 0
    assert nethack_progress([(1, 1), (0, 0), (-5, 1)]) == 0
    assert nethack_progress([(1, 1), (4, 2), (1, 3), (0, 0)]) == progress(4, 1) == BY_DEPTH[3]
    assert nethack_progress([(2, 8), (3, 1)]) == BY_EXPERIENCE_LEVEL[7]
    # Who ascends has been deep at most.
    assert nethack_progress([(50, 30)]) == pytest.approx(0.8068, abs=5e-5)


@pytest.mark.parametrize(
    ("values", "error"),
    [([0.4], 0.0), ([0.0, 1.0], 0.5 / math.sqrt(2)), ([1, 1, 1], 0.0), ([1, 2, 3, 4], 0.559017)],
)
def test_balrogs_standard_error_is_of_the_population(values: list[float], error: float) -> None:
    assert standard_error_balrog(values) == pytest.approx(error)


@pytest.mark.parametrize(
    ("values", "message"), [([], "at least one value"), ([1.0, math.nan], "got nan at index 1")]
)
def test_balrogs_standard_error_refuses_what_has_none(values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        standard_error_balrog(values)
