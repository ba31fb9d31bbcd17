"""What an evaluation is: all that its numbers follow from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from textenvs.agents import AGENTS
from textenvs.agents.language.making import LANGUAGE_AGENTS, default_prompt
from textenvs.errors import TraceError, UnknownName, choose
from textenvs.llm.names import identity
from textenvs.prompts import PROMPTS
from textenvs.traces import replace_file

__all__ = ["SETTINGS_FILE", "Settings", "read_settings"]

SETTINGS_FILE = "run.json"
_NOT_IN_TRACES = ("ids", "episodes", "seed", "keep_prompts")  # traces say them otherwise


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Attributes:
        ids: what is played.
        agent: who plays, a name of ``AGENTS`` or ``LANGUAGE_AGENTS``.
        llm: the model's name; empty for agents that ask none.
        episodes: of each id.
        seed: the run's, see :func:`textenvs.episode_seed`.
        max_steps: steps after which an episode is truncated; None for the id's own limit.
        style: the caption; None for the prompt's, or the id's own.
        env: further arguments of the environments.
        prompt: how the model is asked; None for the agent's own.
        history: how the past is shown.
        turns: how many past turns are shown; None for what the prompt does.
        feedback: whether the model is told that an answer named no action.
        alternate_roles: whether messages of one role that follow one another are joined.
        parser: how its answers are read.
        synonyms: whether words that are no action count as the action that does it.
        on_invalid: what is played where an answer names no action.
        temperature, top_p, answer_tokens: see :class:`textenvs.llm.Sampling`.
        sample: whether agent ``score`` draws its action.
        demonstrations: a folder of traces for agent ``few_shot``.
        demonstration_episodes, demonstration_steps: how much of them is shown.
        keep_prompts: whether traces have the prompts.

    Raises:
        UnknownName: for an agent or prompt that does not exist, a prompt of another game, a
            language agent without model, or a setting that nothing reads.
    """

    ids: tuple[str, ...]
    agent: str = "naive"
    llm: str = ""
    episodes: int = 10
    seed: int = 0
    max_steps: int | None = None
    style: str | None = None
    env: Mapping[str, Any] = field(default_factory=dict)
    prompt: str | None = None
    history: str = "window"
    turns: int | None = None
    feedback: bool = True
    alternate_roles: bool = False
    parser: str = "default"
    synonyms: bool = False
    on_invalid: str = "default"
    temperature: float | None = 0.0
    top_p: float = 1.0
    answer_tokens: int = 1024
    sample: bool = False
    demonstrations: str | None = None
    demonstration_episodes: int = 1
    demonstration_steps: int = 100
    keep_prompts: bool = True

    def __post_init__(self) -> None:
        choose("agent", self.agent, [*AGENTS, *LANGUAGE_AGENTS])
        if self.prompt is not None:
            choose("prompt", self.prompt, PROMPTS)
        if self.asks_model and not self.llm:
            raise UnknownName(
                f"agent {self.agent!r} asks a language model: expected its name (--llm), got none"
            )
        if self.asks_model:
            games = PROMPTS[self._prompt].games
            for env_id in self.ids:
                if env_id.partition("-Text-")[0] not in games:
                    raise UnknownName(
                        f"prompt {self._prompt!r} asks about {', '.join(games)}, got the id "
                        f"{env_id!r}"
                    )
        self._refuse_unread()
        if self.agent == "few_shot" and self.demonstrations is None:
            raise UnknownName(
                "agent 'few_shot' shows recorded episodes: expected their folder "
                "(--demonstrations), got none"
            )

    def _refuse_unread(self) -> None:
        """Settings that nothing would read are a mistake."""
        for setting, given, reader, reads in (
            ("llm", self.llm, "a language agent", self.asks_model),
            ("sample", self.sample, "agent 'score'", self.agent == "score"),
            ("demonstrations", self.demonstrations, "agent 'few_shot'", self.agent == "few_shot"),
            ("synonyms", self.synonyms, "parser 'default'", self.parser == "default"),
        ):
            if given and not reads:
                raise UnknownName(
                    f"{setting} is read by {reader} only: expected none with agent "
                    f"{self.agent!r} and parser {self.parser!r}"
                )

    @property
    def asks_model(self) -> bool:
        """Whether the agent asks a language model."""
        return self.agent in LANGUAGE_AGENTS

    @property
    def caption(self) -> str | None:
        """The style of caption; None for the id's own."""
        if self.style is not None or not self.asks_model:
            return self.style
        return PROMPTS[self._prompt].style

    @property
    def _prompt(self) -> str:
        return self.prompt or default_prompt(self.agent)

    def in_traces(self) -> dict[str, Any]:
        """What traces say of them: what changes an episode, and differs from the default."""
        own = {each.name: each.default for each in fields(self)}
        return {
            key: value
            for key, value in {**asdict(self), "llm": identity(self.llm)}.items()
            if key not in _NOT_IN_TRACES and value != own[key] and value != {}
        }

    def write(self, folder: Path) -> None:
        """Keep the settings of a run in its folder.

        Raises:
            OSError: if they cannot be written.
        """
        replace_file(folder / SETTINGS_FILE, json.dumps(asdict(self), indent=2) + "\n")


def read_settings(folder: Path) -> Settings:
    """The settings of the run in a folder.

    Raises:
        TraceError: if there are none.
    """
    path = folder / SETTINGS_FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Settings(**{**record, "ids": tuple(record["ids"])})
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise TraceError(
            f"{path}: expected the settings of a run, which `textenvs eval` writes, got: {error}"
        ) from error
