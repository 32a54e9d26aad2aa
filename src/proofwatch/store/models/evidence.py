"""Step 7: the append-only log, its tiles, its head and its signed checkpoints."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class LogEntry(models.Model):
    """One entry. Append-only by trigger."""

    index = models.PositiveBigIntegerField(primary_key=True)
    entry = models.BinaryField()
    leaf = models.BinaryField(max_length=32)
    """RFC 6962 leaf hash of `entry`."""
    at = models.DateTimeField()
    kind = fields.word(db_index=True)


class LogTile(models.Model):
    """The hashes of one tile of level 1 and up; level 0 is the entries' own leaves. It only grows."""

    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        """One row per tile."""

        constraints = (models.UniqueConstraint(fields=("level", "index"), name="one_row_per_tile"),)


class LogHead(models.Model):
    """The one row that every appending transaction locks. Its size only grows, by trigger."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.BinaryField(default=bytes)
    """The roots of the complete subtrees, largest first, 32 bytes each."""
    at = models.DateTimeField(null=True, default=None)


class Checkpoint(models.Model):
    """One signed head. Append-only by trigger."""

    size = models.PositiveBigIntegerField()
    root = fields.digest()
    note = models.TextField()
    at = models.DateTimeField()
    key = fields.word()

    class Meta:
        """One checkpoint per size and key."""

        constraints = (models.UniqueConstraint(fields=("size", "key"), name="one_checkpoint_per_size"),)
