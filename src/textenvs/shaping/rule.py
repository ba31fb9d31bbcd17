"""What a step is paid by a potential, within one episode."""

from __future__ import annotations

from collections import deque
from typing import Any

from textenvs.shaping.potential import History

__all__ = ["ShapingRule"]


class ShapingRule:
    """Pays ``scale * (gamma * potential(s') - potential(s))`` for a step from s to s'.

    The potential of a state in which an episode terminates is 0, whatever is observed there; where
    an episode is cut off, it is that of the last state, as the value is that a learner goes on
    with. So the sum of ``gamma^t F_t`` over an episode is ``-potential(s_0)``, or, of one that was
    cut off after T steps, ``gamma^T potential(s_T) - potential(s_0)``: the same whatever was done
    in between (Ng, Harada and Russell, ICML 1999). With a potential of histories (``horizon``)
    that holds of the states that histories are.

    Args:
        gamma: the learner's discount.
        scale: what one unit of potential is worth.
        horizon: how many earlier observations the potential reads.
    """

    def __init__(self, gamma: float, scale: float, horizon: int) -> None:
        self._gamma, self._scale = gamma, scale
        self._observations: deque[Any] = deque(maxlen=horizon + 1)
        self._actions: deque[int] = deque(maxlen=horizon)
        self._last = 0.0

    def begin(self, observation: Any) -> History:
        """Begin an episode; its first state, whose potential :meth:`value` wants next."""
        self._observations.clear()
        self._actions.clear()
        self._observations.append(observation)
        return self.state

    def value(self, potential: float) -> None:
        """Take in the potential of the first state."""
        self._last = potential

    def step(self, action: int, observation: Any) -> History:
        """Take in a step; the state it led to, whose potential :meth:`reward` wants next."""
        self._actions.append(action)
        self._observations.append(observation)
        return self.state

    def reward(self, potential: float, *, terminated: bool) -> float:
        """What the step pays.

        Args:
            potential: of the state it led to.
            terminated: whether the episode terminated there.
        """
        after = 0.0 if terminated else potential
        paid = self._scale * (self._gamma * after - self._last)
        self._last = after
        return paid

    @property
    def state(self) -> History:
        """The present state with its history."""
        return History(tuple(self._observations), tuple(self._actions))
