"""What is kept of a trace's lines, and the columns of the table of episodes."""

from __future__ import annotations

__all__ = ["END_COLUMNS", "EPISODE_COLUMNS", "HEADER_COLUMNS", "STEP_COLUMNS"]

_USAGE = {"input_tokens": "BIGINT", "output_tokens": "BIGINT", "counted": "BOOLEAN"}

STEP_COLUMNS = {
    "kind": "VARCHAR",
    "t": "BIGINT",
    "reward": "DOUBLE",
    "invalid_action": "BOOLEAN",
    "answer_status": "VARCHAR",
    "usage": _USAGE,
    "usd": "DOUBLE",
    "summary_usage": _USAGE,
    "summary_usd": "DOUBLE",
}
"""What is kept of a step: field -> its type in DuckDB."""

HEADER_COLUMNS = {
    "trace_version": "BIGINT",
    "env_id": "VARCHAR",
    "episode": "BIGINT",
    "seed": "BIGINT",
    "agent": "VARCHAR",
    "model": "VARCHAR",
    "settings": "JSON",
    "imported": "JSON",
}
"""Likewise of a header."""

END_COLUMNS = {
    "return": "DOUBLE",
    "length": "BIGINT",
    "terminated": "BOOLEAN",
    "truncated": "BOOLEAN",
    "success": "VARCHAR",
    "progress": "DOUBLE",
    "achievements": "MAP(VARCHAR, BIGINT)",
    "usage": _USAGE,
}
"""Likewise of an end."""

EPISODE_COLUMNS = {
    "file": "the trace",
    "env_id": "what was played",
    "game": "`Crafter`, `BabyAI`, `MiniGrid` or `NetHack`",
    "episode": "its number in the run",
    "seed": "NULL if it was played without",
    "agent": "who played",
    "model": "the model's name; empty for agents without one",
    "settings": "JSON, of the header: `settings->>'prompt' = 'balrog'`",
    "imported": "whether the game is another's (`textenvs import`)",
    "reward": "the return, rounded to 9 decimals",
    "length": "steps",
    "recorded": "steps that the trace has; an imported one may lack them all",
    "turns": "answers of a model, each of which may have several actions; where none is recorded, "
    "or the game is imported, steps",
    "efficiency": "reward / turns",
    "terminated": "whether the game came to its own end",
    "truncated": "whether a limit of steps ended it",
    "success": "whether the task was done; NULL where the game has none",
    "progress": "0 to 1; NULL where the game does not say",
    "unlocked": "the names of the achievements that were unlocked; NULL where the game has none",
    "achievements": "how many that are",
    "invalid": "steps whose answer named no action; NULL where nobody looked",
    "input_tokens": "of all answers and summaries; 0 of agents without model, NULL where unknown",
    "output_tokens": "likewise",
    "tokens": "the sum of both",
    "usd": "cost; 0 of agents without model, NULL where it is not known of all answers",
}
"""The columns that a condition may name, and what they are."""
