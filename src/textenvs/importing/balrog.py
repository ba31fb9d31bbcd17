"""BALROG's submissions: a CSV of the steps and a JSON of the results for every episode.

In both layouts of the CSV a row's observation is the one *after* its action, so the first of a game
is not recorded, and only its long-term part is (without Crafter's status and inventory). The older
layout (``Step,Observation,Action,...``, 2024-10 and 11) has the executed action, and the answers
that named none are known from the JSON alone, in their order; the newer one has the answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.importing.games import (
    Game,
    Published,
    Source,
    counted,
    first_line,
    flag,
    number,
    read_json,
    read_table,
)
from textenvs.importing.playing import played_again
from textenvs.metrics import crafter_progress

__all__ = ["ENV_IDS", "read_balrog"]

ENV_IDS = {
    "crafter": "Crafter-Text-BALROG-v0",
    "babyai": "BabyAI-Text-MixedTrainLocal-v0",
    "nle": "NetHack-Text-Challenge-v0",
}
"""BALROG's name of a game -> the environment that its episodes are of."""

_DEFAULTS = {"crafter": "Noop", "babyai": "go forward", "nle": "esc"}
_COLUMNS = ("Step", "Action", "Reasoning", "Observation", "Reward", "Done")
_ESCAPE = "˘"
_RUN = re.compile(r"(.+)_run_(\d+)")
_FEEDBACK = (
    "\n\nYour previous output action: '{answer}' is not a valid action. "
    "Defaulted to action: {default}\n",
    "\n\nYour previous output did not contain a valid action. "
    "Defaulted to action: {default}\n\nObservation:\n",
)
"""What stands before the observation that follows an answer that named no action: until 2025-01,
and since then."""
_STATISTICS = ("end_reason", "highest_achievement", "dlvl_list", "xplvl_list")


def read_balrog(folders: Sequence[Path], source: Source) -> Iterator[Game]:
    """Read the games of Crafter, BabyAI and NetHack in some submissions.

    Args:
        folders: submissions, or folders of them.
        source: where files that are missing or broken, and the published results, are noted.

    Raises:
        TraceError: if there is no submission in a folder.
        OSError: if a folder cannot be read.
    """
    submissions = [found for folder in folders for found in _submissions(folder)]
    names = [_name(submission, source) for submission in submissions]
    doubled = {name for name, times in Counter(names).items() if times > 1}
    for submission, name in zip(submissions, names, strict=True):
        # One model may have been submitted twice, with another agent say.
        yield from _Submission(submission, submission.name if name in doubled else name, source)


def _submissions(folder: Path) -> list[Path]:
    def is_one(path: Path) -> bool:
        return any((path / name).is_dir() for name in ENV_IDS) or (path / "summary.json").exists()

    folder = folder.resolve()
    found = [path for path in (folder, *sorted(folder.iterdir())) if path.is_dir() and is_one(path)]
    if not found:
        raise TraceError(
            f"{folder}: expected a submission to BALROG (a folder with crafter, babyai or nle), or "
            "a folder of them, found none"
        )
    return found[:1] if found[0] == folder else found


def _name(submission: Path, source: Source) -> str:
    """What the submission calls itself."""
    path = submission / "metadata.yaml"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        source.missing(f"{submission.name}/{path.name}", "expected the name of the model")
        text = ""
    found = re.search(r"^name:[ \t]*(\S.*?)[ \t]*$", text, re.MULTILINE)
    return found[1].strip("\"'") if found else submission.name


