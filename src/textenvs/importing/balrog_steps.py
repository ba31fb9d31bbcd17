"""The steps and the end of an episode of BALROG, as a trace has them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textenvs.importing.balrog_rows import DEFAULT_ACTIONS, Rows

__all__ = ["Steps", "end_of"]

_FEEDBACK = (
    "\n\nYour previous output action: '{answer}' is not a valid action. "
    "Defaulted to action: {default}\n",
    "\n\nYour previous output did not contain a valid action. "
    "Defaulted to action: {default}\n\nObservation:\n",
)
"""What stands before the observation that follows an answer that named no action: until 2025-01,
and since then."""

_STATISTICS = ("end_reason", "highest_achievement", "dlvl_list", "xplvl_list")


@dataclass
class Steps:
    """The steps of an episode as a trace has them, from its rows and, if known, its results.

    Attributes:
        game: BALROG's name of it.
        rows: of the episode's CSV.
        result: its JSON; None if it is missing.
    """

    game: str
    rows: Rows
    result: Mapping[str, Any] | None

    def read(self) -> list[dict[str, Any]]:
        """Read all steps, as a trace has them."""
        default = DEFAULT_ACTIONS[self.game]
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
        default = DEFAULT_ACTIONS[self.game]
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


def _over(game: str, rows: Rows | None, result: Mapping[str, Any] | None) -> tuple[bool, bool]:
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


def end_of(
    game: str, rows: Rows | None, result: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The last line of a trace.

    Args:
        game: BALROG's name of it.
        rows: of the episode's CSV; None if it is missing.
        result: the episode's JSON.
        steps: those of the trace; empty without rows.
    """
    terminated, truncated = _over(game, rows, result)
    end: dict[str, Any] = {"kind": "end"}
    if rows:
        said = steps[-1].get("answer")
        end |= _parted(rows.table[-1]["Observation"], said, DEFAULT_ACTIONS[game])
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
