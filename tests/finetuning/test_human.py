"""The human dataset: files of its layout, made by playing, become the rows they should."""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetuning_world import World
from textenvs.cli import main
from textenvs.cli.main import _parser
from textenvs.envs.crafter.tasks import ACTION_NAMES
from textenvs.errors import TraceError
from textenvs.evaluation import Settings, evaluate
from textenvs.finetuning.human import ITEMS, hidden, moments, read_recording
from textenvs.finetuning.human_rows import (
    LEFT_OUT,
    Example,
    HumanRows,
    Selection,
    example_of,
    human_rows,
    write_rows,
)
from textenvs.finetuning.reasoning import FULL, goal
from textenvs.llm import Gateway
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.traces import read_trace

SLEEP = ACTION_NAMES.index("Sleep")


def published_facing(recording: Any) -> list[tuple[int, int]]:
    """CrafterGPT's: the player faces where it last went, as seen from its position."""
    facing = [(0, 1)]
    for before, after in zip(recording.positions, recording.positions[1:], strict=False):
        moved = tuple((after - before).tolist())
        facing.append(moved if moved != (0, 0) else facing[-1])
    return facing


def published_sleeping(recording: Any) -> list[bool]:
    """CrafterGPT's: from a Sleep below full energy until an action that is no Noop."""
    asleep, found = False, []
    for action, energy in zip(recording.actions, recording.inventory["energy"], strict=True):
        if action == SLEEP and energy < FULL:
            asleep = True
        elif asleep and action != 0:
            asleep = False
        found.append(asleep)
    return found


def restless(seed: int, steps: int = 1500) -> list[int]:
    """Someone who walks, hits, and tries to sleep, for some steps each."""
    rng = random.Random(seed)
    action, actions = 0, []
    for _ in range(steps):
        if rng.random() < 0.3:
            action = rng.choice([0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 10])
        actions.append(action)
    return actions


def of(examples: list[Example | str]) -> list[Example]:
    return [example for example in examples if isinstance(example, Example)]


# What is not recorded


@pytest.mark.parametrize("misspelt", [True, False])
@pytest.mark.parametrize("empty_first", [True, False])
def test_facing_and_sleep_are_those_of_the_game(
    tmp_path: Path, misspelt: bool, empty_first: bool
) -> None:
    slept = woken_by_blows = 0
    for seed in range(12):
        made = World(seed, flat=False).play_out(restless(seed))
        path = made.save(tmp_path / f"{seed}.npz", misspelt=misspelt, empty_first=empty_first)
        recording = read_recording(path)
        assert recording.first == int(empty_first)
        found = hidden(recording)
        assert found.facing == [info["player_facing"] for info in made.truth]
        assert found.sleeping == [info["sleeping"] for info in made.truth]
        assert found.contradictions == 0
        slept += sum(found.sleeping)
        woken_by_blows += sum(
            before and not after and recording.inventory["energy"][row] < FULL
            for row, (before, after) in enumerate(
                zip(found.sleeping, found.sleeping[1:], strict=False)
            )
        )
    assert slept > 50
    assert woken_by_blows > 3


def test_a_bump_turns_the_player(tmp_path: Path) -> None:
    made = World()
    made.put("tree", -1, 0)
    made.play("Move West", "Do")
    recording = read_recording(made.save(tmp_path / "a.npz"))
    assert published_facing(recording)[1] == (0, 1)
    assert hidden(recording).facing[1] == (-1, 0) == made.truth[1]["player_facing"]
    chosen = list(moments(recording))[1]
    example = example_of(chosen)
    assert isinstance(example, Example)
    assert "You face tree at your front." in example.observation
    assert "gather wood from the tree" in example.answer


def test_what_is_pressed_asleep_neither_wakes_nor_turns(tmp_path: Path) -> None:
    made = World()
    made.have(energy=5)
    made.play("Sleep", "Move West", "Make Wood Sword", "Noop")
    recording = read_recording(made.save(tmp_path / "a.npz"))
    found = hidden(recording)
    assert published_sleeping(recording) == [False, True, False, False, False]
    assert found.sleeping == [False, True, True, True, True]
    assert found.facing[-1] == (0, 1)
    assert [played == SLEEP for played in found.played] == [False, True, True, True, True]


