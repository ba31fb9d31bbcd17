"""Rewards of captions from labels that are asked for while an agent learns (ONI).

=======================  ==========================================================================
:mod:`.labels`           questions that wait, the newest answered first, beside the learner
:mod:`.prompts`          whether a caption is good news: what is asked, what the answer says
:mod:`.feedback`         the three ways from labels to a reward
:mod:`.networks`         the networks that generalise them (torch)
=======================  ==========================================================================

The ways are those of ONI (facebookresearch/oni, f0f86e8): ``retrieval`` pays for captions that were
called helpful, ``classification`` for those that a network takes for such, ``ranking`` by a reward
that is learned from preferences between captions.
"""

from textenvs.motif.online.feedback import WAYS, Feedback, make_feedback
from textenvs.motif.online.labels import BackgroundLabels

__all__ = ["WAYS", "BackgroundLabels", "Feedback", "make_feedback"]
