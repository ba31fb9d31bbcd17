"""What an evaluation needs to know of an episode, read from its trace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.llm.model import Usage

__all__ = ["Record", "read_record", "read_records"]

_SHOWS_ONLY = ("style", "obs", "render_mode")  # arguments that do not change the game
_SHOWN = 80  # characters of an answer that named no action


@dataclass
class Record:
    """An episode that came to its end.

    Attributes:
        env_id, seed, episode: which one.
        agent, model: who played.
        rules: the environment's arguments and limit of steps, but for the caption, as JSON; empty
            where they are not known.
        episode_return, length: its sum of rewards and its steps.
        recorded: how many of its steps the trace has; an imported trace may lack them.
        success, progress: None where the game has none.
        achievements: name -> how often; None where the game has none.
        unlocked: for each step the achievements that were new; empty where the game has none.
        actions: how often which action was played, by its text.
        stages: how often which stage of the parser found the action; "" for none.
        statuses: how often an answer was whole, cut, empty or refused.
        unread: answers that named no action, and how often.
        usage: tokens of all its answers.
        usd: what they cost; None if that is not known of all.
    """

    env_id: str
    seed: int | None
    episode: int
    agent: str
    model: str
    rules: str = ""
    episode_return: float = 0.0
    length: int = 0
    recorded: int = 0
    success: bool | None = None
    progress: float | None = None
    achievements: dict[str, int] | None = None
    unlocked: list[list[str]] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    usd: float | None = 0.0

    @property
    def invalid(self) -> int:
        """How many actions were named by no answer."""
        return self.stages[""]

    def add(self, step: dict[str, Any]) -> None:
        """Count a step."""
        self.recorded += 1
        self.actions[str(step.get("text_action") or step["action"])] += 1
        if "unlocked" in step:
            self.unlocked.append(step["unlocked"])
        if "invalid_action" in step:
            self.stages[step.get("parse_stage", "") if not step["invalid_action"] else ""] += 1
            if step["invalid_action"]:
                said = str(step["action"]).strip() or str(step.get("answer", "")).strip()
                self.unread[said[:_SHOWN]] += 1
        if "answer_status" in step:
            self.statuses[step["answer_status"]] += 1
        if step.get("summary_status", "ok") != "ok":
            self.statuses[f"summary {step['summary_status']}"] += 1
        for prefix in ("", "summary_"):
            if f"{prefix}usage" in step:
                self.usage += Usage(**step[f"{prefix}usage"])
                usd = step.get(f"{prefix}usd")
                self.usd = None if usd is None or self.usd is None else self.usd + usd

    def close(self, end: dict[str, Any]) -> None:
        """Take over what the end of the trace says."""
        self.episode_return, self.length = end["return"], end["length"]
        self.success, self.progress = end.get("success"), end.get("progress")
        self.achievements = end.get("achievements")
        # What an imported trace knows of the episode as a whole only.
        if "usage" in end:
            self.usage += Usage(**end["usage"])
            self.usd = None
        for name, counts in (
            ("parse_stages", self.stages),
            ("answer_statuses", self.statuses),
            ("unread_answers", self.unread),
        ):
            if name in end:
                counts.clear()
                for text, times in end[name].items():
                    counts[text.strip()[:_SHOWN]] += times


def read_record(path: Path) -> Record | None:
    """Read a trace line by line; None if the episode did not come to its end.

    Raises:
        TraceError: if it is no trace.
        OSError: if it cannot be read.
    """
    record: Record | None = None
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if record is None:
                    record = _begin(entry)
                elif entry["kind"] == "end":
                    record.close(entry)
                    return record
                else:
                    record.add(entry)
            except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
                if not line.endswith("\n"):
                    return None  # the line in which a run was killed
                raise TraceError(
                    f"{path}, line {number}: expected a line of a trace, got {line[:60]!r}"
                ) from error
    return None


def read_records(folder: Path | str) -> Iterator[Record]:
    """Read all complete episodes below a folder, in the order of their paths.

    Raises:
        TraceError: as :func:`read_record`, and if there are no traces at all.
    """
    paths = sorted(Path(folder).rglob("episode-*.jsonl"))
    if not paths:
        raise TraceError(f"{folder}: expected traces (episode-*.jsonl), found none")
    for path in paths:
        record = read_record(path)
        if record is not None:
            yield record


def _begin(header: dict[str, Any]) -> Record:
    return Record(
        env_id=header["env_id"],
        seed=header["seed"],
        episode=header["episode"],
        agent=header["agent"],
        model=header["model"],
        rules=_rules(header.get("env_spec")),
    )


def _rules(spec: dict[str, Any] | None) -> str:
    """What of an environment's spec changes the game: not how it is shown or answered."""
    if spec is None:
        return ""
    arguments = {key: value for key, value in spec["kwargs"].items() if key not in _SHOWS_ONLY}
    return json.dumps([spec["max_episode_steps"], arguments], sort_keys=True)
