"""From a trace to training rows: pure functions.

A step that has its ``prompt`` and ``answer`` becomes what the model was asked and said. A step
without (random play, the bot, people, imported games, ``--no-prompts``) is rendered: a prompt shows
it as it would be shown to a language agent, and the action that was played is the answer, in the
form that is asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textenvs.agents.language.memory import Memory
from textenvs.errors import TraceError, UnknownName, choose
from textenvs.finetuning.filtering import Window
from textenvs.prompts import (
    ASK,
    PROMPTS,
    Message,
    Prompt,
    Situation,
    Turn,
    get_prompt,
    interact_tool,
)
from textenvs.traces import Trace

__all__ = ["FORMATS", "LEFT_OUT", "Rendering", "Row", "trace_rows"]

FORMATS = ("chat", "prompt-completion", "text")
"""The formats of rows: ``messages``; ``prompt`` and ``completion``; ``text``."""

LEFT_OUT = {
    "outside": "in no window that is kept",
    "invalid": "the answer named no action",
    "not whole": "the answer was cut, empty or refused",
    "no prompt": "no prompt is recorded, and none was chosen to render one with",
    "no observation": "what the action answers is not recorded",
    "no action": "neither an answer nor an action is recorded",
}
"""Why a step becomes no row."""

_FORMS = {
    "naive": "{action}",
    "cot": "ACTION: {action}",
    "robust": "<|ACTION|>{action}<|END|>",
    "robust_cot": "<|ACTION|>{action}<|END|>",
}
_TOOL_AGENT = "react"


@dataclass(frozen=True)
class Rendering:
    """How steps become rows.

    Attributes:
        form: one of :data:`FORMATS`.
        prompt: the prompt that steps without one are rendered by, a name of
            :data:`textenvs.prompts.PROMPTS`; None to leave them out.
        ask: how that prompt asks for the answer, a name of :data:`textenvs.prompts.ASK`.
        turns: how many past turns it shows; None for what it does.
        keep_invalid: whether steps whose answer named no action, or is not whole, become rows.

    Raises:
        UnknownName: for a format, prompt or way to ask that does not exist, or a prompt that no
            step can be rendered by.
        ValueError: if ``turns`` is negative.
    """

    form: str = "chat"
    prompt: str | None = None
    ask: str = "naive"
    turns: int | None = None
    keep_invalid: bool = False

    def __post_init__(self) -> None:
        choose("format", self.form, FORMATS)
        choose("way to ask", self.ask, ASK)
        if self.turns is not None and self.turns < 0:
            raise ValueError(f"expected turns of 0 or more, got {self.turns}")
        if self.prompt is not None and get_prompt(self.prompt).follow_up:
            fitting = ", ".join(name for name, each in PROMPTS.items() if not each.follow_up)
            raise UnknownName(
                f"prompt {self.prompt!r} asks a second question behind a first answer, which "
                f"traces without prompts do not have: expected one of {fitting}"
            )


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        content: the row itself, of JSON types.
        action: what was played; of several actions of one answer the first.
        t: the step.
    """

    content: dict[str, Any]
    action: str
    t: int


def trace_rows(
    trace: Trace,
    rendering: Rendering,
    actions: Sequence[str],
    windows: Iterable[Window] | None = None,
) -> tuple[list[Row], Counter[str]]:
    """The rows of an episode, in its order.

    Args:
        trace: the episode.
        rendering: how its steps become rows.
        actions: the texts of the game's actions, for rendered prompts and the tool; read only
            where one of them is made.
        windows: only steps in one of these become rows; None for all of them.

    Returns:
        The rows, and how many steps became none, by the reasons of :data:`LEFT_OUT`. The further
        actions of an answer with several count with its first one, as neither.

    Raises:
        UnknownName: if the prompt is not made for the game.
        TraceError: if an action was played that the game does not have.
    """
    rows: list[Row] = []
    left: Counter[str] = Counter()
    inside = None if windows is None else {t for w in windows for t in range(w.start, w.stop)}
    rendered = _rendered(trace, rendering, actions, inside)
    for steps in _answers(trace):
        step = steps[0]
        why = _flaw(step, steps, rendering, inside)
        if why:
            left[why] += 1
            continue
        if "prompt" in step and "answer" in step:
            tools = [interact_tool(actions)] if trace.header.get("agent") == _TOOL_AGENT else []
            content = _content(rendering.form, step["prompt"], _assistant(step), tools)
        else:
            prompt, said = rendered[step["t"]]
            content = _content(rendering.form, prompt, {"role": "assistant", "content": said}, [])
        rows.append(Row(content, str(step.get("text_action", "")), step["t"]))
    return rows, left


