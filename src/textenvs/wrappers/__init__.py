"""Composable wrappers around text environments, one a file."""

from textenvs.wrappers.history_observation import HistoryObservation
from textenvs.wrappers.mission_override import MissionOverride
from textenvs.wrappers.parse_text_action import ParseTextAction
from textenvs.wrappers.record_trace import RecordTrace

__all__ = ["HistoryObservation", "MissionOverride", "ParseTextAction", "RecordTrace"]
