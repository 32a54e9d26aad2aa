# ruff: noqa: E402
"""Every table of the state, by step of the process."""

from proofwatch.store import django

django.ensure()  # Django's classes can be made only once Django is set up.

from proofwatch.store.models.alerts import (
    Alert,
    AlertEvent,
    AlertResource,
    AlertRule,
    AlertRuleHistory,
    Drill,
    Review,
    Silence,
)
from proofwatch.store.models.audits import Audit, ManualEvidence
from proofwatch.store.models.checks import CheckRun, CheckSetting, CheckSettingHistory, ResultObject
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.controls import (
    ControlApproval,
    ControlList,
    ControlStatus,
    ControlStatusHistory,
)
from proofwatch.store.models.deliveries import ChannelConfig, Delivery, DeliveryAttempt
from proofwatch.store.models.evidence import Checkpoint, LogEntry, LogHead, LogTile
from proofwatch.store.models.exports import Assertion, Export, Import, Screenshot
from proofwatch.store.models.findings import Finding, FindingEvent, FindingTag
from proofwatch.store.models.history import HistoryPartition
from proofwatch.store.models.jobs import Hint, Hook, Job
from proofwatch.store.models.outside import Keeper, KeptCheckpoint
from proofwatch.store.models.people import Person, Team
from proofwatch.store.models.remediation import (
    RiskAcceptance,
    Task,
    TaskEvent,
    Ticket,
    TicketStep,
    TrackerConfig,
    WebhookDelivery,
)
from proofwatch.store.models.snapshots import CoverageGap, TableState
from proofwatch.store.models.sweeps import ShardRead, Sweep

__all__ = [
    "Alert",
    "AlertEvent",
    "AlertResource",
    "AlertRule",
    "AlertRuleHistory",
    "Assertion",
    "Audit",
    "ChannelConfig",
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
    "Delivery",
    "DeliveryAttempt",
    "Drill",
    "Export",
    "Finding",
    "FindingEvent",
    "FindingTag",
    "Hint",
    "HistoryPartition",
    "Hook",
    "Import",
    "Job",
    "Keeper",
    "KeptCheckpoint",
    "LogEntry",
    "LogHead",
    "LogTile",
    "ManualEvidence",
    "Person",
    "ResultObject",
    "Review",
    "RiskAcceptance",
    "Screenshot",
    "ShardRead",
    "Silence",
    "Sweep",
    "TableState",
    "Task",
    "TaskEvent",
    "Team",
    "Ticket",
    "TicketStep",
    "TrackerConfig",
    "WebhookDelivery",
]
