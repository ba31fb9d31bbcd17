"""Potentials as code: asked for, tried on what learners did, and improved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textenvs.errors import ModelError
from textenvs.knowledge.answers import parse_code
from textenvs.knowledge.asking import Notebook, describe
from textenvs.knowledge.dataset import Dataset
from textenvs.knowledge.folder import keep_knowledge
from textenvs.knowledge.games import GAMES, Game
from textenvs.knowledge.prompts import code_error, code_feedback, code_request
from textenvs.llm.model import Message
from textenvs.sandbox import CodeError, Outcome, Sandbox
from textenvs.shaping.code_potential import HORIZON, arrays_of
from textenvs.shaping.potential import History
from textenvs.traces import replace_file

__all__ = ["FUNCTION", "label_code"]

FUNCTION = "potential"
_KEPT = 6  # messages of the conversation that are sent again, beside the first two
_CHECKED = 500  # states of which the last code is told what it says


def label_code(
    data: Dataset,
    notebook: Notebook,
    out: Path,
    *,
    rounds: int = 20,
    samples: int = 5,
    repairs: int = 15,
    seed: int = 0,
    on_progress: Callable[[int, str], None] = lambda done, said: None,
) -> dict[str, Any]:
    """Ask for a potential, show what it says of some states, and ask for a better one.

    ``out`` gets ``code-NN.py`` of each round, ``code.py`` (the last that works), and
    ``knowledge.json``.

    Args:
        data: what learners did.
        notebook: who is asked.
        out: where the code goes.
        rounds: how often it is asked for; 1 for no improvement.
        samples: states that each round shows.
        repairs: how often code that cannot be used may be mended in a round.
        seed: of the samples.
        on_progress: called with the rounds that are done, and what came of the last one.

    Returns:
        What ``knowledge.json`` says.

    Raises:
        ModelError: if no code came that works.
    """
    game, names = GAMES[data.meta["game"]], data.meta["action_names"]
    rng = np.random.default_rng(seed)
    opening = code_request(game, names)
    talk: list[Message] = []
    code, faults, done = None, 0, 0
    for number in range(rounds):
        histories = [data.history(each) for each in data.sample(HORIZON, samples, rng)]
        for attempt in range(repairs + 1):
            (answer,) = notebook.ask([[*opening, *talk]], sample=attempt)
            talk.append({"role": "assistant", "content": answer})
            found, outcomes, fault = _try(answer, game, histories)
            if found is not None and not fault:
                break
            faults += 1
            talk = [*talk, code_error(fault)][-_KEPT:]
        else:
            on_progress(number + 1, f"nothing that works in {repairs + 1} answers")
            break
        assert found is not None
        code, done = found, number + 1
        replace_file(out / f"code-{number:02d}.py", code)
        on_progress(number + 1, "")
        talk = [*talk, code_feedback(_told(histories, outcomes, names))][-_KEPT:]
    if code is None:
        raise ModelError(
            f"{notebook.model.name}: expected code that works, got none in {faults} answers; "
            f"{out}/requests.jsonl has them"
        )
    replace_file(out / "code.py", code)
    told = {
        "game": game.name,
        "env": data.meta["env"],
        "style": data.meta["style"],
        "action_names": names,
        "rounds": done,
        "answers_with_faults": faults,
        "says": _summary(code, game, data, rng),
        **notebook.about(),
    }
    keep_knowledge(out, "code", told)
    return told


def _try(
    answer: str, game: Game, histories: Sequence[History]
) -> tuple[str | None, list[Outcome], str]:
    """The code of an answer, what it says of states, and why it cannot be used."""
    code = parse_code(answer, FUNCTION)
    if code is None:
        return None, [], f"there is no ```python block that defines {FUNCTION}"
    try:
        sandbox = Sandbox(code, FUNCTION, inventory=game.inventory)
    except CodeError as error:
        return code, [], str(error)
    outcomes = sandbox.run(*arrays_of(histories, game.arrays, HORIZON))
    sandbox.close()
    fault = next((f"{each.fault}: {each.why}" for each in outcomes if each.fault), "")
    return code, outcomes, fault


def _told(
    histories: Sequence[History], outcomes: Sequence[Outcome], names: Sequence[str]
) -> list[str]:
    found = []
    for number, (history, outcome) in enumerate(zip(histories, outcomes, strict=True), 1):
        parts = ", ".join(f"{key} {value:.3f}" for key, value in outcome.parts.items())
        made = f" ({parts})" if parts else ""
        found.append(
            f"Sample {number}\n{describe(history, names)}\nIt says {outcome.value:.3f}{made}"
        )
    return found


def _summary(code: str, game: Game, data: Dataset, rng: np.random.Generator) -> dict[str, Any]:
    """What code says of many states."""
    histories = [data.history(each) for each in data.sample(HORIZON, _CHECKED, rng)]
    outcomes = Sandbox(code, FUNCTION, inventory=game.inventory).run(
        *arrays_of(histories, game.arrays, HORIZON)
    )
    values = np.array([each.value for each in outcomes if not each.fault])
    if not len(values):
        values = np.array([math.nan])
    return {
        "states": len(outcomes),
        "faults": sum(bool(each.fault) for each in outcomes),
        "mean": round(float(values.mean()), 6),
        "deviation": round(float(values.std()), 6),
        "least": round(float(values.min()), 6),
        "greatest": round(float(values.max()), 6),
    }
