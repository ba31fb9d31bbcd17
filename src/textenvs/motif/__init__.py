"""Intrinsic motivation from preferences between captions (Motif: Klissarov et al., ICLR 2024).

Pairs of captions are annotated by a language model, a reward is learned from its preferences, and
an agent is trained with it (arXiv:2310.00166).

====================  =============================================================================
:mod:`.pairs`         pairs in the published layout, memory-mapped
:mod:`.collecting`    pairs from traces, or from games that are played for them
:mod:`.prompts`       what a model is asked, and what its answer says
:mod:`.annotating`    labels, chunk by chunk, resumable at any kill
====================  =============================================================================
"""
