"""Code that others wrote: it runs, fails, hangs and attacks, and nothing happens here."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from textenvs.sandbox import CodeError, Limits, Sandbox, check_code
from textenvs.sandbox import sandbox as sandbox_module

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")

_HEAD = "def potential(observation, past_observations, past_actions):\n"


def _body(*lines: str) -> str:
    return _HEAD + "".join(f"    {line}\n" for line in lines)


def _inputs(count: int = 2) -> tuple[dict[str, np.ndarray], np.ndarray]:
    images = np.arange(count * 6 * 7 * 7 * 3).reshape(count, 6, 7, 7, 3) % 11
    return {"image": images.astype(np.uint8)}, np.tile(np.arange(5), (count, 1))


def _faults(code: str, count: int = 2, **limits: float) -> list[str]:
    found = Sandbox(code, limits=Limits(**limits)).run(*_inputs(count))  # type: ignore[arg-type]
    assert all(math.isnan(each.value) == bool(each.fault) for each in found)
    return [each.fault for each in found]


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process alone has to hold, without the check that comes before it."""
    monkeypatch.setattr(sandbox_module, "check_code", lambda code, function: None)


def test_a_function_is_given_the_state_and_what_came_before_it() -> None:
    images, actions = _inputs()
    code = _body(
        "parts = {'now': observation[2, 3, 1], 'then': past_observations[4, 6, 6, 2]}",
        "return float(past_actions.sum()), parts",
    )
    found = Sandbox(code).run(images, actions)
    assert [each.value for each in found] == [10.0, 10.0]
    assert [dict(each.parts) for each in found] == [
        {"now": float(i[5, 2, 3, 1]), "then": float(i[4, 6, 6, 2])} for i in images["image"]
    ]


def test_crafter_is_told_by_names() -> None:
    observations = {
        "local_view": np.full((1, 2, 9, 7), 6, np.uint8),
        "inventory": np.array([[[9, 0], [9, 3]]], np.uint8),
        "facing": np.array([[[0, 1], [1, 0]]], np.int8),
        "sleeping": np.array([[0, 1]]),
        "daylight": np.full((1, 2, 1), 0.5, np.float32),
    }
    code = _body(
        "before = past_observations[-1]",
        "gained = observation['inventory']['wood'] - before['inventory']['wood']",
        "return gained + 10 * observation['facing'][0] + 100 * observation['sleeping']",
    )
    sandbox = Sandbox(code, inventory=("health", "wood"))
    assert sandbox.run(observations, np.array([[5]]))[0].value == 113.0


def test_integers_are_signed_so_that_differences_do_not_wrap() -> None:
    code = _body("return observation[0, 0, 0] - observation[6, 6, 2] - 100")
    assert Sandbox(code).run(*_inputs())[0].value < 0


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (("while True: pass",), "too long"),
        (("return observation[99]",), "raised"),
        (("return float('nan')",), "not finite"),
        (("return 10.0 ** 400 if False else float('inf')",), "not finite"),
        (("return None",), "raised"),
        (("return potential(observation, past_observations, past_actions)",), "raised"),
        (("return float(len([0] * 10**11))",), "raised"),
        (("raise SystemExit",), "raised"),
        (("raise KeyboardInterrupt",), "raised"),
        (("return 0.0, {'x' * 10**6: 1.0}",), "died"),
    ],
)
def test_what_fails_is_told_and_the_next_call_is_made(lines: tuple[str, ...], fault: str) -> None:
    assert _faults(_body(*lines)) == [fault, fault]


def test_one_bad_state_spoils_no_other() -> None:
    code = _body("if past_actions[0] == 7:", "    while True: pass", "return 1.0")
    images, actions = _inputs(3)
    actions[1, 0] = 7
    found = Sandbox(code).run(images, actions)
    assert [each.fault for each in found] == ["", "too long", ""]


def test_code_that_ignores_the_alarm_is_killed_and_the_rest_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox_module, "_GRACE", 0.5)
    code = _body(
        "if past_actions[0] != 7: return 1.0",
        "n = 0",
        "for outer in range(10**9):",
        "    try:",
        "        for inner in range(10**9): n += 1",
        "    except BaseException:",
        "        for inner in range(10**9): n += 1",
    )
    images, actions = _inputs(3)
    actions[1, 0] = 7
    found = Sandbox(code).run(images, actions)
    assert [each.fault for each in found] == ["", "too long", ""]


def test_code_that_catches_the_alarm_and_answers_late_is_told() -> None:
    code = _body(
        "n = 0",
        "try:",
        "    for inner in range(10**9): n += 1",
        "except BaseException:",
        "    pass",
        "return 1.0",
    )
    assert _faults(code, seconds=0.05) == ["too long", "too long"]


