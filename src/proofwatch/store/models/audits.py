"""Step 7: the observation periods that audits look at, and the evidence that people add by hand."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class Audit(models.Model):
    """One audit: the days that it looks at, and who does it. Its changes stand in the log."""

    name = fields.word(primary_key=True)
    framework = fields.word(default="soc2")
    first = models.DateField()
    last = models.DateField()
    """Both days belong to the observation period, in UTC."""
    auditor = fields.word(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    by = fields.word()
    at = models.DateTimeField()


class ManualEvidence(models.Model):
    """A document that a person added for a control that no reading can show. Append-only by trigger."""

    number = models.PositiveIntegerField(unique=True)
    """EV-1, EV-2 … in the order of adding."""
    title = fields.word()
    control_id = fields.word()
    about = models.TextField()
    """What it shows."""
    source = fields.word()
    """Where it comes from: the system, the meeting, the person."""
    effective_from = models.DateField()
    effective_to = models.DateField()
    """The days that it speaks of, which are not the day on which it was added."""
    task = fields.word(blank=True, default="")
    filename = fields.word()
    media_type = fields.word()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    by = fields.word()
    at = models.DateTimeField()

    class Meta:
        """Read by control."""

        indexes = (models.Index(fields=("control_id", "number"), name="evidence_by_control"),)

    @property
    def name(self) -> str:
        """Return what people call it: EV-7."""
        return f"EV-{self.number}"