@dataclass
class _Submission:
    """A submission's games, one after another."""

    folder: Path
    player: str
    source: Source
    summary: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Game]:
        self.summary = self._json("summary.json") or {}
        published = _object(self.summary.get("environments"))
        for name in sorted(published.keys() - ENV_IDS.keys()):
            self.source.left_out.append(f"{self.folder.name}/{name}")
        for game in ENV_IDS:
            stems = sorted(
                {path.with_suffix("") for path in self._files(game)}, key=_in_their_order
            )
            if game in published or stems:
                self._compare(game, _object(published.get(game)), stems)
            for episode, stem in enumerate(stems):
                yield self._game(game, episode, stem)

    def _files(self, game: str) -> Iterator[Path]:
        for path in (self.folder / game).rglob("*_run_*"):
            if path.suffix in (".csv", ".json") and _RUN.fullmatch(path.stem):
                yield path

    def _compare(self, game: str, row: dict[str, Any], stems: Sequence[Path]) -> None:
        """Note what was published of a game, and which episodes of it are not here."""
        played = row.get("episodes_played")
        if not stems:
            self.source.missing(
                f"{self.folder.name}/{game}",
                f"expected {played} published episodes, found none",
                played if isinstance(played, int) else 0,
            )
            self._publish(game, row, {})
            return
        summary = self._json(f"{game}/{game}_summary.json") or {}
        self._publish(game, row, summary)
        by_task = Counter(self._task(game, stem) for stem in stems)
        for task, of_task in _object(summary.get("tasks")).items():
            count = _object(of_task).get("episodes_played")
            if not isinstance(count, int) or by_task[task] >= count:
                continue
            # Names of files that other files only promise are built and printed, never opened.
            here = {stem.relative_to(self.folder).as_posix() for stem in stems}
            expected = [f"{game}/{task}/{task}_run_{run:02d}" for run in range(count)]
            for stem_name in [name for name in expected if name not in here]:
                for suffix in (".json", ".csv"):
                    self.source.missing(
                        f"{self.folder.name}/{stem_name}{suffix}",
                        f"expected {count} published episodes of {task}, found {by_task[task]}",
                        int(suffix == ".json"),
                    )

    def _publish(self, game: str, row: dict[str, Any], summary: dict[str, Any]) -> None:
        said = {**row, **summary}
        for name in row.keys() & summary.keys():
            if row[name] != summary[name]:
                self.source.broken(
                    f"{self.folder.name}/{game}/{game}_summary.json",
                    TraceError(f"expected {name} {row[name]} of summary.json, got {summary[name]}"),
                )
        if isinstance(said.get("episodes_played"), int):
            self.source.published.append(
                Published(
                    self.player,
                    ENV_IDS[game],
                    said["episodes_played"],
                    progress=_number(said, "progression_percentage"),
                    standard_error=_number(said, "standard_error"),
                    steps=_number(said, "average_steps"),
                )
            )

    def _task(self, game: str, stem: Path) -> str:
        """What BALROG calls the task of an episode: crafter's is "default", NetHack's its id."""
        inside = stem.relative_to(self.folder / game).parts
        return "/".join(inside[:2]) if game == "babyai" else inside[0]

    def _json(self, name: str) -> dict[str, Any] | None:
        """An object of the submission; None if there is none, which is noted."""
        path = self.folder / name
        try:
            return read_json(path)
        except FileNotFoundError:
            self.source.missing(f"{self.folder.name}/{name}", "expected a file of JSON, found none")
        except (TraceError, OSError) as error:
            self.source.broken(f"{self.folder.name}/{name}", error)
        return None

    def _game(self, game: str, episode: int, stem: Path) -> Game:
        name = stem.relative_to(self.folder).as_posix()
        result = self._result(game, name)
        rows = self._rows(game, name, result)
        lacking = [what for what, found in (("results", result), ("steps", rows)) if not found]
        task = self._task(game, stem)
        client = _object((result or self.summary).get("client"))
        agent = _object((result or self.summary).get("agent"))
        imported = {
            "from": "balrog",
            "file": f"{self.folder.name}/{name}{'.csv' if rows else '.json'}",
            "task": task,
            **({"lacks": lacking} if lacking else {}),
            **{key: result[key] for key in ("seed",) if result and key in result},
        }
        header = first_line(
            ENV_IDS[game],
            episode=episode,
            imported=imported,
            agent=str(agent.get("type", "")),
            model=str(client.get("model_id", "")),
            settings={
                **({"env": {"kind": task.rpartition("/")[2]}} if game == "babyai" else {}),
                "agent": {key: value for key, value in agent.items() if key != "type"},
                # An address is no setting: it says where the model was, not what it did.
                "client": {key: value for key, value in client.items() if key != "base_url"},
            },
        )
        steps = _Steps(game, rows, result).read() if rows else []
        end = _end(game, rows, result, steps) if result else None
        found = Game(self.player, header, steps, end)
        return played_again(found) if game == "babyai" else found

    def _result(self, game: str, name: str) -> dict[str, Any] | None:
        result = self._json(f"{name}.json")
        if result is not None:
            try:
                _check_result(game, result)
            except TraceError as error:
                self.source.broken(f"{self.folder.name}/{name}.json", error)
                return None
        return result

    def _rows(self, game: str, name: str, result: dict[str, Any] | None) -> _Rows | None:
        file = f"{self.folder.name}/{name}.csv"
        try:
            names, table = read_table(self.folder / f"{name}.csv", _COLUMNS, _ESCAPE)
            counted(table, "Step")
            rows = _Rows(
                table,
                [number(row, "Reward") for row in table],
                [flag(row, "Done") for row in table],
                executed=names.index("Observation") < names.index("Action"),
            )
            if any(rows.done[:-1]):
                raise TraceError(
                    f"expected Done in the last row, got it in {rows.done.index(True)}"
                )
            if result is not None:
                _check_rows(game, rows, result)
        except FileNotFoundError:
            self.source.missing(file, "expected the steps of an episode, found none")
        except (TraceError, OSError) as error:
            self.source.broken(file, error)
        else:
            return rows
        return None


