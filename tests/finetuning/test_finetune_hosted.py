"""Fine-tuning at a server: the requests, the faults, and a client that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from finetuning.jobs_server import JobsServer
from serving import textenvs
from textenvs.cli import main
from textenvs.errors import BudgetExhausted, CacheError, ModelError
from textenvs.finetuning.hosted import (
    HostedSettings,
    Waiting,
    estimate,
    finetune_hosted,
    follow_job,
    read_training_price,
)
from textenvs.finetuning.targets import read_rows
from textenvs.llm.names import bare_name
from textenvs.llm.retry import RetryPolicy

pytestmark = pytest.mark.models

KEY = "sk-test-0123456789"
QUICK = Waiting(first=0.01, longest=0.02)
SOON = RetryPolicy(retries=3, first=0.01, longest=0.02)
Serve = Callable[..., JobsServer]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[JobsServer] = []

    def start(**options: Any) -> JobsServer:
        running.append(JobsServer(**options))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def training(tmp_path: Path) -> Path:
    return write(tmp_path / "train.jsonl", 12)


def write(path: Path, rows: int) -> Path:
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(rows)))
    return path


def row(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"You see a red ball {number} steps forward"},
            {"role": "assistant", "content": "go forward"},
        ]
    }


def tune(server: JobsServer, training: Path, out: Path, **changes: Any) -> dict[str, Any]:
    named = ("price", "max_usd", "encoding", "dry_run", "say")
    more = {key: changes.pop(key) for key in named if key in changes}
    settings = HostedSettings(str(training), **{"model": "small", "base_url": server.url} | changes)
    return finetune_hosted(settings, out, waiting=QUICK, retry=SOON, **more)


def command(server: JobsServer, training: Path, out: Path, *more: str) -> list[str]:
    return [
        *("finetune", "--provider", "openai", "--base-url", server.url, "--model", "small"),
        *("--training-file", str(training), "--out", str(out), "--poll-seconds", "0.02", *more),
    ]


def test_a_job_is_made_of_the_settings(serve: Serve, training: Path, tmp_path: Path) -> None:
    server = serve()
    held_out = write(tmp_path / "held-out.jsonl", 3)
    record = tune(
        server,
        training,
        tmp_path / "run",
        suffix="crafter",
        epochs=2,
        batch_size=8,
        learning_rate_multiplier=0.5,
        seed=7,
        validation_file=str(held_out),
    )
    (body,) = server.bodies
    assert body.pop("metadata")["textenvs_run"]
    assert body == {
        "model": "small",
        "training_file": "file-0",
        "validation_file": "file-1",
        "suffix": "crafter",
        "seed": 7,
        "method": {
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 2, "batch_size": 8, "learning_rate_multiplier": 0.5}
            },
        },
    }
    assert server.files["file-0"]["content"] == training.read_text()
    assert server.files["file-1"]["content"] == held_out.read_text()
    assert record["model"] == f"openai:ft:small:org:crafter:abc@{server.url}"
    assert bare_name(record["model"]) == "ft:small:org:crafter:abc"
    assert record["metrics"] == {"status": "succeeded", "job": "ftjob-0", "trained_tokens": 1234}
    assert json.loads((tmp_path / "run" / "finetune.json").read_text()) == record


def test_a_share_is_held_out(serve: Serve, training: Path, tmp_path: Path) -> None:
    server = serve()
    tune(server, training, tmp_path / "run", validation=0.25)
    kept, held_out = (server.files[name]["content"].splitlines() for name in ("file-0", "file-1"))
    assert (len(kept), len(held_out)) == (9, 3)
    assert sorted(kept + held_out) == sorted(training.read_text().splitlines())


def test_metadata_is_not_uploaded(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**row(0), "metadata": {"episode": "a", "t": 3}}))
    tune(server, path, tmp_path / "run")
    assert json.loads(server.files["file-0"]["content"]) == row(0)


def test_the_command_prints_the_name(
    serve: Serve, training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    assert main(command(server, training, tmp_path / "run", "--suffix", "x")) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"Model: openai:ft:small:org:x:abc@{server.url}"
    assert "ftjob-0: running" in said.err
    # The same command again asks nothing.
    asked = len(server.requests)
    assert main(command(server, training, tmp_path / "run", "--suffix", "x")) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Model: openai:ft:small")
    assert len(server.requests) == asked


def test_the_address_of_the_environment(
    serve: Serve, training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    record = tune(server, training, tmp_path / "run", base_url=None)
    assert record["model"].endswith(f"@{server.url}")


@pytest.mark.parametrize("fault", ["429 0.01", "500", "reset", "broken", "408"])
def test_faults_while_looking_pass(
    serve: Serve, training: Path, tmp_path: Path, fault: str
) -> None:
    server = serve(faults={"GET job": ["", fault, fault]})
    assert tune(server, training, tmp_path / "run")["model"]
    assert server.count("GET job") == 6
    assert (server.count("POST files"), server.count("POST jobs")) == (1, 1)


def test_a_server_that_stays_broken_is_one_line(
    serve: Serve, training: Path, tmp_path: Path
) -> None:
    server = serve(faults={"GET job": ["500"] * 4})
    with pytest.raises(ModelError, match=r"failed 4 times in a row.*the same command goes on"):
        tune(server, training, tmp_path / "run")
    assert tune(server, training, tmp_path / "run")["model"]
    assert (server.count("POST files"), server.count("POST jobs")) == (1, 1)


@pytest.mark.parametrize("fault", ["500", "reset", "lost"])
def test_nothing_is_done_twice_where_an_answer_is_lost(
    serve: Serve, training: Path, tmp_path: Path, fault: str
) -> None:
    server = serve(faults={"POST files": [fault], "POST jobs": [fault]})
    assert tune(server, training, tmp_path / "run")["model"]
    assert (len(server.files), len(server.jobs)) == (1, 1)
    sent = 1 if fault == "lost" else 2
    assert (server.count("POST files"), server.count("POST jobs")) == (sent, sent)


@pytest.mark.parametrize("state", ["uploading training", "creating"])
def test_a_kill_before_the_answer_was_written_down(
    serve: Serve, training: Path, tmp_path: Path, state: str
) -> None:
    """The server has the file or the job, and job.json does not tell its id."""
    server = serve()
    out = tmp_path / "run"
    tune(server, training, out)
    job = json.loads((out / "job.json").read_text())
    del job["job"]
    if state != "creating":
        del job["training_file"]
    (out / "job.json").write_text(json.dumps(job | {"state": state}))
    record = json.loads((out / "finetune.json").read_text())
    (out / "finetune.json").write_text(json.dumps(record | {"state": "running"}))
    assert tune(server, training, out)["model"]
    assert server.count("POST files") == 1
    # Between upload and creation nothing says that a job was asked for.
    assert server.count("POST jobs") == (1 if state == "creating" else 2)


def test_two_runs_of_one_file_are_two_jobs(serve: Serve, training: Path, tmp_path: Path) -> None:
    server = serve()
    tune(server, training, tmp_path / "one")
    tune(server, training, tmp_path / "two")
    assert (len(server.files), len(server.jobs)) == (2, 2)


def test_a_client_that_is_killed_while_it_waits(
    serve: Serve, training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(looks=10**6)
    arguments = command(server, training, tmp_path / "run")
    client = subprocess.Popen(
        textenvs(*arguments), stderr=subprocess.DEVNULL, env={**os.environ, "OPENAI_API_KEY": KEY}
    )
    deadline = time.monotonic() + 60
    while server.count("GET job") < 3:
        assert time.monotonic() < deadline, "the client never looked at its job"
        time.sleep(0.01)
    client.send_signal(signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL
    server.looks = 0
    assert main(arguments) == 0
    assert "going on with ftjob-0" in capsys.readouterr().err
    assert (server.count("POST files"), server.count("POST jobs")) == (1, 1)


def test_a_job_is_followed_by_its_id(
    serve: Serve, training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    tune(server, training, tmp_path / "made")
    more = ["finetune", "--provider", "openai", "--base-url", server.url, "--job"]
    assert main([*more, "ftjob-0", "--out", str(tmp_path / "followed")]) == 0
    assert "ft:small:org::abc" in capsys.readouterr().out
    assert (server.count("POST files"), server.count("POST jobs")) == (1, 1)
    assert main([*more, "ftjob-9", "--out", str(tmp_path / "none")]) == 2
    assert "the server knows no such model, job or path" in capsys.readouterr().err
    with pytest.raises(ValueError, match="its job is 'ftjob-0', this one's 'ftjob-1'"):
        follow_job("ftjob-1", tmp_path / "made", base_url=server.url)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_job_that_fails(serve: Serve, training: Path, tmp_path: Path, end: str) -> None:
    server = serve(end=end)
    reason = "too few rows" if end == "failed" else "it gives no reason"
    for _ in range(2):  # and it stays so
        with pytest.raises(ModelError, match=f"ftjob-0 {end}: {reason}"):
            tune(server, training, tmp_path / "run")
    assert server.count("POST jobs") == 1


# Keys


@pytest.mark.parametrize("given", ["", "sk-wrong-987654"])
def test_a_refused_key_is_one_line_without_it(
    serve: Serve,
    training: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
) -> None:
    server = serve(key=KEY)
    if given:
        monkeypatch.setenv("OPENAI_API_KEY", given)
    assert main(command(server, training, tmp_path / "run")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "set OPENAI_API_KEY to a valid one (HTTP 401" in error
    assert "sk-wrong" not in error
    assert server.count("POST files") == 1  # it is not asked again


def test_a_key_is_never_written(
    serve: Serve, training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = serve(key=KEY, end="failed")
    said: list[str] = []
    with pytest.raises(ModelError, match=r"too few rows \[key\]"):
        tune(server, training, tmp_path / "run", say=said.append)
    written = "".join(path.read_text() for path in (tmp_path / "run").iterdir())
    assert KEY not in written + "".join(said)


def test_openai_itself_needs_a_key(training: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a key in the environment"):
        finetune_hosted(HostedSettings(str(training), "small"), tmp_path / "run")


def test_an_address_with_a_key_is_refused(training: Path) -> None:
    with pytest.raises(ModelError, match="without a key in it"):
        HostedSettings(str(training), "small", base_url="http://user:secret@host/v1")


# Before anything is sent


def test_what_is_wrong_with_a_file_is_told_first(
    serve: Serve, tmp_path: Path, training: Path
) -> None:
    server = serve()
    bad = tmp_path / "bad.jsonl"
    for line, said in (
        ("{", "bad.jsonl:2"),
        ('{"messages": []}', "bad.jsonl:2"),
        (json.dumps({"messages": [{"role": "user", "content": "a"}] * 2}), "assistant"),
        (json.dumps({**row(1), "label": 1}), "expected no key 'label'"),
    ):
        bad.write_text(json.dumps(row(0)) + "\n" + line + "\n")
        with pytest.raises(ValueError, match=said):
            tune(server, bad, tmp_path / "run")
    bad.write_text('{"text": "no answer is marked here"}\n')
    with pytest.raises(ValueError, match="got a text"):
        tune(server, bad, tmp_path / "run")
    assert not server.requests
    assert not (tmp_path / "run").exists()


def test_an_estimate_is_of_all_epochs(training: Path, tmp_path: Path) -> None:
    rows = read_rows(training)
    found = estimate(rows, 3, price=25.0)
    each = 4 + 9 + 4 + 3  # "You see a red ball 0 steps forward", "go forward"
    assert found.tokens == each * 12
    assert found.billed_tokens == 3 * found.tokens
    assert found.usd == pytest.approx(found.tokens * 3 * 25 / 1e6)
    assert estimate(rows, 3).usd is None


def test_tools_and_calls_are_counted(tmp_path: Path) -> None:
    plain, more = row(0), row(0)
    more["tools"] = [{"type": "function", "function": {"name": "act"}}]
    call = {"type": "function", "function": {"name": "act", "arguments": "{}"}}
    more["messages"][1] = {"role": "assistant", "content": None, "tool_calls": [call]}
    counts = []
    for each in (plain, more):
        path = tmp_path / "rows.jsonl"
        path.write_text(json.dumps(each))
        counts.append(estimate(read_rows(path), 1).tokens)
    assert counts[1] > counts[0] + 20


def test_a_job_above_the_limit_is_not_made(serve: Serve, training: Path, tmp_path: Path) -> None:
    server = serve()
    with pytest.raises(BudgetExhausted, match="nothing was sent"):
        tune(server, training, tmp_path / "run", price=1e6, max_usd=1)
    with pytest.raises(ValueError, match="expected a price"):
        tune(server, training, tmp_path / "run", max_usd=1)
    assert not server.requests
    assert tune(server, training, tmp_path / "run", price=1.0, max_usd=1)["estimate"]["usd"] < 1


def test_a_dry_run_sends_nothing(
    serve: Serve, training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    prices = tmp_path / "prices.json"
    prices.write_text('{"small": {"input": 1, "output": 2, "training": 25}}')
    more = ["--dry-run", "--prices", str(prices)]
    assert main(command(server, training, tmp_path / "run", *more)) == 0
    assert "in 3 epochs: about 0.02 USD" in capsys.readouterr().err
    assert not server.requests
    assert not (tmp_path / "run").exists()


def test_prices(tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text('{"small": {"training": 25}, "other": {"input": 1, "output": 2}}')
    assert read_training_price(prices, "openai:small") == 25
    assert read_training_price(prices, "other") is None
    assert read_training_price(prices, "unknown") is None
    for text in ('{"small": {"training": -1}}', '{"small": {"training": "x"}}', "[]", "{"):
        prices.write_text(text)
        with pytest.raises(CacheError, match="expected a table of prices"):
            read_training_price(prices, "small")


def test_several_answers_are_remarked(serve: Serve, tmp_path: Path) -> None:
    content = row(0)
    content["messages"] = content["messages"] * 2
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(content))
    said: list[str] = []
    tune(serve(), path, tmp_path / "run", say=said.append)
    assert any("1 rows have several answers" in text for text in said)


def test_another_runs_folder_is_refused(serve: Serve, training: Path, tmp_path: Path) -> None:
    server = serve()
    tune(server, training, tmp_path / "run")
    with pytest.raises(ValueError, match="holds another run: its epochs is 3, this one's 4"):
        tune(server, training, tmp_path / "run", epochs=4)
    write(training, 13)
    with pytest.raises(ValueError, match="its training_sha256 is"):
        tune(server, training, tmp_path / "run")


def test_options_of_the_other_provider_are_refused(
    training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["finetune", "--training-file", str(training), "--model", "m", "--out", str(tmp_path)]
    for more, said in (
        (["--provider", "openai", "--learning-rate", "1"], "expected --learning-rate-multiplier"),
        (["--provider", "openai", "--full"], "expected options of --provider openai, got --full"),
        (["--job", "ftjob-1"], "expected options of --provider local, got --job"),
    ):
        assert main([*base, *more]) == 2
        assert said in capsys.readouterr().err
    assert main(["finetune", "--model", "m", "--out", str(tmp_path)]) == 2
    assert "expected --training-file, got none" in capsys.readouterr().err


def test_waits_grow() -> None:
    waits = [Waiting(first=5, longest=60).wait(n) for n in range(8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5, 60)
