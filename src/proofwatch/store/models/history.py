"""What left the database for the object store: one file of rows per table and month."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class PartitionState(models.TextChoices):
    """Where the rows of a partition are. They are in its object in every state."""

    LEAVING = "leaving"
    """The object and its log entry are committed; the rows are being deleted here."""
    AWAY = "away"
    """No row of it is here."""
    COMING = "coming"
    """Rows are being written back; some are here."""
    BROUGHT = "brought"
    """All rows are here again, until `brought_until`."""


class HistoryPartition(models.Model):
    """Rows of one history table and month as one object. By trigger only its last two columns may change."""

    table = fields.word()
    month = fields.word()
    """As 2025-01, of the time at which the rows were observed, in UTC."""
    part = models.PositiveIntegerField()
    """From 1. Rows that could not leave with the first part leave with a later one."""
    digest = fields.digest()
    size = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    content = fields.digest()
    """SHA-256 of the rows as lines of JSON by primary key: what the file says, whoever wrote it."""
    columns = fields.json(list)
    first_id = models.PositiveBigIntegerField()
    last_id = models.PositiveBigIntegerField()
    entry = models.PositiveBigIntegerField()
    """Index of the log entry that names the object."""
    archived_at = models.DateTimeField()
    state = fields.word(choices=PartitionState, default=PartitionState.LEAVING)
    brought_until = models.DateTimeField(null=True, default=None)

    class Meta:
        """One of each part."""

        constraints = (
            models.UniqueConstraint(fields=("table", "month", "part"), name="one_partition_per_part"),
        )

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"{self.table} of {self.month}" + (f", part {self.part}" if self.part > 1 else "")
