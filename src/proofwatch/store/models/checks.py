"""Step 3: which checks are on, with what parameters, and what each found in each sweep."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.sweeps import Sweep


class CheckSettingFields(models.Model):
    """What a person decided about a check. `counter` counts the decisions, from 1."""

    enabled = models.BooleanField(default=True)
    params = fields.json()
    reason = models.TextField(blank=True, default="")
    by = fields.word()
    at = models.DateTimeField()
    counter = models.PositiveIntegerField(default=1)

    class Meta:
        """Shared by the current row and its history."""

        abstract = True


class CheckSetting(CheckSettingFields):
    """The decision in force. A check without a row is on, with its own parameters."""

    check_id = fields.word(primary_key=True)


class CheckSettingHistory(CheckSettingFields):
    """Every decision ever taken. Append-only by trigger."""

    check_id = fields.word()

    class Meta:
        """One row per decision."""

        constraints = (
            models.UniqueConstraint(fields=("check_id", "counter"), name="one_row_per_check_decision"),
        )


class CheckRun(models.Model):
    """What one check found in one sweep. There is one whenever the check was due, whatever happened."""

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="check_runs")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+", db_index=False)
    latest = models.BooleanField(default=True)
    """True for the newest run of a check on a connection."""
    observed_at = models.DateTimeField()
    check_id = fields.word()
    check_version = fields.word()
    table = fields.word()
    severity = fields.word()
    params = fields.json()
    passed = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    inconclusive = models.PositiveBigIntegerField(default=0)
    not_applicable = models.PositiveBigIntegerField(default=0)
    accepted = models.PositiveBigIntegerField(default=0)
    results = fields.digest()
    """The object with a verdict for every resource; "" if the check could not be evaluated at all."""
    reason = models.TextField(blank=True, default="")
    """Why it could not be evaluated; "" where it was."""
    worst = models.TextField(blank=True, default="")
    """The reason of one failing (else inconclusive) result."""
    unread = fields.json(list)
    """[[account_id, region, reason, permission], …]: the places without a verdict."""

    class Meta:
        """One run per check and sweep; read by check, the newest first."""

        constraints = (
            models.UniqueConstraint(fields=("sweep", "check_id"), name="one_run_per_check"),
            models.UniqueConstraint(
                fields=("connection", "check_id"), condition=models.Q(latest=True), name="one_latest_run"
            ),
        )
        indexes = (models.Index(fields=("check_id", "connection", "observed_at"), name="run_by_time"),)


class ResultObject(models.Model):
    """The verdicts of one table in one sweep: what object, judged on what, by which checks."""

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="result_objects")
    table = fields.word()
    digest = fields.digest()
    manifest = fields.digest()
    """The snapshot it was judged on; "" for a table that was never read."""
    checks = fields.json(list)
    """[[check id, version], …] in the order of the object's columns."""

    class Meta:
        """One object per table and sweep."""

        constraints = (models.UniqueConstraint(fields=("sweep", "table"), name="one_result_per_table"),)
