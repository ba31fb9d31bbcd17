"""Numbers that can be trusted: scores as their authors define them, intervals, comparisons.

===================  ==============================================================================
:mod:`.intervals`    means and rates with their 95 % intervals
:mod:`.crafter`      the Crafter score and SmartPlay's
:mod:`.balrog`       BALROG's progress and its standard error
:mod:`.comparisons`  two agents on the same episodes, several comparisons, episodes needed
===================  ==============================================================================

All of it is found here; every function names its source. What is random has a fixed seed: the same
numbers go in, the same come out.
"""

from textenvs.metrics.balrog import (
    babyai_progress,
    crafter_progress,
    nethack_progress,
    standard_error_balrog,
)
from textenvs.metrics.comparisons import (
    episodes_needed,
    holm,
    independent_permutation_test,
    paired_bootstrap,
    permutation_test,
)
from textenvs.metrics.crafter import (
    CRAFTER_ACHIEVEMENTS,
    SMARTPLAY_HUMAN_SCORE,
    bootstrap_crafter_score,
    crafter_score,
    crafter_score_of_groups,
    smartplay_score,
)
from textenvs.metrics.intervals import (
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    interquartile_mean,
    wilson,
)

__all__ = [
    "CRAFTER_ACHIEVEMENTS",
    "SMARTPLAY_HUMAN_SCORE",
    "Interval",
    "babyai_progress",
    "bootstrap_crafter_score",
    "bootstrap_mean",
    "bootstrap_ratio",
    "crafter_progress",
    "crafter_score",
    "crafter_score_of_groups",
    "episodes_needed",
    "holm",
    "independent_permutation_test",
    "interquartile_mean",
    "nethack_progress",
    "paired_bootstrap",
    "permutation_test",
    "smartplay_score",
    "standard_error_balrog",
    "wilson",
]
