"""Composable wrappers around text environments, one a file."""

from textenvs.wrappers.add_advice_observation import AddAdviceObservation
from textenvs.wrappers.advice_reward import AdviceReward
from textenvs.wrappers.caption_reward import CaptionReward
from textenvs.wrappers.caption_transition import CaptionTransition
from textenvs.wrappers.code_shaping_reward import CodeShapingReward
from textenvs.wrappers.goal_reward import GoalReward
from textenvs.wrappers.goal_shaping_reward import GoalShapingReward
from textenvs.wrappers.history_observation import HistoryObservation
from textenvs.wrappers.mission_override import MissionOverride
from textenvs.wrappers.motif_reward import MotifReward
from textenvs.wrappers.online_feedback_reward import OnlineFeedbackReward
from textenvs.wrappers.parse_text_action import ParseTextAction
from textenvs.wrappers.potential_shaping_reward import PotentialShapingReward
from textenvs.wrappers.preference_shaping_reward import PreferenceShapingReward
from textenvs.wrappers.record_trace import RecordTrace

__all__ = [
    "AddAdviceObservation",
    "AdviceReward",
    "CaptionReward",
    "CaptionTransition",
    "CodeShapingReward",
    "GoalReward",
    "GoalShapingReward",
    "HistoryObservation",
    "MissionOverride",
    "MotifReward",
    "OnlineFeedbackReward",
    "ParseTextAction",
    "PotentialShapingReward",
    "PreferenceShapingReward",
    "RecordTrace",
]
