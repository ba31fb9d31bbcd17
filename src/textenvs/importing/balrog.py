"""BALROG's submissions: a CSV of the steps and a JSON of the results for every episode.

In both layouts of the CSV a row's observation is the one *after* its action, so the first of a game
is not recorded, and only its long-term part is (without Crafter's status and inventory). The older
layout (``Step,Observation,Action,...``, 2024-10 and 11) has the executed action, and the answers
that named none are known from the JSON alone, in their order; the newer one has the answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textenvs.errors import TraceError
from textenvs.importing.balrog_rows import Rows, check_result, check_rows
from textenvs.importing.balrog_steps import Steps, end_of
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

__all__ = ["ENV_IDS", "read_balrog"]

ENV_IDS = {
    "crafter": "Crafter-Text-BALROG-v0",
    "babyai": "BabyAI-Text-MixedTrainLocal-v0",
    "nle": "NetHack-Text-Challenge-v0",
}
"""BALROG's name of a game -> the environment that its episodes are of."""

_COLUMNS = ("Step", "Action", "Reasoning", "Observation", "Reward", "Done")
_ESCAPE = "˘"
_RUN = re.compile(r"(.+)_run_(\d+)")


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
        steps = Steps(game, rows, result).read() if rows else []
        end = end_of(game, rows, result, steps) if result else None
        found = Game(self.player, header, steps, end)
        return played_again(found) if game == "babyai" else found

    def _result(self, game: str, name: str) -> dict[str, Any] | None:
        result = self._json(f"{name}.json")
        if result is not None:
            try:
                check_result(game, result)
            except TraceError as error:
                self.source.broken(f"{self.folder.name}/{name}.json", error)
                return None
        return result

    def _rows(self, game: str, name: str, result: dict[str, Any] | None) -> Rows | None:
        file = f"{self.folder.name}/{name}.csv"
        try:
            names, table = read_table(self.folder / f"{name}.csv", _COLUMNS, _ESCAPE)
            counted(table, "Step")
            rows = Rows(
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
                check_rows(game, rows, result)
        except FileNotFoundError:
            self.source.missing(file, "expected the steps of an episode, found none")
        except (TraceError, OSError) as error:
            self.source.broken(file, error)
        else:
            return rows
        return None


def _in_their_order(stem: Path) -> tuple[str, str, int]:
    """BALROG numbers with two digits: the hundredth run is behind the 99th."""
    found = _RUN.fullmatch(stem.name)
    assert found is not None
    return str(stem.parent), found[1], int(found[2])


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(said: Mapping[str, Any], name: str) -> float | None:
    return number(said, name) if isinstance(said.get(name), int | float) else None
