"""Step 1: the control list, who approved it, and how each control stands."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class ControlList(models.Model):
    """One imported version of the control list, as it was read. Append-only by trigger."""

    number = models.PositiveIntegerField(unique=True)
    """1, 2, 3 … in the order of importing."""
    version = fields.word()
    """What the list calls itself."""
    sha256 = models.CharField(max_length=64, unique=True)
    body = fields.json()
    imported_at = models.DateTimeField()
    imported_by = fields.word()


class ControlApproval(models.Model):
    """A person's approval of one version. Append-only by trigger; a new approval is a new row."""

    control_list = models.ForeignKey(ControlList, on_delete=models.PROTECT, related_name="approvals")
    by = fields.word()
    at = models.DateTimeField()
    note = models.TextField(blank=True, default="")


class ControlStatusFields(models.Model):
    """How a control stands, and why, in numbers and a sentence."""

    status = fields.word()
    severity = fields.word()
    reason = models.TextField()
    counts = fields.json()
    observed_at = models.DateTimeField(null=True, default=None)
    """The oldest observation that the status rests on; None if there is none."""
    sweeps = fields.json(list)
    checks = fields.json(list)
    """[[check id, version], …] of every observation that was used."""
    control_list = models.ForeignKey(ControlList, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        """Shared by the current row and its history."""

        abstract = True


class ControlStatus(ControlStatusFields):
    """How a control stands now."""

    control_id = fields.word(primary_key=True)
    since = models.DateTimeField()
    """When this status began."""


class ControlStatusHistory(ControlStatusFields):
    """One row per change of a status. Append-only by trigger; a day's strip follows from the changes."""

    control_id = fields.word()
    at = models.DateTimeField()
    before = fields.word(blank=True, default="")

    class Meta:
        """Read by control and time."""

        indexes = (models.Index(fields=("control_id", "at"), name="status_by_time"),)
