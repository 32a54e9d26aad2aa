"""Step 2: the tables as they stood after each sweep, and the places that nobody reads."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.sweeps import Sweep


class TableState(models.Model):
    """One table after one sweep: the digest of its manifest object, and of all its rows."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="table_states")
    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="table_states")
    table = fields.word()
    manifest = fields.digest()
    digest = fields.digest()
    rows = models.PositiveBigIntegerField(default=0)
    added = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    removed = models.PositiveBigIntegerField(default=0)
    latest = models.BooleanField(default=False)
    """The newest of its table that was applied; set in the transaction that applies its sweep."""

    class Meta:
        """One state per table and sweep."""

        constraints = (models.UniqueConstraint(fields=("sweep", "table"), name="one_state_per_table"),)
        indexes = (
            models.Index(fields=("connection", "table"), name="state_by_table"),
            models.Index(fields=("connection",), name="state_now", condition=models.Q(latest=True)),
        )


class CoverageGap(models.Model):
    """A place that exists at the provider and was not read in a sweep, with the reason."""

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="gaps")
    account_id = fields.word()
    account_name = fields.word(blank=True, default="")
    region = fields.word()
    reason = models.TextField()

    class Meta:
        """One gap per place and sweep."""

        constraints = (
            models.UniqueConstraint(fields=("sweep", "account_id", "region"), name="one_gap_per_place"),
        )
