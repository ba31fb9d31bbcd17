"""Wrappers around vector environments: many games, one batch for the model."""

from textenvs.wrappers.vector.add_advice_observation import AddAdviceObservation
from textenvs.wrappers.vector.advice_reward import AdviceReward
from textenvs.wrappers.vector.caption_reward import CaptionReward
from textenvs.wrappers.vector.caption_transition import CaptionTransition
from textenvs.wrappers.vector.code_shaping_reward import CodeShapingReward
from textenvs.wrappers.vector.goal_reward import GoalReward
from textenvs.wrappers.vector.goal_shaping_reward import GoalShapingReward
from textenvs.wrappers.vector.motif_reward import MotifReward
from textenvs.wrappers.vector.online_feedback_reward import OnlineFeedbackReward
from textenvs.wrappers.vector.potential_shaping_reward import PotentialShapingReward
from textenvs.wrappers.vector.preference_shaping_reward import PreferenceShapingReward

__all__ = [
    "AddAdviceObservation",
    "AdviceReward",
    "CaptionReward",
    "CaptionTransition",
    "CodeShapingReward",
    "GoalReward",
    "GoalShapingReward",
    "MotifReward",
    "OnlineFeedbackReward",
    "PotentialShapingReward",
    "PreferenceShapingReward",
]