def test_time_is_that_of_the_code_and_not_of_the_machine() -> None:
    code = "import math\n" + _body("return math.sqrt(4)")
    sandbox = Sandbox(code, limits=Limits(seconds=0.05))
    assert sandbox._process is not None
    os.kill(sandbox._process.pid, signal.SIGSTOP)
    threading.Timer(0.4, os.kill, (sandbox._process.pid, signal.SIGCONT)).start()
    assert [each.fault for each in sandbox.run(*_inputs())] == ["", ""]


def test_runs_are_alike_whatever_is_hashed() -> None:
    code = _body("return float(hash('abc') % 1000)")
    assert len({Sandbox(code).run(*_inputs(1))[0].value for _ in range(3)}) == 1


def test_a_call_that_was_interrupted_answers_no_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(_body("return float(past_actions[0])"))
    receive, calls = sandbox._receive, []

    def interrupt(seconds: float) -> dict[str, object]:
        calls.append(seconds)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return receive(seconds)

    monkeypatch.setattr(sandbox, "_receive", interrupt)
    images, actions = _inputs(3)
    with pytest.raises(KeyboardInterrupt):
        sandbox.run(images, actions)
    monkeypatch.undo()
    assert [each.value for each in sandbox.run(images, actions + 9)] == [9.0] * 3


def test_answers_that_nobody_took_are_taken_for_no_later_ones() -> None:
    sandbox = Sandbox(_body("return float(past_actions[0])"))
    images, actions = _inputs(3)
    sandbox.ask(images, actions + 5)
    sandbox.ask(images, actions + 9)
    assert [each.value for each in sandbox.answers()] == [9.0] * 3
    with pytest.raises(RuntimeError, match="ask"):
        sandbox.answers()


def test_what_one_call_is_given_is_not_seen_by_another() -> None:
    code = _body(
        "base = observation",
        "while base.base is not None: base = base.base",
        "base[...] = 77",
        "return float(base.size + past_actions[0])",
    )
    sandbox = Sandbox(code)
    images, actions = _inputs(3)
    sizes = {each.value for each in sandbox.run(images, actions)}
    assert sizes == {7 * 7 * 3 + float(actions[0, 0])}


def test_after_a_fork_each_has_a_process_of_its_own() -> None:
    sandbox = Sandbox(_body("return float(past_actions[0])"))
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[list[float]] = context.Queue()

    def ask(add: int) -> None:
        images, actions = _inputs(50)
        queue.put([each.value for each in sandbox.run(images, actions + add)])

    workers = [context.Process(target=ask, args=(add,)) for add in (1, 2)]
    for worker in workers:
        worker.start()
    ours = [each.value for each in sandbox.run(*_inputs(50))]
    found = sorted(queue.get(timeout=20) for _ in workers)
    for worker in workers:
        worker.join()
    assert (ours, found) == ([0.0] * 50, [[1.0] * 50, [2.0] * 50])


@pytest.mark.slow
def test_memory_is_limited() -> None:
    lines = ("kept = []", "while True: kept.append(bytearray(10**7))")
    assert set(_faults(_body(*lines), seconds=20.0)) <= {"raised", "died"}


_REACH = "import collections; modules = collections._sys.modules; os = modules['os']"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "attack",
    [
        "open('{path}', 'w').write('x')",
        "os.open('{path}', os.O_CREAT | os.O_WRONLY)",
        "modules['builtins'].open('{path}', 'w')",
        "modules['io'].FileIO('{path}', 'w')",
        "np.savetxt('{path}', np.ones(3))",
        "np.ones(3).tofile('{path}')",
        "os.mkdir('{path}')",
        "os.symlink('/', '{path}')",
        "os.system('touch {path}')",
        "os.posix_spawn('/usr/bin/touch', ['touch', '{path}'], {{}})",
        "os.execv('/usr/bin/touch', ['touch', '{path}'])",
        "os.fork()",
        "os.kill(os.getppid(), 9)",
        "os.unlink('{victim}')",
        "os.rename('{victim}', '{path}')",
        "os.chmod('{victim}', 0)",
        "os.truncate('{victim}', 0)",
        "__import__('subprocess').run(['touch', '{path}'])",
        "__import__('ctypes').CDLL(None).system(b'touch {path}')",
        "np.ctypeslib.ctypes.CDLL(None).system(b'touch {path}')",
        "__import__('socket').create_connection(('127.0.0.1', {port}))",
        "modules['_socket'].socket()",
        "__import__('pickle').loads(b\"cposix\\nsystem\\n(S'touch {path}'\\ntR.\")",
        "modules['resource'].setrlimit(modules['resource'].RLIMIT_NOFILE, (99, 99))",
        "open('/etc/passwd').read()",
        "np.fromfile('/etc/passwd', np.uint8)",
        "os.listdir('/')",
        "os.stat('/etc/passwd')",
        "os.environ['HOME'] and os.dup(0)",
    ],
)
def test_attacks_fail_even_if_the_check_is_passed(attack: str, tmp_path: Path) -> None:
    path, victim = tmp_path / "made", tmp_path / "victim"
    victim.write_text("whole")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        attack = attack.format(path=path, victim=victim, port=server.getsockname()[1])
        code = f"import numpy as np\n{_REACH}\n{_body(attack, 'return 1.0')}"
        (found,) = Sandbox(code).run(*_inputs(1))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert found.fault in ("raised", "died"), "the attack went through"
    assert not path.exists()
    assert victim.read_text() == "whole"
    assert victim.stat().st_mode & 0o777


