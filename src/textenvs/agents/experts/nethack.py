"""An expert for NetHack that goes down as fast as it can."""

from __future__ import annotations

from typing import Any

import gymnasium

from textenvs.agents.experts.expert import Decision, Expert
from textenvs.agents.experts.nethack_answering import answer, answer_with_few_keys
from textenvs.agents.experts.nethack_fighting import (
    fight,
    fire,
    flee_down,
    hunt,
    run_down,
    shoot,
    wield,
    zap,
)
from textenvs.agents.experts.nethack_going import (
    descend,
    dig_down,
    explore,
    go_down,
    leave_mines,
    search,
    take,
    visit,
)
from textenvs.agents.experts.nethack_needs import eat_fresh, rest, survive
from textenvs.agents.experts.nethack_reading import read
from textenvs.agents.experts.nethack_recollection import NetHackRecollection
from textenvs.agents.experts.nethack_scene import Scene

__all__ = ["NetHackExpert"]

_STUCK = 30  # actions without a turn of the game after which one is made to pass


class NetHackExpert(Expert):
    """Dives: looks for the way down, fights what stands beside it, prays when it is nearly dead.

    It explores doors and ends of corridors from near to far, leaves long ways to the game's travel
    command, lets that command find what is unexplored, and searches for what is hidden when nothing
    is left. With a pick-axe it digs down.
    """

    name = "nethack-expert"
    games = ("NetHack",)

    def recollection(self) -> NetHackRecollection:
        """A recollection of a game that begins."""
        return NetHackRecollection()

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Forget everything, and see which keys there are."""
        super().begin(episode, env, seed)
        few_keys = "travel" not in env.get_wrapper_attr("action_names")
        self._recollections[episode] = NetHackRecollection(few_keys)

    def decide(self, text: str, recollection: Any, thought: str) -> Decision:
        """Apply the first rule that fits."""
        scene = Scene(read(text), recollection.facts(), thought)
        for rule in _RULES_OF_FEW_KEYS if scene.facts.few_keys else _RULES:
            decision = rule(scene)
            if decision is not None:
                return decision
        return Decision("wait", "search")


def _over(scene: Scene) -> Decision | None:
    return None if scene.now.alive else Decision("over", "esc")


def _unstick(scene: Scene) -> Decision | None:
    """Let a turn pass when nothing has come of anything for long."""
    facts = scene.facts
    if facts.idle < (2 if facts.jumps >= 0 else 1) * _STUCK:
        return None
    return Decision("stuck", "esc" if facts.jumps >= 0 or facts.typed else "search")


def _drop_gold(scene: Scene) -> Decision | None:
    asked = "drop that gold" in scene.now.message or "drop all your gold" in scene.now.message
    return Decision("drop gold", "drop") if asked else None


def _autopickup(scene: Scene) -> Decision | None:
    """Switch it off at the beginning: in shops it makes debts."""
    is_first = not scene.thought and scene.now.turn == 1
    return Decision("autopickup off", "autopickup") if is_first else None


_RULES = (
    _over,
    answer,
    _unstick,
    _autopickup,
    survive,
    _drop_gold,
    flee_down,
    run_down,
    wield,
    zap,
    fire,
    fight,
    shoot,
    take,
    hunt,
    eat_fresh,
    rest,
    descend,
    leave_mines,
    dig_down,
    go_down,
    visit,
    explore,
    search,
)
_RULES_OF_FEW_KEYS = (
    answer_with_few_keys,
    fight,
    rest,
    descend,
    go_down,
    visit,
    search,
)