def test_a_blow_wakes_the_player_who_presses_nothing(tmp_path: Path) -> None:
    made = World()
    made.have(energy=5)
    made.put("zombie", 1, 0)
    made.play("Sleep", *["Noop"] * 6)
    recording = read_recording(made.save(tmp_path / "a.npz"))
    truth = [info["sleeping"] for info in made.truth]
    assert True in truth
    assert not truth[-1]
    assert published_sleeping(recording)[-1]
    assert hidden(recording).sleeping == truth


def test_the_player_wakes_up_when_its_energy_is_full(tmp_path: Path) -> None:
    made = World()
    made.have(energy=8)
    made.play("Sleep", *["Noop"] * 14)
    recording = read_recording(made.save(tmp_path / "a.npz"))
    truth = [info["sleeping"] for info in made.truth]
    assert True in truth
    assert made.truth[-1]["achievements"]["wake_up"] == 1
    assert published_sleeping(recording)[-1]
    assert hidden(recording).sleeping == truth


def test_a_recording_that_contradicts_the_rules_is_believed(tmp_path: Path) -> None:
    made = World()
    made.have(energy=5)
    made.play("Sleep", "Noop", "Noop", "Noop")
    arrays = made.arrays()
    # It walks in its sleep in row 2; its energy rises in row 4.
    arrays["action"][2] = 1
    arrays["player_pos"][2:] -= (1, 0)
    for row in (2, 3, 4):
        arrays["semantic"][row, 32, 32] = 2
        arrays["semantic"][row, 31, 32] = 13
    arrays["inventory_energy"][4] += 1
    np.savez(tmp_path / "a.npz", **arrays)
    found = hidden(read_recording(tmp_path / "a.npz"))
    assert found.sleeping == [False, True, False, False, True]
    assert found.facing[2] == (-1, 0)
    assert found.contradictions == 2


# Files


def test_a_recording_is_the_game(tmp_path: Path) -> None:
    made = World(3, flat=False).play_out(restless(3, 60))
    recording = read_recording(made.save(tmp_path / "a.npz"))
    assert recording.steps == len(made.truth) - 1 > 50
    for row, moment in enumerate(moments(recording)):
        truth = made.truth[row]
        assert moment.info is not None
        assert moment.step == row
        assert (moment.info["semantic"] == truth["semantic"]).all()
        for key in ("player_pos", "inventory", "player_facing", "sleeping", "dead", "view"):
            assert moment.info[key] == truth[key]
        assert moment.choice == ACTION_NAMES[made.actions[row + 1]]
        assert moment.past == tuple(ACTION_NAMES[n] for n in made.actions[1 : row + 1][-10:])
        assert moment.info["action"] == truth["action"]


def test_crafters_own_recorder_is_read(tmp_path: Path) -> None:
    crafter = pytest.importorskip("crafter")
    game = crafter.Env(seed=1, length=40)
    env = crafter.Recorder(game, tmp_path, save_stats=False, save_video=False)
    env.reset()
    truth = [((0, 1), False)]
    for action in restless(5, 40):
        env.step(action)
        truth.append((tuple(game._player.facing), game._player.sleeping))
    (path,) = tmp_path.glob("*-ach*-len40.npz")
    recording = read_recording(path)
    assert (recording.steps, recording.first) == (40, 1)
    found = hidden(recording)
    assert list(zip(found.facing, found.sleeping, strict=True)) == truth
    first, second = list(moments(recording))[:2]
    assert first.info is None
    assert example_of(first) == "state_not_recorded"
    assert second.info is not None
    assert second.info["inventory"]["health"] == 9


def _without(field: str) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.pop(field)


