"""Step 6: tasks, their tickets, and accepted risks."""

from __future__ import annotations

import uuid

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.alerts import Alert


class TaskState(models.TextChoices):
    """Only the system says *verified restored*; closing a ticket is a claim."""

    OPEN = "open"
    IN_PROGRESS = "in progress"
    CLAIMED = "fix claimed"
    RESTORED = "verified restored"
    GONE = "verified: resource gone"
    ENDED = "ended"
    """Its alert ended in another way (false positive, check changed): `reason` says which."""


class Task(models.Model):
    """Something a person has to repair, by a date."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    """n of TSK-n."""
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, null=True, related_name="tasks")
    control_id = fields.word(blank=True, default="")
    title = models.TextField()
    body = models.TextField(blank=True, default="")
    severity = fields.word()
    state = fields.word(choices=TaskState, default=TaskState.OPEN)
    reason = models.TextField(blank=True, default="")
    owner = fields.word(blank=True, default="")
    due_at = models.DateTimeField()
    breached_at = models.DateTimeField(null=True, default=None)
    claimed_at = models.DateTimeField(null=True, default=None)
    claimed_by = fields.word(blank=True, default="")
    made_by = fields.word()
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, default=None)
    evidence_before = fields.digest()
    evidence_after = fields.digest()

    class Meta:
        """Read by state and date."""

        indexes = (
            models.Index(fields=("state", "due_at"), name="task_by_due"),
            models.Index(fields=("owner", "state"), name="task_by_owner"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("alert",), condition=models.Q(ended_at__isnull=True), name="one_live_task_per_alert"
            ),
        )

    @property
    def name(self) -> str:
        """Return TSK-n."""
        return f"TSK-{self.number}"


class TaskEvent(models.Model):
    """One step of a task: made, assigned, moved, comment, evidence, claimed. Append-only by trigger."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="events")
    kind = fields.word()
    at = models.DateTimeField()
    actor = fields.word()
    role = fields.word(blank=True, default="")
    text = models.TextField(blank=True, default="")
    before = fields.word(blank=True, default="")
    after = fields.word(blank=True, default="")
    object = fields.digest()
    """Evidence that a person attached."""


class TrackerConfig(models.Model):
    """A configured ticket system. Secrets only as `env:NAME` or `file:/path`."""

    name = fields.word(primary_key=True)
    kind = fields.word()
    settings = fields.json()
    enabled = models.BooleanField(default=True)
    by = fields.word()
    at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True, default=None)
    problem = models.TextField(blank=True, default="")
    removed_at = models.DateTimeField(null=True, default=None)


class Ticket(models.Model):
    """A task's mirror in a tracker, with the steps that still have to be told there."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="tickets")
    tracker = fields.word()
    external_id = fields.word(blank=True, default="")
    """"" until the tracker answered."""
    url = models.TextField(blank=True, default="")
    state = fields.word(blank=True, default="")
    state_name = fields.word(blank=True, default="")
    assignee = fields.word(blank=True, default="")
    read_at = models.DateTimeField(null=True, default=None)

    class Meta:
        """One ticket per task and tracker."""

        constraints = (models.UniqueConstraint(fields=("task", "tracker"), name="one_ticket_per_tracker"),)


class TicketStep(models.Model):
    """One thing to tell a tracker: queued with the change that caused it, done at least once, in order."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="steps")
    kind = fields.word()
    """create, update, comment."""
    body = fields.json()
    state = fields.word(default="queued")
    """queued, done, failed."""
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = fields.word(blank=True, default="")
    leased_until = models.DateTimeField(null=True, default=None)
    answer = models.TextField(blank=True, default="")
    done_at = models.DateTimeField(null=True, default=None)
    perhaps_twice = models.BooleanField(default=False)

    class Meta:
        """Claimed by state and time."""

        indexes = (models.Index(fields=("state", "due_at"), name="ticketstep_by_due"),)


class WebhookDelivery(models.Model):
    """A delivery id that was seen: the same webhook again does nothing."""

    source = fields.word()
    delivery = fields.word()
    at = models.DateTimeField()

    class Meta:
        """Once each."""

        constraints = (models.UniqueConstraint(fields=("source", "delivery"), name="one_row_per_webhook"),)


class RiskAcceptance(models.Model):
    """A failure that is accepted for a time: asked for by one person, approved by another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    """n of RA-n."""
    state = fields.word(default="requested")
    """requested → approved → expired | ended; or refused."""
    scope = fields.json()
    """Any of control, check, connection, account_id, region, resources (list), tag ("key=value")."""
    reason = models.TextField()
    requested_by = fields.word()
    requested_at = models.DateTimeField()
    decided_by = fields.word(blank=True, default="")
    decided_at = models.DateTimeField(null=True, default=None)
    decision_note = models.TextField(blank=True, default="")
    expires_at = models.DateTimeField()
    remind_at = models.DateTimeField(null=True, default=None)
    reminded_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)
    ended_because = models.TextField(blank=True, default="")
    count = models.PositiveBigIntegerField(default=0)
    """How many findings it covered when it was approved."""

    @property
    def name(self) -> str:
        """Return RA-n."""
        return f"RA-{self.number}"
