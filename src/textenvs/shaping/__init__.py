"""Rewards from knowledge that was given before training: potentials, and how they are paid.

=================  ================================================================================
:mod:`.potential`  what a potential is given, and how one is named
:mod:`.rule`       what a step is paid: potential-based shaping, within one episode
=================  ================================================================================
"""

from textenvs.shaping.potential import History, Potential, get_potential
from textenvs.shaping.rule import ShapingRule

__all__ = ["History", "Potential", "ShapingRule", "get_potential"]