def _answers(trace: Trace) -> Iterator[list[dict[str, Any]]]:
    """The steps, with a recorded answer all that were played of it, which may be several."""
    group: list[dict[str, Any]] = []
    for step in trace.steps:
        # What is rendered is rendered step by step, each with an action of its own.
        if group and ("answer" in step or "prompt" not in group[0]):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def _flaw(
    step: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    rendering: Rendering,
    inside: set[int] | None,
) -> str:
    """Why a step becomes no row; empty if it does."""
    if inside is not None and step["t"] not in inside:
        return "outside"
    if not rendering.keep_invalid:
        # Of an answer with several actions, all that were played.
        if any(each.get("invalid_action") for each in steps):
            return "invalid"
        if step.get("answer_status", "ok") != "ok":
            return "not whole"
    if "prompt" in step and "answer" in step:
        return "" if str(step["answer"]).strip() or step.get("tool_calls") else "not whole"
    if rendering.prompt is None:
        return "no prompt"
    if not isinstance(step.get("observation"), str):
        return "no observation"
    return "" if _said(step) else "no action"


def _said(step: Mapping[str, Any]) -> str:
    """What a rendered step answers: the action, or the text that named none."""
    said = step.get("answer" if step.get("invalid_action") else "text_action")
    return said if isinstance(said, str) and said.strip() else ""


def _assistant(step: Mapping[str, Any]) -> Message:
    answer = str(step["answer"])
    if not step.get("tool_calls"):
        return {"role": "assistant", "content": answer}
    calls = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for n, call in enumerate(step["tool_calls"])
    ]
    return {"role": "assistant", "content": answer or None, "tool_calls": calls}


def _content(
    form: str, prompt: str | Sequence[Message], answer: Message, tools: list[dict[str, Any]]
) -> dict[str, Any]:
    """A row of a format."""
    offered = {"tools": tools} if tools else {}
    if form == "text":
        return {"text": _text(prompt, answer)}
    if form == "chat":
        asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        return {"messages": [*asked, answer], **offered}
    if isinstance(prompt, str):
        return {"prompt": prompt, "completion": answer["content"]}
    return {"prompt": list(prompt), "completion": [answer], **offered}


def _text(prompt: str | Sequence[Message], answer: Message) -> str:
    if isinstance(prompt, str):
        return f"{prompt}{answer['content']}"
    blocks = [
        f"{str(message['role']).capitalize()}:\n{_spoken(message)}" for message in [*prompt, answer]
    ]
    return "\n\n".join(blocks)


def _spoken(message: Message) -> str:
    calls = [
        json.dumps(
            {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
            ensure_ascii=False,
        )
        for call in message.get("tool_calls") or ()
    ]
    return "\n".join(filter(None, [message.get("content") or "", *calls]))


def _rendered(
    trace: Trace, rendering: Rendering, actions: Sequence[str], inside: set[int] | None
) -> dict[int, tuple[str | list[Message], str]]:
    """What each step without a prompt would have been asked, and what it answers."""
    if rendering.prompt is None or all("prompt" in step for step in trace.steps):
        return {}
    prompt = get_prompt(rendering.prompt)
    game = str(trace.header["env_id"]).partition("-Text-")[0]
    if game not in prompt.games:
        raise UnknownName(
            f"{trace.path}: prompt {prompt.name!r} asks about {', '.join(prompt.games)}, got the "
            f"id {trace.header['env_id']!r}"
        )
    form = _FORMS[rendering.ask]
    # As a language agent remembers, so that what is learned is what is asked later.
    memory = Memory(game, tuple(actions), 0, form, prompt.feedback)
    before: dict[str, Any] = {}
    found: dict[int, tuple[str | list[Message], str]] = {}
    for step in trace.steps:
        text, said = step.get("observation"), _said(step)
        invalid = bool(step.get("invalid_action"))
        if not isinstance(text, str) or not (said or invalid):
            continue  # nothing to show: as if it had not been
        if not invalid and said not in actions:
            raise TraceError(
                f"{trace.path}, step {step['t']}: expected one of the actions of "
                f"{trace.header['env_id']}, got {said[:60]!r}"
            )
        memory.see(text, {**before, "mission": step.get("mission", "")})
        if said and not _flaw(step, [step], rendering, inside):
            situation = _situation(memory, prompt, rendering)
            asked = prompt.messages(situation, ASK[rendering.ask], "window")
            shown: str | list[Message] = asked[0]["content"] if prompt.is_text else asked
            found[step["t"]] = (shown, said if invalid else form.format(action=said))
        memory.answered(said, [said])
        memory.queue.clear()
        before = {"text_action": step.get("text_action", said), "invalid_action": invalid}
    return found


def _situation(memory: Memory, prompt: Prompt, rendering: Rendering) -> Situation:
    turns: list[Turn] = memory.turns
    return Situation(
        game=memory.game,
        actions=memory.actions,
        observation=memory.observation,
        turns=tuple(turns[_first_shown(len(turns), prompt, rendering.turns) :]),
        status=memory.status,
        mission=memory.mission,
    )


def _first_shown(played: int, prompt: Prompt, turns: int | None) -> int:
    """Which turn is the first that a language agent shows."""
    shown = prompt.turns if turns is None else turns
    if prompt.sliding or shown == 0:
        return max(0, played - shown)
    return max(0, played // shown - 1) * shown
