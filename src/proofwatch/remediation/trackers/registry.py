"""Every kind of tracker, and where its class stands. A new tracker is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from proofwatch.remediation.trackers.base import Tracker, TrackerError

TRACKERS: dict[str, str] = {
    "jira": "jira:Jira",
    "github": "github:GitHub",
    "linear": "linear:Linear",
    "servicenow": "servicenow:ServiceNow",
}
"""Kind → module:class in this package; a module is imported when its tracker is used first."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of trackers."""
    return tuple(TRACKERS)


def tracker_class(kind: str) -> type[Tracker]:
    """Return the class of a kind. Raises TrackerError, naming the kinds there are."""
    if kind not in TRACKERS:
        known = f"known: {', '.join(TRACKERS)}"
        raise TrackerError("choosing a tracker", f"there is no kind {kind!r}", known, permanent=True)
    module, _, name = TRACKERS[kind].partition(":")
    found = getattr(import_module(f"proofwatch.remediation.trackers.{module}"), name)
    return cast("type[Tracker]", found)
