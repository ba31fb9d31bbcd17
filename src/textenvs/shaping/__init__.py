"""Rewards from knowledge that was given before training: potentials, and how they are paid.

==============================  ===================================================================
:mod:`.potential`               what a potential is given, and how one is named
:mod:`.rule`                    what a step is paid: potential-based shaping, within one episode
:mod:`.normalization`           potentials divided by their spread
:mod:`.code_potential`          what a model wrote as code, asked in a sandbox
:mod:`.goal_potential`          how near a state is to goals that a model suggested
:mod:`.preference_potential`    what was learned from a model's preferences
:mod:`.preference_model`        that model
:mod:`.preference_training`     how it is learned
==============================  ===================================================================
"""

from textenvs.shaping.code_potential import CodePotential
from textenvs.shaping.goal_potential import GoalPotential
from textenvs.shaping.normalization import NORMALIZATIONS, Normalized, normalized
from textenvs.shaping.potential import History, Potential, get_potential
from textenvs.shaping.preference_potential import PreferencePotential
from textenvs.shaping.rule import ShapingRule

__all__ = [
    "NORMALIZATIONS",
    "CodePotential",
    "GoalPotential",
    "History",
    "Normalized",
    "Potential",
    "PreferencePotential",
    "ShapingRule",
    "get_potential",
    "normalized",
]
