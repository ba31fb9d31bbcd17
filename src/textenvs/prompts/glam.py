"""GLAM's prompt (flowersteam/Grounding_LLMs_with_online_RL 31847fb), to the letter.

It is a text that a model goes on with: an action is scored as the continuation of it. Nothing asks
for an answer in another form, so that the caller's is left out.
"""

from __future__ import annotations

from textenvs.prompts.situation import Message, Prompt, Situation

__all__ = ["GLAM", "messages", "text"]

_UNUSED = "done"  # the published list has six of Minigrid's seven actions


def text(situation: Situation) -> str:
    r"""The text to go on with; it ends with a blank, behind which the action stands.

    Example:
        >>> seen = "You see a wall 2 steps left, You see a red ball 1 step forward"
        >>> actions = ("turn left", "go forward", "done")
        >>> situation = Situation("BabyAI", actions, seen, mission="go to the red ball")
        >>> for line in text(situation).split("\n"):
        ...     print(f"{line}|")
        Possible action of the agent: turn left, go forward |
         Goal of the agent: go to the red ball |
         Observation 0: You see a wall 2 steps left, You see a red ball 1 step forward, |
         Action 0: |
    """
    actions = ", ".join(action for action in situation.actions if action != _UNUSED)
    lines = [f"Possible action of the agent: {actions}", f"Goal of the agent: {situation.mission}"]
    played = [turn.action for turn in situation.turns]
    seen = [*(turn.observation for turn in situation.turns), situation.observation]
    for number, (observation, action) in enumerate(zip(seen, [*played, ""], strict=True)):
        # The caption joins the facts by ", "; the prompt has ", " behind each of them, and nothing
        # in place of no facts, so that one more of it is all there is to add.
        facts = f"{observation}, " if observation else ""
        lines += [f"Observation {number}: {facts}\n Action {number}: {action}"]
    return " \n ".join(lines)


def messages(situation: Situation, how: str = "", layout: str = "text") -> list[Message]:
    """The text as one user message, in either layout."""
    return [{"role": "user", "content": text(situation)}]


GLAM = Prompt(
    name="glam",
    messages=messages,
    games=("BabyAI", "MiniGrid"),
    turns=2,
    style="glam",
    is_text=True,
    feedback="",  # a scored action is always valid
)
"""GLAM, https://github.com/flowersteam/Grounding_LLMs_with_online_RL: three observations."""