@pytest.mark.usefixtures("unchecked")
@pytest.mark.skipif(sys.platform != "linux", reason="calls are filtered on Linux")
def test_the_system_refuses_what_the_hook_does_not_see() -> None:
    """Each wall alone: `getppid`, which Python does not ask the hook about, is no allowed call."""
    code = f"{_REACH}\n{_body('os.sched_getaffinity(0)', 'return 1.0')}"
    sandbox = Sandbox(code)
    if "calls" not in sandbox.walls:
        pytest.skip("this system does not filter calls")
    assert sandbox.run(*_inputs(1))[0].why.startswith("PermissionError")


@pytest.mark.usefixtures("unchecked")
def test_what_comes_from_the_process_is_not_believed() -> None:
    """Code that finds the pipe and writes to it can lie about its own value, and no more."""
    answers = [
        r"\xff\xff\xff\xff",
        *(
            rf"\x{len(said):02x}\x00\x00\x00{said}"
            for said in (
                "null",
                "[]",
                "{}",
                '{"value": NaN, "parts": {}}',
                '{"value": 1, "parts": {}}',
                '{"value": 1.0}',
                '{"value": 1.0, "parts": {"a": null}}',
                '{"value": 1.0, "parts": [1]}',
                '{"fault": "something of its own"}',
                '{"fault": [1]}',
            )
        ),
    ]
    helper = (
        "def tell(data):\n    for n in range(3, 12):\n        try:\n            os.write(n, data)\n"
        "        except OSError:\n            pass\n"
    )
    for data in answers:
        code = f"{_REACH}\n{helper}" + _body(f"tell(b'{data}')", "return 1.0")
        (found,) = Sandbox(code).run(*_inputs(1))
        assert found.fault == "died"


def test_code_that_does_not_load_is_an_error_that_says_why() -> None:
    with pytest.raises(CodeError, match=r"ZeroDivisionError.*\(line 1\)"):
        Sandbox("x = 1 / 0\n" + _body("return 0.0"))
    with pytest.raises(CodeError, match="too long to load"):
        Sandbox("while True: pass\n" + _body("return 0.0"), limits=Limits(seconds_to_load=0.2))


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("from collections import _sys\n" + _HEAD + "    return 0", "'_sys' cannot be imported"),
        ("import numpy.random\n" + _HEAD + "    return 0", "'random' cannot be imported"),
        ("from dataclasses import inspect\n" + _HEAD + "    return 0", "'inspect' cannot be"),
        (
            _body("match observation:", "    case object(__class__=c): return c"),
            "the attribute '__class__'",
        ),
        ("import os\n" + _HEAD + "    return 0", "line 1: 'os' cannot be imported"),
        ("from os import path\n" + _HEAD + "    return 0", "'os' cannot be imported"),
        ("from numpy import random\n" + _HEAD + "    return 0", "'random' cannot be imported"),
        (_body("return eval('1')"), "line 2: 'eval' is not allowed"),
        (_body("return ().__class__"), "the attribute '__class__' is not allowed"),
        (_body("return __builtins__"), "'__builtins__' is not allowed"),
        (_body("import numpy as np", "return np.random.rand()"), "the attribute 'random'"),
        ("def other(): pass", "expected a function 'potential', got other"),
        ("1 +", "line 1: invalid syntax"),
        ("\x00", "null bytes"),
        ("(" * 5000, "line"),
    ],
)
def test_the_check_says_what_is_not_allowed(code: str, fault: str) -> None:
    assert fault in (check_code(code, "potential") or "")


def test_usual_code_passes_the_check() -> None:
    code = "import numpy as np\nfrom typing import Dict, Tuple\nimport math\n" + _body("return 0.0")
    assert check_code(code, "potential") is None
