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
