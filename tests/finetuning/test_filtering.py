"""Which episodes a filter keeps, against a re-count in plain Python."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from textenvs.errors import TraceError, UnknownName
from textenvs.finetuning.filtering import Criteria, Episode, Window, filter_traces
from textenvs.finetuning.statistics import describe, statistics
from textenvs.traces import Trace, read_traces

pytestmark = pytest.mark.models  # needs duckdb

OPTION_SETS = 200
Facts = dict[str, Any]
WHERES: dict[str, Callable[[Facts], bool | None]] = {
    "game = 'BabyAI' AND length < 30": lambda e: e["game"] == "BabyAI" and e["length"] < 30,
    "agent <> 'random' OR reward > 2": lambda e: e["agent"] != "random" or e["reward"] > 2,
    "list_contains(unlocked, 'collect_wood')": lambda e: (
        None if e["unlocked"] is None else "collect_wood" in e["unlocked"]
    ),
    "truncated AND NOT success": lambda e: (
        False if not e["truncated"] else None if e["success"] is None else not e["success"]
    ),
    "invalid > 1": lambda e: None if e["invalid"] is None else e["invalid"] > 1,
    "seed % 2 = 0": lambda e: e["seed"] % 2 == 0,
    "settings->>'max_steps' = '20'": lambda e: (
        e["settings"]["max_steps"] == 20 if "max_steps" in e["settings"] else None
    ),
}


def facts(trace: Trace) -> Facts:
    """What plain Python makes of a trace."""
    head, end, steps = trace.header, trace.end, trace.steps
    assert end is not None
    answers = sum("answer_status" in step for step in steps)
    usages = [step["usage"] for step in steps if "usage" in step]
    costs = [step.get("usd") for step in steps if "usage" in step]
    counts = end.get("achievements")
    unlocked = None if counts is None else {name for name, n in counts.items() if n}
    judged = [step["invalid_action"] for step in steps if "invalid_action" in step]
    return {
        **{name: head[name] for name in ("agent", "model", "seed", "settings", "episode")},
        "game": head["env_id"].split("-Text-")[0],
        "reward": round(end["return"], 9),
        "length": end["length"],
        "truncated": end["truncated"],
        "turns": answers or end["length"],
        "success": end.get("success"),
        "unlocked": unlocked,
        "achievements": None if unlocked is None else len(unlocked),
        "tokens": sum(u["input_tokens"] + u["output_tokens"] for u in usages),
        "usd": None if None in costs else round(math.fsum(costs), 12),
        "invalid": sum(judged) if judged else None,
        "rewards": [step["reward"] for step in steps],
    }


def is_kept(episode: Facts, criteria: Criteria) -> bool:
    """Whether an episode fulfils all criteria; what is not known fulfils none."""

    def least(name: str, bound: float | None) -> bool:
        return bound is None or (episode[name] is not None and episode[name] >= bound)

    def most(name: str, bound: float | None) -> bool:
        return bound is None or (episode[name] is not None and episode[name] <= bound)

    types = set(criteria.achievement_types)
    shared = len(types & (episode["unlocked"] or set()))
    return (
        least("achievements", criteria.min_achievements)
        and (not types or shared >= (criteria.min_achievement_types or 1))
        and least("reward", criteria.min_reward)
        and most("turns", criteria.max_turns)
        and (not criteria.success or episode["success"] is True)
        and (not criteria.models or episode["model"] in criteria.models)
        and most("usd", criteria.max_cost)
        and most("tokens", criteria.max_tokens)
        and (not criteria.where or WHERES[criteria.where](episode) is True)
    )


def windows(episode: Facts, criteria: Criteria) -> list[Window]:
    """All windows of an episode."""
    width, rewards = criteria.window, episode["rewards"]
    assert width is not None
    found: list[Window] = []
    for start in range(0, len(rewards), criteria.stride or math.ceil(width / 2)):
        if found and found[-1].stop == len(rewards):
            break
        stop = min(start + width, len(rewards))
        found.append(Window(start, stop, round(math.fsum(rewards[start:stop]), 9)))
    return found


def some_criteria(draw: random.Random, episodes: list[Facts]) -> Criteria:
    """Options as they may come; bounds are often values that there are, where bounds matter."""

    def bound(name: str, chance: float = 0.3) -> Any:
        values = [e[name] for e in episodes if e[name] is not None]
        return draw.choice(values) if draw.random() < chance else None

    types = draw.sample(["collect_wood", "collect_sapling", "place_plant", "wake_up"], 3)
    types = types[: draw.choice([0, 0, 1, 2, 3])]
    window = draw.choice([None, None, 1, 3, 10, 64, 1000])
    return Criteria(
        min_achievements=bound("achievements"),
        achievement_types=tuple(types),
        min_achievement_types=draw.choice([None, len(types)]) if types else None,
        min_reward=bound("reward"),
        max_turns=bound("turns"),
        success=draw.random() < 0.15,
        models=draw.choice([(), (), (), ("walker",), ("walker", "caller"), ("",)]),
        max_cost=bound("usd"),
        max_tokens=bound("tokens"),
        window=window,
        stride=draw.choice([None, 1, 5, 40]) if window else None,
        min_window_reward=draw.choice([None, 0.0, 0.1, 0.5, 1.0]) if window else None,
        where=draw.choice(["", "", *WHERES]),
    )


@pytest.fixture(scope="module")
def played(mixed: Path) -> dict[str, Facts]:
    """Trace -> what plain Python makes of it."""
    return {str(trace.path): facts(trace) for trace in read_traces(mixed)}


@pytest.mark.parametrize("chunk", range(10))
def test_a_filter_keeps_what_a_plain_recount_keeps(
    mixed: Path, played: dict[str, Facts], chunk: int
) -> None:
    kept_any = 0
    for number in range(OPTION_SETS // 10):
        criteria = some_criteria(random.Random(1000 * chunk + number), list(played.values()))
        found = filter_traces([mixed], criteria)
        expected = {file: is_kept(episode, criteria) for file, episode in played.items()}
        assert {e.file: e.kept for e in found.episodes} == expected, criteria
        kept_any += any(expected.values())
        if criteria.window is None:
            assert all(e.windows is None for e in found.episodes)
            continue
        every = {file: windows(played[file], criteria) for file, kept in expected.items() if kept}
        least = criteria.min_window_reward
        for episode in found.kept:
            good = [w for w in every[episode.file] if least is None or w.reward >= least]
            assert list(episode.windows or ()) == good, criteria
        assert found.windows == sum(map(len, every.values()))
    assert kept_any


def test_what_an_episode_tells_is_what_its_trace_says(
    mixed: Path, played: dict[str, Facts]
) -> None:
    for episode in filter_traces([mixed]).episodes:
        told = played[episode.file]
        for name in ("reward", "length", "turns", "success", "achievements", "tokens", "usd"):
            assert getattr(episode, name) == told[name], name
        assert episode.kept


def test_bounds_are_inclusive_and_each_criterion_is_applied(mixed: Path) -> None:
    def kept(**criteria: Any) -> list[Episode]:
        return filter_traces([mixed], Criteria(**criteria)).kept

    every = kept()
    best = max(e.reward for e in every)
    assert {e.reward for e in kept(min_reward=best)} == {best}
    assert not kept(min_reward=best + 1e-6)
    shortest = min(e.turns for e in every)
    assert {e.turns for e in kept(max_turns=shortest)} == {shortest}
    assert {e.model for e in kept(models=("caller",))} == {"caller"}
    assert not kept(models=("caller",), max_cost=1e9)  # its cost is not known
    assert {e.usd for e in kept(max_cost=0)} == {0.0}
    most = max(e.achievements or 0 for e in every)
    assert {e.achievements for e in kept(min_achievements=most)} == {most}


def test_criteria_that_are_not_fulfilled_are_counted_with_what_is_not_known(mixed: Path) -> None:
    criteria = Criteria(min_achievements=0, success=True)
    found = filter_traces([mixed], criteria)
    without = sum(e.achievements is None for e in found.episodes)
    assert found.dropped["min_achievements"].episodes == without
    assert found.dropped["min_achievements"].unknown == without
    assert found.dropped["success"].unknown == len(found.episodes) - without
    assert not found.kept
    said = describe(statistics(found, criteria))
    assert f"min_achievements: {without} do not fulfil it, of {without} it is not known" in said


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"achievement_types": ("craft_wood_pickaxe",)}, "unknown achievement"),
        ({"where": "rewards > 1"}, "condition over the columns"),
        ({"where": "reward > 1; DROP TABLE episodes"}, "more than one statement"),
        ({"where": "1 = 1) OR (1 = 1"}, "condition over the columns"),
        ({"where": "(SELECT count(*) FROM read_text('/etc/hostname')) > 0"}, "Permission"),
        ({"where": "unlocked"}, "condition over the columns"),
    ],
)
def test_wrong_criteria_say_what_is_wrong(
    mixed: Path, criteria: dict[str, Any], message: str
) -> None:
    with pytest.raises((UnknownName, ValueError), match=message):
        filter_traces([mixed / "random"], Criteria(**criteria))


@pytest.mark.parametrize(
    "criteria",
    [
        {"stride": 5},
        {"min_window_reward": 0.5},
        {"window": 0},
        {"window": 3, "stride": 0},
        {"min_achievement_types": 1},
        {"achievement_types": ("wake_up",), "min_achievement_types": 2},
    ],
)
def test_options_that_do_not_fit_together_are_refused(criteria: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Criteria(**criteria)


def test_a_condition_cannot_write_a_file(mixed: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    where = f"1 = (SELECT 1) AND (COPY (SELECT 1) TO '{target}')"
    with pytest.raises(ValueError, match="condition"):
        filter_traces([mixed / "bot"], Criteria(where=where))
    assert not target.exists()


# Files that are broken


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def test_every_broken_file_is_named_skipped_and_counted(mixed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    shutil.copytree(mixed / "random", folder)
    paths = sorted(folder.rglob("episode-*.jsonl"))
    whole = {str(path) for path in paths}

    def edit(number: int, change: Callable[[list[str]], list[str]]) -> str:
        path = paths[number]
        path.write_text("".join(change(lines_of(path))))
        return str(path)

    def header(**more: Any) -> Callable[[list[str]], list[str]]:
        return lambda lines: [json.dumps({**json.loads(lines[0]), **more}) + "\n", *lines[1:]]

    def without(text: str, name: str) -> str:
        return json.dumps({k: v for k, v in json.loads(text).items() if k != name}) + "\n"

    broken = {
        edit(0, lambda ls: [*ls[:5], ls[5][:20]]): ("unfinished", "cut in the middle of line 6"),
        edit(1, lambda ls: ls[:-1]): ("unfinished", "no end"),
        edit(2, lambda ls: [*ls[:3], "not JSON\n", *ls[3:]]): ("broken", "line 4"),
        edit(3, header(trace_version=2)): ("version", "got 2"),
        edit(4, lambda ls: []): ("broken", "an empty file"),
        edit(5, lambda ls: [ls[0], ls[2], ls[1], *ls[3:]]): ("broken", "line 2: expected step 0"),
        edit(6, lambda ls: [*ls[:4], *ls[5:]]): ("broken", "line 5: expected step 3"),
        edit(7, lambda ls: [*ls, ls[-1]]): ("broken", "expected the end to be the last line"),
        edit(8, lambda ls: ls[1:]): ("broken", "whose first line is its header"),
        edit(9, lambda ls: [*ls[:-2], ls[-1]]): ("broken", "expected the length"),
        edit(10, lambda ls: [*ls[:2], "[1, 2]\n", *ls[2:]]): ("broken", "expected an object"),
        edit(11, lambda ls: [ls[0], without(ls[1], "reward"), *ls[2:]]): ("broken", "reward"),
        edit(12, lambda ls: [without(ls[0], "env_id"), *ls[1:]]): ("broken", "env_id"),
        edit(13, lambda ls: [*ls[:5], ls[5][:20]] + ls[6:]): ("broken", "line 6"),
        edit(14, lambda ls: ls[:1]): ("unfinished", "behind 0 complete steps"),
    }
    found = filter_traces([folder])
    assert {s.file: s.kind for s in found.skipped} == {f: kind for f, (kind, _) in broken.items()}
    for skipped in found.skipped:
        assert broken[skipped.file][1] in skipped.why
    assert {e.file for e in found.episodes} == whole - broken.keys()
    numbers = statistics(found, Criteria())
    assert numbers["skipped"] == {"unfinished": 3, "version": 1, "broken": 11}
    assert numbers["files"] == len(paths)
    assert "Skipped files: 15 of 24 (3 unfinished, 1 version, 11 broken)" in describe(numbers)


def test_halves_of_characters_and_other_layouts_of_json_are_read(
    mixed: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    source = min((mixed / "bot").rglob("episode-*.jsonl"))
    first, *rest = lines_of(source)
    step = json.loads(rest[0])
    halved = json.dumps({**step, "messages": "half \ud800"}) + "\n"
    turned = json.dumps(dict(reversed(json.loads(rest[1]).items()))) + "\n"
    (tmp_path / "a" / "episode-0[0]*.jsonl").write_text("".join([first, halved, *rest[1:]]))
    (tmp_path / "a" / "episode-1.jsonl").write_text("".join([first, rest[0], turned, *rest[2:]]))
    found = filter_traces([tmp_path], Criteria(window=2))
    expected = filter_traces([source], Criteria(window=2)).episodes[0]
    assert not found.skipped
    assert len(found.episodes) == 2
    for episode in found.episodes:
        assert (episode.reward, episode.length) == (expected.reward, expected.length)
        assert episode.windows == expected.windows


def test_no_traces_are_an_error_and_no_file_counts_twice(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="found none"):
        filter_traces([tmp_path])
    once = filter_traces([mixed / "bot"])
    assert len(filter_traces([mixed / "bot", mixed / "bot"]).episodes) == len(once.episodes)


def test_long_lines_are_read(mixed: Path, tmp_path: Path) -> None:
    source = min((mixed / "bot").rglob("episode-*.jsonl"))
    first, second, *rest = lines_of(source)
    long = json.dumps({**json.loads(second), "prompt": "x" * 40_000_000}) + "\n"
    (tmp_path / "episode-0.jsonl").write_text("".join([first, long, *rest]))
    found = filter_traces([tmp_path])
    assert [len(found.episodes), len(found.skipped)] == [1, 0]
