"""Step 7: who keeps checkpoints outside, and what each was given and said."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class Keeper(models.Model):
    """Who is given checkpoints: a mail box, a bucket, a repository, a witness, a time-stamp authority."""

    name = fields.word(primary_key=True)
    kind = fields.word()
    settings = fields.json()
    interval_minutes = models.PositiveIntegerField()
    next_due_at = models.DateTimeField()
    enabled = models.BooleanField(default=True)
    by = fields.word()
    at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, default=None)


ALARMING = ("rewritten", "was cut", "holds other bytes")
"""What a refusal says where it is not a fault of the way there, but what all this is for."""


class KeptCheckpoint(models.Model):
    """One attempt to give a checkpoint to a keeper. Append-only by trigger."""

    keeper = fields.word()
    kind = fields.word()
    size = models.PositiveBigIntegerField()
    """Entries under the checkpoint that was given."""
    root = fields.digest()
    state = fields.word(choices=(("accepted", "accepted"), ("failed", "failed")))
    reference = models.TextField(blank=True, default="")
    """What the keeper calls it: a version, a commit, a message, the time that it stamped."""
    proof = fields.digest()
    """The object with what the keeper answered (a time-stamp token, a cosigned checkpoint); "" if nothing."""
    error = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        """Read by keeper, the newest first, and by size."""

        indexes = (
            models.Index(fields=("keeper", "at"), name="kept_by_keeper"),
            models.Index(fields=("size",), name="kept_by_size"),
        )

    @property
    def alarming(self) -> bool:
        """Tell whether the keeper says that the log is not the one that it knew."""
        return self.state == "failed" and any(word in self.error for word in ALARMING)