def _with(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.update({field: value(arrays[field])})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without("action"), "expected the field action, got none"),
        (_without("semantic"), "expected the field semantic, got none"),
        (_without("inventory_wood"), "the field inventory_wood or ainventory_wood, got none"),
        (_with("action", lambda a: a[:-1]), "expected whole numbers, one row a state"),
        (_with("action", lambda a: a[:1] * 0), "one a step, got 1"),
        (_with("action", lambda a: a + 15), "expected actions from 0 to 16, got 20"),
        (_with("action", lambda a: a + 0.5), "expected whole numbers, one row a state, in action"),
        (_with("action", lambda a: a.astype(str)), "expected whole numbers"),
        (_with("semantic", lambda s: s + 10), "expected ids from 0 to 18"),
        (_with("semantic", lambda s: s[:, 0]), "in semantic, got the shape"),
        (_with("player_pos", lambda p: p + 1), "expected the player at player_pos [33, 33]"),
        (_with("player_pos", lambda p: p + 99), "expected the player at player_pos"),
        (_with("inventory_wood", lambda w: w.astype(object)), "allow_pickle=False"),
    ],
)
def test_a_file_that_is_none_of_the_dataset_is_named(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], said: str
) -> None:
    made = World()
    made.play("Do", "Noop", "Do")
    arrays = made.arrays()
    damage(arrays)
    path = tmp_path / "a.npz"
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(TraceError) as error:
        read_recording(path)
    assert str(error.value).startswith(f"{path}: expected ")
    assert said in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"text", b"\x93NUMPY"])
def test_a_file_that_is_no_npz_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(TraceError, match="expected an npz file"):
        read_recording(path)


