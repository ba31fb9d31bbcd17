"""The command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from textenvs.agents import get_agent
from textenvs.cli import main
from textenvs.loop import rollout
from textenvs.metrics import bootstrap_mean, wilson
from textenvs.traces import read_trace, read_traces

LEVEL = "BabyAI-Text-GoToLocal-v0"
OTHER_LEVEL = "BabyAI-Text-GoToRedBall-v0"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line here; returns the exit status, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Scripts what a person types; after the last line the input ends."""

    def script(*lines: str) -> None:
        rest = iter(lines)

        def typed(prompt: str = "") -> str:
            for line in rest:
                return line
            raise EOFError

        monkeypatch.setattr("builtins.input", typed)

    return script


def shell(
    *arguments: str | Path, code: str = "", **kwargs: Any
) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own, after some code."""
    program = f"{code}\nimport sys\nfrom textenvs.cli import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **kwargs,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_user_error(result: tuple[int, str, str], *words: str) -> None:
    """Status 2, and one line on stderr that has these words."""
    status, _, err = result
    assert status == 2
    assert err.count("\n") == 1, err
    assert err.startswith("textenvs")
    assert ": error: " in err
    for word in words:
        assert word in err


# list


def test_list_shows_each_game_with_its_styles_actions_and_ids(run: Run) -> None:
    status, out, err = run("list")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    heads = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert heads == ["Crafter", "BabyAI", "MiniGrid", "NetHack"]
    assert sum(line.startswith("    ") for line in lines) == sum(
        int(line.split()[1]) for line in lines if line.endswith(" ids")
    )
    assert f"    {LEVEL}" in lines


@pytest.mark.parametrize("game", ["nethack", "NetHack", "NETHACK"])
def test_list_of_one_game(run: Run, game: str) -> None:
    status, out, _ = run("list", game)
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "NetHack: 13 ids"
    assert lines[1].startswith("  styles: default, ")
    assert lines[2].startswith("  actions: more, north, east, ")
    assert "121" in lines[3]
    assert lines[4:] == [
        f"    NetHack-Text-{task}-v0"
        for task in (
            *("Score", "Staircase", "StaircaseLvl3", "StaircaseLvl4", "StaircaseContinual"),
            *("StaircaseLvl3Continual", "StaircaseLvl4Continual", "Oracle", "OracleSober"),
            *("Gold", "Eat", "Scout", "Challenge"),
        )
    ]


def test_list_needs_no_game(tmp_path: Path) -> None:
    done = shell("list", code=blocking("crafter", "minigrid", "nle"))
    assert done.returncode == 0
    assert LEVEL in done.stdout


# rollout


def test_rollout_writes_traces_a_summary_and_a_table(run: Run, tmp_path: Path) -> None:
    status, out, err = run(
        *("rollout", LEVEL, OTHER_LEVEL, "--agent", "bot", "--episodes", "3", "--seed", "7"),
        *("--num-envs", "2", "--out", tmp_path),
    )
    assert status == 0
    assert sorted(files(tmp_path)) == [
        *(f"{LEVEL}/episode-0000{n}.jsonl" for n in range(3)),
        *(f"{OTHER_LEVEL}/episode-0000{n}.jsonl" for n in range(3)),
        "summary.json",
    ]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary) == [LEVEL, OTHER_LEVEL]
    for env_id, row in summary.items():
        played = rollout(env_id, get_agent("bot"), episodes=3, seed=7)
        assert row == {
            "episodes": 3,
            "return": bootstrap_mean([episode.episode_return for episode in played])._asdict(),
            "length": bootstrap_mean([episode.length for episode in played])._asdict(),
            "success": wilson(3, 3)._asdict(),
        }
        assert env_id in out
        assert f"{row['return']['mean']:.2f}" in out
    assert "success 100.0 %" in out
    assert str(tmp_path) in out
    assert "3/3 episodes" in err


def test_rollout_without_out_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("rollout", LEVEL, "--episodes", "1")[0] == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_rollout_of_crafter_reports_progress_and_achievements(run: Run, tmp_path: Path) -> None:
    status, out, _ = run(
        *("rollout", "Crafter-Text-v0", "--episodes", "1", "--out", tmp_path),
        *("--set", "max_episode_steps=40"),
    )
    assert status == 0
    (row,) = json.loads((tmp_path / "summary.json").read_text()).values()
    assert sorted(row) == ["episodes", "length", "progress", "return"]
    assert row["length"] == {"mean": 40.0, "low": 40.0, "high": 40.0}
    assert "progress " in out
    assert "1/1" in out


@pytest.mark.nethack
def test_rollout_of_nethack(run: Run, tmp_path: Path) -> None:
    status, _, _ = run(
        *("rollout", "NetHack-Text-Staircase-v0", "--episodes", "1", "--out", tmp_path),
        *("--set", "max_episode_steps=20", "--style", "nle_language"),
    )
    assert status == 0
    (row,) = json.loads((tmp_path / "summary.json").read_text()).values()
    assert {"episodes", "return", "length", "success"} <= set(row)
    (trace,) = read_traces(tmp_path)
    assert trace.header["env_spec"]["kwargs"]["style"] == "nle_language"


def test_the_same_command_adds_nothing_to_a_run_that_is_complete(run: Run, tmp_path: Path) -> None:
    command = ("rollout", LEVEL, "--episodes", "2", "--out", tmp_path)
    table = run(*command)[1]
    before = files(tmp_path)
    status, again, _ = run(*command)
    assert status == 0
    assert again == table
    assert files(tmp_path) == before


def test_the_same_command_resumes_a_run_that_was_killed(tmp_path: Path) -> None:
    kill = """
        import os, signal, textenvs.traces
        step, count = textenvs.traces.TraceWriter.step, 0
        def dying(self, **kwargs):
            global count
            count += 1
            if count == 40:
                self._file.write('{"kind":"step","t":1')
                self._file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            step(self, **kwargs)
        textenvs.traces.TraceWriter.step = dying
    """
    command = ("rollout", LEVEL, "--episodes", "3", "--num-envs", "2", "--out")
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    assert shell(*command, killed, code=textwrap.dedent(kill)).returncode == -signal.SIGKILL
    assert not (killed / "summary.json").exists()
    assert shell(*command, killed).returncode == 0
    assert shell(*command, straight).returncode == 0
    assert files(killed) == files(straight)


def test_rollout_shows_the_first_steps_in_words(run: Run) -> None:
    out = run("rollout", LEVEL, "--agent", "bot", "--episodes", "2", "--show", "2")[1]
    assert out.count("\n> ") == 2
    assert out.count("Goal: ") == 2


def test_an_id_that_is_named_twice_counts_once(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("rollout", LEVEL, LEVEL, "--episodes", "2", "--out", tmp_path)
    assert status == 0
    assert json.loads((tmp_path / "summary.json").read_text())[LEVEL]["episodes"] == 2
    (row,) = [line for line in out.splitlines() if LEVEL in line]
    assert row.split("│")[2].strip() == "2"


def test_rollout_without_a_terminal_writes_no_escape_sequences(tmp_path: Path) -> None:
    done = shell("rollout", LEVEL, "--episodes", "1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


def test_ctrl_c_is_one_line_and_status_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("textenvs.cli.rollout.rollout", stop)
    status, _, err = run("rollout", LEVEL)
    assert status == 130
    assert err.splitlines()[-1] == "textenvs rollout: stopped"


# play


def test_a_person_plays_in_words(run: Run, type_in: Callable[..., None]) -> None:
    type_in("turn left", "LEFT!", "", "q")
    status, out, err = run("play", LEVEL, "--seed", "3")
    assert (status, err) == (0, "")
    assert out.count("\n> turn left\n") == 3  # an empty line repeats the last action
    assert out.count("Goal: ") == 4
    assert out.endswith("3 steps, return 0.00\n")


def test_play_ends_with_the_game(run: Run, type_in: Callable[..., None]) -> None:
    type_in(*["turn left"] * 3)
    out = run("play", LEVEL, "--set", "max_episode_steps=2")[1]
    assert out.endswith("The limit of steps is reached.\n2 steps, return 0.00\n")


def test_play_shows_reward_and_the_end(run: Run, type_in: Callable[..., None]) -> None:
    (episode,) = rollout(LEVEL, get_agent("bot"), episodes=1)
    actions: list[str] = []
    rollout(
        LEVEL,
        get_agent("bot"),
        episodes=1,
        on_step=lambda event: actions.append(event.info["text_action"]),
    )
    type_in(*actions)
    out = run("play", LEVEL, "--seed", str(episode.seed))[1]
    paid = episode.episode_return
    assert f"Reward: +{paid:.2f}\nThe game is over.\n" in out
    assert out.endswith(f"{len(actions)} steps, return {paid:.2f}\n")


def test_play_explains_the_actions(run: Run, type_in: Callable[..., None]) -> None:
    type_in("?", "q")
    out = run("play", LEVEL)[1]
    assert "\n  turn left\n  turn right\n  go forward\n  pick up\n" in out
    assert out.endswith("0 steps, return 0.00\n")


@pytest.mark.parametrize("typed", ["dance", "", "[red]x[/red]"])
def test_play_says_what_is_no_action_and_asks_again(
    run: Run, type_in: Callable[..., None], typed: str
) -> None:
    type_in(typed, "turn left")
    out = run("play", LEVEL)[1]
    assert f"{typed!r} is no action; ? shows the actions, exit leaves\n" in out
    assert out.endswith("1 step, return 0.00\n")


def test_play_shows_the_map_beside_the_text(run: Run, type_in: Callable[..., None]) -> None:
    type_in("q")
    out = run("play", LEVEL, "--map", "--style", "glam")[1]
    first = out.splitlines()[0]
    assert first.startswith("You see ")
    assert first.endswith("## ## ## ## ## ## ## ##")


def test_play_records_the_game(run: Run, type_in: Callable[..., None], tmp_path: Path) -> None:
    type_in("turn left", "go forward", "q")
    assert run("play", LEVEL, "--seed", "4", "--out", tmp_path)[0] == 0
    trace = read_trace(tmp_path / "episode-00000.jsonl")
    assert [step["text_action"] for step in trace.steps] == ["turn left", "go forward"]
    assert (trace.header["seed"], trace.header["agent"]) == (4, "human")
    assert trace.end is None
    assert run("replay", trace.path, "--check")[0] == 0


@pytest.mark.nethack
def test_play_of_nethack_takes_keys_and_shows_them(run: Run, type_in: Callable[..., None]) -> None:
    type_in("?", "k", "q")
    out = run("play", "NetHack-Text-Score-v0")[1]
    assert "\n  north (k)\n" in out
    assert "\n> north\n" in out


# replay


@pytest.fixture
def trace_file(tmp_path: Path) -> Path:
    (episode,) = rollout(LEVEL, get_agent("bot"), episodes=1, directory=tmp_path / "run")
    assert episode.path is not None
    return episode.path


def edit(path: Path, number: int, **fields: Any) -> None:
    """Changes fields of a line; those that are None are removed."""
    lines = path.read_text().splitlines()
    record = {**json.loads(lines[number]), **fields}
    lines[number] = json.dumps({key: value for key, value in record.items() if value is not None})
    path.write_text("\n".join(lines) + "\n")


def test_replay_prints_all_steps(run: Run, trace_file: Path) -> None:
    trace = read_trace(trace_file)
    assert trace.end is not None
    status, out, err = run("replay", trace_file, "--all")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{LEVEL}, seed {trace.header['seed']}, played by bot"
    for step in trace.steps:
        assert step["observation"] in out
        assert f"[{step['t']}] > {step['text_action']}" in out
    assert f"reward {trace.steps[-1]['reward']:+.2f}" in out
    assert lines[-1] == f"The end: {len(trace.steps)} steps, return {trace.end['return']:.2f}"


def test_replay_waits_for_a_key_in_a_terminal(
    run: Run, trace_file: Path, type_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    type_in("", "q")
    status, out, _ = run("replay", trace_file)
    assert status == 0
    assert out.count("] > ") == 2


def test_replay_is_left_by_ctrl_d(
    run: Run, trace_file: Path, type_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    type_in("")
    status, out, err = run("replay", trace_file)
    assert (status, err) == (0, "")
    assert out.count("] > ") == 2


@pytest.mark.parametrize(
    "text", ["[bold]no markup[/bold]", "a door :key: and a :dog:", "x" * 400, "a    b"]
)
def test_replay_prints_texts_as_they_are(run: Run, trace_file: Path, text: str) -> None:
    edit(trace_file, 1, observation=text)
    assert f"\n{text}\n" in run("replay", trace_file, "--all")[1]


def test_replay_checks_a_trace_against_the_game(run: Run, trace_file: Path) -> None:
    n = len(read_trace(trace_file).steps)
    assert run("replay", trace_file, "--check") == (
        0,
        f"{trace_file}: {n} complete steps, each text and reward as recorded\n",
        "",
    )


def test_replay_checks_a_trace_of_words(run: Run, tmp_path: Path) -> None:
    import gymnasium

    from textenvs.wrappers import HistoryObservation, ParseTextAction, RecordTrace

    env = RecordTrace(HistoryObservation(ParseTextAction(gymnasium.make(LEVEL))), str(tmp_path))
    env.reset(seed=1)
    for answer in ("I turn left", "Hm.", "ACTION: go forward"):
        env.step(answer)
    env.close()
    status, out, _ = run("replay", tmp_path / "episode-00000.jsonl", "--check")
    assert status == 0
    assert "3 complete steps" in out
    assert "(the answer named no action)" in run("replay", tmp_path / "episode-00000.jsonl")[1]


@pytest.mark.parametrize(
    ("line", "fields", "words"),
    [
        (2, {"observation": "another text"}, ("step 1", "'another text'")),
        (1, {"reward": 0.75}, ("step 0", "reward 0.75, the game gives 0.0")),
        (-1, {"observation": "another end"}, ("the end", "'another end'")),
        (-1, {"return": 9.0}, ("return", "9.0")),
        (1, {"action": 99}, ("99",)),
        (0, {"env_id": "x", "env_spec": None}, ("env_spec",)),
        (0, {"seed": None}, ("seed",)),
    ],
)
def test_replay_names_what_differs(
    run: Run, trace_file: Path, line: int, fields: dict[str, Any], words: tuple[str, ...]
) -> None:
    edit(trace_file, line, **fields)
    assert_user_error(run("replay", trace_file, "--check"), *words)


def test_replay_cannot_check_an_episode_that_continued_a_stream(run: Run, tmp_path: Path) -> None:
    import gymnasium

    from textenvs.wrappers import RecordTrace

    env = RecordTrace(gymnasium.make(LEVEL), str(tmp_path))
    env.reset()
    env.step(0)
    env.close()
    trace = tmp_path / "episode-00000.jsonl"
    assert_user_error(run("replay", trace, "--check"), "expected an env_spec and a seed")
    assert run("replay", trace, "--all")[0] == 0


def test_replay_of_a_trace_that_was_cut_shows_what_is_complete(run: Run, trace_file: Path) -> None:
    lines = trace_file.read_text().splitlines(keepends=True)
    trace_file.write_text("".join(lines[:3]) + lines[3][:25])
    status, out, err = run("replay", trace_file, "--all")
    assert (status, err) == (0, "")
    assert out.count("] > ") == 2
    assert out.splitlines()[-1] == (
        "The trace stops after 2 complete steps, in the middle of a line: "
        "the episode was not finished."
    )
    status, out, _ = run("replay", trace_file, "--check")
    assert status == 0
    assert "2 complete steps, in the middle of a line" in out


@pytest.mark.parametrize(
    ("line", "field"),
    [(0, "agent"), (0, "model"), (0, "seed"), (1, "observation"), (1, "text_action")],
)
def test_replay_copes_with_fields_that_a_source_lacks(
    run: Run, trace_file: Path, line: int, field: str
) -> None:
    edit(trace_file, line, **{field: None})
    status, out, err = run("replay", trace_file, "--all")
    assert (status, err) == (0, "")
    assert "The end: " in out


def test_replay_of_something_else_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hello\nworld\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "next").write_text('{"kind":"header","trace_version":2}\n')
    assert_user_error(run("replay", tmp_path / "notes"), "notes", "expected", "'hello'")
    assert_user_error(run("replay", tmp_path / "empty"), "empty", "expected a trace")
    assert_user_error(run("replay", tmp_path / "next"), "expected trace_version 1, got 2")
    assert_user_error(run("replay", tmp_path / "nowhere"), "nowhere")
    assert_user_error(run("replay", tmp_path), str(tmp_path))


# doctor


def test_doctor_tells_what_is_installed(run: Run) -> None:
    status, out, err = run("doctor")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Python 3.")
    assert f"  gymnasium {version('gymnasium')}" in lines
    assert "babyai: installed" in lines
    assert f"  minigrid {version('minigrid')}" in lines


def test_doctor_tells_what_is_missing_and_the_line_that_installs_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textenvs.cli import doctor

    found = doctor._version
    monkeypatch.setattr(
        doctor, "_version", lambda package: None if package == "crafter" else found(package)
    )
    lines = run("doctor")[1].splitlines()
    start = lines.index("crafter: missing")
    assert "  crafter is not installed" in lines[start:]
    assert '  pip install "textenvs[crafter]"' in lines[start:]
    assert "babyai: installed" in lines


def test_doctor_knows_every_extra(run: Run) -> None:
    heads = [line.split(":")[0] for line in run("doctor")[1].splitlines() if line[0] != " "]
    assert {"crafter", "babyai", "nethack", "openai", "hf", "rl", "finetune", "data"} <= set(heads)
    assert {"ray", "plot"} <= set(heads)


# What a user gets wrong


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ("COMMAND",)),
        ("dance", ("'dance'", "'rollout'")),
        ("list chess", ("unknown game 'chess'", "'nethack'")),
        ("rollout", ("ID",)),
        ("rollout BabyAI-Text-GoToLocl-v0", ("'BabyAI-Text-GoToLocl-v0'", f"did you mean {LEVEL}")),
        ("rollout qqqq", ("unknown id 'qqqq'", "textenvs list")),
        ("rollout CartPole-v1", ("unknown id 'CartPole-v1'",)),
        (f"rollout {LEVEL} qqqq", ("unknown id 'qqqq'",)),
        (f"rollout {LEVEL} --agent clever", ("unknown agent 'clever'", "'random', 'bot'")),
        (f"rollout {LEVEL} --style purple", ("unknown style 'purple'", "'default', 'glam'")),
        (f"rollout {LEVEL} --seed -1", ("--seed", "0 or more", "'-1'")),
        (f"rollout {LEVEL} --seed one", ("--seed", "0 or more", "'one'")),
        (f"rollout {LEVEL} --episodes 0", ("--episodes", "1 or more", "'0'")),
        (f"rollout {LEVEL} --episodes 1.5", ("--episodes", "1 or more", "'1.5'")),
        (f"rollout {LEVEL} --num-envs 0", ("--num-envs", "1 or more", "'0'")),
        (f"rollout {LEVEL} --show -1", ("--show", "'-1'")),
        (f"rollout {LEVEL} --set", ("--set",)),
        (f"rollout {LEVEL} --set size", ("--set", "KEY=VALUE", "'size'")),
        (f"rollout {LEVEL} --set 1=2", ("--set", "KEY=VALUE", "'1=2'")),
        (f"rollout {LEVEL} --set colour=red", (LEVEL, "colour")),
        (f"rollout {LEVEL} --set obs=picture", ("unknown obs 'picture'", "'text', 'dict'")),
        (f"rollout {LEVEL} --set room_size=2", ("room_size",)),
        (f"rollout {LEVEL} --set max_steps=many", ("max_steps",)),
        (f"rollout {LEVEL} --set max_episode_steps=0", ("max_episode_steps",)),
        (f"rollout {LEVEL} --set max_episode_steps=many", ("max_episode_steps",)),
        ("rollout MiniGrid-Text-Empty-5x5-v0 --agent bot", ("BabyAI-Text-", "MiniGrid-Text-Empty")),
        ("play qqqq", ("unknown id 'qqqq'",)),
        (f"play {LEVEL} --style purple", ("unknown style 'purple'",)),
        (f"play {LEVEL} --seed -1", ("--seed", "'-1'")),
        ("replay", ("TRACE",)),
        (f"rollout {LEVEL} --fast", ("--fast",)),
    ],
)
def test_a_mistake_is_one_line_and_status_2(run: Run, command: str, words: tuple[str, ...]) -> None:
    assert_user_error(run(*command.split()), *words)


@pytest.mark.parametrize("command", ["rollout", "play"])
def test_what_an_id_itself_sets_cannot_be_set_otherwise(run: Run, command: str) -> None:
    result = run(command, LEVEL, "--set", "level=BabyAI-GoToObj-v0")
    assert_user_error(result, LEVEL, "level")


def test_what_was_played_before_a_mistake_is_kept(run: Run, tmp_path: Path) -> None:
    status, _, err = run(
        *("rollout", LEVEL, "MiniGrid-Text-Empty-5x5-v0"),
        *("--agent", "bot", "--episodes", "2", "--out", tmp_path),
    )
    assert status == 2
    assert "got 'MiniGrid-Text-Empty-5x5-v0'" in err.splitlines()[-1]
    assert json.loads((tmp_path / "summary.json").read_text())[LEVEL]["episodes"] == 2
    assert len(list(read_traces(tmp_path / LEVEL))) == 2


@pytest.mark.parametrize("command", ["rollout", "play"])
@pytest.mark.parametrize("inside", [False, True])
def test_an_out_that_cannot_be_written_is_told_before_anything_is_played(
    run: Run, type_in: Callable[..., None], tmp_path: Path, command: str, inside: bool
) -> None:
    type_in("turn left")
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / "runs" if inside else tmp_path / "file"
    result = run(command, LEVEL, "--out", out)
    assert_user_error(result, str(tmp_path / "file"))
    assert "Goal" not in result[1]
    assert (tmp_path / "file").read_text() == "mine"


def test_an_out_of_another_run_is_left_alone(run: Run, tmp_path: Path) -> None:
    command = ("rollout", LEVEL, "--episodes", "1", "--out", tmp_path)
    run(*command)
    before = files(tmp_path)
    assert_user_error(run(*command, "--seed", "1"), "is of another run", "choose another directory")
    assert files(tmp_path) == before


def test_a_broken_trace_in_out_is_named_and_left_alone(run: Run, tmp_path: Path) -> None:
    command = ("rollout", LEVEL, "--episodes", "1", "--out", tmp_path)
    run(*command)
    path = tmp_path / LEVEL / "episode-00000.jsonl"
    path.write_text(path.read_text().replace('{"kind":"step","t":1,', "oops", 1))
    before = files(tmp_path)
    assert_user_error(run(*command), "episode-00000.jsonl, line 3", "oops")
    assert files(tmp_path) == before


def test_a_broken_summary_in_out_is_named_and_no_trace_is_lost(run: Run, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("oops")
    result = run("rollout", LEVEL, "--episodes", "1", "--out", tmp_path)
    assert result[0] == 2
    assert "summary.json" in result[2].splitlines()[-1]
    assert (tmp_path / "summary.json").read_text() == "oops"


def blocking(*packages: str) -> str:
    """Code after which these packages are as if they were not installed."""
    return textwrap.dedent(
        f"""
        import sys
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {packages!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Blocker())
        """
    )


@pytest.mark.parametrize(
    ("package", "extra", "env_id"),
    [
        ("crafter", "crafter", "Crafter-Text-v0"),
        ("crafter", "crafter", "Crafter-Text-BALROG-v0"),
        ("minigrid", "babyai", LEVEL),
        ("minigrid", "babyai", "MiniGrid-Text-Empty-5x5-v0"),
        ("nle", "nethack", "NetHack-Text-Score-v0"),
    ],
)
def test_a_missing_game_is_one_line_with_the_id_the_package_and_what_installs_it(
    package: str, extra: str, env_id: str
) -> None:
    done = shell("rollout", env_id, "--episodes", "1", code=blocking(package))
    result = (done.returncode, done.stdout, done.stderr)
    assert_user_error(result, env_id, repr(package), f'pip install "textenvs[{extra}]"')


def test_a_missing_library_of_the_command_line_is_one_line_too() -> None:
    done = shell("rollout", LEVEL, code=blocking("rich"))
    result = (done.returncode, done.stdout, done.stderr)
    assert_user_error(result, "'rich'", 'pip install "textenvs[cli]"')


# Help


@pytest.mark.parametrize("command", ["list", "play", "rollout", "replay", "doctor"])
def test_help_has_examples(run: Run, command: str) -> None:
    status, out, err = run(command, "--help")
    assert (status, err) == (0, "")
    assert f"usage: textenvs {command}" in out
    assert "examples:\n" in out
    assert f"  textenvs {command}" in out.partition("examples:\n")[2]


def test_help_names_every_command(run: Run) -> None:
    out = run("--help")[1]
    assert all(f"\n    {name} " in out for name in ("list", "play", "rollout", "replay", "doctor"))


def test_the_version(run: Run) -> None:
    assert run("--version") == (0, f"textenvs {version('textenvs')}\n", "")


# As a process


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "textenvs", "list", "crafter"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "    Crafter-Text-v0" in done.stdout.splitlines()


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "textenvs", "list"],
        check=False,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