@dataclass
class _Rows:
    """The CSV of an episode: ``executed`` says whether its actions are those, and no answers."""

    table: list[dict[str, str]]
    rewards: list[float]
    done: list[bool]
    executed: bool

    def __len__(self) -> int:
        return len(self.table)


def _check_result(game: str, result: dict[str, Any]) -> None:
    """Check an episode's JSON.

    Raises:
        TraceError: if something that a trace needs is not there, or contradicts itself.
    """
    steps = result.get("num_steps")
    if not isinstance(steps, int) or steps < 1:
        raise TraceError(f"expected 1 or more as num_steps, got {str(steps)[:60]!r}")
    number(result, "episode_return")
    progress = number(result, "progression")
    invalid = result.get("failed_candidates")
    if not isinstance(invalid, list) or not all(isinstance(text, str) for text in invalid):
        raise TraceError(f"expected failed_candidates, texts, got {str(invalid)[:60]!r}")
    if len(invalid) > steps:
        raise TraceError(f"expected {steps} failed_candidates at most, got {len(invalid)}")
    for name in ("input_tokens", "output_tokens"):
        tokens = result.get(name, 0)
        if not isinstance(tokens, int) or tokens < 0:
            raise TraceError(f"expected 0 or more as {name}, got {str(tokens)[:60]!r}")
    expected = progress
    if game == "babyai":
        expected = float(result["episode_return"] > 0)
    elif game == "crafter":
        counts = result.get("achievements")
        if not isinstance(counts, dict) or not all(type(n) is int for n in counts.values()):
            raise TraceError(f"expected achievements, counts, got {str(counts)[:60]!r}")
        try:
            expected = crafter_progress(counts)
        except ValueError as error:
            raise TraceError(str(error)) from error
    if progress != expected or not 0 <= progress <= 1:
        raise TraceError(f"expected the progression {expected}, got {progress}")


def _check_rows(game: str, rows: _Rows, result: Mapping[str, Any]) -> None:
    """Check the steps of an episode against its results.

    Raises:
        TraceError: if they are not those of the same game.
    """
    if len(rows) != result["num_steps"]:
        raise TraceError(f"expected {result['num_steps']} rows, as num_steps says, got {len(rows)}")
    total = math.fsum(rows.rewards)
    if not math.isclose(total, result["episode_return"], rel_tol=1e-6, abs_tol=1e-6):
        raise TraceError(
            f"expected rewards of {result['episode_return']}, as episode_return says, got {total}"
        )
    refused = result["failed_candidates"]
    played = Counter(row["Action"] for row in rows.table)
    if not rows.executed:
        missed = Counter(refused)
        if any(played[answer] != times for answer, times in missed.items()):
            raise TraceError("expected the failed_candidates among the actions, got others")
        played -= missed
        played[_DEFAULTS[game]] += len(refused)
    frequency = result.get("action_frequency")
    if frequency is not None and +played != frequency:
        raise TraceError("expected the actions of action_frequency, got others")


