"""The places of the application, in the order of the process, and the pages that belong to each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation: the pages whose names start with `group` belong to it."""

    title: str
    href: str
    group: str


ALL = (
    Place("Controls", "/", "control"),
    Place("Alerts", "/alerts", "alert"),
    Place("Remediation", "/tasks", "task"),
    Place("Evidence", "/evidence", "evidence"),
    Place("Connections", "/connections", "connection"),
    Place("Rules and channels", "/rules", "rule"),
    Place("Checks", "/checks", "check"),
    Place("Audit", "/audit", "audit"),
    Place("Change history", "/history", "history"),
    Place("Settings", "/settings", "setting"),
)

BUILT = frozenset(
    {"control", "alert", "task", "evidence", "connection", "rule", "check", "audit", "history", "setting"}
)
"""Groups of the places that have a page by now; the others come with the rest of the pages."""
PLACES = tuple(place for place in ALL if place.group in BUILT)
