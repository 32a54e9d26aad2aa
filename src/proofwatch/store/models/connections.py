"""Step 2: the configured links to source systems."""

from __future__ import annotations

import uuid

from django.db import models

from proofwatch.store.models import fields


class ConnectionState(models.TextChoices):
    """The states of a connection. *Stale* is not among them: it follows from the clock."""

    NOT_SET_UP = "not set up"
    TESTING = "testing"
    CONNECTED = "connected"
    NEEDS_PERMISSION = "needs permission"
    FAILED = "failed"
    PAUSED = "paused"


class Connection(models.Model):
    """One link to one source system. Removed ones stay, because their evidence does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = fields.word()
    kind = fields.word()
    settings = fields.json()
    """As the connector's Settings class writes them. Secrets only as `env:NAME` or `file:/path`."""
    state = fields.word(choices=ConnectionState, default=ConnectionState.NOT_SET_UP)
    problem = models.TextField(blank=True, default="")
    """The provider's own words where the state is failed; the missing actions where it needs permission."""
    interval_minutes = models.PositiveIntegerField(default=15)
    identity = fields.json()
    read_only = models.BooleanField(null=True, default=None)
    """None: it cannot be told."""
    read_only_proof = fields.digest()
    permissions = fields.json(list)
    scope = fields.json()
    paused_by = fields.word(blank=True, default="")
    paused_reason = models.TextField(blank=True, default="")
    paused_until = models.DateTimeField(null=True, default=None)
    last_attempt_at = models.DateTimeField(null=True, default=None)
    last_complete_at = models.DateTimeField(null=True, default=None)
    next_due_at = models.DateTimeField(null=True, default=None)
    """The next occurrence on the grid of its interval; None until it was connected once."""
    objects_read = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = fields.word()
    removed_at = models.DateTimeField(null=True, default=None)

    class Meta:
        """A removed connection's name may be used again."""

        constraints = (
            models.UniqueConstraint(
                fields=("name",), condition=models.Q(removed_at__isnull=True), name="one_connection_per_name"
            ),
        )

    def __str__(self) -> str:
        """Return its name."""
        return str(self.name)
