"""Work that some worker must do once, as rows that are leased."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection


class JobState(models.TextChoices):
    """Pending until claimed; `dead` after too many attempts."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class Job(models.Model):
    """One piece of work. (kind, key) names it, so that enqueuing twice is once."""

    kind = fields.word()
    key = fields.word()
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, null=True, related_name="jobs")
    due_at = models.DateTimeField()
    state = fields.word(choices=JobState, default=JobState.PENDING)
    lease_owner = fields.word(blank=True, default="")
    leased_until = models.DateTimeField(null=True, default=None)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    finished_at = models.DateTimeField(null=True, default=None)

    class Meta:
        """Claimed by state and time."""

        constraints = (models.UniqueConstraint(fields=("kind", "key"), name="one_job_per_key"),)
        indexes = (models.Index(fields=("state", "due_at"), name="job_by_due"),)


class Hook(models.Model):
    """An address at which a source system may say that something changed. Secrets only by reference."""

    name = fields.word(primary_key=True)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="hooks")
    kind = fields.word()
    settings = fields.json()
    enabled = models.BooleanField(default=True)
    by = fields.word()
    at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True, default=None)
    refused_at = models.DateTimeField(null=True, default=None)
    refused = models.TextField(blank=True, default="")
    """Why the newest refused request was refused."""
    removed_at = models.DateTimeField(null=True, default=None)


class Hint(models.Model):
    """A table to read again, because an event said so. It goes when a sweep that began later has read it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="hints")
    table = fields.word()
    account_id = fields.word(blank=True, default="")
    region = fields.word(blank=True, default="")
    heard_at = models.DateTimeField()
    """When the first event of this hint was heard."""
    events = models.PositiveBigIntegerField(default=1)
    tries = models.PositiveSmallIntegerField(default=0)
    """Sweeps that could not read it completely."""
    due_at = models.DateTimeField(null=True, default=None)
    """When it is tried again; None: at once."""

    class Meta:
        """Once per place, however many events there are."""

        constraints = (
            models.UniqueConstraint(
                fields=("connection", "table", "account_id", "region"), name="one_hint_per_place"
            ),
        )
