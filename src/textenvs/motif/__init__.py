"""Intrinsic motivation from preferences between captions (Motif: Klissarov et al., ICLR 2024).

Pairs of captions are annotated by a language model, a reward is learned from its preferences, and
an agent is trained with it (arXiv:2310.00166).

========================  =========================================================================
:mod:`.pairs`             pairs in the published layout, memory-mapped
:mod:`.collecting`        pairs from traces
:mod:`.prompts`           what a model is asked, and what its answer says
:mod:`.annotating`        labels, chunk by chunk, resumable at any kill
:mod:`.reward_model`      the network of a reward, and the file that it is kept in
:mod:`.reward_training`   how it is learned
:mod:`.counting`          what counts as the same caption
:mod:`.rule`              what a step is paid for its caption
:mod:`.presets`           the published settings
:mod:`.online`            labels that are asked for while an agent learns (ONI)
========================  =========================================================================
"""

from textenvs.motif.counting import COUNTS
from textenvs.motif.pairs import Pairs
from textenvs.motif.rule import PAYS_FOR, MotifRule

__all__ = ["COUNTS", "PAYS_FOR", "MotifRule", "Pairs"]
