"""CrafterGPT's recorded games: a CSV for each, and a log of some answers.

A row has the observation before its action. The game is the *second* episode of its seed, and the
first text is of the first one, as the published program has it; see ``docs/importing.md`` for how
to play it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

from textenvs.envs.crafter.tasks import ACTION_NAMES
from textenvs.errors import TraceError
from textenvs.importing.games import (
    Game,
    Published,
    Source,
    counted,
    first_line,
    flag,
    number,
    read_table,
)
from textenvs.published_parsers import CrafterGPTParser

__all__ = ["ENV_ID", "read_craftergpt"]

ENV_ID = "Crafter-Text-SmartPlay-v0"
"""The environment whose text CrafterGPT shows its models."""

_COLUMNS = ("step", "observation", "action", "reward", "done", "total_reward")
_MODELS = {
    "prompt_only": "NousResearch/Llama-2-7b-chat-hf",
    "fine_tuned": "techandy42/llama-2-7b-craftergpt-v1.1",
}
# Of the published notebooks; the recorded games do not say it.
_SETTINGS = {"temperature": 0.9, "top_p": 0.6, "answer_tokens": 1000}
_HEADINGS = {"Prompt Only:": "prompt_only", "Fine-Tuned:": "fine_tuned"}
_REWARDS = "reward_log.txt"
_CHOSEN = "\nAction: "
_NOT_FOUND = re.compile(r"\nAction \"[^\n]*\" not found in action list\.$")
_RULE = re.compile(r"^-+ QA -+$", re.MULTILINE)
_ENTRY = re.compile(r"^=+ Step: (\d+), Reward: [^\n]* =+\n", re.MULTILINE)
_OUTPUT = "LLM output: "


class _Answer(NamedTuple):
    step: int
    observation: str
    text: str
    action: str


def read_craftergpt(folders: Sequence[Path], source: Source) -> Iterator[Game]:
    """Read the games in some folders, and join the logged answers to the steps they belong to.

    Args:
        folders: with files such as ``prompt_only_seed_44.csv``.
        source: where files that are missing or broken, and the published results, are noted.

    Raises:
        TraceError: if a folder has no games.
        OSError: if it cannot be read.
    """
    played: dict[str, int] = {}
    for folder in (each.resolve() for each in folders):
        paths = sorted(folder.glob("*_seed_*.csv"), key=_seed)
        if not paths:
            raise TraceError(
                f"{folder}: expected games of CrafterGPT (PLAYER_seed_SEED.csv), found none"
            )
        logs = _logs(folder, source)
        used: set[str] = set()
        for path in paths:
            player = path.name.partition("_seed_")[0]
            game = _game(folder, path, player, played.get(player, 0), logs, used, source)
            if game is not None:
                played[player] = played.get(player, 0) + 1
                yield game
        for name in logs.keys() - used:
            source.broken(
                f"{folder.name}/{name}", TraceError("expected answers of a game here, got others")
            )
        _rewards(folder, played, source)


def _seed(path: Path) -> tuple[str, int, str]:
    player, _, seed = path.stem.partition("_seed_")
    return player, int(seed) if seed.isdecimal() else -1, seed


def _game(
    folder: Path,
    path: Path,
    player: str,
    episode: int,
    logs: dict[str, list[_Answer]],
    used: set[str],
    source: Source,
) -> Game | None:
    file = f"{folder.name}/{path.name}"
    try:
        rows = _rows(path)
    except (TraceError, OSError) as error:
        source.broken(file, error, episodes=1)
        return None
    answers: dict[int, str] = {}
    for name, log in logs.items():
        if all(_belongs(answer, rows) for answer in log):
            used.add(name)
            answers |= {answer.step: answer.text for answer in log}
    steps = [_step(row, answers.get(t)) for t, row in enumerate(rows)]
    done = steps[-1]["terminated"]
    # The text that the last action led to is not recorded.
    end = {
        "kind": "end",
        "return": number(rows[-1], "total_reward"),
        "length": len(rows),
        "terminated": done,
        "truncated": False,
    }
    imported = {
        "from": "craftergpt",
        "file": file,
        "seed": _seed(path)[1],
        # Which reset after the seed began the game; the first text is of the one before.
        "reset": 2,
    }
    header = first_line(
        ENV_ID,
        episode=episode,
        imported=imported,
        agent="craftergpt",
        model=_MODELS.get(player, ""),
        settings=_SETTINGS if player in _MODELS else {},
    )
    # A seed of its own would say that one reset gives the game.
    header["env_spec"] = json.loads(gymnasium.spec(ENV_ID).to_json())
    # A game that is not done may go on, so its results are not known.
    return Game(player, header, steps, end if done else None)


def _rows(path: Path) -> list[dict[str, str]]:
    _, rows = read_table(path, _COLUMNS)
    counted(rows, "step")
    total = 0.0
    for t, row in enumerate(rows):
        total += number(row, "reward")
        if row["action"] not in ACTION_NAMES:
            raise TraceError(
                f"expected an action of Crafter in row {t}, got {row['action'][:60]!r}"
            )
        if flag(row, "done") and t < len(rows) - 1:
            raise TraceError(f"expected done in the last row, got it in row {t}")
        if abs(number(row, "total_reward") - total) > 1e-6:
            raise TraceError(
                f"expected the total_reward {total} in row {t}, got {row['total_reward']}"
            )
    return rows


def _step(row: dict[str, str], answer: str | None) -> dict[str, Any]:
    step: dict[str, Any] = {
        "kind": "step",
        "t": int(row["step"]),
        "observation": row["observation"],
        "action": ACTION_NAMES.index(row["action"]),
        "text_action": row["action"],
        "reward": number(row, "reward"),
        "terminated": flag(row, "done"),
        "truncated": False,
    }
    if answer is not None:
        found = CrafterGPTParser(ACTION_NAMES).parse(answer)
        step |= {
            "invalid_action": found.action is None,
            "parse_stage": found.stage,
            "answer": answer,
        }
    return step


def _belongs(answer: _Answer, rows: Sequence[dict[str, str]]) -> bool:
    if answer.step >= len(rows):
        return False
    row = rows[answer.step]
    return (row["observation"].strip(), row["action"]) == (answer.observation, answer.action)


def _logs(folder: Path, source: Source) -> dict[str, list[_Answer]]:
    """The answers of each log, by its file; a log does not say which game it is of."""
    logs = {}
    for path in sorted(folder.glob("*_log_*.txt")):
        try:
            logs[path.name] = _log(path.read_text(encoding="utf-8"))
        except (TraceError, OSError, UnicodeDecodeError) as error:
            source.broken(f"{folder.name}/{path.name}", error)
    return logs


def _log(text: str) -> list[_Answer]:
    _, *parts = _ENTRY.split(text)
    if not parts:
        raise TraceError("expected a log with a heading for each step, got none")
    answers = []
    for step, entry in zip(parts[::2], parts[1::2], strict=True):
        observation, *printed = _RULE.split(entry, maxsplit=1)
        _, output, said = "".join(printed).partition(_OUTPUT)
        answer, chosen, action = said.rstrip().rpartition(_CHOSEN)
        if not output or not chosen:
            raise TraceError(f"expected an answer and its action in step {step}, got neither")
        # The program printed both behind the answer.
        answer = _NOT_FOUND.sub("", answer)
        answers.append(_Answer(int(step), observation.strip(), answer.strip(), action.strip()))
    return answers


def _rewards(folder: Path, played: dict[str, int], source: Source) -> None:
    """Note the published rewards, and how many of the games are not here."""
    path = folder / _REWARDS
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        source.missing(f"{folder.name}/{_REWARDS}", "expected the published rewards, found none")
        return
    except (OSError, UnicodeDecodeError) as error:
        source.broken(f"{folder.name}/{_REWARDS}", error)
        return
    found: dict[str, list[float]] = {}
    returns: list[float] = []
    for line in map(str.strip, lines):
        if line in _HEADINGS:
            returns = found.setdefault(_HEADINGS[line], [])
        elif line.startswith("--"):
            returns = []  # below the rule is their mean
        elif line:
            try:
                returns.append(float(line))
            except ValueError:
                source.broken(
                    f"{folder.name}/{_REWARDS}", TraceError(f"expected a reward, got {line[:60]!r}")
                )
                return
    for player, rewards in found.items():
        source.published.append(Published(player, ENV_ID, len(rewards), returns=tuple(rewards)))
        here = played.get(player, 0)
        if here < len(rewards):
            source.missing(
                f"{folder.name}/{player}_seed_*.csv",
                f"expected {len(rewards)} published games, found {here}",
                len(rewards) - here,
            )
