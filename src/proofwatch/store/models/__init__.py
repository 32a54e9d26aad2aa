# ruff: noqa: E402
"""Every table of the state, by step of the process."""

from proofwatch.store import django

django.ensure()  # Django's classes can be made only once Django is set up.

from proofwatch.store.models.checks import CheckRun, CheckSetting, CheckSettingHistory, ResultObject
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.controls import (
    ControlApproval,
    ControlList,
    ControlStatus,
    ControlStatusHistory,
)
from proofwatch.store.models.evidence import Checkpoint, LogEntry, LogHead, LogTile
from proofwatch.store.models.findings import Finding, FindingEvent
from proofwatch.store.models.jobs import Job
from proofwatch.store.models.snapshots import CoverageGap, TableState
from proofwatch.store.models.sweeps import ShardRead, Sweep

__all__ = [
    "CheckRun",
    "CheckSetting",
    "CheckSettingHistory",
    "Checkpoint",
    "Connection",
    "ControlApproval",
    "ControlList",
    "ControlStatus",
    "ControlStatusHistory",
    "CoverageGap",
    "Finding",
    "FindingEvent",
    "Job",
    "LogEntry",
    "LogHead",
    "LogTile",
    "ResultObject",
    "ShardRead",
    "Sweep",
    "TableState",
]