def test_a_single_array_is_no_npz(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(TraceError, match="got a single array"):
        read_recording(tmp_path / "a.npz")


def test_a_file_that_was_cut_is_named(tmp_path: Path) -> None:
    path = World(0).play_out([5] * 5).save(tmp_path / "a.npz")
    whole = path.read_bytes()
    for size in (len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(TraceError, match="expected an npz file"):
            read_recording(path)
    # The same length, but bytes that are not what they were.
    path.write_bytes(whole[:3000] + bytes(500) + whole[3500:])
    with pytest.raises(TraceError, match="expected"):
        read_recording(path)


# Examples


def test_the_prompt_is_the_one_that_an_agent_asks_with(tmp_path: Path) -> None:
    walk = [ACTION_NAMES[n] for n in restless(2, 30) if n != SLEEP]
    plan = iter(walk)
    model = Gateway(ScriptedModel(lambda messages: f'"{next(plan)}"', "plan"))
    settings = Settings(
        ("Crafter-Text-v0",), llm="plan", prompt="craftergpt", episodes=1, max_steps=len(walk)
    )
    evaluate(settings, tmp_path / "run", model=model)
    trace = read_trace(tmp_path / "run" / "Crafter-Text-v0" / "episode-00000.jsonl")
    assert [step["text_action"] for step in trace.steps] == walk
    made = World(trace.header["seed"], flat=False)
    made.play_out([ACTION_NAMES.index(name) for name in walk])
    recording = read_recording(made.save(tmp_path / "a.npz"))
    compared = 0
    for moment, step in zip(moments(recording), trace.steps, strict=True):
        example = example_of(moment)
        if isinstance(example, Example):
            assert [{"role": "user", "content": example.prompt}] == step["prompt"]
            compared += 1
    assert compared > 15


def test_the_goal_is_that_of_the_chosen_action_and_not_of_the_one_before(tmp_path: Path) -> None:
    made = World()
    made.put("water", -3, 0)
    made.play("Move East", "Move West", "Move North")
    recording = read_recording(made.save(tmp_path / "a.npz"))
    chosen = list(moments(recording))[1]
    assert chosen.info is not None
    published = goal(chosen.info, chosen.past[-1])  # of the action that led here
    example = example_of(chosen)
    assert isinstance(example, Example)
    assert example.choice == "Move West"
    assert published not in example.answer
    assert "go west, nearer to the water (4 steps away)" in example.answer


def test_a_state_at_the_edge_of_the_world_makes_a_row(tmp_path: Path) -> None:
    made = World()
    made.go_to(2, 1)
    made.play("Move East", "Do")
    recording = read_recording(made.save(tmp_path / "a.npz"))
    assert all(isinstance(example_of(moment), Example) for moment in moments(recording))


def test_steps_that_teach_nothing_are_left_out(tmp_path: Path) -> None:
    made = World()
    made.put("tree", 0, 1)
    made.put("lava", 1, 0)
    made.play("Move South", "Place Table", "Do", "Move East")
    recording = read_recording(made.save(tmp_path / "a.npz"))
    found = [example_of(moment) for moment in moments(recording)]
    assert [each if isinstance(each, str) else each.choice for each in found] == [
        "without_effect",  # the tree is faced already
        "without_effect",
        "Do",
        "into_lava",
    ]


def test_a_zombie_and_a_cow_are_in_the_rows(tmp_path: Path) -> None:
    made = World()
    made.put("cow", 0, 1)
    made.put("zombie", -4, 0)
    made.play("Do")
    example = example_of(next(moments(read_recording(made.save(tmp_path / "a.npz")))))
    assert isinstance(example, Example)
    assert "* Zombie, 4 steps to the west" in example.answer
    assert "eat the cow in front of me" in example.answer


# The dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:

    folder = tmp_path_factory.mktemp("dataset")
    for seed in range(6):
        World(seed, flat=False).play_out(restless(seed, 120)).save(
            folder / f"{seed}.npz", misspelt=seed % 2 == 0, empty_first=seed % 3 == 0
        )
    (folder / "broken.npz").write_bytes(b"nothing")
    return folder


def run(*arguments: object) -> dict[str, Any]:
    """Run the command; what it counted."""
    output = Path(str(arguments[arguments.index("--output") + 1]))
    assert main(["sft-human", *map(str, arguments)]) == 0
    stats: dict[str, Any] = json.loads(output.with_name(f"{output.name}.stats.json").read_text())
    return stats


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_command_writes_rows_and_counts(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "human.jsonl"
    stats = run("--dataset", dataset, "--output", output, "--validation", 0.34)
    said = capsys.readouterr()
    training, validation = rows(output), rows(output.with_suffix(".validation.jsonl"))
    assert stats["rows"] == {"training": len(training), "validation": len(validation)}
    assert stats["episodes"] == {"read": 6, "training": 4, "validation": 2}
    assert stats["steps"] == len(training) + len(validation) + sum(stats["left_out"].values())
    assert set(stats["left_out"]) == set(LEFT_OUT)
    assert stats["left_out"]["state_not_recorded"] == 2
    for each in (*training, *validation):
        user, assistant = each["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert user["content"].startswith("Environment Description:")
        assert assistant["content"].startswith("Current Status:")
    chosen = Counter(each["messages"][1]["content"].split('"')[1] for each in training)
    assert {name: n for name, n in stats["actions"]["training"].items() if n} == chosen
    assert stats["noop_share"]["training"] == chosen["Noop"] / len(training)
    assert stats["settings"]["validation"] == 0.34
    assert stats["skipped_files"] == 1
    (problem,) = stats["problems"]
    assert problem["file"] == str(dataset / "broken.npz")
    assert str(dataset / "broken.npz") in said.err
    assert "6 episodes were read, 1 files skipped" in said.out
    assert f"training: {len(training):,} rows of 4 episodes" in said.out


def test_no_row_is_repeated_and_none_of_the_validation_is_in_the_training(
    dataset: Path, tmp_path: Path
) -> None:
    arguments = ("--dataset", dataset, "--output", tmp_path / "human.jsonl", "--validation", 0.3)
    stats = run(*arguments)
    lines = (tmp_path / "human.jsonl").read_text().splitlines()
    lines += (tmp_path / "human.validation.jsonl").read_text().splitlines()
    assert len(set(lines)) == len(lines)
    assert stats["left_out"]["duplicate"] > 0
    kept = run(*arguments, "--keep-duplicates")
    assert kept["left_out"]["duplicate"] == 0
    n = sum(kept["rows"].values())
    assert n == len(lines) + stats["left_out"]["duplicate"]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1])
def test_noops_are_thinned_out(dataset: Path, share: float) -> None:
    before = human_rows(dataset, Selection(validation=0.3))
    found = human_rows(dataset, Selection(validation=0.3, max_noop_share=share))
    for old, new in ((before.training, found.training), (before.validation, found.validation)):
        others = [example for example in old if example.choice != "Noop"]
        assert [example for example in new if example.choice != "Noop"] == others
        noops = len(new) - len(others)
        assert noops <= share * len(new)
        most = len(old) - len(others)
        assert noops == most or noops + 1 > share * (len(new) + 1)
    assert found.left_out["noop"] > 0
    assert before.left_out["noop"] == 0
    assert found.awake_noops == before.awake_noops


def test_the_same_seed_gives_the_same_rows_and_another_other_ones(dataset: Path) -> None:
    selection = Selection(validation=0.3, max_noop_share=0.02)
    first = human_rows(dataset, selection)
    assert human_rows(dataset, selection) == first
    others = [human_rows(dataset, Selection(0.3, 0.02, seed=seed)) for seed in range(1, 4)]
    assert any(other.validation != first.validation for other in others)


def test_asleep_steps_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    made = World()
    made.have(energy=5)
    made.play("Sleep", "Move West", "Noop", "Noop")
    made.save(tmp_path / "a.npz")
    found = human_rows(tmp_path)
    assert [example.choice for example in found.training] == ["Sleep"]
    assert (found.left_out["asleep"], found.awake) == (3, 1)
    found = human_rows(tmp_path, Selection(with_asleep=True))
    assert [example.choice for example in found.training] == ["Sleep"] * 4
    assert found.left_out["asleep"] == 0
    assert "* Asleep" in found.training[1].answer
    assert found.training[1].observation.startswith("You took action sleep.You are sleeping")


def test_all_formats_say_the_same(dataset: Path, tmp_path: Path) -> None:
    examples = human_rows(dataset).training[:20]
    written = {}
    for form in ("chat", "prompt-completion", "text"):
        write_rows(tmp_path / form, examples, form)
        written[form] = rows(tmp_path / form)
    for example, chat, pair, text in zip(examples, *written.values(), strict=True):
        assert [message["content"] for message in chat["messages"]] == [
            example.prompt,
            example.answer,
        ]
        assert pair["prompt"] + pair["completion"] == chat["messages"]
        assert text["text"] == f"User:\n{example.prompt}\n\nAssistant:\n{example.answer}"


def test_one_episode_is_not_split(tmp_path: Path) -> None:
    World().play_out([5, 5]).save(tmp_path / "dataset" / "a.npz")
    output = tmp_path / "human.jsonl"
    stale = tmp_path / "human.validation.jsonl"
    stale.write_text("of an earlier call")
    stats = run("--dataset", tmp_path / "dataset", "--output", output, "--validation", 0.5)
    assert stats["episodes"]["validation"] == 0
    assert not stale.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--validation", "1"), "expected a share for validation in [0, 1), got 1.0"),
        (("--max-noop-share", "1.5"), "expected a share of Noops in [0, 1], got 1.5"),
        (("--dataset", "nowhere"), "nowhere: expected npz files of the human dataset, found none"),
    ],
)
def test_the_command_tells_what_is_wrong(
    dataset: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], said: str
) -> None:
    arguments = {"--dataset": str(dataset), "--output": "human.jsonl"} | dict([options])
    assert main(["sft-human", *[word for pair in arguments.items() for word in pair]]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_a_readable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(TraceError, match=r"got 1 that cannot be read; .*a\.npz: expected an npz"):
        human_rows(tmp_path)


def test_the_items_are_those_of_the_game() -> None:
    assert tuple(World().look()["inventory"]) == ITEMS


def test_the_guide_has_all_options_and_reasons() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "human_data.md").read_text()
    options = re.findall(r"^\| `(--[\w-]+)` \|", page, re.M)
    commands = next(
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    registered = commands.choices["sft-human"]._option_string_actions
    assert {*options, "-h", "--help"} == set(registered)
    assert set(LEFT_OUT) <= set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert {*HumanRows().stats(), "settings"} <= set(re.findall(r"`(\w+)`", page))