@dataclass
class _Steps:
    """The steps of an episode as a trace has them, from its rows and, if known, its results."""

    game: str
    rows: _Rows
    result: Mapping[str, Any] | None

    def read(self) -> list[dict[str, Any]]:
        """All of them."""
        default = _DEFAULTS[self.game]
        mission = (self.result or {}).get("mission")
        steps: list[dict[str, Any]] = []
        before: dict[str, str] = {}
        last = len(self.rows) - 1
        for t, (row, said) in enumerate(zip(self.rows.table, self._actions(), strict=True)):
            over = _over(self.game, self.rows, self.result) if t == last else (False, False)
            steps.append(
                {
                    "kind": "step",
                    "t": t,
                    **before,
                    **said,
                    "reward": self.rows.rewards[t],
                    "terminated": over[0],
                    "truncated": over[1],
                    **({"mission": mission} if isinstance(mission, str) else {}),
                    **({"reasoning": row["Reasoning"]} if row["Reasoning"] else {}),
                }
            )
            before = _parted(row["Observation"], said.get("answer"), default)
        return steps

    def _actions(self) -> Iterator[dict[str, Any]]:
        """Of each step: what the model answered, what was played, and whether it is an action."""
        default = _DEFAULTS[self.game]
        texts = [row["Action"] for row in self.rows.table]
        if self.result is None:
            for text in texts:
                yield {"text_action": text} if self.rows.executed else _answer(text)
            return
        refused = deque(self.result["failed_candidates"])
        if not self.rows.executed:
            invalid = set(refused)
            for text in texts:
                yield _invalid(text, default) if text in invalid else _valid(text)
            return
        # The default action was played for an answer that named none, or because one named it.
        # Where all of them, or none, were the former, it is known which; else it is not.
        replaced = len(refused) == texts.count(default)
        for text in texts:
            if text != default or not (replaced or refused):
                yield _valid(text)
            elif replaced:
                yield _invalid(refused.popleft(), default)
            else:
                yield {"text_action": text}


def _answer(text: str) -> dict[str, Any]:
    # An empty answer is all that is known of the answers' ends: whether others were cut is not.
    return {"action": text, "answer": text, **({} if text else {"answer_status": "empty"})}


def _valid(text: str) -> dict[str, Any]:
    return {**_answer(text), "text_action": text, "invalid_action": False, "parse_stage": "exact"}


def _invalid(text: str, default: str) -> dict[str, Any]:
    return {**_answer(text), "text_action": default, "invalid_action": True, "parse_stage": ""}


def _parted(text: str, answer: str | None, default: str) -> dict[str, str]:
    """An observation, and what BALROG put before it to say that an answer named no action."""
    for form in _FEEDBACK if answer is not None else ():
        feedback = form.format(answer=answer, default=default)
        if text.startswith(feedback):
            return {"observation": text.removeprefix(feedback), "feedback": feedback}
    return {"observation": text}


def _over(game: str, rows: _Rows | None, result: Mapping[str, Any] | None) -> tuple[bool, bool]:
    """Whether a game came to its own end, or to a limit."""
    done = rows.done[-1] if rows else bool(result and result.get("done"))
    if not done:
        # BALROG's limit of steps; without results, the place where the record stops.
        return False, result is not None
    if game == "babyai":
        # No BabyAI level of BALROG can be lost: what is over without a reward ran out of steps.
        won = bool(rows.rewards[-1] > 0 if rows else result and result["episode_return"] > 0)
        return won, not won
    if game == "nle" and str((result or {}).get("end_reason", "")).startswith("ABORTED"):
        return False, True
    return True, False


def _end(
    game: str, rows: _Rows | None, result: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    terminated, truncated = _over(game, rows, result)
    end: dict[str, Any] = {"kind": "end"}
    if rows:
        said = steps[-1].get("answer")
        end |= _parted(rows.table[-1]["Observation"], said, _DEFAULTS[game])
    end |= {
        "return": float(result["episode_return"]),
        "length": result["num_steps"],
        "terminated": terminated,
        "truncated": truncated,
    }
    if game == "babyai":
        end["success"] = result["progression"] == 1
    else:
        end["progress"] = float(result["progression"])
    if game == "crafter":
        end["achievements"] = result["achievements"]
    end |= {name: result[name] for name in _STATISTICS if name in result}
    if "input_tokens" in result and "output_tokens" in result:
        end["usage"] = {name: result[name] for name in ("input_tokens", "output_tokens")}
    if not all("invalid_action" in step for step in steps) or not steps:
        end |= _answers(result)
    return end


def _answers(result: Mapping[str, Any]) -> dict[str, Any]:
    """How a whole episode's answers were read, where its steps do not say it one by one."""
    refused = Counter[str](result["failed_candidates"])
    stages = {"exact": result["num_steps"] - refused.total(), "": refused.total()}
    return {
        "parse_stages": {stage: times for stage, times in stages.items() if times},
        **({"unread_answers": dict(refused)} if refused else {}),
        **({"answer_statuses": {"empty": refused[""]}} if refused[""] else {}),
    }


def _in_their_order(stem: Path) -> tuple[str, str, int]:
    """BALROG numbers with two digits: the hundredth run is behind the 99th."""
    found = _RUN.fullmatch(stem.name)
    assert found is not None
    return str(stem.parent), found[1], int(found[2])


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(said: Mapping[str, Any], name: str) -> float | None:
    return number(said, name) if isinstance(said.get(name), int | float) else None
