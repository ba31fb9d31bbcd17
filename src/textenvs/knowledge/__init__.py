"""What a language model knows of a game before anybody learns it, asked for and kept.

Episodes are collected, segments of them are shown to a model, and its answers become potentials
(:mod:`textenvs.shaping`): code, preferences or goals (Chen et al., arXiv:2407.03964).

==========================  =======================================================================
:mod:`.dataset`             episodes in compact files, and segments of them
:mod:`.games`               what is said of each game, and what code is shown of it
:mod:`.asking`              questions and answers, each of them kept
:mod:`.code_labels`         potentials as code
:mod:`.preference_labels`   which of two segments is better
:mod:`.goal_labels`         what would be worth reaching
:mod:`.folder`              where knowledge is kept, and what came with the package
==========================  =======================================================================
"""

from textenvs.knowledge.dataset import Dataset, Episode, Segment, write_shard
from textenvs.knowledge.folder import READY, read_knowledge

__all__ = ["READY", "Dataset", "Episode", "Segment", "read_knowledge", "write_shard"]
