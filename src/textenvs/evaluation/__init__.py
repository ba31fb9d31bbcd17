"""Evaluation: play, report with statistics, compare."""

from textenvs.evaluation.compare import Comparison, compare
from textenvs.evaluation.records import Record, read_record, read_records
from textenvs.evaluation.report import METRICS, report, write_report
from textenvs.evaluation.run import evaluate, make_evaluated_env
from textenvs.evaluation.settings import Settings, read_settings

__all__ = [
    "METRICS",
    "Comparison",
    "Record",
    "Settings",
    "compare",
    "evaluate",
    "make_evaluated_env",
    "read_record",
    "read_records",
    "read_settings",
    "report",
    "write_report",
]
