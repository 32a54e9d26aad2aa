"""The outbox: messages queued in the transaction that caused them, and every attempt to send them."""

from __future__ import annotations

import uuid

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.alerts import Alert


class ChannelConfig(models.Model):
    """A configured channel. Secrets only as `env:NAME` or `file:/path`."""

    name = fields.word(primary_key=True)
    kind = fields.word()
    settings = fields.json()
    enabled = models.BooleanField(default=True)
    reason = models.TextField(blank=True, default="")
    """Why it is off."""
    by = fields.word()
    at = models.DateTimeField()
    tested_at = models.DateTimeField(null=True, default=None)
    tested = models.TextField(blank=True, default="")
    """The provider's answer to the newest test, in short."""
    removed_at = models.DateTimeField(null=True, default=None)


class DeliveryState(models.TextChoices):
    """A message is "accepted by Slack at …", never "delivered"."""

    QUEUED = "queued"
    RETRYING = "retrying"
    ACCEPTED = "accepted"
    FAILED = "failed"
    NOT_SENT = "not sent"


WAITING = (DeliveryState.QUEUED, DeliveryState.RETRYING)


class Delivery(models.Model):
    """One message through one channel. At most one per state change and channel."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Also the idempotency key that the provider gets, where it takes one."""
    key = fields.word(unique=True)
    """thread / happened / event / channel: queuing the same twice is once."""
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, null=True, related_name="deliveries")
    channel = fields.word()
    thread = fields.word(db_index=True)
    happened = fields.word()
    state = fields.word(choices=DeliveryState, default=DeliveryState.QUEUED)
    reason = models.TextField(blank=True, default="")
    """Why it waits, failed or was not sent: silenced by …, grouped into …, quiet hours until …"""
    into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="holds", default=None)
    """The message that told it instead: a digest or the group's first."""
    message = fields.json()
    """The facts (`alerts.channels.base.Message`) as they were when it was queued."""
    created_at = models.DateTimeField()
    order = models.PositiveBigIntegerField(default=0, db_index=True)
    """Counts the messages as they were queued: clocks of several machines would not order them."""
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = fields.word(blank=True, default="")
    leased_until = models.DateTimeField(null=True, default=None)
    sent_at = models.DateTimeField(null=True, default=None)
    """When the provider accepted it."""
    receipt = fields.json()
    """The provider's id and answer, and what the next message of the thread must carry."""
    perhaps_twice = models.BooleanField(default=False)
    """An attempt got no answer, so a second copy may have arrived."""

    class Meta:
        """Claimed by state and time."""

        indexes = (
            models.Index(fields=("state", "due_at"), name="delivery_by_due"),
            models.Index(fields=("channel", "thread", "sent_at"), name="delivery_by_thread"),
        )


class DeliveryAttempt(models.Model):
    """One attempt and what came of it. Append-only by trigger."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    seconds = models.FloatField()
    outcome = fields.word()
    """accepted, retry, failed, unanswered."""
    answer = models.TextField(blank=True, default="")
    retry_after = models.FloatField(null=True, default=None)
