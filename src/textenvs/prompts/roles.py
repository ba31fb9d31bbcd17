"""Messages whose roles take turns."""

from __future__ import annotations

from collections.abc import Sequence

from textenvs.prompts.situation import Message

__all__ = ["alternating"]


def alternating(messages: Sequence[Message]) -> list[Message]:
    r"""Join messages of one role that follow one another, which some chat templates refuse.

    Example:
        >>> alternating([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
        [{'role': 'user', 'content': 'a\n\nb'}]
    """
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            content = f"{joined[-1]['content']}\n\n{message['content']}"
            joined[-1] = {**joined[-1], "content": content}
        else:
            joined.append(dict(message))
    return joined
