"""Step 2: the sweeps of a connection, and what each could and could not read."""

from __future__ import annotations

import uuid

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection


class Trigger(models.TextChoices):
    """Why a sweep exists."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    DEMO = "demo"
    EVENT = "event"
    """The source said that something changed: only the tables that it touches are read."""
    CLAIM = "claim"
    """Somebody said that something is repaired."""


class SweepState(models.TextChoices):
    """How far a sweep came. The last five are ends; nothing leaves them."""

    PLANNED = "planned"
    COLLECTING = "collecting"
    SNAPSHOTTING = "snapshotting"
    EVALUATING = "evaluating"
    APPLYING = "applying"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


RUNNING = (
    SweepState.PLANNED,
    SweepState.COLLECTING,
    SweepState.SNAPSHOTTING,
    SweepState.EVALUATING,
    SweepState.APPLYING,
)
APPLIED = (SweepState.COMPLETE, SweepState.PARTIAL)


class Sweep(models.Model):
    """One collection and evaluation of a connection, or the reason why a due one did not happen."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="sweeps")
    slot = models.DateTimeField()
    """The occurrence it serves; for a manual one, the moment it was asked for."""
    trigger = fields.word(choices=Trigger)
    state = fields.word(choices=SweepState, default=SweepState.PLANNED)
    observed_at = models.DateTimeField(null=True, default=None)
    """Fixed when collecting starts, and what `$now` means in its checks, also after a restart."""
    started_at = models.DateTimeField(null=True, default=None)
    finished_at = models.DateTimeField(null=True, default=None)
    plan = fields.digest()
    unknown = fields.json(list)
    """What exists at the source and could not be listed, in sentences."""
    tables = fields.json(list)
    counts = fields.json()
    manifest = fields.digest()
    """The object that holds every check's outcome in this sweep."""
    evaluation = fields.digest()
    """The object that says which verdicts were judged on which rows: see `reports.results`."""
    error = models.TextField(blank=True, default="")
    actor = fields.word()
    read = models.PositiveIntegerField(default=0, db_default=0)
    """Tables, each in one place, that were read or given up so far."""
    to_read = models.PositiveIntegerField(default=0, db_default=0)
    lost = models.PositiveIntegerField(default=0, db_default=0)
    """Those of them whose workers could not read them."""
    reads_object = fields.digest(db_default="")
    """The object that lists how each reading went; "" where the rows of `ShardRead` do."""
    reads_count = models.PositiveIntegerField(default=0, db_default=0)
    """Readings in that object; then those of them that failed, and those that lack something."""
    reads_failed = models.PositiveIntegerField(default=0, db_default=0)
    reads_lacking = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """One sweep per occurrence, whoever plans it."""

        constraints = (models.UniqueConstraint(fields=("connection", "slot"), name="one_sweep_per_slot"),)
        indexes = (models.Index(fields=("connection", "state", "observed_at"), name="sweep_by_time"),)


class ShardRead(models.Model):
    """How the reading of one table in one place went, in one sweep.

    A sweep of very many readings has an object that lists them all (`Sweep.reads_object`), and rows of some
    that failed or lack something: see `services.reads`.
    """

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="reads")
    account_id = fields.word()
    region = fields.word()
    table = fields.word()
    state = fields.word(choices=(("complete", "complete"), ("failed", "failed")))
    rows = models.PositiveBigIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, default="")
    permission = models.TextField(blank=True, default="")
    code = models.TextField(blank=True, default="")
    lacking = models.PositiveIntegerField(default=0)
    """Rows of which something could not be read: their checks are inconclusive."""
    lacking_why = models.TextField(blank=True, default="")

    class Meta:
        """A repeated reading replaces the row of the same sweep."""

        constraints = (
            models.UniqueConstraint(
                fields=("sweep", "table", "account_id", "region"), name="one_read_per_place"
            ),
        )
