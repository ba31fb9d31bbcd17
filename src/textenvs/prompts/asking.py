"""How a model is asked to answer: an action alone or after thinking, plainly or between tags."""

from __future__ import annotations

__all__ = ["ASK"]

_TAGGED = "<|ACTION|>the action<|END|>"

ASK = {
    "naive": (
        "In every step, until the game is over, answer with exactly one of the actions, as it is "
        "written in the list, and with nothing else."
    ),
    "cot": (
        "Think step by step about what to do now. Then close your answer with a last line that "
        "names one of the actions, as it is written in the list:\n"
        "ACTION: <action>"
    ),
    "robust": (
        "In every step, until the game is over, answer with exactly one of the actions, as it is "
        f"written in the list, between these tags, and with nothing else:\n{_TAGGED}"
    ),
    "robust_cot": (
        "Think step by step about what to do now. Then close your answer with one of the actions, "
        f"as it is written in the list, between these tags:\n{_TAGGED}"
    ),
}
"""The instruction how to answer, by the name of the way to ask."""
