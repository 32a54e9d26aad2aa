"""The closed vocabulary of the log: every kind of entry, in one line each."""

from __future__ import annotations

KINDS = {
    "schedule.slot": "An occurrence was due and its sweep was planned.",
    "schedule.skipped": "Occurrences were due and left out for a reason: a pause, or a sweep still running.",
    "schedule.missed": "Occurrences were due while nothing ran.",
    "sweep.planned": "Somebody asked for a sweep outside the schedule.",
    "sweep.started": "A sweep began to read.",
    "sweep.finished": "A sweep was applied, complete or in part; its manifest names what it read and found.",
    "sweep.failed": "A sweep ended without being applied.",
    "sweep.skipped": "A planned sweep was not begun.",
    "sweep.missed": "A planned sweep was never begun because nothing ran.",
    "scope.read": "The places that exist at the source were listed, with those not connected.",
    "connection.created": "A source system was connected.",
    "connection.changed": "The settings or the interval of a connection were changed.",
    "connection.tested": "A connection was tested: identity, permissions by name, proof that it only reads.",
    "connection.paused": "The sweeps of a connection were stopped until a stated time, for a reason.",
    "connection.resumed": "The sweeps of a connection go on.",
    "connection.removed": "A connection was removed; its evidence stays.",
    "identity.read": "The source said who we are there.",
    "permissions.tested": "Each permission that a table needs was tested by name.",
    "readonly.proven": "The source said what our identity may write.",
    "snapshot.committed": "The tables of a sweep were stored under the digest of all their rows.",
    "results.committed": "The results of a sweep were stored, one object per table.",
    "finding.opened": "A check began to fail for a resource.",
    "finding.restored": "Complete passing runs proved that a finding is repaired.",
    "finding.regressed": "A restored finding failed again.",
    "finding.gone": "The resource of a finding is no longer there.",
    "findings.changed": "The transitions of all findings in one sweep.",
    "control.status": "The status of controls changed.",
    "check.enabled": "A check was turned on.",
    "check.disabled": "A check was turned off, for a reason.",
    "check.changed": "A check was turned on or off or given other parameters, for a reason.",
    "controls.imported": "A version of the control list was imported.",
    "controls.approved": "Somebody approved a version of the control list.",
    "rule.changed": "An alert rule was made, changed, or turned on or off, for a reason.",
    "alerts.changed": "Readings or the time moved alerts; each with its state before and after.",
    "alert.acknowledged": "A person took notice of an alert, with a note.",
    "alert.reviewed": "A person reviewed an alert and decided.",
    "alert.viewed": "A person looked at an alert.",
    "alert.silenced": "Messages are held back until a stated end, for a reason.",
    "alert.unsilenced": "A silence ended.",
    "person.changed": "A person who may be named and told was added or changed.",
    "config.applied": "A configuration file was applied.",
    "export.made": "Records were exported.",
    "key.created": "The key that signs the log was made.",
    "key.rotated": "Another key signs the log from here on.",
    "log.noted": "A remark by a person or a program.",
    "log.verified": "The whole log was verified, with this outcome.",
}

BEGINS = frozenset({"schedule.slot", "sweep.planned", "sweep.started"})
"""Kinds after which the sweep that they name must end."""

ENDS = frozenset({"sweep.finished", "sweep.failed", "sweep.skipped", "sweep.missed"})
